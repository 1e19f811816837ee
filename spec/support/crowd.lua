--- Opens many connections to a server and keeps them: idle ones, and ones that send a byte now and then.
-- usage: crowd.lua HOST PORT OWN_ADDRESS IDLE DRIPPING; prints "crowd ready at HOST" once all are open, ends with
-- its standard input.
local socket = require "socket"

local host, port, own = arg[1], tonumber(arg[2]), arg[3]
local idle, dripping = tonumber(arg[4]), tonumber(arg[5])
local all, drips = {}, {}

local function dial()
  local tcp = assert(socket.tcp())
  assert(tcp:bind(own, 0))
  assert(tcp:connect(host, port))
  all[#all + 1] = tcp
  return tcp
end

for _ = 1, idle do dial() end
for i = 1, dripping do drips[i] = dial() end

local text = "POST /webhook/x HTTP/1.1\r\nHost: x\r\nX-Slow: " .. ("x"):rep(1000)
print("crowd ready at " .. host)
io.stdout:flush()
for i = 1, #text do
  for _, tcp in ipairs(drips) do tcp:send(text:sub(i, i)) end
  socket.sleep(0.2)
end
