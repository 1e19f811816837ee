--- Many who write and read at the same time, with faults on. Each keeps account of what it did and finds exactly
-- that when it reads; what a broken connection left open is looked up through the control API, which has no faults.
local core = require "mavilua.core"
local http = require "mavilua.http"
local map = require "mavilua.map"

local soak = {}

local GROUP = "soak_bot"
local WRITERS, READERS, KEEPERS = 40, 18, 6

local faults = {
  { kind = "status", status = 502, probability = 0.03, seed = 1 },
  { kind = "status", status = 503, action = "message", probability = 0.05, seed = 2 },
  { kind = "drop_before", probability = 0.02, seed = 3 },
  { kind = "drop_after", probability = 0.03, seed = 4 },
  { kind = "truncate", probability = 0.02, seed = 5 },
  { kind = "delay", delay_ms = 20, probability = 0.05, seed = 6 },
  { kind = "webhook_drop", probability = 0.1, seed = 7 },
  { kind = "webhook_duplicate", probability = 0.1, seed = 8 },
  { kind = "webhook_delay", delay_ms = 30, probability = 0.1, seed = 9 },
}

local function fail(format, ...) error(format:format(...), 0) end

local function equal(expected, given, what)
  if expected ~= given then fail("%s: %s where %s was written", what, tostring(given), tostring(expected)) end
end

-- The answer; or nil and whether it may have been done.
local function ask(box, action, params)
  local reply = http.request { url = box.url .. "/api/sandbox/" .. action, json = params }
  if not reply then return nil, true end
  local answer = reply:json() or reply.body
  if reply.status == 200 then return answer end
  if type(answer) == "table" and answer.message == "A fault that was asked for" then return nil, false end
  fail("%s: %d %s", action, reply.status, reply.body)
end

-- The same, until it is answered.
local function insist(box, action, params)
  for _ = 1, 1000 do
    local answer = ask(box, action, params)
    if answer then return answer end
  end
  fail("%s: a thousand faults in a row", action)
end

local function control(box, method, path, body)
  local reply, err = http.request { url = box.url .. "/_sandbox/" .. path, method = method, json = body }
  if not reply then fail("%s %s: %s", method, path, tostring(err)) end
  if reply.status ~= 200 then fail("%s %s: %d %s", method, path, reply.status, reply.body) end
  return reply:json(), reply
end

-- ---- writers: each upon clients of its own -----------------------------------------------------------

local steps = {}

local function talk_of(box, id)
  local texts = {}
  for i, one in ipairs(control(box, "GET", "messages?client_id=" .. id).messages) do texts[i] = one.text end
  return texts
end

-- No other writer's: "w1" with 23 is not "w12" with 3.
local function mark_of(w, n) return w.name .. ":" .. n end

function steps.variable(w, n)
  local done, open = ask(w.box, "save_variables", { client_id = w.id,
    variables = { ["client.mark"] = mark_of(w, n), ["client.n"] = n, o = n } })
  local before, now = w.n, insist(w.box, "get_variables", { client_id = w.id })
  w.n = (done or open and now.n == n) and n or before
  equal(w.n, now.n, w.name .. " n")
  equal(w.n, now.o, w.name .. " o")
  equal(w.n and mark_of(w, w.n), now.mark, w.name .. " mark")
end

-- Indexes know the new value and have forgotten the old one.
function steps.search(w)
  if not w.n then return end
  local found = insist(w.box, "find_all_client_id_by_var", { var = "mark", val = mark_of(w, w.n) }).client_ids
  equal(w.id .. "", table.concat(found, " "), w.name .. " is found by its mark")
  local others = { mark_of(w, w.n - 1), mark_of(w, w.n + 1) }
  found = insist(w.box, "find_clients", { q = { mark = { _in = others } } }).client_ids
  equal("", table.concat(found, " "), w.name .. " is found by an old mark")
end

function steps.message(w, n)
  local text = w.name .. " says " .. n
  local done, open = ask(w.box, "message", { client_id = w.id, message = text })
  local talk = talk_of(w.box, w.id)
  if done or open and talk[#talk] == text then w.said[#w.said + 1] = text end
  equal(table.concat(w.said, "|"), table.concat(talk, "|"), "the conversation of " .. w.name)
  if #w.said >= 20 then
    insist(w.box, "clear_history", { client_id = w.id })
    w.said = {}
  end
end

-- Put off for another client of this writer; counted at the end.
function steps.later(w, n)
  local text = w.name .. " later " .. n
  local done, open = ask(w.box, "message", { client_id = w.second, message = text, time_shift = 1 + n % 50 })
  if done then w.later[text] = "sent" elseif open then w.later[text] = "open" end
end

function steps.order(w, n)
  local made = ask(w.box, "create_order", { client_id = w.second, name = w.name, state_id = 1 })
  if not made then return end
  insist(w.box, "set_order_vars", { client_id = w.second, order_id = made.order_id, variables = { n = n } })
  equal(n, insist(w.box, "get_order_vars", { client_id = w.second, order_id = made.order_id }).result.n, "an order")
  insist(w.box, "set_order_state", { client_id = w.second, state_id = 2 })
  local won = insist(w.box, "get_orders", { client_id = w.second, order_status = 1 }).order_id
  equal(made.order_id, won[#won], w.name .. "'s won order")
end

-- Clients come and go; a page of all never shows one twice.
function steps.clients(w, n)
  local items, ids = {}, {}
  for i = 1, 10 do
    items[i] = { platform_id = ("%s-%d-%d"):format(w.name, n, i), group_id = GROUP, client_type = 1 }
  end
  for i, item in ipairs(insist(w.box, "load_clients", items).items) do ids[i] = item.id end
  for i, item in ipairs(insist(w.box, "load_clients", items).items) do
    equal(ids[i], item.id, "a client loaded twice")
  end
  insist(w.box, "delete_clients", { client_ids = ids })
  local left = insist(w.box, "find_client_id_by_platform_id", { platform_ids = { items[1].platform_id } })
  equal(0, #left, "clients after delete_clients")
end

local order = { "variable", "search", "message", "later", "order", "clients" }

local function write(w, deadline)
  local n = 0
  while core.now() < deadline do
    n = n + 1
    steps[order[(n + w.number) % #order + 1]](w, n)
  end
  return n
end

-- ---- readers, and those who look after the sandbox ---------------------------------------------------

local function read(box, number, deadline)
  local n = 0
  while core.now() < deadline do
    n = n + 1
    local found = insist(box, "find_clients", { q = { team = number % 8 } }).client_ids
    equal(WRITERS / 8, #found, "the clients of a team")
    local seen = {}
    for _, client in ipairs(insist(box, "get_clients", { limit = 500 }).clients) do
      equal(nil, seen[client.id], "a client twice in a page")
      seen[client.id] = true
    end
    insist(box, "get_history", { client_id = found[1], limit = 5 })
    equal("soak_bot", insist(box, "connected_channels").telegram[1].short_name, "the channel")
  end
  return n
end

local looks = {
  function(box) control(box, "POST", "clock", { advance = 1 }) end,
  function(box) control(box, "GET", "journal?limit=200") end,
  function(box) control(box, "GET", "timeline") end,
  function(box) control(box, "GET", "faults") end,
  function(box, n)
    local project = control(box, "POST", "projects", { project = { name = "P" .. n } }).id
    control(box, "DELETE", "projects?project=" .. project)
  end,
  function(box) control(box, "GET", "snapshot") end,
}

local function keep(box, number, deadline)
  local n = 0
  while core.now() < deadline do
    n = n + 1
    looks[number](box, n)
    core.sleep(number == 6 and 0.2 or 0.02)
  end
  return n
end

-- ---- all of it ---------------------------------------------------------------------------------------

local function prepare(box, webhook)
  control(box, "POST", "clock", { mode = "virtual", now = 1700000000 })
  control(box, "POST", "seed", {
    channels = { { client_type = 1, group_id = GROUP, name = GROUP } },
    funnels = { { name = "F", states = { { id = 1, name = "A" }, { id = 2, name = "B", outcome = "won" } } } },
  })
  if webhook then control(box, "POST", "settings", { webhook_url = webhook }) end
  local writers = {}
  for number = 1, WRITERS do
    local name = "w" .. number
    local items = box:call("load_clients", {
      { platform_id = name, group_id = GROUP, client_type = 1 },
      { platform_id = name .. "-second", group_id = GROUP, client_type = 1 },
    }).items
    box:call("save_variables", { client_id = items[1].id, variables = { ["client.team"] = number % 8 } })
    writers[number] = { box = box, number = number, name = name, id = items[1].id, second = items[2].id,
      said = {}, later = {} }
  end
  control(box, "POST", "faults", faults)
  return writers
end

-- What was put off came exactly once; what nobody knows of, at most once.
local function check_later(box, w)
  local counts = {}
  for _, text in ipairs(talk_of(box, w.second)) do counts[text] = (counts[text] or 0) + 1 end
  for text, how in pairs(w.later) do
    local count = counts[text] or 0
    if count ~= 1 and not (count == 0 and how == "open") then fail("%s: came %d times", text, count) end
    counts[text] = nil
  end
  for text in pairs(counts) do
    if text:find " later " then fail("%s: came though it was not sent", text) end
  end
end

--- Lets 64 write and read for some seconds, and checks at the end that nothing is lost.
-- @param box a sandbox of spec.support.sandbox
-- @param seconds how long
-- @param webhook an address for webhooks, or nil
-- @return how many rounds they made, list of what was found wrong
function soak.run(box, seconds, webhook)
  local writers = prepare(box, webhook)
  local deadline, jobs = core.now() + seconds, {}
  for _, w in ipairs(writers) do jobs[#jobs + 1] = function() return write(w, deadline) end end
  for i = 1, READERS do jobs[#jobs + 1] = function() return read(box, i, deadline) end end
  for i = 1, KEEPERS do jobs[#jobs + 1] = function() return keep(box, i, deadline) end end
  local rounds, errors = map.run(jobs, function(job) return job() end, { concurrency = #jobs })
  control(box, "DELETE", "faults")
  control(box, "POST", "clock", { advance = 1000 })
  local problems, count = {}, 0
  for i = 1, #jobs do
    count = count + (rounds[i] or 0)
    problems[#problems + 1] = errors[i] and tostring(errors[i])
  end
  for _, w in ipairs(writers) do
    local ok, problem = pcall(check_later, box, w)
    if not ok then problems[#problems + 1] = problem end
  end
  return count, problems
end

return soak
