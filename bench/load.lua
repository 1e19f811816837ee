--- The load: http_load, the same for all.
local process = require "bench.process"

local load = {}

--- A webhook as the platform sends it; each '#' is the number of the call.
load.webhook = '{"id":#,"client":{"id":#,"recepient":"6253651200","client_type":1,"name":"Ada","avatar":null,'
  .. '"created_at":1609867984,"tag":null,"group":"ElAuthBot","variables":{"tg_username":"ada"}},'
  .. '"message":"Hello","attachments":[],"message_id":null,"project_id":424757,"is_input":1,"delivered":1,'
  .. '"error_message":""}'

--- What the benchmark's handlers do with it: the same as the peers'.
load.handler = [[
local host = require "mavilua.host"
host.on("message", function(event)
  if not (event.text and event.client_id) then error "no message" end
end)
]]

-- Numbers of calls never come twice in a run: a duplicate costs a host less than an event.
local NUMBERS = 10000000
local next_first = 1

--- Asks a URL for so long.
-- @param options width (connections), seconds, body; rate (calls a second, else as many as there can be);
--   first and count: the numbers of the calls
-- @return a table: rate (calls a second), calls, median and p99 (µs)
function load.run(ctx, url, options)
  local first, count = options.first, options.count
  if not first then
    first, count = next_first, NUMBERS
    next_first = next_first + NUMBERS
  end
  local words = { ctx.build .. "/bench/http_load" }
  if options.rate then
    words[2], words[3] = "-r", options.rate
  end
  local rest = { url, options.width, options.seconds, first, count, options.body }
  table.move(rest, 1, #rest, #words + 1, words)
  local rate, _, median, p99, calls = process.output(words):match "^(%S+)\t(%S+)\t(%S+)\t(%S+)\t(%S+)"
  return { rate = tonumber(rate), median = tonumber(median), p99 = tonumber(p99), calls = tonumber(calls) }
end

return load
