--- A DNS server for specs: lua5.4 dns_server.lua. It knows platform.test and four.test (127.0.0.1) and six.test
-- (::1), says nothing about silent.test, and that nothing else exists.
local socket = require "socket"

local names = {
  ["platform.test"] = { "\127\0\0\1" },
  ["four.test"] = { "\127\0\0\1" },
  ["six.test"] = { nil, ("\0"):rep(15) .. "\1" },
}

local function name_of(packet)
  local labels, at = {}, 13
  while packet:byte(at) ~= 0 do
    local length = packet:byte(at)
    labels[#labels + 1] = packet:sub(at + 1, at + length)
    at = at + 1 + length
  end
  return table.concat(labels, "."), packet:sub(13, at + 4), packet:byte(at + 2)
end

local function word(number)
  return string.char(number // 256, number % 256)
end

local function answer(packet)
  local name, question, kind = name_of(packet)
  if name == "silent.test" then return nil end
  local known = names[name]
  local data = known and known[kind == 1 and 1 or kind == 28 and 2 or 3]
  local flags = known and "\x81\x80" or "\x81\x83"
  local head = packet:sub(1, 2) .. flags .. word(1) .. word(data and 1 or 0) .. word(0) .. word(0)
  if not data then return head .. question end
  return head .. question .. "\xc0\x0c" .. word(kind) .. word(1) .. word(0) .. word(60) .. word(#data) .. data
end

local server = assert(socket.udp4())
assert(server:setsockname("127.0.0.1", 0))
print("dns server ready at 127.0.0.1:" .. select(2, server:getsockname()))
io.stdout:flush()
while true do
  local packet, address, port = server:receivefrom()
  local reply = packet and answer(packet)
  if reply then server:sendto(reply, address, port) end
end
