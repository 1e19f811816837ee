--- Messages that no webhook brought, because the host was down or refused it: found in the platform's
-- history and fed through the door of all webhooks.
--
-- A walk is a chain of jobs. Each goes on where the last one ended, for a while; what it fed, its progress
-- and the next job of the chain are one commit, so a crash repeats at most one link, and the dedupe by
-- message id makes that harmless. The links of one bot stand in one line.
-- @internal mavilua.host.reconcile

local core = require "mavilua.core"
local duration = require "mavilua.host.duration"
local event = require "mavilua.host.event"
local check = require "mavilua.host.check"

local reconcile = {}

local PAGE = 500           -- clients of one get_clients
local HISTORY = 2000       -- messages of one get_history
local LINK_SECONDS = 15    -- a link of the chain ends after this,
local LINK_MESSAGES = 500  -- or when it has fed so many
local MARGIN = 120         -- seconds before a gap that are looked at, too: clocks differ
local DAY = 86400
local WINDOW = 7 * DAY     -- for so long the host knows which messages it has had

-- ---- times -----------------------------------------------------------------------------------------

-- Days since 1970 of a date of the Gregorian calendar.
local function day_number(year, month, day)
  local y = month <= 2 and year - 1 or year
  local era = math.floor(y / 400)
  local of_era = y - era * 400
  local of_year = math.floor((153 * (month + (month > 2 and -3 or 9)) + 2) / 5) + day - 1
  return era * 146097 + of_era * 365 + math.floor(of_era / 4) - math.floor(of_era / 100) + of_year - 719468
end

--- Unix seconds of `created_at` or `updated_at` in any of their forms: a number, its digits, or
-- "2026-09-09 10:25:47.198713", taken as UTC. nil for anything else.
function reconcile.seconds(value)
  local number = tonumber(value)
  if number then return number end
  if type(value) ~= "string" then return nil end
  local year, month, day, hour, minute, second = value:match("^(%d%d%d%d)-(%d%d)-(%d%d)[ T](%d%d):(%d%d):([%d.]+)")
  if not year or not tonumber(second) then return nil end
  return day_number(tonumber(year), tonumber(month), tonumber(day)) * DAY + tonumber(hour) * 3600
    + tonumber(minute) * 60 + tonumber(second)
end

local function date(day)
  return os.date("!%d.%m.%Y", day * DAY)
end

-- ---- what is missing -------------------------------------------------------------------------------

-- A client that nothing was said to since need not be asked about. A date without a zone may be a day off.
local function is_concerned(row, args)
  local at = reconcile.seconds(row.updated_at)
  if args.all_clients or not at then return true end
  return at >= args.since - MARGIN - (tonumber(row.updated_at) and 0 or DAY)
end

-- Messages of the days `first` to `last`, newest first; more than one answer holds are asked for in halves.
local function read_history(walk, client, first, last)
  local answer, err = walk.bot:get_history {
    client_id = client.id, start_date = date(first), stop_date = date(last), limit = HISTORY,
  }
  if not answer then return nil, err end
  local rows = answer.result or {}
  if #rows < HISTORY then return rows end
  if first == last then
    walk.log("warn", ("client %s has more than %d messages on %s: the oldest of them cannot be read"):format(
      client.id, HISTORY, date(first)))
    return rows
  end
  local middle = math.floor((first + last) / 2)
  local newer, older
  newer, err = read_history(walk, client, middle + 1, last)
  if newer then older, err = read_history(walk, client, first, middle) end
  if not older then return nil, err end
  for _, row in ipairs(older) do newer[#newer + 1] = row end
  return newer
end

-- Before the gap itself a message counts only while the host still knows which ones it has had.
local function is_in_time(row, args, now)
  local at = reconcile.seconds(row.created_at)
  if not at then return false end
  return at >= args.since or (args.margin and at >= args.since - MARGIN and at >= now - WINDOW + DAY)
end

local function is_wanted(row, args)
  return args.sent or event.flag(row.client_replica, false)
end

-- Oldest first, as they were written.
local function missing_of(walk, client)
  local args, now, list = walk.args, walk.now(), {}
  -- a day more at both ends: dates are in the project's time zone
  local rows, err = read_history(walk, client, math.floor((args.since - MARGIN) / DAY) - 1, math.floor(now / DAY) + 1)
  if not rows then return nil, err end
  local seen = {}
  for i = #rows, 1, -1 do
    local row = rows[i]
    local id = row.id ~= nil and tostring(row.id)
    if id and not seen[id] and is_wanted(row, args) and is_in_time(row, args, now) then
      seen[id] = true
      args.messages = args.messages + 1
      if not walk.known(id) then list[#list + 1] = row end
    end
  end
  return list
end

-- ---- feeding ---------------------------------------------------------------------------------------

local function attachments_of(value)
  local list = core.array {}
  for i, item in ipairs(event.attachments(value)) do
    list[i] = { attachment_url = item.url, attachment_type = item.type }
  end
  return list
end

-- The client as a webhook tells it; a row of get_clients lacks the variables.
local function told(client, variables)
  return {
    id = client.id, recepient = client.platform_id or variables.platform_id, name = client.name or variables.name,
    client_type = client.client_type or tonumber(variables.client_type) or variables.client_type,
    avatar = client.avatar, created_at = client.created_at, tag = client.tag, group = client.group,
    variables = variables,
  }
end

-- The message as a webhook would have brought it; `reconciled` tells that none did.
local function webhook_of(row, client, project_id)
  return {
    id = row.id, client = client, message = row.text, attachments = attachments_of(row.attachments),
    message_id = row.message_id, project_id = project_id, is_input = event.flag(row.client_replica, false) and 1 or 0,
    delivered = event.flag(row.delivered, true) and 1 or 0, error_message = row.error_message or "",
    message_from_outside = row.message_from_outside, created_at = row.created_at, reconciled = true,
  }
end

local function feed(walk, client, rows)
  local variables, err = walk.bot:get_variables { client_id = client.id }
  if not variables then return nil, err end
  local of_client = told(client, variables)
  for _, row in ipairs(rows) do
    walk.webhook(tostring(row.id), tostring(client.id), webhook_of(row, of_client, client.project_id),
      math.floor(reconcile.seconds(row.created_at) * 1000))
  end
  walk.args.fed = walk.args.fed + #rows
  walk.fed = walk.fed + #rows
  return true
end

-- Some refusals are about this client alone (it was deleted meanwhile): the others go on. A key that is
-- not accepted is not among them.
local function about_the_client(err)
  if err.retryable or err.kind == "quota" or err.status == 401 or err.status == 403 then return false end
  return err.kind == "api" or err.status == 400 or err.status == 404
end

local function visit(walk, client)
  local rows, err = missing_of(walk, client)
  local ok = rows ~= nil
  if rows and #rows > 0 then ok, err = feed(walk, client, rows) end
  if not ok then
    if not about_the_client(err) then error(err, 0) end
    walk.log("warn", ("client %s is left out: %s"):format(tostring(client.id), tostring(err)))
    walk.args.left_out = walk.args.left_out + 1
  end
  walk.args.walked = walk.args.walked + 1
end

-- ---- the walk --------------------------------------------------------------------------------------

local function kept(row)
  return {
    id = row.id, platform_id = row.platform_id, client_type = row.client_type, name = row.name, avatar = row.avatar,
    created_at = row.created_at, tag = row.tag, group = row.group, project_id = row.project_id,
  }
end

-- The next page of clients into the queue. Oldest first: new ones come at the end and shift nobody.
local function turn_page(walk)
  local args = walk.args
  local answer, err = walk.bot:get_clients { offset = args.offset, limit = PAGE, reverse = true }
  if not answer then error(err, 0) end
  local rows = answer.clients or {}
  for _, row in ipairs(rows) do
    if is_concerned(row, args) then args.queue[#args.queue + 1] = kept(row) end
  end
  args.offset = args.offset + #rows
  args.listed = args.listed + #rows
  args.last_page = #rows < PAGE
end

-- Whether the walk has ended; otherwise this link has.
local function go_on(walk)
  local args = walk.args
  local deadline = core.now() + LINK_SECONDS
  repeat
    if #args.queue == 0 then
      if args.last_page then return true end
      turn_page(walk)
    else
      visit(walk, args.queue[1])
      table.remove(args.queue, 1)
    end
  until core.now() >= deadline or walk.fed >= LINK_MESSAGES
  return #args.queue == 0 and args.last_page
end

-- Whether a walk that began after this one was asked for looked for all that it would: a host that
-- fails and starts again and again asks each time.
local function is_covered(walk, args)
  local last = args.why and walk.last()
  return type(last) == "table" and last.state == "done" and last.begun_at and walk.asked_at
    and walk.asked_at + 1 < last.begun_at and last.since <= args.since
end

-- What a walk counts, for the first link of its chain.
local function begin(entry, walk, args)
  args.begun_at = walk.now()
  args.margin = args.why ~= nil
  if args.why then args.sent, args.all_clients = entry.sent, entry.all_clients end
  args.offset, args.listed, args.walked, args.messages, args.fed, args.left_out = 0, 0, 0, 0, 0, 0
  args.queue = {}
  for i, id in ipairs(args.clients or {}) do args.queue[i] = { id = id } end
  args.last_page = args.clients ~= nil
  args.clients = nil
end

local reasons = { down = " (the host was down)", refused = " (the host refused webhooks)" }

local function tell(walk, what)
  local args = walk.args
  walk.log("info", what, {
    since = args.since, listed = args.listed, walked = args.walked, messages = args.messages, fed = args.fed,
    left_out = args.left_out, waiting = #args.queue,
  })
end

--- One link of the chain: the function of the job.
-- @param entry what was registered
-- @param args of the job; `since` (unix seconds) and what the link before counted
-- @param walk what it needs of the host: bot, asked_at (unix seconds), last() (the progress told last),
--   log(level, message, fields), known(id), webhook(…), now() (unix seconds), next(args),
--   progress(state, args), retry(seconds, reason)
function reconcile.run(entry, args, walk)
  walk.args, walk.fed = args, 0
  if not args.begun_at then
    if is_covered(walk, args) then return end
    begin(entry, walk, args)
    walk.log("info", ("%s: looking for messages since %s UTC that no webhook brought%s"):format(entry.name,
      os.date("!%Y-%m-%d %H:%M:%S", math.floor(args.since)), reasons[args.why] or ""))
  end
  local ok, ended = pcall(go_on, walk)
  if not ok then
    local err = ended
    if type(err) == "table" and err.kind == "quota" and err.retry_after then
      return walk.retry(err.retry_after, tostring(err))
    end
    error(err, 0)
  end
  tell(walk, entry.name .. (ended and ": done" or ": under way"))
  walk.progress(ended and "done" or "under way", args)
  if not ended then walk.next(args) end
end

-- ---- what a script asks for ------------------------------------------------------------------------

--- The arguments of a walk that a handler starts. @param now unix seconds
function reconcile.arguments(options, now)
  local since = options.since
  if type(since) == "string" then
    local seconds = duration.parse(since)
    if not seconds then
      check.misuse("host.reconcile: since must be unix seconds or how long ago, such as \"2h\", not "
        .. check.show(since))
    end
    since = now - seconds
  elseif type(since) ~= "number" or since ~= since or since <= 0 or since > now + DAY then
    check.misuse("host.reconcile: since must be unix seconds that are past, or how long ago, such as \"2h\", not "
      .. check.show(since))
  end
  if since < now - WINDOW and not options.older then
    check.misuse("host.reconcile: since lies more than 7 days back, and for longer the host does not know "
      .. "which messages it has had: they would run a second time; if no webhook brought them, say older = true")
  end
  return { since = since, sent = options.sent, all_clients = options.all_clients, clients = options.clients }
end

return reconcile
