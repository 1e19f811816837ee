--- Repeats a call as its action's class allows. What may be repeated and how long to wait is decided
-- by the core; this is the loop around it.
-- @internal mavilua.retry
local core = require "mavilua.core"

local retry = {}

local function ambiguous(failure)
  failure.message = ("sent, but nobody knows whether it was done: %s; look before you send it again")
    :format(failure.message or failure.kind)
  failure.kind = "ambiguous"
end

-- Whether another attempt follows, and after how many seconds.
local function next_delay(policy, failure, attempts)
  if attempts > policy.retries or not failure.retryable then return nil end
  local asked = failure.retry_after
  if asked and asked > policy.max_retry_wait then return nil end
  return core.retry_delay(attempts, asked or -1)
end

local function judge(class, failure)
  local kind, status, sent = failure.kind, failure.status or 0, failure.sent == true
  if kind == "quota" then
    failure.retryable = true -- nothing was sent; not before it renews, though
    return
  end
  failure.retryable = core.retry_allowed(class, kind, status, sent)
  if not failure.retryable and core.retry_ambiguous(class, kind, status, sent) then ambiguous(failure) end
end

--- Makes attempts until one succeeds, none may follow, or all are used up.
-- @param policy table: `class` ("safe", "idempotent", "once"), `retries` (most attempts after the first),
--   `max_retry_wait` (longest wait, seconds, that a server's Retry-After is granted), `sleep(seconds)`,
--   `told(failure, attempts, delay)` or nil: called before each wait
-- @param attempt function(number) -> result, or nil and a table {kind, message, status, sent, retry_after}
-- @param first nil, or such a table: the first attempt has been made, and this is how it failed
-- @return result, or nil and the last failure with `attempts` and `retryable` set and `kind` "ambiguous" when
--   nobody knows whether the action was done
function retry.run(policy, attempt, first)
  local attempts = 0
  while true do
    attempts = attempts + 1
    local result, failure = nil, first
    first = nil
    if not failure then result, failure = attempt(attempts) end
    if not failure then return result end
    judge(policy.class, failure)
    local out_of_quota = failure.kind == "quota"
    failure.attempts = out_of_quota and attempts - 1 or attempts
    local delay = not out_of_quota and next_delay(policy, failure, attempts)
    if not delay then return nil, failure end
    if policy.told then policy.told(failure, attempts, delay) end
    policy.sleep(delay)
  end
end

return retry
