-- json.lua LIBRARY WHAT SECONDS: decodes and encodes a page of 500 clients or a webhook, again and again;
-- prints how often a second.
local mavilua = require "mavilua"
local load = require "bench.load"

local libraries = { mavilua = mavilua, cjson = select(2, pcall(require, "cjson")) }
local library, what, seconds = libraries[arg[1]], arg[2], tonumber(arg[3])

local client = '{"id":%d,"platform_id":"%d","client_type":1,"name":"Ada Lovelace","avatar":null,"message_id":%d,'
  .. '"project_id":424757,"created_at":1609867984,"updated_at":1609867999,"custom_answer":false,'
  .. '"tag":"spring","group":"tea_corner_bot","operator_start_dialog":null}'

local function page()
  local list = {}
  for i = 1, 500 do list[i] = client:format(836058546 + i, 6253651200 + i, 225630455 + i) end
  return '{"status":"success","clients":[' .. table.concat(list, ",") .. "]}"
end

local text = what == "page" and page() or load.webhook:gsub("#", "22563045582")
local decode, encode = library.decode, library.encode
assert(encode(assert(decode(text))))
local begun, count, step = mavilua.now(), 0, what == "page" and 1 or 500
repeat
  for _ = 1, step do encode(decode(text)) end
  count = count + step
until mavilua.now() - begun >= seconds
print(count / (mavilua.now() - begun))
