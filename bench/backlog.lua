-- See backlog.sh: mavilua run bench/backlog.lua URL ADMIN FOLDER PID HTTP_LOAD COUNT
local mavilua = require "mavilua"

local url, admin, folder, pid, http_load, count = table.unpack(arg)
count = tonumber(count)
local WORKERS, BURSTS, BURST = 2, 20, 1000
local LOAD_SECONDS, CONNECTIONS = 5, 64
local body = '{"id":%s,"client":{"id":%s,"recepient":"5","client_type":1,"name":"Ada","group":"g"},'
  .. '"message":"%s","attachments":[],"message_id":null,"project_id":1,"is_input":1,"delivered":1}'

local function read(path)
  local file <close> = assert(io.open(path))
  return file:read "a"
end

local function memory()
  return tonumber(read("/proc/" .. pid .. "/status"):match "VmRSS:%s+(%d+)") / 1024
end

local function summary()
  return assert(mavilua.http.get(admin .. "/api/summary")):json()
end

local function await(condition)
  while not condition() do mavilua.sleep(0.01) end
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
  post(64, "hold")
  await(function() return #read(folder .. "/held") >= WORKERS end)
end

local function open_gate()
  assert(os.remove(folder .. "/closed"))
  assert(io.open(folder .. "/gate", "w")):close()
end

-- When the last of all was done, in ms; to be asked while there are few.
local function last_finished()
  local pipe <close> = assert(io.popen(("sqlite3 -readonly '%s/bot.db' 'SELECT max(finished_at) FROM events'"):format(folder)))
  return tonumber(pipe:read "a")
end

-- Events a second while a thousand wait: the best half of many bursts.
local function rate_of_bursts()
  local rates = {}
  for i = 1, BURSTS do
    close_gate()
    post(BURST, "hello")
    local s = summary()
    local begun = mavilua.time()
    open_gate()
    await(function() s = summary() return s.waiting == 0 and s.running == 0 end)
    rates[i] = (BURST + 64) / (last_finished() / 1000 - begun)
  end
  table.sort(rates)
  return rates[math.ceil(BURSTS * 0.75)]
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

-- Samples {time, waiting} until all is done; and the most memory.
local function work_off()
  local samples, most, shown = {}, memory(), mavilua.now()
  open_gate()
  repeat
    mavilua.sleep(0.05)
    local s = summary()
    samples[#samples + 1] = { mavilua.now(), s.waiting + s.running }
    most = math.max(most, memory())
    if mavilua.now() - shown > 5 then
      shown = mavilua.now()
      io.stderr:write(("%d wait\n"):format(s.waiting))
    end
  until samples[#samples][2] == 0
  return samples, most
end

-- Events a second while between `from` and `to` waited.
local function rate_between(samples, from, to)
  local first, last
  for _, sample in ipairs(samples) do
    if sample[2] <= from and not first then first = sample end
    if sample[2] >= to then last = sample end
  end
  return (first[2] - last[2]) / (last[1] - first[1])
end

local function row(name, value, unit) print(("%-44s %10.0f %s"):format(name, value, unit)) end

local idle = memory()
local bursts = rate_of_bursts()
local after_bursts = memory()
local seconds = load_backlog()
local loaded = memory()
local waited = summary().waiting
local samples, most = work_off()
local full = rate_between(samples, waited, waited * 0.9)
local tail = rate_between(samples, waited * 0.1, 1000)
row("loaded", waited, ("events in %.0f s"):format(seconds))
row("worked off with a thousand waiting", bursts, "a second")
row("worked off with all waiting (first tenth)", full, "a second")
row("worked off at the end (last tenth)", tail, "a second")
row("resident memory, idle", idle, "MiB")
row("after the bursts", after_bursts, "MiB")
row("with all waiting", loaded, "MiB")
row("at most while worked off", most, "MiB")
print(("rate with all waiting / with a thousand = %.2f"):format(full / math.max(bursts, tail)))
