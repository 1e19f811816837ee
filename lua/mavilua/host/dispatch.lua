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

-- The first that takes the event; else nil and the folded text, if one was needed.
local function first_match(native, handlers, kind, e, folded)
  for i = 1, #handlers do
    local handler = handlers[i]
    local matches = handler.event == kind and handler.matches
    if matches then
      folded = folded or text.fold(e.text)
      if handler.by_script then
        native.watch()
      end
    end
    if matches == nil or matches and matches(e, folded) then
      return handler
    end
  end
  return nil, folded
end

--- The handler of a platform webhook: the first, in order of registration, of the event's own kind
-- that matches; else the first `any`; else nil.
function dispatch.choose(native, registry, e)
  local handler, folded = first_match(native, registry.handlers, e.kind, e)
  return handler or (first_match(native, registry.handlers, "any", e, folded))
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

-- By source: registry, native, what is common to all events (id, attempt, source, name, key, accepted_at,
-- due_at; of a hook also body and meta), in a table that is theirs, and the body decoded -> verdict …
local sources = {}

function sources.webhook(registry, native, e, json)
  event.fill(e, json, native.copy)
  local handler = dispatch.choose(native, registry, e)
  if not handler then
    return "done"
  end
  return call(native, handler.name, handler.policy, e, nil, handler.fn, e)
end

local function named(registry, kind, e)
  local entry = registry.by_name[kind][e.name]
  if not entry then
    error(("no script registers the %s '%s' any more"):format(kind, tostring(e.name)), 0)
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

function sources.hook(registry, native, e, json)
  local entry = named(registry, "hook", e)
  e.json = json
  local r = request.of(e)
  if entry.identify then
    local verdict, reply, why = duplicate(native, entry, r)
    if verdict then
      return verdict, reply, why
    end
  end
  return call(native, entry.handler, entry.policy, r, request.reply, entry.fn, r)
end

function sources.job(registry, native, e, json)
  local entry = named(registry, "job", e)
  e.kind, e.args = "job", json
  return call(native, entry.handler, entry.policy, e, nil, entry.fn, e.args, e)
end

function sources.schedule(registry, native, e, json)
  local entry = named(registry, "schedule", e)
  -- the due time moves with jitter and retries, the planned moment does not
  e.kind, e.planned = "schedule", type(json) == "table" and json.moment or e.due_at
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

function sources.report(registry, native, report, json)
  local entry = registry.by_name.report.on_dead
  if not entry then
    return "done"
  end
  report.kind, report.event, report.schedule = report.name, json.event, json.schedule
  report.name = nil
  report.text = words(report)
  return call(native, entry.handler, entry.policy, report, nil, entry.fn, report)
end

--- Runs the event of the coroutine that calls.
function dispatch.run(registry, native)
  local e, json = native.arrived()
  local source = sources[e.source]
  if not source then
    error("unknown source of an event: " .. tostring(e.source), 0)
  end
  if e.source ~= "webhook" then
    native.watch() -- what comes before the handler uses methods of strings, which the script may have replaced
  end
  return source(registry, native, e, json)
end

return dispatch
