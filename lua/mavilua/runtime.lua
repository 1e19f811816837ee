--- How this module waits, sends and tells time, in one place: nginx's ways inside nginx, else the core's.
-- Another runtime (tests, other event loops) hands its own clock to `mavilua.client{runtime = …}`.
-- @internal mavilua.runtime
local core = require "mavilua.core"

local runtime = {}

-- Nothing of the core's that waits may be used inside nginx, where it would hold up all requests of a
-- worker; nor would the core do it.
local resty = type(package.loaded.ngx) == "table" and require "mavilua.resty" or nil
local own = resty or core

--- Whether this is nginx.
runtime.in_nginx = resty ~= nil

--- Sends a request: {method, url, headers, body, timeout, connect_timeout, max_reply, verify, once} ->
-- {status, headers, body, seconds}, or nil and {kind, message, sent}.
runtime.send = own.send

--- Starts a function beside this one. @return a task
runtime.spawn = own.spawn

--- Waits for a task that this one started. @return true and its results, or false and the error
runtime.join = own.join

runtime.sleep, runtime.now, runtime.time = own.sleep, own.now, own.time

--- Raises a misuse at the caller's line where nothing can wait, such as some phases of nginx.
-- @param what string: what is called
function runtime.check(what)
  if resty then resty.check(what) end
end

--- Raises a misuse at the caller's line for a file of trust where the place has one of its own.
-- @param what string: what is called
-- @param options table that may have `ca_file`; with a `transport` that is the transport's matter
function runtime.check_trust(what, options)
  if resty and options.ca_file and not options.transport then resty.refuse_ca_file(what) end
end

--- In nginx: a count of calls that all workers share; see resty/quota.lua.
runtime.quota = resty and resty.quota

local names = { "sleep", "now", "time" }

--- Completes a runtime: what it lacks is the one of the place.
-- @param given nil or a table with any of `sleep(seconds)`, `now()` (monotonic seconds) and `time()`
--   (Unix seconds)
-- @return table with all of them
function runtime.complete(given)
  local whole = {}
  for _, name in ipairs(names) do whole[name] = given and given[name] or own[name] end
  return whole
end

return runtime
