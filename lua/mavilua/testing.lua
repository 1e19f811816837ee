--- Tests of bots: a host with your script, a sandbox beside it that plays the platform, and a clock that
-- stands still until it is told to go on. For busted or any other runner.
--
--     local testing = require "mavilua.testing"
--
--     describe("my bot", function()
--       local t
--       before_each(function() t = testing.start { script = "bot.lua", now = "2026-01-05 09:00" } end)
--       after_each(function() t:stop() end)
--
--       it("greets", function()
--         t:client_says("Ada", "hello")
--         t:assert_said("Ada", { "Hello Ada!" })
--       end)
--     end)
--
-- Under `mavilua run` both run inside the same program; elsewhere the program `mavilua` (or the one that
-- MAVILUA_BIN names) is started. Nothing listens on a fixed port, nothing is kept.
-- @module mavilua.testing
local core = require "mavilua.core"
local client = require "mavilua.client"
local duration = require "mavilua.host.duration"
local errors = require "mavilua.errors"
local http = require "mavilua.http"
local pair = require "mavilua.testing.pair"
local talk = require "mavilua.testing.talk"
local url = require "mavilua.url"

local testing = {}

local PATIENCE = 20 -- seconds, for what takes milliseconds
local START = "2026-01-05 09:00" -- a Monday

local rules = {
  script = { type = "string", what = "the path of the bot's script" },
  source = { type = "string", what = "the text of a script" },
  seed = { type = "string table", what = "a seed: a table, or the path of a JSON file" },
  now = { type = "string number", what = "a moment in UTC, as \"2026-01-05 09:00\", or unix seconds" },
  clock = { type = "string", what = "\"virtual\" or \"real\"" },
  settings = { type = "table", what = "settings of the sandbox: name = value" },
  workers = { type = "number", what = "a whole number above 0", least = 1, whole = true },
}

local test = {}
test.__index = test

--- Matches what the bot says by a Lua pattern, in `assert_said`.
-- @param text Lua pattern
function testing.pattern(text)
  return { pattern = text }
end

--- Starts host and sandbox.
-- @param options table: `script` (path) or `source` (Lua text); `seed` (table, or path of a JSON file;
--   otherwise the built-in shop), `now` (UTC, "2026-01-05 09:00" or unix seconds; that Monday when not
--   given), `clock` ("virtual"; "real": the machine's), `settings` (of the sandbox), `workers` (1)
-- @return the test; raises when the script or the seed is wrong
function testing.start(options)
  options = errors.check_options("mavilua.testing.start", options, rules)
  if (options.script == nil) == (options.source == nil) then
    errors.misuse("mavilua.testing.start: takes one of script and source")
  end
  local real = options.clock == "real"
  local now = not real and tostring(options.now or START) or nil
  local servers, problem = pair.start { script = options.script, source = options.source, seed = options.seed,
    now = now, workers = options.workers }
  if not servers then error("mavilua.testing.start: " .. tostring(problem), 2) end
  local self = setmetatable({
    servers = servers, sandbox = servers.sandbox, host = servers.host, admin = servers.admin,
    bot = client.new { api_key = "sandbox", base_url = servers.sandbox, retries = 0 },
    ids = {}, asserted = {}, payments = 0,
  }, test)
  if options.settings then self:control("POST", "settings", options.settings) end
  self.first = self:control("GET", "messages").last
  self:wait_idle()
  return self
end

-- ---- asking ----------------------------------------------------------------------------------------

local function fetch(method, address, json)
  local reply, err = http.request { method = method, url = address, json = json, timeout = 60 }
  if not reply then error(tostring(err), 0) end
  return reply
end

--- Asks the sandbox's control API.
-- @param method "GET", "POST", "PUT" or "DELETE"
-- @param path what follows /_sandbox/
-- @param json what is sent, or nil
-- @return the decoded answer; raises when it refuses
function test:control(method, path, json)
  local reply = fetch(method, self.sandbox .. "/_sandbox/" .. path, json)
  if not reply.ok then error(("%s /_sandbox/%s: %d %s"):format(method, path, reply.status, reply.body), 2) end
  return reply:json()
end

local function ask_admin(self, path)
  local reply = fetch("GET", self.admin .. path)
  if not reply.ok then error(("GET %s: %d %s"):format(path, reply.status, reply.body), 0) end
  return reply:json()
end

--- What the host and the sandbox logged so far.
-- @return string
function test:log()
  return self.servers.log()
end

-- ---- idleness --------------------------------------------------------------------------------------

local function last_lines(text, count)
  local lines = {}
  for line in text:gmatch "[^\n]+" do lines[#lines + 1] = line end
  return table.concat(lines, "\n", math.max(1, #lines - count + 1))
end

-- Nothing ran before and after the look at the webhooks, and nothing came meanwhile.
local function is_idle(self)
  local before = ask_admin(self, "/api/summary")
  if not before.idle then return false end
  if not self:control("GET", "idle?wait=" .. PATIENCE).idle then return false end
  local after = ask_admin(self, "/api/summary")
  return after.idle and after.accepted == before.accepted and after.moments == before.moments
end

--- Waits until nothing happens any more: no webhook is under way, no handler runs, nothing is due. What
-- the clock has yet to bring (jobs, schedules, retries, put-off messages) is not waited for.
-- @param seconds the longest it may take, 20 when not given
function test:wait_idle(seconds)
  local deadline, pause = core.now() + (seconds or PATIENCE), 0.001
  while not is_idle(self) do
    if core.now() > deadline then
      error("host and sandbox did not come to rest; the end of the log:\n" .. last_lines(self:log(), 20), 2)
    end
    core.sleep(pause)
    pause = math.min(pause * 2, 0.02)
  end
end

-- ---- time ------------------------------------------------------------------------------------------

-- Days since 1970 of a date (Hinnant's algorithm: years from March).
local function days(year, month, day)
  if month <= 2 then year, month = year - 1, month + 12 end
  local era = math.floor(year / 400)
  local of_era = year - era * 400
  local of_year = math.floor((153 * (month - 3) + 2) / 5) + day - 1
  return era * 146097 + of_era * 365 + math.floor(of_era / 4) - math.floor(of_era / 100) + of_year - 719468
end

-- "2026-01-05T09:15:00.000Z" as unix seconds.
local function seconds_of(text)
  local year, month, day, hour, minute, second = text:match "^(%d+)-(%d+)-(%d+)T(%d+):(%d+):([%d.]+)Z$"
  return days(tonumber(year), tonumber(month), tonumber(day)) * 86400 + hour * 3600 + minute * 60 + tonumber(second)
end

-- The next moment after `now` at which something will happen by itself, or nil.
local function next_moment(self, now)
  local nearest
  local function consider(moment)
    if moment and moment > now and (not nearest or moment < nearest) then nearest = moment end
  end
  for _, schedule in ipairs(ask_admin(self, "/api/schedules").schedules) do
    local first = schedule.next and schedule.next[1]
    if first then consider(seconds_of(first)) end
  end
  local due = ask_admin(self, "/api/summary").next_due
  if due then consider(seconds_of(due)) end
  for _, put_off in ipairs(self:control("GET", "timeline").timeline) do consider(put_off.at) end
  return nearest
end

--- The time of day of host and sandbox.
-- @return unix seconds
function test:now()
  return self:control("GET", "clock").now
end

--- Lets time pass: from one moment at which something is due to the next, each handled to its end, so that
-- schedules, jobs and put-off messages happen in order and as if the host had been up all the time.
-- `host.sleep` inside a handler goes by the machine's clock.
-- @param time seconds, or a text such as "90s", "2h30m", "1d"
function test:advance(time)
  local span = duration.parse(time)
  if not span then errors.misuse("advance: takes %s, got %s", duration.expected, tostring(time)) end
  self:wait_idle()
  local now = self:now()
  local target = now + span
  local moment = next_moment(self, now)
  while moment and moment <= target do
    self:control("POST", "clock", { mode = "virtual", now = moment })
    self:wait_idle()
    moment = next_moment(self, moment)
  end
  self:control("POST", "clock", { mode = "virtual", now = target })
  self:wait_idle()
end

-- ---- clients ---------------------------------------------------------------------------------------

local function find_by_name(self, name)
  for one in self.bot:each("get_clients", { reverse = true }) do
    if one.name == name then return one.id end
  end
end

-- For `error`: the level of whoever called into this file, through however many of its functions.
local function callers_level()
  local here, level = debug.getinfo(1, "S").source, 2
  while (debug.getinfo(level, "S") or {}).source == here do level = level + 1 end
  return level - 1
end

--- The id of a client: of a name that was used before or is in the seed, or of an id itself.
-- @param who name or id
-- @return id; raises when there is no such client
function test:client(who)
  if type(who) == "number" then return who end
  local id = self.ids[who] or find_by_name(self, who)
  if not id then
    error(("there is no client named %s: nobody of this name has written, and the seed has none"):format(
      tostring(who)), callers_level())
  end
  self.ids[who] = id
  return id
end

--- A client writes. A name that nobody has becomes a new client of the first channel.
-- @param who name or id
-- @param text what is written, or nil with attachments
-- @param more table or nil: `attachments` (list of URLs), `group` (the channel of a new client)
-- @return the message's id
function test:client_says(who, text, more)
  local known = type(who) == "number" and who or self.ids[who] or find_by_name(self, who)
  local message = { message = text, attachments = more and more.attachments }
  if known then
    message.client_id = known
  else
    message.platform_id, message.name, message.group = "test-" .. url.escape(who), who, more and more.group
  end
  local answer = self:control("POST", "messages", message)
  self.ids[who] = answer.client_id
  return answer.message_id
end

--- The conversation with a client since the start.
-- @param who name or id
-- @return list of messages as get_history has them, oldest first, with `buttons`
function test:conversation(who)
  self:wait_idle()
  local id = self:client(who)
  return self:control("GET", ("messages?client_id=%s&since=%s"):format(id, self.first)).messages
end

-- A message as a line: its text, or what is attached.
local function text_of(message)
  local parts = { message.text }
  local attached = type(message.attachments) == "table" and message.attachments or {}
  for _, one in ipairs(attached) do
    parts[#parts + 1] = "[" .. (type(one) == "table" and one.attachment_url or tostring(one)) .. "]"
  end
  return table.concat(parts, " ")
end

--- What the bot said to a client since the start, whoever sent it: a script, a block, the API.
-- @param who name or id
-- @return list of texts; a file is "[its address]"
function test:bot_said(who)
  local texts = {}
  for _, message in ipairs(self:conversation(who)) do
    if not message.client_replica then texts[#texts + 1] = text_of(message) end
  end
  return texts
end

--- The variables of a client and of the current order, as get_variables answers them.
-- @param who name or id
-- @return table
function test:variables(who)
  self:wait_idle()
  return assert(self.bot:get_variables { client_id = self:client(who) })
end

local function state_names(self)
  local names = {}
  for _, funnel in ipairs(self:control("GET", "funnels").funnels) do
    for _, state in ipairs(funnel.states) do names[state.id] = state.name end
  end
  return names
end

--- The state of a client's current order.
-- @param who name or id
-- @return the state's name and its id; nil when there is no order
function test:order_state(who)
  self:wait_idle()
  local answer, err = self.bot:get_order_state { client_id = self:client(who) }
  if not answer then
    if err.kind == "api" then return nil end
    error(tostring(err), 2)
  end
  return state_names(self)[answer.state_id], answer.state_id
end

-- ---- hooks -----------------------------------------------------------------------------------------

--- Somebody calls a hook of the host, once all that was said before is dealt with.
-- @param name the hook's
-- @param json what is sent
-- @param options table or nil: `secret`; `headers`; `body` (bytes, instead of json)
-- @return the reply: `status`, `body`, `reply:json()`
function test:hook(name, json, options)
  self:wait_idle()
  options = options or {}
  local reply, err = http.request {
    method = "POST", url = self.host .. "/hook/" .. name, headers = options.headers,
    query = options.secret and { secret = options.secret } or nil,
    json = not options.body and (json or {}) or nil, body = options.body, timeout = 60,
  }
  if not reply then error(tostring(err), 2) end
  return reply
end

--- A payment provider calls the hook "payment": {"id": …, "customer": {"id": …}, "amount": …}.
-- @param who name or id of the client who pays
-- @param amount number
-- @param options table or nil: `secret`, `hook` (its name), `id` (of the payment; a new one each time)
-- @return the reply, as of `hook`
function test:pay_hook(who, amount, options)
  options = options or {}
  self.payments = self.payments + 1
  return self:hook(options.hook or "payment", {
    id = options.id or "payment-" .. self.payments, customer = { id = self:client(who) }, amount = amount,
  }, options)
end

-- ---- the host's events -----------------------------------------------------------------------------

--- The host's events that failed: those that wait for another attempt, and those given up.
-- @return list of {id, state, handler, reason, attempt, …}, newest first
function test:failures()
  local failed = {}
  for _, state in ipairs { "retryable", "dead" } do
    for _, event in ipairs(ask_admin(self, "/api/events?limit=100&state=" .. state).events) do
      failed[#failed + 1] = event
    end
  end
  return failed
end

local function told_failures(self)
  local lines = {}
  for _, event in ipairs(self:failures()) do
    lines[#lines + 1] = ("event %d of %s failed (%s): %s"):format(event.id, event.handler or event.source,
      event.state, event.reason or "")
  end
  if #lines == 0 then return "" end
  return "\n\n" .. table.concat(lines, "\n")
end

-- ---- asserts ---------------------------------------------------------------------------------------

-- What the platform itself tells as if the client had written it.
local function is_event(text)
  return text:find "^crm_state_changed " or text == "new_chat_member" or text == "left_chat_member"
end

local function speaker(who, message)
  if not message.client_replica then return "bot" end
  return is_event(message.text or "") and "(event)" or tostring(who)
end

local function lines_since(self, who, last)
  local lines = {}
  for _, message in ipairs(self:conversation(who)) do
    if message.id > last then
      lines[#lines + 1] = {
        who = speaker(who, message), text = text_of(message),
        bot = not message.client_replica, id = message.id,
      }
    end
  end
  return lines
end

--- Raises unless this, and nothing else, is what the bot said to the client since the last `assert_said`
-- for the client (or the start). The message shows the conversation and the difference.
-- @param who name or id
-- @param expected list of texts or `testing.pattern(…)`; one text is short for a list of it
function test:assert_said(who, expected)
  if type(expected) ~= "table" or expected.pattern then expected = { expected } end
  local id = self:client(who)
  local lines = lines_since(self, who, self.asserted[id] or 0)
  if #lines > 0 then self.asserted[id] = lines[#lines].id end
  local difference = talk.difference(lines, expected)
  if difference then
    error(("the bot did not say to %s what was expected (= as expected, + said, - not said):\n\n%s%s"):format(
      tostring(who), difference, told_failures(self)), 2)
  end
end

--- Raises unless the client's current order is in the state.
-- @param who name or id
-- @param expected the state's name or id; nil: there is no order
function test:assert_order_state(who, expected)
  local name, id = self:order_state(who)
  if expected == name or expected ~= nil and expected == id then return end
  local function described(state) return state and ("in the state " .. state) or "not there" end
  error(("the order of %s was to be %s, and is %s%s"):format(tostring(who), described(expected),
    described(name and ("%s (%s)"):format(name, id)), told_failures(self)), 2)
end

--- Raises unless the variables have these values; others may be there.
-- @param who name or id
-- @param expected table name = value; mavilua.null: is not there
function test:assert_variables(who, expected)
  local actual, wrong = self:variables(who), {}
  for name, value in pairs(expected) do
    local is = actual[name]
    if value == core.null then value = nil end
    if is ~= value then
      wrong[#wrong + 1] = ("  %s: expected %s, is %s"):format(name, tostring(value), tostring(is))
    end
  end
  if #wrong == 0 then return end
  table.sort(wrong)
  error(("the variables of %s are not as expected:\n%s%s"):format(tostring(who), table.concat(wrong, "\n"),
    told_failures(self)), 2)
end

--- Ends host and sandbox. A test that was stopped is of no use any more.
function test:stop()
  if self.stopped then return end
  self.stopped = true
  self.servers.stop()
end

return testing
