-- Sends webhooks at a steady rate and measures how long their acknowledgement takes:
-- mavilua run bench/ack.lua URL RATE SECONDS
-- Each has its moment, whether or not the ones before it were answered: waiting in a line counts.
local mavilua = require "mavilua"

local url, rate, seconds = arg[1], tonumber(arg[2]), tonumber(arg[3])
local count = rate * seconds
local body = '{"id":%d,"client":{"id":%d,"recepient":"5","client_type":1,"name":"Ada","group":"g"},'
  .. '"message":"hello","attachments":[],"message_id":null,"project_id":1,"is_input":1,"delivered":1}'

local first_id = math.floor(mavilua.now() * 1e6)
local begun = mavilua.now() + 0.2
local moments = {}
for i = 1, count do moments[i] = i end

local took, failed = {}, 0
mavilua.map(moments, function(i)
  local due = begun + i / rate
  local early = due - mavilua.now()
  if early > 0 then mavilua.sleep(early) end
  local reply = mavilua.http.post(url, { body = body:format(first_id + i, i % 1000) })
  if reply and reply.status == 200 then took[#took + 1] = mavilua.now() - due else failed = failed + 1 end
  return true
end, { concurrency = 256 })

table.sort(took)
local function at(share) return took[math.max(1, math.ceil(#took * share))] * 1000 end
print(("%d %d %.3f %.3f %.3f %.0f"):format(#took, failed, at(0.5), at(0.99), at(1),
  #took / (mavilua.now() - begun)))
