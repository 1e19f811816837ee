--- One run: the event is given its shape, its handler is found and called, and what it returned
-- becomes a verdict for the host.
-- @internal mavilua.host.dispatch

local check = require "mavilua.host.check"
local core = require "mavilua.core"
local event = require "mavilua.host.event"
local request = require "mavilua.host.request"
local text = require "mavilua.host.text"

local dispatch = {}

local PATIENCE = 10 -- seconds that a duplicate waits for the end of the first

--- The mark of host.retry, host.cancel and host.dead.
dispatch.verdict = {
  __name = "mavilua.verdict",
  __tostring = function(v)
    return ("host.%s(…): return it from the handler, it does nothing elsewhere"):format(v.called)
  end,
}

-- What the host reads: "done", reply | "retry", delay, reason | "dead" or "cancelled", reason
local function finish(to_reply, value)
  if getmetatable(value) ~= dispatch.verdict then
    return "done", to_reply and to_reply(value)
  elseif value.verdict == "retry" then
    return "retry", value.delay, value.reason
  end
  return value.verdict, value.reason
end

local function first_match(handlers, kind, e, folded)
  for _, handler in ipairs(handlers) do
    if handler.event == kind and handler.matches(e, folded) then
      return handler
    end
  end
  return nil
end

--- The handler of a platform webhook: the first, in order of registration, of the event's own kind
-- that matches; else the first `any`; else nil.
function dispatch.choose(registry, e)
  local folded = text.fold(e.text)
  return first_match(registry.handlers, e.kind, e, folded)
    or first_match(registry.handlers, "any", e, folded)
end

-- Waits for a place among the runs of the handler; nil, or after how many seconds to come again. The
-- time in the line is not the run's.
local function wait_for_place(native, name, limit)
  native.clock(false)
  local answer, problem = native.ask { op = "place", handler = name, limit = limit }
  native.clock(true)
  if not answer then
    error(problem, 0)
  end
  return answer.later
end

-- Calls the handler, unless the host says that it is too late for it.
local function call(native, name, policy, e, to_reply, fn, ...)
  local refusal = native.begin(name, policy, e)
  if refusal then
    return "dead", refusal
  end
  if policy and policy.concurrency then
    local later = wait_for_place(native, name, policy.concurrency)
    if later then
      return "later", later
    end
    refusal = native.begin(name, policy, e) -- it may have become too old in the line
    if refusal then
      return "dead", refusal
    end
  end
  if policy and policy.timeout then
    native.timeout(policy.timeout)
  end
  return finish(to_reply, fn(...))
end

local function common(arrived)
  return {
    id = arrived.id, attempt = arrived.attempt, source = arrived.source, key = arrived.key,
    accepted_at = arrived.accepted_at, due_at = arrived.due_at,
  }
end

-- By source: registry, native, the event as it came -> verdict …
local sources = {}

function sources.webhook(registry, native, arrived)
  local e = event.fill(common(arrived), arrived.json)
  local handler = dispatch.choose(registry, e)
  if not handler then
    return "done"
  end
  return call(native, handler.name, handler.policy, e, nil, handler.fn, e)
end

local function named(registry, kind, arrived)
  local entry = registry.by_name[kind][arrived.name]
  if not entry then
    error(("no script registers the %s '%s' any more"):format(kind, tostring(arrived.name)), 0)
  end
  return entry
end

-- What the function of option `dedupe` told the request from others by: "duplicate", a reply for when the
-- other's is not known to the host, and why, if another had it; nil if none had.
local function duplicate(native, entry, r)
  local refusal = native.begin(entry.handler, entry.policy, r)
  local value = not refusal and entry.identify(r)
  if value == nil or value == false then
    return nil
  end
  value = check.value("host.hook: what the function of 'dedupe' returns", value, "id")
  local answer, problem
  local waited = 0
  repeat
    answer, problem = native.ask { op = "dedupe", value = value }
    if not answer then
      error(problem, 0)
    end
    if not answer.open then break end
    core.sleep(0.05)
    waited = waited + 0.05
  until waited > PATIENCE
  if answer.original then
    local plain = { status = 200, json = { accepted = true, event = answer.original, duplicate = true } }
    return "duplicate", plain, ("duplicate of event %d"):format(answer.original)
  end
end

function sources.hook(registry, native, arrived)
  local entry = named(registry, "hook", arrived)
  local r = request.of(arrived)
  if entry.identify then
    local verdict, reply, why = duplicate(native, entry, r)
    if verdict then
      return verdict, reply, why
    end
  end
  return call(native, entry.handler, entry.policy, r, request.reply, entry.fn, r)
end

function sources.job(registry, native, arrived)
  local entry = named(registry, "job", arrived)
  local e = common(arrived)
  e.kind, e.name, e.args = "job", arrived.name, arrived.json
  return call(native, entry.handler, entry.policy, e, nil, entry.fn, e.args, e)
end

function sources.schedule(registry, native, arrived)
  local entry = named(registry, "schedule", arrived)
  local e = common(arrived)
  -- the due time moves with jitter and retries, the planned moment does not
  local planned = type(arrived.json) == "table" and arrived.json.moment or arrived.due_at
  e.kind, e.name, e.planned = "schedule", arrived.name, planned
  return call(native, entry.handler, entry.policy, e, nil, entry.fn, e)
end

-- A report in words, for a message to somebody.
local function words(report)
  local e, s = report.event, report.schedule
  if e then
    local what = e.name and ("%s %s"):format(e.source, e.name) or e.source
    return ("event %s (%s) is dead after %d attempts: %s"):format(e.id, what, e.attempts, e.reason or "no reason given")
  end
  local since = s.last_success and "since " .. os.date("!%Y-%m-%d %H:%M:%S UTC", s.last_success) or "yet"
  return ("schedule %s has not succeeded %s"):format(s.name, since)
end

function sources.report(registry, native, arrived)
  local entry = registry.by_name.report.on_dead
  if not entry then
    return "done"
  end
  local report = common(arrived)
  report.kind, report.event, report.schedule = arrived.name, arrived.json.event, arrived.json.schedule
  report.text = words(report)
  return call(native, entry.handler, entry.policy, report, nil, entry.fn, report)
end

--- Runs the event of the coroutine that calls.
function dispatch.run(registry, native)
  local arrived = native.arrived()
  local source = sources[arrived.source]
  if not source then
    error("unknown source of an event: " .. tostring(arrived.source), 0)
  end
  return source(registry, native, arrived)
end

return dispatch
