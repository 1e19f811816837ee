-- Plays a conversation of several clients with examples/shop.lua and prints what happened as a timeline, then a
-- summary. Started by examples/demo.sh, which has host and sandbox running:
--
--   mavilua run examples/demo.lua SANDBOX_URL HOST_URL ADMIN_URL [PAYMENT_SECRET]

local mavilua = require "mavilua"
local http = mavilua.http

local sandbox, host, admin, payment_secret = arg[1], arg[2], arg[3], arg[4]
if not admin then
  io.stderr:write("usage: mavilua run examples/demo.lua SANDBOX_URL HOST_URL ADMIN_URL [PAYMENT_SECRET]\n")
  os.exit(64)
end

-- One line of a round: who says what, or who pays. Lines of a round happen at the same time.
local rounds = {
  { { "Ada", says = "hello" }, { "Bram", says = "Hi" }, { "Chiara", says = "What is the price of the honey?" } },
  { { "Ada", says = "order tea" }, { "Bram", says = "order coffee" }, { "Chiara", says = "order cake" } },
  { { "Ada", says = "yes" } },
  { { "Ada", pays = 12 } },
  { { "Bram", says = "yes" } },
}
local group, platform_ids = "tea_corner_bot", { Ada = "900000001", Bram = "900000002", Chiara = "900000003" }

local function ask(method, url, json)
  local reply, err = http.request { method = method, url = url, json = json }
  if not reply then error(("%s: %s"):format(url, tostring(err)), 0) end
  if reply.status >= 400 then error(("%s answered %d: %s"):format(url, reply.status, reply.body), 0) end
  return reply:json()
end

---- what happened, from the sandbox's journal and the host's events ------------------------------------------

local lines = {}
local colors = { says = "36", answers = "32", ran = "2", moved = "33", fired = "35", made = "33", hook = "34" }
local in_color = os.getenv "MAVILUA_COLOR" == "1"

local function add(at, what, who, text)
  lines[#lines + 1] = { at = at, what = what, who = who, text = text, order = #lines }
end

local function add_webhook(entry)
  local message = entry.body
  local state = tostring(message.message):match("^crm_state_changed (.*)$")
  if state then return add(entry.at, "moved", message.client.name .. "'s order", "to " .. state) end
  local text = message.message or "(attachment)"
  if message.is_input == 1 then return add(entry.at, "says", message.client.name, text) end
  add(entry.at, "answers", message.message_id and "block" or "bot", ("%s: %s"):format(message.client.name, text))
end

local acknowledged, cursor = 0, 0
local function read_journal()
  repeat
    local page = ask("GET", ("%s/_sandbox/journal?since=%d"):format(sandbox, cursor))
    for _, entry in ipairs(page.entries) do
      if entry.kind == "webhook" then
        add_webhook(entry)
        if entry.status == 200 then acknowledged = acknowledged + 1 end
      elseif entry.action == "create_order" and entry.answer.order_id then
        add(entry.at, "made", "order " .. entry.answer.order_id, entry.params.name)
      end
    end
    local more = page.next ~= cursor
    cursor = page.next
  until not more
end

local function unix(text)
  local year, month, day, hour, minute, second = text:match "^(%d+)-(%d+)-(%d+)T(%d+):(%d+):([%d.]+)"
  local now = os.time()
  local zone = os.difftime(now, os.time(os.date("!*t", now)))
  return os.time { year = year, month = month, day = day, hour = hour, min = minute, sec = 0 } + zone
    + tonumber(second)
end

-- All events of the host, newest first.
local function events()
  local all, next_page = {}, nil
  repeat
    local page = ask("GET", admin .. "/api/events?limit=500" .. (next_page and "&cursor=" .. next_page or ""))
    for _, event in ipairs(page.events) do all[#all + 1] = event end
    next_page = page.cursor
  until not next_page
  return all
end

local finals = { done = true, dead = true, skipped = true, cancelled = true }
local shown = {}
local sources = { schedule = "fired", hook = "hook", job = "ran", webhook = "ran" }

local function read_events()
  for _, event in ipairs(events()) do
    if finals[event.state] and event.handler and not shown[event.id] then
      shown[event.id] = true
      local started, finished = unix(event.started_at), unix(event.finished_at)
      add(started, sources[event.source], event.source == "webhook" and "handler" or event.source,
        ("%s (event %d, %s after %.0f ms)"):format(event.handler, event.id, event.state, (finished - started) * 1000))
    end
  end
end

-- Nothing is running, nothing is due, and the sandbox's journal stands still.
local function quiet()
  local before = cursor
  read_journal()
  if cursor ~= before then return false end
  for _, event in ipairs(events()) do
    local due = event.due_at and unix(event.due_at) or 0
    if not finals[event.state] and due <= mavilua.time() + 3 then return false end
  end
  return true
end

local function await_quiet()
  local deadline = mavilua.now() + 30
  local calm = 0
  while calm < 2 do
    calm = quiet() and calm + 1 or 0
    if mavilua.now() > deadline then error("host and sandbox did not come to rest within 30 seconds", 0) end
    mavilua.sleep(0.05)
  end
end

local function print_lines()
  read_journal()
  read_events()
  table.sort(lines, function(a, b)
    if a.at ~= b.at then return a.at < b.at end
    return a.order < b.order
  end)
  for _, line in ipairs(lines) do
    local text = ("%s  %-16s %-8s %s"):format(os.date("%H:%M:%S", math.floor(line.at)), line.who, line.what, line.text)
    print(in_color and ("\27[%sm%s\27[0m"):format(colors[line.what], text) or text)
  end
  io.stdout:flush()
  lines = {}
end

---- the conversation -----------------------------------------------------------------------------------------

local client_ids = {}

local function play(step)
  local name = step[1]
  if step.says then
    local answer = ask("POST", sandbox .. "/_sandbox/messages",
      { platform_id = platform_ids[name], group = group, name = name, message = step.says })
    client_ids[name] = answer.client_id
    return answer
  end
  return ask("POST", ("%s/hook/payment?secret=%s"):format(host, payment_secret),
    { id = "payment-" .. name .. "-" .. mavilua.time(), customer = { id = client_ids[name] }, amount = step.pays })
end

local function play_round(steps)
  local _, failed = mavilua.map(steps, play)
  local _, err = next(failed)
  if err then error(tostring(err), 0) end
  await_quiet()
  print_lines()
end

-- The reminder goes to whoever ordered and did not confirm: wait for the schedule to say so.
local function await_reminder()
  local deadline = mavilua.now() + 20
  local url = ("%s/_sandbox/messages?client_id=%s"):format(sandbox, client_ids.Bram)
  repeat
    for _, message in ipairs(ask("GET", url).messages) do
      if tostring(message.text):find "still waiting" then return end
    end
    mavilua.sleep(0.1)
  until mavilua.now() > deadline
  error("the reminder did not come within 20 seconds", 0)
end

---- the sum --------------------------------------------------------------------------------------------------

-- Lost: webhooks that got a 200, less the handled events they became.
local function count_lost()
  local handled = 0
  for _, event in ipairs(events()) do
    if event.source == "webhook" and finals[event.state] then handled = handled + 1 end
  end
  return math.max(0, acknowledged - handled)
end

local function print_summary()
  local sum = ask("GET", admin .. "/api/summary")
  local lost = sum.lost + count_lost()
  print(("\nevents: accepted %d  done %d  retried %d  dead %d  lost %d"):format(
    sum.accepted, sum.done, sum.retried, sum.dead, lost))
  return sum.dead == 0 and lost == 0
end

for index, steps in ipairs(rounds) do
  if index == #rounds then await_reminder() end
  play_round(steps)
end
os.exit(print_summary() and 0 or 70)
