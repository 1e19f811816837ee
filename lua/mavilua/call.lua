--- One call of an action: request, pace, transport, answer, retry.
-- @internal mavilua.call
local core = require "mavilua.core"
local errors = require "mavilua.errors"
local protect = require "mavilua.protect"
local retry = require "mavilua.retry"
local runtime = require "mavilua.runtime"

local call = {}

-- Under the host each call is counted; elsewhere, a plain script of the program too, nobody asks.
local function find_meter()
  if not package.preload["mavilua.host.native"] then return nil end
  local hosted, native = pcall(require, "mavilua.host.native")
  return hosted and native or nil
end

local meter = find_meter()

local USER_AGENT = "mavilua/" .. core.version

-- A transport of the user's may raise or give a bare string; its words may hold the address.
local function from_transport(state, ok, reply, problem)
  if not ok then
    error(state.redact(reply), 0)
  end
  if reply then return reply end
  if type(problem) ~= "table" then
    problem = { message = tostring(problem or "the transport gave no reply") }
  end
  return nil, {
    kind = problem.kind or "network",
    message = problem.message or "the transport failed",
    sent = problem.sent ~= false, -- who does not say so may have sent
  }
end

local function send(state, request)
  if not state.transport then return runtime.send(request) end
  return from_transport(state, protect(state.transport, request))
end

local function http_request(state, name, prepared, options)
  local headers = { Accept = "application/json", ["User-Agent"] = USER_AGENT }
  local body = prepared.body
  if body == "" then body = nil end
  if body then headers["Content-Type"] = "application/json" end
  return {
    action = name,
    method = prepared.method,
    url = state.prefix .. prepared.target,
    headers = headers,
    body = body,
    timeout = options.timeout or state.options.timeout,
    connect_timeout = state.options.connect_timeout,
    verify = state.options.verify ~= false,
    ca_file = state.options.ca_file,
    once = prepared.retry == "once",
  }
end

local function trace(state, event)
  local hook = state.options.trace
  if hook then hook(event) end
end

local function interpret(state, name, reply)
  local headers = reply.headers or {}
  local status, body = reply.status, reply.body or ""
  local known = state.known(name) and name or nil
  local keep_null = state.options.keep_null == true
  local result, failure = core.interpret(known, status, body, headers["retry-after"], keep_null)
  if failure then
    if failure.retry_after and failure.retry_after < 0 then failure.retry_after = nil end
    failure.sent, failure.body = true, body
    return nil, failure
  end
  if result == nil then result = core.null end -- an answer that is a bare null
  return result
end

local function count(state, name, failure)
  if not meter then return end
  local sent = not failure or failure.kind ~= "quota"
  meter.called(state.known(name) and name or "other", failure and failure.kind or "ok",
    sent and state.counts(name))
end

local function try(state, name, request, number)
  local paid = state.counts(name)
  if paid then
    local ok, over = state.pace:spend()
    if not ok then return nil, over end
    state.pace:wait()
  end
  local shown = state.redact(request.url)
  local method = request.method
  trace(state, { what = "request", action = name, attempt = number, method = method, url = shown })
  local start = state.runtime.now()
  local reply, problem = send(state, request)
  trace(state, {
    what = reply and "reply" or "failure", action = name, attempt = number, method = method, url = shown,
    status = reply and reply.status, kind = problem and problem.kind,
    message = problem and state.redact(problem.message), seconds = state.runtime.now() - start,
  })
  if not reply then return nil, problem end
  return interpret(state, name, reply)
end

local function attempt(state, name, request, number)
  local result, failure = try(state, name, request, number)
  count(state, name, failure)
  return result, failure
end

local function told(state, name)
  return function(failure, number, delay)
    if failure.status == 429 then state.pace:hold(delay) end
    local event = {
      what = "retry", action = name, attempt = number, delay = delay,
      kind = failure.kind, status = failure.status, message = state.redact(failure.message),
    }
    trace(state, event)
    if meter then meter.retried(state.known(name) and name or "other") end
    if state.options.on_retry then state.options.on_retry(event) end
  end
end

local function as_error(state, name, failure)
  return errors.new {
    kind = failure.kind,
    action = name,
    status = failure.status ~= 0 and failure.status or nil,
    code = failure.code ~= "" and state.redact(failure.code) or nil,
    message = state.redact(failure.message),
    attempts = failure.attempts,
    retryable = failure.retryable,
    retry_after = failure.retry_after,
    sent = failure.sent,
    body = errors.cap(state.redact(failure.body)),
  }
end

-- The attempts that a call makes, from `first` on, when that has failed.
local function repeated(state, name, prepared, options, first)
  local request = http_request(state, name, prepared, options)
  local policy = {
    class = prepared.retry,
    retries = options.retries or state.options.retries,
    max_retry_wait = state.options.max_retry_wait,
    sleep = state.runtime.sleep,
    told = told(state, name),
  }
  local result, failure = retry.run(policy, function(number)
    return attempt(state, name, request, number)
  end, first)
  if failure then return nil, as_error(state, name, failure) end
  return result
end

-- What follows the straight way, when that was not all.
local function go_on(state, name, options, failure, prepared)
  if not prepared then errors.misuse("%s", state.redact(failure)) end
  return repeated(state, name, prepared, options or {}, failure)
end

local function step_by_step(state, name, params, options)
  local prepared, message = core.prepare(name, params, state.known(name))
  if not prepared then errors.misuse("%s", state.redact(message)) end
  if not state.transport then runtime.check(name) end
  return repeated(state, name, prepared, options or {})
end

local attempt_straight = core.attempt

--- Calls an action.
-- @param state the client's private state (see client.lua)
-- @param name string, the action
-- @param params table of parameters
-- @param options table: `timeout` (seconds), `retries`; may be nil
-- @return result, or nil and an `err`; raises misuse at the caller's line
function call.run(state, name, params, options)
  local caller = state.caller
  if not caller then return step_by_step(state, name, params, options) end
  -- The straight way: the first attempt goes through the core in one piece, and mostly that is all.
  local result, failure, prepared = attempt_straight(caller, name, params, options and options.timeout)
  if failure == nil then return result end
  return go_on(state, name, options, failure, prepared)
end

--- What lets calls go the straight way: nil where something has to be asked or told before or after each attempt.
-- @param options table: those of the client, whole
-- @param prefix string: what stands before an action in its address
-- @return a caller of the core, which counts the calls by its own clock, or nil
function call.caller(options, prefix)
  local own_time = options.runtime and options.runtime.time
  if runtime.in_nginx or own_time or options.transport or options.trace or options.rate
    or options.daily_quota then return nil end
  return core.caller {
    prefix = prefix, timeout = options.timeout, connect_timeout = options.connect_timeout,
    verify = options.verify, ca_file = options.ca_file, keep_null = options.keep_null,
  }
end

local counted = {}
counted.__index = counted

function counted:used(day) return core.calls(self.caller, day) end

function counted:take(day)
  core.calls(self.caller, day, 1)
  return true
end

--- The count of a caller's calls, for pace.new.
-- @param caller what `call.caller` gave, or nil
-- @return the count, or nil
function call.count(caller)
  return caller and setmetatable({ caller = caller }, counted) or nil
end

return call
