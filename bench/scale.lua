-- Fills a sandbox through its API: mavilua run bench/scale.lua URL CLIENTS
-- Every client has ten variables: seven shared with others (save_variables with a list of clients) and
-- three of its own (a call each). Shows how far it is, then prints what each part took.
local mavilua = require "mavilua"

local url, count = arg[1], tonumber(arg[2])
local BATCH = 5000
local FIRST_PHONE = 79000000000

local function post(action, body)
  local reply = assert(mavilua.http.post(("%s/api/sandbox/%s"):format(url, action), { body = body }))
  assert(reply.status == 200, reply.body)
  return reply.body
end

local function load(first)
  local items = {}
  for i = first, math.min(first + BATCH, count) - 1 do
    items[#items + 1] = ('{"platform_id":"%d","group_id":"bot%d","client_type":%d}')
      :format(FIRST_PHONE + i, i % 3, i % 10 == 0 and 6 or 1)
  end
  local ids = {}
  for id in post("load_clients", "[" .. table.concat(items, ",") .. "]"):gmatch '"id":(%d+)' do
    ids[#ids + 1] = id
  end
  assert(#ids == #items)
  return ids
end

local function share(ids, first)
  for class = 0, 99 do
    local members = {}
    for i = 1, #ids do
      if (first + i - 1) % 100 == class then members[#members + 1] = ids[i] end
    end
    post("save_variables", ([[{"clients":[%s],"variables":{"client.city":"city %d","client.stage":"%s",
      "client.age":%d,"client.source":"source %d","client.language":"%s","client.vip":%s,
      "client.score":%d.5}}]]):format(table.concat(members, ","), class % 20,
      class % 5 == 0 and "warm" or "new", 18 + class % 60, class % 10, class % 2 == 0 and "ru" or "en",
      class == 7 and "true" or "false", class))
  end
end

local function own(ids, first)
  local _, failed = mavilua.map(ids, function(id, i)
    local n = first + i - 1
    post("save_variables", ([[{"client_id":%s,"variables":{"client.phone":"+%d",
      "client.email":"client%d@example.com","client.number":%d}}]]):format(id, FIRST_PHONE + n, n, n))
    return true
  end, { concurrency = 32, stop_on_error = true })
  for _, message in pairs(failed or {}) do error(tostring(message)) end
end

local took = { load = 0, share = 0, own = 0 }
local function timed(name, fn, ...)
  local start = mavilua.time()
  local result = fn(...)
  took[name] = took[name] + mavilua.time() - start
  return result
end

local function progress(done)
  io.stderr:write(("\r%d of %d clients"):format(done, count), done < count and "" or "\n")
end

for first = 0, count - 1, BATCH do
  local ids = timed("load", load, first)
  timed("share", share, ids, first)
  timed("own", own, ids, first)
  progress(first + #ids)
end
print(("load_clients: %d clients in %.1f s; save_variables: %d shared variables in %.1f s, "
  .. "%d of one client each, three a call, in %.1f s"):format(count, took.load, count * 7, took.share,
  count * 3, took.own))
