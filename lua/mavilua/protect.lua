--- pcall through which a wait passes, on every Lua.
-- @internal mavilua.protect
local runtime = require "mavilua.runtime"

local function yields_pass_pcall()
  local co = coroutine.create(function() return pcall(coroutine.yield) end)
  coroutine.resume(co)
  return coroutine.status(co) == "suspended"
end

-- A task's error comes with its traceback.
local function outcome(ok, ...)
  local problem = ...
  if ok or type(problem) ~= "string" then return ok, ... end
  return false, (problem:gsub("\nstack traceback:.*$", ""))
end

--- Calls a function and catches its errors, as pcall. On Lua 5.1 it runs in a task of its own.
-- @param fn function
-- @param ... its arguments
-- @return true and its results, or false and the error
local function protect(fn, ...)
  return outcome(runtime.join(runtime.spawn(fn, ...)))
end

return (runtime.in_nginx or yields_pass_pcall()) and pcall or protect
