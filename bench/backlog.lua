-- See backlog.sh: mavilua run bench/backlog.lua URL ADMIN FOLDER PID HTTP_LOAD COUNT
local mavilua = require "mavilua"

local url, admin, folder, pid, http_load, count, bursts_asked = table.unpack(arg)
count = tonumber(count)
local WORKERS, BURSTS, BURST = 2, tonumber(bursts_asked) or 20, 1000
local FULL = 0.75 -- down to this part of them it is the rate with all waiting
local HOLDS, ROOM = 64, 512 -- what closes the gate; runs at once, which are claimed while it is closed
local LOAD_SECONDS, CONNECTIONS = 5, 64
local POLL = 0.05 -- seconds between looks at what is left, whatever is worked off
local body = '{"id":%s,"client":{"id":%s,"recepient":"5","client_type":1,"name":"Ada","group":"g"},'
  .. '"message":"%s","attachments":[],"message_id":null,"project_id":1,"is_input":1,"delivered":1}'

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function memory()
  return tonumber(read("/proc/" .. pid .. "/status"):match "VmRSS:%s+(%d+)") / 1024
end

-- Processor time of the host, in seconds: what else the machine does counts less in it.
local function processor()
  local fields = {}
  for word in read("/proc/" .. pid .. "/stat"):match "%) (.*)":gmatch "%S+" do
    fields[#fields + 1] = tonumber(word) or 0
  end
  return (fields[12] + fields[13]) / 100
end

local function summary()
  return assert(mavilua.http.get(admin .. "/api/summary")):json()
end

-- Events that have not ended.
local function left()
  local s = summary()
  return s.waiting + s.running
end

local function await(condition, pause)
  while not condition() do mavilua.sleep(pause or 0.01) end
end

local next_id = 0
local function post(n, text)
  local list = {}
  for i = 1, n do list[i] = next_id + i end
  next_id = next_id + n
  mavilua.map(list, function(id)
    return assert(mavilua.http.post(url, { body = body:format(id, id, text) })).status == 200 or error "refused"
  end, { stop_on_error = true })
end

-- Both workers stand still.
local function close_gate()
  assert(io.open(folder .. "/closed", "w")):close()
  assert(io.open(folder .. "/held", "w")):close()
  post(HOLDS, "hold")
  await(function() return #read(folder .. "/held") >= WORKERS end)
end

local function open_gate()
  assert(os.remove(folder .. "/closed"))
  assert(io.open(folder .. "/gate", "w")):close()
end

-- The transactions in which the last `n` events ended: {when each began in ms, how many ended in it}. What
-- ended counts only once its transaction is over: at the next one's beginning, as while a backlog is worked off.
local function transactions(n)
  local pipe <close> = assert(io.popen(("sqlite3 -readonly -separator ' ' '%s/bot.db' 'SELECT finished_at, count(*)"
    .. " FROM events WHERE id > (SELECT max(id) FROM events) - %d GROUP BY finished_at ORDER BY 1'"):format(folder, n)))
  local list = {}
  for line in pipe:lines() do
    local at, ended = line:match "(%d+) (%d+)"
    list[#list + 1] = { at = tonumber(at), ended = tonumber(ended) }
  end
  return list
end

-- Events and seconds from the second transaction, as the first has but what the first handlers left, to
-- the one that finds too few waiting to claim as many as end in it.
local function steady(list)
  local ended, total = 0, list[1].ended
  for i = 2, #list do
    total = total + list[i].ended
    if total > BURST then return ended, (list[i].at - list[2].at) / 1000 end
    ended = ended + list[i].ended
  end
end

-- Works off a thousand and those that run already, many times. Adds to `few`: events, seconds, the rate of
-- each; gives the processor time of all.
local function bursts(few)
  local took = 0
  for _ = 1, BURSTS do
    close_gate()
    post(BURST + ROOM - HOLDS, "hello")
    local before = processor()
    open_gate()
    await(function() return left() == 0 end, POLL)
    took = took + processor() - before
    local ended, seconds = steady(transactions(BURST + ROOM))
    if ended and seconds > 0 then
      few.ended, few.seconds = few.ended + ended, few.seconds + seconds
      few[#few + 1] = ended / seconds
    end
  end
  return took
end

local function load_backlog()
  local begun = mavilua.now()
  close_gate()
  repeat
    local part = count // 4
    assert(os.execute(("'%s' '%s' %d %d %d %d '%s' >/dev/null"):format(http_load, url, CONNECTIONS, LOAD_SECONDS,
      next_id + 1, part, body:format("#", "#", "hello"))))
    next_id = next_id + part
    local waiting = summary().waiting
    io.stderr:write(("%d wait after %.0f s\n"):format(waiting, mavilua.now() - begun))
  until waiting >= count
  return mavilua.now() - begun
end

-- Samples {time, left, processor time} until all is done; and the most memory.
local function work_off()
  os.execute "sync" -- what loading has written is on its way to the disk
  mavilua.sleep(2)
  local samples, most, shown = {}, memory(), mavilua.now()
  local function sample()
    local waiting = left()
    samples[#samples + 1] = { mavilua.now(), waiting, processor() }
    return waiting
  end
  sample()
  open_gate()
  repeat
    mavilua.sleep(POLL)
    local waiting = sample()
    most = math.max(most, memory())
    if mavilua.now() - shown > 5 then
      shown = mavilua.now()
      io.stderr:write(("%d wait\n"):format(waiting))
    end
  until waiting == 0
  return samples, most
end

-- Events a second, and seconds of processor time for one, while between `from` and `to` were left.
local function rate_between(samples, from, to)
  local first, last
  for _, sample in ipairs(samples) do
    if sample[2] <= from and not first then first = sample end
    if sample[2] <= to and not last then last = sample end
  end
  local done = first[2] - last[2]
  return done / (last[1] - first[1]), (last[3] - first[3]) / done
end

local function row(name, rate, each)
  print(("%-44s %8.0f a second, %4.0f us of processor time each"):format(name, rate, each * 1e6))
end

local few, idle = { ended = 0, seconds = 0 }, memory()
local spent = bursts(few)
local small = memory()
local seconds = load_backlog()
local loaded, waited = memory(), left()
local samples, most = work_off()
spent = spent + bursts(few)
table.sort(few)
local typical = few[(#few + 1) // 2] -- the median: more than the mean, as a checkpoint hits few of them
local each_of_few = spent / (2 * BURSTS * (BURST + ROOM / 2)) -- the half of what was claimed before
local full, each_of_full = rate_between(samples, waited, waited * FULL)

print(("%d events loaded in %.0f s"):format(waited, seconds))
row(("a thousand wait, %d times (mean %.0f)"):format(#few, few.ended / few.seconds), typical, each_of_few)
for tenth = 10, 1, -1 do
  row(("%d to %d wait"):format(waited * tenth // 10, waited * (tenth - 1) // 10),
    rate_between(samples, waited * tenth / 10, waited * (tenth - 1) / 10))
end
print(("resident memory: %.0f MiB idle, %.0f with a thousand, %.0f with all waiting, at most %.0f while worked off")
  :format(idle, small, loaded, most))
print(("with all waiting / with a thousand: rate %.2f, processor time %.2f"):format(full / typical,
  each_of_full / each_of_few))
