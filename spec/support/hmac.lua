--- HMAC-SHA256 and base64 in plain Lua 5.4: what a sender of signed webhooks does, made without the program.
local hmac = {}

local function fractional(root, count)
  local words, n = {}, 2
  while #words < count do
    local prime = true
    for d = 2, math.floor(n ^ 0.5) do prime = prime and n % d ~= 0 end
    if prime then words[#words + 1] = math.floor((n ^ root % 1) * 2 ^ 32) end
    n = n + 1
  end
  return words
end

local K, H = fractional(1 / 3, 64), fractional(1 / 2, 8)

local function turn(x, by) return (x >> by | x << (32 - by)) & 0xffffffff end

local function block(state, text, at)
  local w = { (">" .. ("I4"):rep(16)):unpack(text, at) }
  for i = 17, 64 do
    local a, b = w[i - 15], w[i - 2]
    w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ~ turn(a, 18) ~ a >> 3) + (turn(b, 17) ~ turn(b, 19) ~ b >> 10)
      & 0xffffffff
  end
  local s = { table.unpack(state) }
  for i = 1, 64 do
    local e, a = s[5], s[1]
    local one = s[8] + (turn(e, 6) ~ turn(e, 11) ~ turn(e, 25)) + (e & s[6] ~ ~e & s[7]) + K[i] + w[i]
    local two = (turn(a, 2) ~ turn(a, 13) ~ turn(a, 22)) + (a & s[2] ~ a & s[3] ~ s[2] & s[3])
    s = { one + two & 0xffffffff, s[1], s[2], s[3], s[4] + one & 0xffffffff, s[5], s[6], s[7] }
  end
  for i = 1, 8 do state[i] = state[i] + s[i] & 0xffffffff end
end

function hmac.sha256(text)
  local state = { table.unpack(H) }
  local padded = text .. "\128" .. ("\0"):rep((55 - #text) % 64) .. (">I8"):pack(#text * 8)
  for at = 1, #padded, 64 do block(state, padded, at) end
  return (">I4I4I4I4I4I4I4I4"):pack(table.unpack(state))
end

local function xor(text, with)
  return (text:gsub(".", function(c) return string.char(c:byte() ~ with) end))
end

--- The 32 bytes of a MAC.
function hmac.of(key, text)
  if #key > 64 then key = hmac.sha256(key) end
  key = key .. ("\0"):rep(64 - #key)
  return hmac.sha256(xor(key, 0x5c) .. hmac.sha256(xor(key, 0x36) .. text))
end

function hmac.hex(bytes)
  return (bytes:gsub(".", function(c) return ("%02x"):format(c:byte()) end))
end

function hmac.base64(bytes)
  local alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
  local out = {}
  for at = 1, #bytes, 3 do
    local a, b, c = bytes:byte(at, at + 2)
    local three = a << 16 | (b or 0) << 8 | (c or 0)
    for i = 1, 4 do
      local known = i < 3 or (i == 3 and b) or (i == 4 and c)
      local digit = (three >> (24 - 6 * i) & 63) + 1
      out[#out + 1] = known and alphabet:sub(digit, digit) or "="
    end
  end
  return table.concat(out)
end

return hmac
