--- Compares what senders were told with what ran and with what the database holds.
local process = require "spec.support.process"

-- --- What the senders were told ---

local function read_ledgers(state)
  local accepted, answers = {}, { sent = 0, again = 0, accepted = 0, refused = 0, unanswered = 0 }
  local pipe = assert(io.popen("cat " .. process.quote(state.folder) .. "/sent.*"))
  for line in pipe:lines() do
    local client, n, act, status, again = line:match "^(%d+) (%d+) (%a+) (%d+)( ?%+?)$"
    local key = client .. " " .. n
    answers[again == "" and "sent" or "again"] = answers[again == "" and "sent" or "again"] + 1
    if status == "200" then
      answers.accepted = answers.accepted + (accepted[key] and 0 or 1)
      accepted[key] = act
    elseif status == "0" then
      answers.unanswered = answers.unanswered + 1
    else
      answers.refused = answers.refused + 1
    end
  end
  pipe:close()
  return accepted, answers
end

-- --- What ran ---

local trace = {}

local function broken(seen, what, detail)
  local list = seen.broken[what] or {}
  seen.broken[what] = list
  list[#list + 1] = detail
end

local function check_order(seen, event, life)
  if seen.poison[event.id] then return end -- replayed, so out of its line
  local last, open = seen.last[event.client], seen.open[event.client]
  if last and event.n < last then
    broken(seen, "out of order", ("client %s: %d after %d (event %s)"):format(event.client, event.n, last, event.id))
  end
  if open and open ~= event and open.life == life and not open.ended then
    broken(seen, "out of order", ("client %s: %d begins while %d runs"):format(event.client, event.n, open.n))
  end
  seen.last[event.client], seen.open[event.client] = event.n, event
end

function trace.B(seen, life, id, attempt, client, n, act)
  local key = client .. " " .. n
  local event = seen.events[id]
  if not event then
    event = { id = tonumber(id), client = client, n = tonumber(n), act = act, key = key, runs = 0 }
    seen.events[id] = event
    if seen.ids[key] and seen.ids[key] ~= id then
      broken(seen, "twice accepted", ("message %s: events %s and %s"):format(key, seen.ids[key], id))
    end
    seen.ids[key] = id
  end
  check_order(seen, event, life)
  if event.runs > 0 then
    local crashed = event.life ~= life
    local why = crashed and "after_kill" or "after_failure"
    seen[why] = seen[why] + 1
    if not crashed and event.ended and not event.failed then
      broken(seen, "run twice", ("event %s, attempt %s, in life %s"):format(id, attempt, life))
    end
  end
  event.runs, event.life, event.ended, event.failed = event.runs + 1, life, false, false
  seen.acts[act] = (seen.acts[act] or 0) + 1
end

function trace.E(seen, _, id)
  local event = seen.events[id]
  if not event.done then seen.handled = seen.handled + 1 end
  event.done, event.ended = true, true
end

function trace.X(seen, _, id)
  local event = seen.events[id]
  event.ended, event.failed = true, true
end

function trace.O(seen, _, id)
  local event = seen.events[id]
  if event.once then broken(seen, "host.once repeated", "event " .. id) end
  event.once = true
end

function trace.U(seen, _, id)
  seen.events[id].unknown = true
  seen.unknown = seen.unknown + 1
end

function trace.A(seen, life, id, how)
  trace.O(seen, life, id)
  seen.events[id].sent = how == "sent"
end

-- A job runs again when it was killed, but not in the same life.
function trace.J(seen, life, id)
  local event = seen.events[id]
  if event.job == life then broken(seen, "run twice", "the job of event " .. id) end
  event.job = life
end

function trace.M(seen, life, planned, attempt)
  if attempt == "1" and seen.moments[planned] then
    broken(seen, "moment repeated", ("%s in lives %s and %s"):format(planned, seen.moments[planned], life))
  end
  if not seen.moments[planned] then seen.moment_count = seen.moment_count + 1 end
  seen.moments[planned] = life
end

function trace.HALF(seen, life)
  broken(seen, "half-loaded code", "life " .. life)
end

local function read_trace(path, poison)
  local seen = { events = {}, ids = {}, last = {}, open = {}, moments = {}, moment_count = 0, broken = {},
    acts = {}, handled = 0, unknown = 0, after_kill = 0, after_failure = 0, poison = poison }
  for line in io.lines(path) do
    local kind, rest = line:match "^(%a+) (.*)$"
    local words = {}
    for word in rest:gmatch "%S+" do words[#words + 1] = word end
    trace[kind](seen, table.unpack(words))
  end
  return seen
end

-- --- What is missing ---

local function check_lost(seen, accepted)
  local lost = {}
  for key in pairs(accepted) do
    local event = seen.events[seen.ids[key]]
    if not (event and event.done) then lost[#lost + 1] = "message " .. key end
  end
  for id, event in pairs(seen.events) do
    if event.done and event.act == "once" and not event.once and not event.unknown then
      lost[#lost + 1] = "the once of event " .. id
    end
    if event.done and event.act == "job" and not event.job then lost[#lost + 1] = "the job of event " .. id end
  end
  seen.broken["lost"] = #lost > 0 and lost or nil
end

local function check_api(seen, box, client)
  local times = {}
  for _, text in ipairs(box:talk(client)) do
    local id = text:match "^< torture (%d+)$"
    if id then times[id] = (times[id] or 0) + 1 end
  end
  seen.sent = 0
  for id, event in pairs(seen.events) do
    seen.sent = seen.sent + (times[id] or 0)
    if (times[id] or 0) > 1 then broken(seen, "host.once repeated", "the API call of event " .. id) end
    if event.sent and not times[id] then broken(seen, "lost", "the API call of event " .. id) end
  end
end

-- Each query must find nothing.
local rows = {
  { "lost", "ended other than as handled",
    "SELECT id, state, reason FROM events WHERE source IN (0, 3) AND state > 3" },
  { "lost", "host.kv against what is done", [[SELECT e.key, c, kv.value FROM
    (SELECT key, count(*) c FROM events WHERE source = 0 AND state = 3 GROUP BY key) e
    LEFT JOIN kv ON kv.key = 'n:' || e.key WHERE kv.value IS NULL OR CAST(kv.value AS INTEGER) <> c]] },
  { "leaked", "payloads without events", "SELECT id FROM payloads WHERE id NOT IN (SELECT id FROM events)" },
  { "lost", "events without payloads", "SELECT id FROM events WHERE id NOT IN (SELECT id FROM payloads)" },
  { "leaked", "the table of counts", [[SELECT counts.state, n, c FROM counts LEFT JOIN
    (SELECT state, count(*) c FROM events GROUP BY state) e USING (state) WHERE n <> coalesce(c, 0)]] },
  { "leaked", "moments that do not end as their events", [[SELECT m.moment FROM moments m
    JOIN events e ON e.id = m.event WHERE m.state <> e.state]] },
  { "stuck", "events under way after a clean end", "SELECT id FROM events WHERE state = 1" },
  { "leaked", "what SQLite finds", "SELECT * FROM pragma_integrity_check WHERE integrity_check <> 'ok'" },
}

local function check_rows(seen, host)
  for _, row in ipairs(rows) do
    for _, found in ipairs(host:rows((row[3]:gsub("%s+", " ")))) do
      broken(seen, row[1], row[2] .. ": " .. table.concat(found, " "))
    end
  end
end

local function check_files(seen, host)
  local known = { ["bot.db"] = true, ["bot.db.lock"] = true, ["bot.db-wal"] = true, ["bot.db-shm"] = true }
  local pipe = assert(io.popen("ls -A " .. process.quote(host.folder .. "/db")))
  for name in pipe:lines() do
    if not known[name] then broken(seen, "leaked", "the file " .. name) end
  end
  pipe:close()
end

local function check_resources(seen, state)
  local before, after = state.before, state.after
  for _, name in ipairs { "fds", "threads" } do
    if after[name] > before[name] + (name == "fds" and state.options.files or 0) then
      broken(seen, "leaked", ("%s: %d, then %d"):format(name, before[name], after[name]))
    end
  end
  if after.memory > before.memory + state.options.memory then
    broken(seen, "leaked", ("memory: %d KiB, then %d KiB"):format(before.memory, after.memory))
  end
end

--- Fills state.seen and state.answers.
return function(state, host, box, client)
  local accepted, answers = read_ledgers(state)
  local seen = read_trace(host.trace, state.poison)
  check_lost(seen, accepted)
  check_api(seen, box, client)
  check_rows(seen, host)
  check_files(seen, host)
  check_resources(seen, state)
  for _, what in ipairs(state.died) do broken(seen, "died by itself", what) end
  if state.world and state.world:get "readings" + state.world:get "refused" == 0 then
    broken(seen, "died by itself", "the preloaded library was never asked: nothing befell disk and clock")
  end
  for _ = 1, state.stuck do broken(seen, "stuck", "an event was not worked off") end
  state.answers, state.seen = answers, seen
end
