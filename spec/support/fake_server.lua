--- An HTTP server that misbehaves as it is told, on real sockets. How it answers stands in the first
-- segment of the path, so a client's base_url chooses it:
--
--   delay=0.3              answers after so many seconds
--   status=503,503,200     the first request gets the first status, …; the last one repeats
--   drop=2                 the first two requests are read and get no answer: the connection is closed
--   garbage=1              answers with what is not HTTP
--   truncate=1             announces more bytes than it sends
--   location=ADDRESS       a redirect (with status=302)
--   retry_after=1          the header Retry-After
--   body=TEXT              the answer's body; otherwise JSON that tells what was received
--   size=100000            a body of so many bytes
--   close=1                closes the connection after each answer
--   id=…                   keeps the counts of one test apart from another's
--
-- Started as a program it prints one line with three addresses: of itself, of a port that closes every
-- connection before reading, and of a port where nobody listens.

local function decode_percent(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function serve()
  local socket = require "socket"
  local connections, timers, counts, logs, next_connection = {}, {}, {}, {}, 0

  local function quote(text)
    return '"' .. text:gsub('[%c"\\\127-\255]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  end

  local function listen()
    local listener = assert(socket.bind("127.0.0.1", 0, 1024))
    listener:settimeout(0)
    return listener, "http://127.0.0.1:" .. select(2, listener:getsockname())
  end

  local function close(connection)
    connection.socket:close()
    connections[connection.socket] = nil
  end

  local function behaviour(segment)
    local how = {}
    for name, value in segment:gmatch("([%w_]+)=([^&]*)") do how[name] = decode_percent(value) end
    return how
  end

  local function nth_status(how, n)
    local list = {}
    for status in (how.status or "200"):gmatch("%d+") do list[#list + 1] = status end
    return list[math.min(n, #list)]
  end

  local function logged(request)
    local headers = {}
    for name, value in pairs(request.headers) do
      headers[#headers + 1] = quote(name) .. ":" .. quote(value)
    end
    return ('{"method":%s,"path":%s,"body":%s,"connection":%d,"at":%.6f,"headers":{%s}}'):format(
      quote(request.method), quote(request.path), quote(request.body), request.connection, socket.gettime(),
      table.concat(headers, ","))
  end

  local function answer_text(how, status, body)
    local lines = { "HTTP/1.1 " .. status .. " Told", "Content-Type: application/json" }
    lines[#lines + 1] = "Content-Length: " .. #body + (how.truncate and 10 or 0)
    if how.location then lines[#lines + 1] = "Location: " .. how.location end
    if how.retry_after then lines[#lines + 1] = "Retry-After: " .. how.retry_after end
    if how.close then lines[#lines + 1] = "Connection: close" end
    return table.concat(lines, "\r\n") .. "\r\n\r\n" .. body
  end

  local function write(connection, text, last)
    connection.socket:settimeout(5)
    connection.socket:send(text)
    connection.socket:settimeout(0)
    if last then close(connection) else connection.busy = false end
  end

  local function log_answer(segment)
    return ('{"requests":[%s]}'):format(table.concat(logs[segment] or {}, ","))
  end

  local function answer(connection, request)
    if request.path:find("^/_log/") then
      return write(connection, answer_text({}, "200", log_answer(request.path:sub(7))))
    end
    local segment = request.path:match("^/([^/?]*)")
    local how = behaviour(segment)
    local n = (counts[segment] or 0) + 1
    counts[segment] = n
    logs[segment] = logs[segment] or {}
    logs[segment][n] = logged(request)
    if tonumber(how.drop or 0) >= n then return close(connection) end
    if how.garbage then return write(connection, "I do not speak HTTP\r\n\r\n", true) end
    local told = ('{"status":"success","n":%d,"request":%s}'):format(n, logs[segment][n])
    local body = how.size and ("x"):rep(tonumber(how.size)) or how.body or told
    local text = answer_text(how, nth_status(how, n), body)
    local function finish() write(connection, text, how.close or how.truncate) end
    if not how.delay then return finish() end
    local at = socket.gettime() + tonumber(how.delay)
    timers[#timers + 1] = { at = at, run = finish, connection = connection }
  end

  -- Takes one whole request out of the connection's buffer, or nil.
  local function take_request(connection)
    local head, after = connection.buffer:match("^(.-)\r\n\r\n()")
    if not head then return nil end
    local method, path = head:match("^(%S+) (%S+)")
    local headers = {}
    for name, value in head:gmatch("\r\n([^:\r\n]+): ?([^\r\n]*)") do headers[name:lower()] = value end
    local length = tonumber(headers["content-length"] or 0)
    if #connection.buffer < after + length - 1 then return nil end
    local body = connection.buffer:sub(after, after + length - 1)
    connection.buffer = connection.buffer:sub(after + length)
    return { method = method, path = path, headers = headers, body = body, connection = connection.id }
  end

  local function receive(connection)
    local chunk, problem, partial = connection.socket:receive(65536)
    connection.buffer = connection.buffer .. (chunk or partial or "")
    if problem == "closed" then return close(connection) end
    if connection.busy then return end
    local request = take_request(connection)
    if not request then return end
    connection.busy = true
    answer(connection, request)
  end

  local function accept(listener)
    local client = listener:accept()
    while client do
      client:settimeout(0)
      client:setoption("tcp-nodelay", true)
      next_connection = next_connection + 1
      connections[client] = { socket = client, buffer = "", id = next_connection }
      client = listener:accept()
    end
  end

  local function run_timers()
    local now, waiting, soonest = socket.gettime(), {}, 1
    local due = timers
    timers = waiting
    for _, timer in ipairs(due) do
      if timer.at > now then
        waiting[#waiting + 1] = timer
        soonest = math.min(soonest, timer.at - now)
      elseif connections[timer.connection.socket] then
        timer.run()
      end
    end
    return soonest
  end

  local main, url = listen()
  local dropping, dropping_url = listen()
  local closed = assert(socket.tcp4())
  assert(closed:bind("127.0.0.1", 0))
  local closed_url = "http://127.0.0.1:" .. select(2, closed:getsockname())
  print(("fake server ready at %s %s %s"):format(url, dropping_url, closed_url))
  io.stdout:flush()
  while true do
    local wait = run_timers()
    local list = { main, dropping }
    for sock in pairs(connections) do list[#list + 1] = sock end
    for _, sock in ipairs((socket.select(list, nil, wait))) do
      if sock == main then
        accept(main)
      elseif sock == dropping then
        local client = dropping:accept()
        if client then client:close() end
      elseif connections[sock] then
        receive(connections[sock])
      end
    end
  end
end

if ... == nil then
  serve()
end

local fake_server = {}
local server = {}
server.__index = server

--- Starts the server. @return object with `url{…}`, `requests(url)`, `stop()`, `dropping_url`, `closed_url`
function fake_server.start()
  local process = require "spec.support.process"
  local running = process.start { bin = "lua5.4", "spec/support/fake_server.lua", ready = " ready at (%S+)" }
  local dropping, closed = running.ready:match("at %S+ (%S+) (%S+)")
  return setmetatable({
    process = running, origin = running.url, dropping_url = dropping, closed_url = closed, tests = 0,
  }, server)
end

--- An address with behaviour; each call gives another one, so counts start anew.
function server:url(how)
  self.tests = self.tests + 1
  local parts = { "id=" .. self.tests }
  for name, value in pairs(how or {}) do
    local text = tostring(value):gsub("[^%w%-%._~,]", function(c) return ("%%%02X"):format(c:byte()) end)
    parts[#parts + 1] = name .. "=" .. text
  end
  return self.origin .. "/" .. table.concat(parts, "&")
end

--- What arrived for an address of `url`: a list of {method, path, body, headers, connection, at}.
function server:requests(address)
  local http = require "mavilua.http"
  local reply = assert(http.get(self.origin .. "/_log/" .. address:match("//[^/]+/([^/]+)")))
  return assert(reply:json()).requests
end

function server:stop()
  return self.process:stop()
end

return fake_server
