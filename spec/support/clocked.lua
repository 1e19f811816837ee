--- A host whose clock the spec sets: it stands beside a sandbox with a virtual clock, and goes by that.
local http = require "mavilua.http"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local clocked = {}
clocked.__index = clocked

--- Starts a host. @param script as of support.bot; @param at "2026-01-05 08:50", UTC
function clocked.start(script, at)
  local self = setmetatable({ bot = support.new(script, { lines = 2 }) }, clocked)
  return self:restart(at)
end

--- Starts it again, with the same database, at another time; and with another script, if one is given.
function clocked:restart(at, script)
  if script then self.bot:script(script) end
  self.bot.options.args = { "--sandbox", "--sandbox-listen", "127.0.0.1:0", "--sandbox-clock", at }
  self.bot:start()
  self.sandbox = self.bot.process.urls[1]
  return self
end

function clocked:idle()
  process.await(function() return self.bot:ask("/api/summary").idle end, "the host to be idle")
end

local function set(self, json)
  local reply = assert(http.request { url = self.sandbox .. "/_sandbox/clock", json = json })
  assert(reply.status == 200, reply.body)
end

--- Time leaps by some seconds; returns when what is due then has run.
function clocked:advance(seconds)
  set(self, { advance = seconds })
  self:idle()
end

--- Time passes in steps, what is due at each running before the next.
function clocked:pass(seconds, step)
  for _ = 1, seconds // step do self:advance(step) end
end

--- The clock is set, forwards or backwards.
function clocked:set(unix)
  set(self, { now = unix })
  self:idle()
end

--- The rows of a schedule, newest first: moment ("2026-01-05T09:00"), state, reason.
function clocked:rows(name)
  for _, schedule in ipairs(self.bot:ask("/api/schedules").schedules) do
    if schedule.name == name then
      local rows = {}
      for i, row in ipairs(schedule.last) do rows[i] = { row.moment:sub(1, 16), row.state, row.reason } end
      return rows, schedule
    end
  end
end

function clocked:stop() return self.bot:stop() end

return clocked
