-- A small HTTP server for specs, many connections at a time: lua5.4 http_server.lua
-- Prints "http server ready at URL"; ends on a signal. By path:
--   /echo            what it got, as lines: method, target, headers, an empty line, body
--   /delay/SECONDS   "ok" after that time
--   /status/CODE     that status
--   /drop            closes without an answer once the request is read
--   /bytes/COUNT     a body of so many bytes
--   /repeated        two headers of the same name
local socket = require "socket"

local listener = assert(socket.bind("127.0.0.1", 0, 512))
local _, port = listener:getsockname()
io.write("http server ready at http://127.0.0.1:", port, "\n")
io.flush()
listener:settimeout(0)

local clients, due = {}, {}

local function close(client)
  clients[client] = nil
  client:close()
end

local function reply(client, status, body, more)
  client:settimeout(10)
  client:send(("HTTP/1.1 %d Word\r\nContent-Length: %d\r\nX-Server: spec\r\n%s\r\n%s")
    :format(status, #body, more or "", body))
  client:settimeout(0)
end

local function handle(client, head, body)
  local method, target = head:match "^(%S+) (%S+)"
  local verb, value = target:match "^/(%a+)/?([^?]*)"
  if verb == "echo" then
    reply(client, 200, method .. " " .. target .. "\n" .. head:gsub("^[^\n]*\n", "") .. "\n" .. body)
  elseif verb == "delay" then due[#due + 1] = { at = socket.gettime() + tonumber(value), client = client }
  elseif verb == "status" then reply(client, tonumber(value), "status " .. value, "Retry-After: 7\r\n")
  elseif verb == "drop" then close(client)
  elseif verb == "bytes" then reply(client, 200, ("x"):rep(tonumber(value)))
  elseif verb == "repeated" then reply(client, 200, "", "X-Two: a\r\nX-Two: b\r\n")
  else reply(client, 404, "") end
end

local function read(client)
  local data, problem, part = client:receive(65536)
  local text = clients[client] .. (data or part or "")
  clients[client] = text
  local head, rest = text:match "^(.-\r\n)\r\n(.*)$"
  local length = head and tonumber(head:lower():match "content%-length: *(%d+)" or 0)
  if head and #rest >= length then
    clients[client] = rest:sub(length + 1)
    handle(client, head, rest:sub(1, length))
  elseif problem == "closed" then
    close(client)
  end
end

local function accept()
  local client = listener:accept()
  while client do
    client:settimeout(0)
    clients[client] = ""
    client = listener:accept()
  end
end

local function answer_due()
  local now = socket.gettime()
  for i = #due, 1, -1 do
    if due[i].at <= now then
      local client = table.remove(due, i).client
      if clients[client] then reply(client, 200, "ok") end
    end
  end
end

while true do
  local sockets = { listener }
  for client in pairs(clients) do sockets[#sockets + 1] = client end
  for _, ready in ipairs((socket.select(sockets, nil, #due > 0 and 0.005 or 1))) do
    if ready == listener then accept() elseif clients[ready] then read(ready) end
  end
  answer_due()
end
