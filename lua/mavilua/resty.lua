--- Waiting in nginx (OpenResty, lua-nginx-module): what core offers elsewhere, over nginx's own event loop,
-- so that nothing holds up a worker. Used by runtime.lua when the module finds itself inside nginx.
-- @internal mavilua.resty
local core = require "mavilua.core"
local errors = require "mavilua.errors"
local quota = require "mavilua.resty.quota"
local send = require "mavilua.resty.send"

local resty = {}

local LONGEST = 100 * 365 * 86400 -- seconds of a sleep

local TIMER = "hand it to a timer: ngx.timer.at(0, function() ... end)"

-- The phases in which nginx has neither cosockets nor sleep, and what to do instead.
local barred = {
  init = "wait for a worker: call it from a timer that init_worker_by_lua_block starts, ngx.timer.at(0, fn)",
  init_worker = TIMER,
  set = "use rewrite_by_lua_block in the place of set_by_lua_block",
  header_filter = "call it in access_by_lua_block and keep the answer in ngx.ctx, or " .. TIMER,
  body_filter = "call it in access_by_lua_block and keep the answer in ngx.ctx, or " .. TIMER,
  balancer = "call it in access_by_lua_block and keep the answer in ngx.ctx",
  log = TIMER,
  ssl_session_store = TIMER,
  exit_worker = "the worker ends: call it before",
}

--- Raises a misuse at the caller's line where nginx cannot wait.
-- @param what string: what is called
function resty.check(what)
  local phase = ngx.get_phase()
  if barred[phase] then
    errors.misuse("%s: nginx cannot wait in its phase \"%s\", only in rewrite_by_lua*, access_by_lua*, "
      .. "content_by_lua* and timers; %s", what, phase, barred[phase])
  end
  if not core.can_yield() then
    errors.misuse("%s: cannot wait here: this runs inside a function of C (require, table.sort, string.gsub, a "
      .. "metamethod); call it before or after", what)
  end
end

--- Raises a misuse: nginx takes its file of trust from its configuration.
function resty.refuse_ca_file(what)
  errors.misuse("%s: inside nginx ca_file is not read: name the file in nginx's lua_ssl_trusted_certificate, which "
    .. "takes one file for all", what)
end

--- As core.send; see resty/send.lua.
resty.send = send

--- A count of calls for all workers; see resty/quota.lua.
resty.quota = quota.new

--- Waits; other requests of the worker go on meanwhile.
-- @param seconds number
function resty.sleep(seconds)
  resty.check("mavilua.sleep")
  if type(seconds) ~= "number" or seconds ~= seconds then
    errors.misuse("mavilua.sleep: takes a number of seconds, got %s", tostring(seconds))
  end
  ngx.sleep(math.min(math.max(0, seconds), LONGEST))
end

--- A clock for measuring, in seconds; never goes back, as nginx's own may.
resty.now = core.now

--- nginx's time of day, in Unix seconds.
resty.time = ngx.now

--- Starts a light thread. @param fn function @param ... its arguments @return the thread
resty.spawn = ngx.thread.spawn

--- Waits for a light thread of the caller's own. @return true and its results, or false and the error
resty.join = ngx.thread.wait

return resty
