--- Ports for servers that are stopped and started again, or cannot take port 0 themselves.
local socket = require "socket"
local process = require "spec.support.process"

local ports = {}

local COUNT = 16384

-- Port 0, and connections, get theirs from this on: one of those is soon somebody else's.
local above = tonumber(process.read "/proc/sys/net/ipv4/ip_local_port_range":match "%d+") or 0
if above < COUNT + 1024 then above = 32768 end -- there is no room below

-- Not math.random: spec files that begin in the same second have the same seed.
local function random()
  local file = assert(io.open("/dev/urandom", "rb"))
  local high, low = file:read(2):byte(1, 2)
  file:close()
  return high * 256 + low
end

--- A port of 127.0.0.1 that is free, and that nobody gets who does not ask for it by number.
function ports.free()
  for _ = 1, 100 do
    local port = above - COUNT + random() % COUNT
    local listener = socket.bind("127.0.0.1", port)
    if listener then
      listener:close()
      return port
    end
  end
  error("no port free below " .. above)
end

return ports
