--- The standard library as handlers get it: print goes to the log, and what would stop or stall the
-- whole worker says so instead.
-- @internal mavilua.host.globals

local globals = {}

local function line_of(...)
  local words = {}
  for i = 1, select("#", ...) do
    words[i] = tostring((select(i, ...)))
  end
  return table.concat(words, "\t")
end

local function refuse(library, name, why)
  library[name] = function()
    error(("%s is not available under the host: %s"):format(name, why), 2)
  end
end

-- The time of day is the host's, which may be that of a sandbox with a virtual clock.
local function tell_time(os, now)
  local time, date = os.time, os.date
  os.time = function(parts)
    if parts ~= nil then return time(parts) end
    return math.floor(now())
  end
  os.date = function(format, at)
    return date(format or "%c", at or math.floor(now()))
  end
end

--- Changes `env` (the global table); `log` is host.log, `guard` makes a message handler harmless, `now`
-- gives the time of day in seconds.
function globals.install(env, log, guard, now)
  local xpcall = env.xpcall
  env.xpcall = function(fn, handler, ...)
    return xpcall(fn, guard(handler), ...)
  end
  env.print = function(...)
    log.info(line_of(...))
  end
  tell_time(env.os, now)
  refuse(env.os, "exit", "it would end all handlers; return from this one, or raise an error")
  refuse(env.os, "execute", "it would stall every handler of the worker; call a service over HTTP")
  refuse(env.io, "popen", "it would stall every handler of the worker; call a service over HTTP")
  refuse(env.debug, "sethook", "the limits on a handler's time use the hook")
end

return globals
