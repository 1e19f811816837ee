--- A transport that plays a script, and a clock that only sleeping moves: logic without sockets.
local core = require "mavilua.core"

local scripted = {}

--- Makes a transport. Each entry answers one request, the last one repeats: a table is a 200 with that
-- JSON, a number that status, {fail = {kind, message, sent}} a failure, a function(request) any of these,
-- {status, body, headers} itself.
-- @return function(request), and the list of requests it got
function scripted.transport(...)
  local script, requests = { ... }, {}
  return function(request)
    requests[#requests + 1] = request
    local entry = script[math.min(#requests, #script)]
    if type(entry) == "function" then entry = entry(request, #requests) end
    if type(entry) == "number" then return { status = entry, headers = {}, body = "" } end
    if entry.fail then return nil, entry.fail end
    if type(entry.status) == "number" then return entry end
    return { status = 200, headers = {}, body = assert(core.encode(entry)) }
  end, requests
end

--- Makes a runtime whose time stands still but for sleep. @return the runtime; its `slept` lists the waits
function scripted.runtime(unix)
  local clock = { slept = {}, at = 0 }
  local start = unix or 1790000000
  function clock.now() return clock.at end
  function clock.time() return start + clock.at end
  function clock.sleep(seconds)
    clock.slept[#clock.slept + 1] = seconds
    clock.at = clock.at + seconds
  end
  return clock
end

return scripted
