--- How this module waits and tells time, in one place: another runtime (tests, other event loops)
-- hands its own functions to `mavilua.client{runtime = …}`.
local core = require "mavilua.core"

local runtime = {}

local names = { "sleep", "now", "time" }

--- Completes a runtime: what it lacks is the core's.
-- @param given nil or a table with any of `sleep(seconds)`, `now()` (monotonic seconds) and `time()`
--   (Unix seconds)
-- @return table with all of them
function runtime.complete(given)
  local whole = {}
  for _, name in ipairs(names) do whole[name] = given and given[name] or core[name] end
  return whole
end

return runtime
