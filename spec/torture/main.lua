--- Torture: mavilua run spec/torture/main.lua [--kills N] [--seed N] …, as `make torture` does.
-- Senders write to a host that is killed again and again, while all sorts of things befall it. Then what they
-- were told is compared with what ran, and a table is printed. Ends with 1 if a promise was broken.
local core = require "mavilua.core"
local process = require "spec.support.process"
local sandbox = require "spec.support.sandbox"
local disturbances = require "spec.torture.disturbances"
local life = require "spec.torture.life"
local report = require "spec.torture.report"
local verify = require "spec.torture.verify"
local world = require "spec.torture.world"

local options = { kills = 1000, seed = os.time(), rate = 600, senders = 3, clients = 4000, calm = 20,
  memory = 16384, files = 6 }
for i = 1, #arg, 2 do
  local name = arg[i]:match "^%-%-(%a+)$"
  if name ~= "keep" and not options[name or ""] then
    io.stderr:write(("torture: %s is not an option; there are --kills, --seed, --rate (messages a second), --senders, "
      .. "--clients, --calm (seconds), "
      .. "--memory (KiB by which it may grow), --files (likewise) and --keep FOLDER\n"):format(arg[i]))
    os.exit(64)
  end
  options[name] = tonumber(arg[i + 1]) or arg[i + 1]
end
math.randomseed(options.seed)

local library = os.getenv "MAVILUA_TORTURE_LIBRARY"
if library == "" then library = nil end

local LONGEST_DRAIN = 180 -- seconds until everything that waits must have been worked off
local SETTLE, LONGEST_SETTLE = 2, 15

local folder = options.keep or process.folder()
os.execute("mkdir -p " .. process.quote(folder))
local state = {
  folder = folder, kills = 0, early = 0, counts = {}, refused_starts = 0, died = {}, begun = core.now(),
  options = options,
}
local show = report.progress(options.kills)

print(("torture: %d kills, %d clients of %d senders, %d messages a second, --seed %d"):format(options.kills,
  options.clients, options.senders, options.rate, options.seed))
io.stdout:flush()

local function random(m, n)
  return math.random(math.min(m, n), math.max(m, n))
end

-- At most so many seconds, short ones more often.
local function some_time(most)
  return math.random() ^ 2 * most
end

local box = sandbox.start()
local client = box:client("torture")
-- a sanitizer's program takes no library before its own
local the_world = library and world.new(folder .. "/world", library) or nil
local host = life.new(folder, the_world, box.url, client)
local at = { life = host, world = the_world, sandbox = box, random = random }

-- --- Senders ---

-- Clients of their own for each part, as their messages are numbered from 1.
local parts = { storm = 0, warm = 1, calm = 2, again = 3 }

local function start_senders(count, seed, part)
  local list, each = {}, options.clients // count
  for k = 1, count do
    local file = ("%s/sent.%s.%d"):format(folder, part, k)
    local words = { process.bin, "run", "spec/torture/sender.lua", host.url, file, folder .. "/stop." .. part,
      tostring(parts[part] * options.clients + (k - 1) * each + 1), tostring(each),
      tostring(options.rate / count), tostring(seed + k), part }
    for i, word in ipairs(words) do words[i] = process.quote(word) end
    list[k] = { file = file, pipe = assert(io.popen(table.concat(words, " ") .. " 2>&1")) }
  end
  return { list = list, stop = folder .. "/stop." .. part }
end

local function stop_senders(senders)
  process.write(senders.stop, "")
  for _, sender in ipairs(senders.list) do
    local said = sender.pipe:read "a"
    assert(sender.pipe:close(), "a sender failed: " .. said)
  end
end

-- --- What befalls the host ---

local active = {}

local function count(name)
  state.counts[name] = (state.counts[name] or 0) + 1
end

local usable = {}
for _, row in ipairs(disturbances) do
  if the_world or not row.world then usable[#usable + 1] = row end
end

-- Each comes as often as the others, in an order of chance.
local deck = {}
local function draw()
  if #deck == 0 then
    for i, row in ipairs(usable) do table.insert(deck, math.random(i), row) end
  end
  return table.remove(deck)
end

local function begin_one()
  local row = draw()
  if active[row] then return end
  row.begin(at)
  count(row.name)
  active[row] = row.finish and true or nil
end

local function finish_one(row)
  active[row] = nil
  row.finish(at)
end

local function finish_some(chance)
  for _, row in ipairs(usable) do
    if active[row] and math.random() < chance then finish_one(row) end
  end
end

-- A host that died by itself is an error of the host, whatever befell it.
local function died(why)
  state.died[#state.died + 1] = ("life %d: %s"):format(host.number, why)
end

local function script_is_bad()
  for row in pairs(active) do
    if row.name:find "^reload" then finish_one(row) end
  end
end

-- Starts it, in whatever state the world is; one that refuses to start is helped.
local function start()
  script_is_bad()
  host:begin()
  if state.kills % 10 == 5 then
    core.sleep(math.random() * 0.04)
    return false
  end
  while not host:ready() do
    if not next(active) then error("the host does not start:\n" .. process.read(host.log):sub(-2000)) end
    state.refused_starts = state.refused_starts + 1
    finish_some(1)
    host:begin()
  end
  return true
end

local function live()
  local left = 0.03 + some_time(0.9)
  for _ = 1, math.random(0, 3) do
    local wait = some_time(left / 2)
    core.sleep(wait)
    left = left - wait
    finish_some(0.6)
    if math.random() < 0.8 then begin_one() end
  end
  core.sleep(left)
  if math.random() < 0.7 then finish_some(1) end
end

local function torture()
  while state.kills < options.kills do
    local started = start()
    if started then live() end
    local ended = host:kill()
    if ended and not started and next(active) then
      state.refused_starts = state.refused_starts + 1 -- a full disk, or a lock
    else
      if ended then died(ended) end
      state.kills = state.kills + 1
      state.early = state.early + (started and 0 or 1)
    end
    show(state.kills, state.begun)
  end
  finish_some(1)
end

-- --- The end ---

-- Whether all is worked off.
local function drain()
  local deadline, left = core.now() + LONGEST_DRAIN
  repeat
    core.sleep(0.2)
    left = host:unfinished()
  until left == 0 or core.now() > deadline
  return left
end

-- What two or four kills made poison is run after all, as an operator would.
local function replay_poison()
  local ids = host:rows "SELECT id, crashes FROM events WHERE state = 4 AND reason LIKE 'poison%'"
  state.poison = {}
  for _, row in ipairs(ids) do
    state.poison[tonumber(row[1])] = tonumber(row[2])
    assert(host:ask("/api/events/" .. row[1] .. "/replay", "POST"), "no replay of " .. row[1])
  end
  state.poisoned = #ids
end

-- The same host under load for a while: what it takes must not grow.
local function calm()
  local function settle(like)
    drain()
    core.sleep(SETTLE)
    local now, deadline = host:resources(), core.now() + LONGEST_SETTLE
    while like and now.fds > like.fds + options.files and core.now() < deadline do
      core.sleep(0.5) -- connections that are kept for a while
      now = host:resources()
    end
    return now
  end
  local function load(seconds, part)
    local senders = start_senders(2, options.seed + 100, part)
    for _ = 1, 10 do
      core.sleep(seconds / 10)
      disturbances[6].begin(at)
    end
    stop_senders(senders)
  end
  load(options.calm / 2, "warm")
  state.before = settle()
  load(options.calm / 2, "calm")
  state.after = settle(state.before)
  -- How many connections to the API are kept varies with what ran last; what leaks grows each time.
  if state.after.fds > state.before.fds + options.files then
    load(options.calm / 2, "again")
    state.before, state.after = state.after, settle(state.after)
  end
end

local senders = start_senders(options.senders, options.seed, "storm")
local ok, err = xpcall(function()
  torture()
  show(nil)
  host:begin()
  assert(host:ready(), "the host does not start any more")
  core.sleep(1)
  stop_senders(senders)
  local drained = core.now()
  state.stuck = drain()
  replay_poison()
  state.stuck = drain()
  state.drain_seconds = core.now() - drained
  calm()
  host:signal "TERM"
  local how, code = host:wait()
  if how ~= "exit" or code ~= 0 then died("at the end with " .. how .. " " .. code) end
end, debug.traceback)
if not ok then
  process.write(senders.stop, "")
  if host.pipe then host:kill() end
  io.stderr:write(err, "\n")
  os.exit(2)
end
state.seconds = core.now() - state.begun
state.world = the_world
verify(state, host, box, client)
box:stop()
os.exit(report.table(state, disturbances) and 0 or 1)
