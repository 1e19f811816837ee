--- The host's side of a script: handlers for what happens, and what they may ask of the host.
--
-- A script registers its handlers while it is loaded; then the host calls them, each event in its
-- own coroutine: calls of the API and `host.sleep` wait without holding up other events.
-- Events of one client (one ordering key) run one after another.
--
--     local mavilua = require "mavilua"
--     local host = require "mavilua.host"
--     local bot = mavilua.client()
--
--     host.on("message", { text = "/start" }, function(event)
--       bot:message { client_id = event.client_id, message = "Hello, " .. event.client.name }
--     end)
--
-- **Which handler runs.** A platform webhook has one kind (see `host.on`). The handlers of that kind
-- are tried in the order in which they were registered; the first whose match holds handles the
-- event, and no other runs. If none does, the `any` handlers are tried likewise. If none of those
-- does either, the event is done, without a handler.
--
-- **What is committed.** What a handler writes (`host.kv`, `host.after`, `host.at`, `host.once`)
-- is committed in one piece with its completion when it returns, or when it returns `host.cancel`.
-- If it fails, or returns `host.retry` or `host.dead`, all of it is dropped, except the results
-- of `host.once`, which are kept for the next attempt. Its own writes it reads at once. Calls of the API
-- are not undone: a handler may run twice (delivery is at least once), `event.attempt` tells.
--
-- **Limits of a run.** Processor time without waiting, time altogether (option `timeout`), memory of
-- the worker. A run over a limit fails as an attempt, and `pcall` does not save it. A single long
-- call of the C library (`string.rep`, a slow pattern) cannot be interrupted, nor can a `__gc`
-- metamethod.
--
-- **The standard library.** `print` writes a log line of the run. `os.exit`, `os.execute`,
-- `io.popen` and `debug.sethook` raise an error. `require` looks beside the script first.
--
-- **Misuse** (wrong arguments) raises an error at the caller's line.
-- @module mavilua.host

if not package.preload["mavilua.host.native"] and not package.loaded["mavilua.host.native"] then
  error("mavilua.host is for scripts that run under `mavilua serve` or `mavilua run`, or in nginx with "
    .. "mavilua.nginx; this is another program", 0)
end
local core = require "mavilua.core"
local native = require "mavilua.host.native"
local check = require "mavilua.host.check"
local dispatch = require "mavilua.host.dispatch"
local globals = require "mavilua.host.globals"
local once = require "mavilua.host.once"
local reconcile = require "mavilua.host.reconcile"
local registry = require("mavilua.host.registry").new(native.check_policy)

local host = {}

local LONGEST = 100 * 366 * 86400 -- seconds

-- Registration belongs to loading: what is registered must be the same on all workers.
local function at_load(what)
  if native.running() then
    check.misuse(what .. " belongs to the top of the script: handlers are registered while it is "
      .. "loaded, not by a handler that runs (host.after starts a job later)")
  end
end

local function in_handler(what)
  if not native.running() then
    check.misuse(what .. " works inside a handler only: while the script is loaded there is no "
      .. "event that it could belong to")
  end
end

--- Registers a handler for platform webhooks.
--
-- Kinds: `message` (the client wrote: `is_input` = 1), `sent` (everything the bot, a manager or an API
-- call sent: your own messages come back as these, never as `message`), `order_state` (the text
-- `crm_state_changed <Pipeline>:<Stage>`), `member` (`new_chat_member`, `left_chat_member`),
-- `callback` (a callback of the API: `message_from_outside` = 3; or, in an incoming message, one of
-- the texts that the platform writes for tasks, pressed links and payments), `any` (whatever no
-- other handler took).
--
-- The platform sends system events as plain text, so a client who types such a text is not to be
-- told from the platform: before money or orders depend on one, ask the API (`get_order_state`).
--
-- The event: `id`, `attempt` (from 1), `source`, `kind`, `key`, `accepted_at`, `due_at` (unix
-- seconds); `text` (a string, "" when there is none), `message` (as it came), `client` (`id`,
-- `recipient`, `client_type`, `name`, `group`, `variables`, …), `client_id`, `attachments` (always a list of
-- `{url =, type = or nil}`), `is_input`, `delivered` (booleans), `error_message`, `message_id`,
-- `project_id`, `raw` (the webhook as it came). By kind: `order` `{pipeline, stage, order_id}`,
-- `member` ("joined", "left"), `callback` ("api", "task", "link", "payment"), `payment`
-- `{hash, amount}`; after a match by pattern: `captures`.
--
-- @string kind one of the above
-- @tparam[opt] table|string|function match all that are given must hold: `text` (the whole text,
--   without white space around it, capital and small letters alike), `contains` (a part of it,
--   likewise), `pattern` (a Lua pattern), `client_type`, `group`; each but `pattern` may be a list
--   of which one must hold. A string is `{text = …}`. A function gets the event and decides.
-- @func fn `fn(event)`; may return `host.retry`, `host.cancel`, `host.dead`
-- @tparam[opt] table options `name` (unique; default kind, match, file and line), `attempts`,
--   `max_age` and `timeout` (seconds or "2h"), `on_fail` ("block", "park", "skip"), `concurrency` (runs of
--   it at once, over all workers)
function host.on(kind, ...)
  at_load("host.on")
  registry:on(kind, ...)
end

--- Registers a handler for requests to `/hook/<name>`.
--
-- The request: `id`, `attempt`, `method`, `path`, `query` (table), `headers` (names in small letters), `body`
-- (bytes), `json` (decoded body, or nil), `form` (decoded, if it is a form).
--
-- @string name letters, digits and `-._~`
-- @tparam[opt] table options `secret`, `key` (path of the ordering key in the JSON body, such as
--   "customer.id"), `dedupe` (path, or "body", or a function of the request that returns what tells it
--   from others, or nil), and those of `host.on`. With `signature` the secret
--   signs: "standard" (Standard Webhooks; `secret` is whsec_…; the webhook-id dedupes), or "sha256"
--   (an HMAC-SHA256 of the raw body in hexadecimal digits, in `signature_header` behind
--   `signature_prefix`, default `X-Hub-Signature-256: sha256=…`; with `timestamp_header` over
--   "<timestamp>.<body>"). `tolerance` (default "5m") is how far a signature's time may be off
-- @func fn `fn(request)`; returns nothing, a string (the body), or `{status =, json = or body =,
--   headers =}`; status from 200 to 599, body and headers in UTF-8
function host.hook(name, options, fn)
  at_load("host.hook")
  registry:hook(name, options, fn)
end

--- Registers a handler for the moments of a cron expression (5 fields, or 6 with seconds first).
-- @string expression "0 9 * * MON-FRI", "@daily"
-- @tparam[opt] table options `name` (unique; default: file and expression), `timezone`, `overlap`
--   ("skip", "queue", "cancel", "allow"), `missed` ("one", "all", "skip"), `jitter`,
--   `expect` (report when it has not succeeded for so long: "25h"), and those of `host.on`
-- @func fn `fn(moment)`: `planned` (unix seconds), `name`, `id`, `attempt`
function host.cron(expression, options, fn)
  at_load("host.cron")
  registry:cron(expression, options, fn)
end

--- Registers a handler that runs at an interval, aligned to 1970.
-- @tparam string|number interval "15m", or seconds (1 or more)
-- @tparam[opt] table options as for `host.cron`, without `timezone`
-- @func fn `fn(moment)`
function host.every(interval, options, fn)
  at_load("host.every")
  registry:every(interval, options, fn)
end

--- Registers a job: a function that `host.after` and `host.at` start later, by name.
-- @string name unique
-- @func fn `fn(args, event)`
-- @tparam[opt] table options `attempts`, `max_age`, `timeout`, `on_fail`, `concurrency`
function host.job(name, fn, options)
  at_load("host.job")
  registry:job(name, fn, options)
end

--- Registers who is told of trouble: once for each event that goes dead, and when a schedule has not
-- succeeded for as long as it expects (option `expect`).
--
-- The report is an event of its own, stored with the death it tells of: it is retried like others,
-- and survives a crash. A report that goes dead itself brings no other.
-- @func fn `fn(report)`: `kind` ("dead", "late"); `text`, all of it in a sentence; of a dead one
--   `event` `{id, source, name, key, handler, attempts, reason, accepted_at}`; of a late one
--   `schedule` `{name, expect, last_success}` (seconds, unix seconds or nil); `id`, `attempt`
-- @tparam[opt] table options `attempts`, `max_age`, `timeout`
function host.on_dead(fn, options)
  at_load("host.on_dead")
  registry:on_dead(fn, options)
end

-- Raises what a native function could not do, at the line of the script.
local function ensure(what, ok, problem)
  if not ok then
    check.misuse(("%s: %s"):format(what, problem))
  end
end

local job_rows = { key = "id", id = "id" }

local function start_job(what, due, name, args, options, elapsed)
  registry:find_job(what, name)
  options = check.options(what, options, job_rows)
  ensure(what, native.job(name, args, math.floor(due), options.key, options.id, elapsed))
end

--- Starts a job after a while; it is stored with the handler's completion.
-- @tparam string|number delay "2h", or seconds
-- @string name of a `host.job`
-- @param[opt] args what the job gets: anything JSON can hold
-- @tparam[opt] table options `key` (ordering key), `id` (a job with the same id is not added twice)
function host.after(delay, name, args, options)
  in_handler("host.after")
  local seconds = check.value("host.after: the delay", delay, "duration")
  if seconds > LONGEST then
    check.misuse("host.after: the delay is longer than a hundred years: " .. check.show(delay))
  end
  start_job("host.after", native.now() + seconds * 1000, name, args, options, true)
end

--- Starts a job at a moment.
-- @number moment unix seconds; one that is past starts it at once
-- @string name of a `host.job`
-- @param[opt] args
-- @tparam[opt] table options as for `host.after`
function host.at(moment, name, args, options)
  in_handler("host.at")
  if type(moment) ~= "number" or moment ~= moment or moment < 0 or moment > 1e11 then
    check.misuse("host.at: the moment must be unix seconds, not " .. check.show(moment))
  end
  start_job("host.at", moment * 1000, name, args, options)
end

local function key_of(what, key)
  key = check.value(what .. ": the key", key, "id")
  if #key > 512 then
    check.misuse(("%s: the key has %d bytes, at most 512 are possible"):format(what, #key))
  end
  return key
end

local once_rows = { confirm = "function" }

--- Runs a function once for a key, whatever the number of attempts, and returns its results; later
-- calls return the stored ones.
--
-- That it begins is stored before it begins, and its results when the attempt ends, well or not. An
-- error that `fn` raises is a failure: the next attempt runs it again. If the process dies, or the
-- run is cut off, in between, nobody knows whether it was done: the next attempt asks `confirm`, or
-- without one raises an error whose `ambiguous` is true. So it does when `fn` raised an ambiguous
-- error of the API.
--
-- While another event's run does the same, the call waits for its end.
-- @tparam string|number key
-- @func fn its results must be what JSON can hold
-- @tparam[opt] table options `confirm`: a function that is given the key and returns the result, or
--   true, if it was done, and nil or false if it was not and is to be run
-- @return the results of `fn` (nulls inside come back as nil)
function host.once(key, fn, options)
  in_handler("host.once")
  key = key_of("host.once", key)
  check.value("host.once: the second argument", fn, "function")
  options = check.options("host.once", options, once_rows)
  return once.run(native, key, fn, options.confirm)
end

--- Values that stay: shared by all handlers and workers, kept across restarts.
-- @table host.kv
host.kv = {}

local function read(what, key)
  local value, problem = native.kv_get(key)
  if value == nil and problem then
    error(("%s: the store cannot be read: %s"):format(what, problem), 3)
  end
  return value
end

--- The value of a key, or nil.
-- @tparam string|number key
function host.kv.get(key)
  in_handler("host.kv.get")
  return read("host.kv.get", key_of("host.kv.get", key))
end

--- Stores a value.
-- @tparam string|number key
-- @param value anything JSON can hold, but nil
-- @tparam[opt] string|number ttl it is gone after that: seconds, or "30d"
function host.kv.set(key, value, ttl)
  in_handler("host.kv.set")
  key = key_of("host.kv.set", key)
  if value == nil then
    check.misuse("host.kv.set: the value is nil; host.kv.delete removes a key")
  end
  ttl = ttl ~= nil and check.value("host.kv.set: ttl", ttl, "duration") or nil
  if ttl and (ttl <= 0 or ttl > LONGEST) then
    check.misuse("host.kv.set: ttl must be above 0 and at most a hundred years, not " .. check.show(ttl))
  end
  ensure("host.kv.set", native.kv_set(key, value, ttl))
end

--- Removes a key, if it is there.
-- @tparam string|number key
function host.kv.delete(key)
  in_handler("host.kv.delete")
  ensure("host.kv.delete", native.kv_delete(key_of("host.kv.delete", key)))
end

--- Adds to a number; a key that is not there counts as 0. Handlers that do so at the same time do
-- not lose each other's additions.
-- @tparam string|number key
-- @number[opt=1] by
-- @treturn number the sum as this handler sees it
function host.kv.incr(key, by)
  in_handler("host.kv.incr")
  key = key_of("host.kv.incr", key)
  by = by == nil and 1 or by
  if type(by) ~= "number" or by ~= by or by == math.huge or by == -math.huge then
    check.misuse("host.kv.incr: the second argument must be a number, not " .. check.show(by))
  end
  local value = read("host.kv.incr", key)
  value = value == nil and 0 or value
  if type(value) ~= "number" then
    check.misuse(("host.kv.incr: '%s' holds %s, not a number"):format(key, check.show(value)))
  end
  local sum = value + by
  if (by > 0 and sum < value) or (by < 0 and sum > value) then
    check.misuse(("host.kv.incr: '%s' would leave 64 bits"):format(key))
  end
  ensure("host.kv.incr", native.kv_add(key, by, sum))
  return sum
end

--- Waits; other events go on meanwhile.
-- @tparam string|number seconds 0.5, or "2s"; for long times use `host.after`, which survives a restart
function host.sleep(seconds)
  in_handler("host.sleep")
  local sleep = native.sleep or core.sleep
  sleep(check.value("host.sleep: the time", seconds, "duration"))
end

--- Log lines of the run: event id, attempt, handler and key stand on each.
-- @table host.log
host.log = {}

-- JSON cannot hold everything that one may want to see in a log.
local function loggable(fields)
  local out = {}
  for name, value in pairs(fields) do
    local kind = type(value)
    local plain = kind == "string" or kind == "boolean" or kind == "table"
      or kind == "number" and value == value and value ~= math.huge and value ~= -math.huge
    out[tostring(name)] = plain and value or tostring(value)
  end
  return out
end

-- A NUL would end the line unseen.
local function words(message)
  return (tostring(message):gsub("%z", "\\0"))
end

local function write(level, message, fields)
  if fields ~= nil and type(fields) ~= "table" then
    check.misuse(("host.log.%s: the fields must be a table, not %s"):format(level, check.show(fields)))
  end
  fields = fields and loggable(fields)
  local ok, problem = native.log(level, words(message), fields)
  if not ok then
    native.log(level, words(message), { fields_error = problem })
  end
end

for _, level in ipairs { "debug", "info", "warn", "error" } do
  --- host.log.debug, .info, .warn, .error
  -- @param message
  -- @tparam[opt] table fields
  host.log[level] = function(message, fields)
    write(level, message, fields)
  end
end

local function verdict(called, kind, delay, reason)
  if reason ~= nil and type(reason) ~= "string" then
    check.misuse(("host.%s: the reason must be a string, not %s"):format(called, check.show(reason)))
  end
  return setmetatable({ called = called, verdict = kind, delay = delay, reason = reason }, dispatch.verdict)
end

--- To be returned: another attempt after a while, instead of the usual backoff. What the handler
-- wrote is dropped.
-- @tparam string|number delay seconds, or "10m"
-- @string[opt] reason
function host.retry(delay, reason)
  return verdict("retry", "retry", check.value("host.retry: the delay", delay, "duration"), reason)
end

-- What a walk needs of the host.
local function walk_of(entry, event)
  return {
    bot = entry.bot,
    asked_at = event and event.accepted_at,
    last = function() return read("host.reconcile", entry.name) end,
    log = write,
    known = function(id)
      local known, problem = native.known(id)
      if known == nil then
        error("host.reconcile: the store cannot be read: " .. problem, 0)
      end
      return known
    end,
    webhook = function(...)
      ensure("host.reconcile", native.webhook(...))
    end,
    now = function() return native.now() / 1000 end,
    next = function(args)
      ensure("host.reconcile", native.job(entry.name, args, native.now(), entry.name, nil))
    end,
    progress = function(state, args)
      ensure("host.reconcile", native.kv_set(entry.name, {
        state = state, since = args.since, begun_at = args.begun_at, at = math.floor(native.now() / 1000),
        listed = args.listed, walked = args.walked, messages = args.messages, fed = args.fed,
        left_out = args.left_out,
      }))
    end,
    retry = host.retry,
  }
end

local start_rows = { bot = "client", name = "string", since = "any", sent = "boolean", all_clients = "boolean",
  clients = "ids", older = "boolean" }

--- Finds the messages that no webhook brought, because the host was down or refused it, and runs them
-- as if one had: in order per client, and none that the host has had (by message id).
--
-- At the top of a script it names the client, and from then on it happens by itself after each start
-- and after refusals. In a handler it starts a walk, for what the host cannot know of (a proxy that was down).
-- A walk asks for all clients, and for the history of those that were changed since; it keeps to the
-- client's `rate`, and goes on after a crash. Progress: log lines, and `host.kv.get("host.reconcile")`.
--
-- @tparam table options at the top: `bot` (a client), `automatic` (true), `name` (to tell several bots
--   apart), `sent` (also what was sent to clients; false), `all_clients` (also those that seem unchanged;
--   false). In a handler: `since` (unix seconds, or how long ago: "2h"), `bot` or `name` if there are several,
--   `sent`, `all_clients`, `clients` (a list of ids: only these), `older` (since may be over 7 days back)
function host.reconcile(options)
  if not native.running() then
    registry:reconcile(options, function(entry, args, event)
      return reconcile.run(entry, args, walk_of(entry, event))
    end)
    return
  end
  options = check.options("host.reconcile", options, start_rows)
  local entry = registry:find_reconcile(options.bot, options.name)
  walk_of(entry).next(reconcile.arguments(options, native.now() / 1000))
end

--- To be returned: nothing is to be done for this event. What the handler wrote is kept.
-- @string[opt] reason
function host.cancel(reason)
  return verdict("cancel", "cancelled", nil, reason)
end

--- To be returned: give the event up; it stays among the dead for inspection and replay. What the
-- handler wrote is dropped.
-- @string[opt] reason
function host.dead(reason)
  return verdict("dead", "dead", nil, reason)
end

--- The event whose handler runs: what the handler got (the request of a hook, the moment of a
-- schedule, the second argument of a job). nil while the script is loaded.
function host.event()
  return native.event()
end

--- Seconds in a duration such as "1h30m".
-- @tparam string|number value
function host.seconds(value)
  return check.value("host.seconds: the value", value, "duration")
end

-- A script that is only checked goes on after a registration that is wrong, so that all of them are
-- told at once.
local function forgiving(register)
  return function(...)
    local ok, problem = pcall(register, ...)
    if not ok then
      native.fault(tostring(problem))
    end
  end
end

if native.checking() then
  for _, name in ipairs { "on", "hook", "cron", "every", "job", "on_dead" } do
    host[name] = forgiving(host[name])
  end
end

native.install(function()
  return dispatch.run(registry, native)
end, function()
  return registry:definitions()
end)
globals.install(native.globals, host.log, native.guard, core.time)
if native.limit then native.limit(host) end -- without a store: see host/direct.lua

return host
