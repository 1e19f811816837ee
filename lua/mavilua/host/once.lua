--- What is done once for a key, whatever the number of attempts.
--
-- That it begins is on disk before it begins (a mark), and what it gave lands with the end of the
-- run. A mark without a result is what a crash in between leaves: then nobody knows.
-- @internal mavilua.host.once

local check = require "mavilua.host.check"
local core = require "mavilua.core"
local errors = require "mavilua.errors"

local once = {}

local SHORTEST, LONGEST = 0.02, 1 -- seconds between looks at a run that does the same

local function raise(problem)
  check.misuse("host.once: " .. problem)
end

-- The store's answer; waits while another run does the same.
local function begin(native, key, again)
  local pause = SHORTEST
  while true do
    local answer, problem = native.ask { op = "once_begin", key = key, again = again }
    if not answer then
      raise(("it cannot be stored that it begins: %s"):format(problem))
    elseif answer.state == "lost" then
      raise("this run has lost its event: another attempt has it")
    elseif answer.state ~= "busy" then
      return answer
    end
    core.sleep(pause)
    pause = math.min(pause * 2, LONGEST)
  end
end

local function ambiguous(key, answer)
  local at = os.date("!%Y-%m-%d %H:%M:%S", answer.at)
  return errors.new {
    kind = "ambiguous", ambiguous = true, action = "host.once", key = key, event = answer.event, at = answer.at,
    message = ("%s began at %s UTC in a run of event %d that was cut off, so nobody knows whether it was done. "
      .. "Look at the other side, or let the script look: host.once(key, fn, {confirm = f}), where f returns "
      .. "the result if it was done, and nil if it is to be run again"):format(check.show(key), at, answer.event),
  }
end

local function keep(native, key, ...)
  local ok, problem = native.once_set(key, ...)
  if not ok then
    raise(problem)
  end
  return ...
end

-- An error of its own accord says that it failed; of one that was cut off, or that does not know
-- itself, the mark stays.
local function ended(native, key, ok, ...)
  if ok then
    return keep(native, key, ...)
  end
  local problem = ...
  local unknown = native.once_cut() or errors.is(problem) and problem.kind == "ambiguous"
  native.once_state(key, unknown and "unknown" or "failed")
  error(problem, 0)
end

local function run(native, key, fn)
  native.once_state(key, "begun")
  return ended(native, key, xpcall(fn, native.once_caught))
end

local attempt

local function confirmed(native, key, fn, confirm, first, ...)
  if first then
    return keep(native, key, first, ...)
  end
  return attempt(native, key, fn, confirm, true)
end

-- native.once_get gave true and the values.
local function stored(found, ...)
  if not found then
    raise((...) or "the result is gone")
  end
  return ...
end

function attempt(native, key, fn, confirm, again)
  local answer = begin(native, key, again)
  if answer.state == "known" then
    return stored(native.once_get(key))
  elseif answer.state ~= "ambiguous" then
    return run(native, key, fn)
  elseif not confirm then
    error(ambiguous(key, answer), 0)
  end
  return confirmed(native, key, fn, confirm, confirm(key))
end

local function known_or_new(native, key, fn, confirm, found, ...)
  if found then
    return ...
  elseif found == nil then
    raise((...))
  end
  local state = native.once_state(key)
  if state == "failed" then
    return run(native, key, fn) -- the mark of the first try stands
  elseif state == "begun" then
    raise(("%s is under way in this very run: it would wait for itself"):format(check.show(key)))
  end
  return attempt(native, key, fn, confirm, false)
end

--- Gives the results that `key` has; or runs `fn` and keeps its results with the run.
-- @param native mavilua.host.native
-- @string key
-- @func fn
-- @tparam[opt] function confirm
function once.run(native, key, fn, confirm)
  return known_or_new(native, key, fn, confirm, native.once_get(key))
end

return once
