-- blocking.lua URL SECONDS: one call of the API after another with lua-curl and lua-cjson, by hand; prints the
-- calls a second.
local curl = require "curl"
local cjson = require "cjson"
local now = require "socket".gettime

local url, seconds = arg[1], tonumber(arg[2])
local easy = curl.easy_init()
local parts = {}
easy:setopt(curl.OPT_URL, url)
easy:setopt(curl.OPT_FAILONERROR, 1)
easy:setopt(curl.OPT_HTTPHEADER, { "Content-Type: application/json", "Accept: application/json" })
easy:setopt(curl.OPT_WRITEFUNCTION, function(part)
  parts[#parts + 1] = part
  return #part
end)

local function call(params)
  parts = {}
  easy:setopt(curl.OPT_POSTFIELDS, cjson.encode(params))
  assert(easy:perform() == 0)
  return cjson.decode(table.concat(parts))
end

local begun, calls = now(), 0
repeat
  calls = calls + 1
  assert(call({ client_id = calls, state_id = 38 }).status == "success")
until now() - begun >= seconds
print(calls / (now() - begun))
