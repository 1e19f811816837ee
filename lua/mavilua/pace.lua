--- Keeps a client within its calls a second and its calls a day.
local pace = {}
pace.__index = pace

local DAY = 86400

--- Makes the pace of one client; all tasks that use the client share it.
-- @param options table: `rate` (calls a second), `daily_quota` (calls a UTC day); nil: not limited
-- @param runtime table: sleep(seconds), now() (monotonic seconds), time() (Unix seconds)
-- @return the pace
function pace.new(options, runtime)
  return setmetatable({
    spacing = options.rate and 1 / options.rate or nil,
    daily_quota = options.daily_quota,
    runtime = runtime,
    next_slot = -math.huge,
    held_until = -math.huge,
    day = nil,
    used = 0,
  }, pace)
end

-- The next free moment; whoever asks first gets it first, so concurrent tasks take turns.
local function reserve(self, now)
  local slot = math.max(now, self.next_slot, self.held_until)
  self.next_slot = slot + (self.spacing or 0)
  return slot
end

--- Waits for this call's turn.
-- @return seconds waited
function pace:wait()
  local runtime = self.runtime
  local start = runtime.now()
  if not self.spacing then return 0 end
  repeat
    local slot, now = reserve(self, runtime.now()), runtime.now()
    if slot > now then runtime.sleep(slot - now) end
  until slot >= self.held_until
  return runtime.now() - start
end

--- Lets no paced call start for a while: the server said that it has too many.
-- @param seconds number
function pace:hold(seconds)
  self.held_until = math.max(self.held_until, self.runtime.now() + seconds)
end

local function renew(self)
  local day = math.floor(self.runtime.time() / DAY)
  if day ~= self.day then self.day, self.used = day, 0 end
end

--- How much of today's quota is used.
-- @return calls used since 00:00 UTC, calls left (math.huge when there is no quota)
function pace:quota()
  renew(self)
  if not self.daily_quota then return self.used, math.huge end
  return self.used, math.max(0, self.daily_quota - self.used)
end

local function span(seconds)
  local minutes = math.floor(seconds / 60)
  if minutes < 1 then return "less than a minute" end
  if minutes < 60 then return ("%d min"):format(minutes) end
  return ("%d h %d min"):format(math.floor(minutes / 60), minutes % 60)
end

--- Counts one call.
-- @return true, or nil and a failure's fields of kind "quota" when today's calls are used up
function pace:spend()
  local _, left = self:quota()
  if left > 0 then
    self.used = self.used + 1
    return true
  end
  local renewal = (self.day + 1) * DAY
  local wait = renewal - self.runtime.time()
  local message = ("the daily quota of %d calls is used up; it renews at %s UTC, in %s")
    :format(self.daily_quota, os.date("!%Y-%m-%d %H:%M", renewal), span(wait))
  return nil, { kind = "quota", message = message, retry_after = wait, sent = false }
end

return pace
