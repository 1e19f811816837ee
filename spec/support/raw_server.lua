--- A TCP server that does what it is told, byte by byte. What it does stands, as hex digits, in the first
-- segment of the path: a program for each request, the last one repeats. A program is lines:
--
--   send TEXT      with %XX for any byte
--   many N TEXT    the same, N times
--   wait SECONDS
--   hold           until release() is called
--   close          the connection
--   reset          the same, with an RST
--   early          first line: begins when the head has come, and reads no body
--
-- Then it reads the connection's next request.

local function unescape(text)
  return (text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function unhex(text)
  return (text:gsub("%x%x", function(hex) return string.char(tonumber(hex, 16)) end))
end

local function serve()
  local socket = require "socket"
  local listener = assert(socket.bind("127.0.0.1", 0, 1024))
  listener:settimeout(0)
  local waiting, counts, logs, connection_count, released, held = {}, {}, {}, 0, {}, {}

  local function quote(text)
    return '"' .. text:gsub('[%c"\\\127-\255]', function(c) return ("\\u%04x"):format(c:byte()) end) .. '"'
  end

  -- In a connection's coroutine: what it waits for is yielded.
  local function send(client, text)
    local from = 1
    while from <= #text do
      local last, problem, partial = client:send(text, from)
      if problem == "closed" then return end
      from = (last or partial or from - 1) + 1
      if from <= #text then coroutine.yield { write = client } end
    end
  end

  local steps = {}
  function steps.send(client, text) send(client, unescape(text)) end
  function steps.many(client, text)
    local count, rest = text:match("^(%d+) (.*)$")
    send(client, unescape(rest):rep(tonumber(count)))
  end
  function steps.wait(_, text) coroutine.yield { at = socket.gettime() + tonumber(text) } end
  function steps.hold(_, _, id)
    held[id] = (held[id] or 0) + 1
    while not released[id] do coroutine.yield { at = socket.gettime() + 0.005 } end
  end
  function steps.close() return true end
  function steps.reset(client)
    client:setoption("linger", { on = true, timeout = 0 })
    return true
  end

  local function more(client, buffer)
    coroutine.yield { read = client }
    local chunk, problem, partial = client:receive(65536)
    local text = chunk or partial or ""
    if text == "" and problem == "closed" then return nil end
    return buffer .. text
  end

  local function control(client, path)
    local verb, id = path:match("^/_(%a+)/(.*)$")
    local text = "{}"
    if verb == "release" then released[id] = true end
    if verb == "held" then text = tostring(held[id] or 0) end
    if verb == "log" then text = '{"requests":[' .. table.concat(logs[id] or {}, ",") .. "]}" end
    send(client, ("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s"):format(#text, text))
  end

  local function program_of(id)
    counts[id] = (counts[id] or 0) + 1
    local list = {}
    for program in (unhex(id:match("^%x*")) .. "\n\n"):gmatch("(.-)\n\n") do list[#list + 1] = program end
    return list[math.min(counts[id], #list)]
  end

  local function log(id, number, head, body)
    logs[id] = logs[id] or {}
    table.insert(logs[id], ('{"connection":%d,"head":%s,"body":%s}'):format(number, quote(head), quote(body)))
  end

  -- @return true to end the connection
  local function run(client, program, id)
    for line in program:gmatch("[^\n]+") do
      local verb, rest = line:match("^(%a+) ?(.*)$")
      if verb ~= "early" and steps[verb](client, rest, id) then return true end
    end
  end

  local function converse(client, number)
    local buffer = ""
    while true do
      local head, at = buffer:match("^(.-\r\n)\r\n()")
      if not head then
        buffer = more(client, buffer)
        if not buffer then return end
      else
        local path = head:match("^%S+ (%S+)")
        if path:find("^/_") then
          control(client, path)
          buffer = buffer:sub(at)
        else
          local id = path:match("^/([^/]*)")
          local program = program_of(id)
          local length = tonumber(head:lower():match("\r\ncontent%-length: *(%d+)") or 0)
          while not program:find("^early") and #buffer < at + length - 1 do
            buffer = more(client, buffer)
            if not buffer then return end
          end
          log(id, number, head, buffer:sub(at, at + length - 1))
          buffer = buffer:sub(at + length)
          if run(client, program, id) then return end
        end
      end
    end
  end

  local function step(task)
    local ok, wants = coroutine.resume(task.co, task.client, task.number)
    if not ok then io.stderr:write(tostring(wants), "\n") end
    if coroutine.status(task.co) == "dead" then
      waiting[task] = nil
      task.client:close()
    else
      waiting[task] = wants
    end
  end

  print("raw server ready at http://127.0.0.1:" .. select(2, listener:getsockname()))
  io.stdout:flush()
  while true do
    local reads, writes, soonest = { listener }, {}, 1
    for _, wants in pairs(waiting) do
      if wants.read then reads[#reads + 1] = wants.read end
      if wants.write then writes[#writes + 1] = wants.write end
      if wants.at then soonest = math.max(0, math.min(soonest, wants.at - socket.gettime())) end
    end
    local readable, writable = socket.select(reads, writes, soonest)
    local due, now = {}, socket.gettime()
    for task, wants in pairs(waiting) do
      local ready = wants.read and readable[wants.read] or wants.write and writable[wants.write]
      if ready or wants.at and wants.at <= now then due[#due + 1] = task end
    end
    for _, task in ipairs(due) do step(task) end
    local client = listener:accept()
    while client do
      client:settimeout(0)
      client:setoption("tcp-nodelay", true)
      connection_count = connection_count + 1
      step { co = coroutine.create(converse), client = client, number = connection_count }
      client = listener:accept()
    end
  end
end

if ... == nil then
  serve()
end

local raw_server = {}
local server = {}
server.__index = server

--- Starts the server.
function raw_server.start()
  local process = require "spec.support.process"
  local running = process.start { bin = "lua5.4", "spec/support/raw_server.lua" }
  return setmetatable({ process = running, origin = running.url, count = 0 }, server)
end

--- The text of an answer: lines of its head, then its body.
function raw_server.answer(head, body)
  return (head:gsub("\n", "\r\n")) .. "\r\n\r\n" .. (body or "")
end

--- A line of a program that sends bytes.
function raw_server.send(text)
  return "send " .. text:gsub("[%c%%]", function(c) return ("%%%02X"):format(c:byte()) end)
end

--- An address that behaves as its programs say; each call gives another one.
function server:url(...)
  self.count = self.count + 1
  local text = table.concat({ ... }, "\n\n")
  return ("%s/%s.%d"):format(self.origin, text:gsub(".", function(c) return ("%02x"):format(c:byte()) end), self.count)
end

local function ask(self, verb, address)
  local http = require "mavilua.http"
  local id = address:match("//[^/]+/([^/]+)")
  return assert(http.get(("%s/_%s/%s"):format(self.origin, verb, id)))
end

--- What arrived for an address: a list of {connection (number), head, body}.
function server:requests(address)
  return assert(ask(self, "log", address):json()).requests
end

--- How many requests of an address are held.
function server:held(address)
  return tonumber(ask(self, "held", address).body)
end

--- Lets go of those.
function server:release(address)
  ask(self, "release", address)
end

function server:stop()
  return self.process:stop()
end

return raw_server
