--- HTTP over a bare socket, for specs that must not wait for the answer where they ask.
local socket = require "socket"

local raw = {}
local call = {}
call.__index = call

--- Sends a request and returns at once. @param body text or nil
function raw.send(url, method, path, body)
  local host, port = url:match "^http://([%d.]+):(%d+)"
  local connection = assert(socket.connect(host, tonumber(port)))
  assert(connection:send(("%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s")
    :format(method, path, #(body or ""), body or "")))
  return setmetatable({ connection = connection }, call)
end

--- Whether the answer has begun to come.
function call:is_answered()
  return #socket.select({ self.connection }, nil, 0) > 0
end

--- Waits for the end of the answer. @return status, body
function call:read()
  self.connection:settimeout(20)
  local text = assert(self.connection:receive("*a"))
  self:close()
  return tonumber(text:match "^HTTP/%S+ (%d+)"), (text:match "\r\n\r\n(.*)$")
end

function call:close()
  self.connection:close()
end

return raw
