--- Keeps a client within its calls a second and its calls a day.
-- @internal mavilua.pace
local pace = {}
pace.__index = pace

local DAY = 86400

-- The count of one client's calls.
local own = {}
own.__index = own

local function renew(self, day)
  if day ~= self.day then self.day, self.count = day, 0 end
end

function own:used(day)
  renew(self, day)
  return self.count
end

function own:take(day, limit)
  renew(self, day)
  if self.count >= limit then return false end
  self.count = self.count + 1
  return true
end

--- Makes the pace of one client; all tasks that use the client share it.
-- @param options table: `rate` (calls a second), `daily_quota` (calls a UTC day); nil: not limited
-- @param runtime table: sleep(seconds), now() (monotonic seconds), time() (Unix seconds)
-- @param count nil, or who counts the calls of a day (number, days since 1970) in the place of this client:
--   `used(day)` gives their number; `take(day, limit)` counts one more if that makes no more than `limit`, and says
--   whether, or false and a message
-- @return the pace
function pace.new(options, runtime, count)
  return setmetatable({
    spacing = options.rate and 1 / options.rate or nil,
    daily_quota = options.daily_quota,
    runtime = runtime,
    next_slot = -math.huge,
    held_until = -math.huge,
    count = count or setmetatable({ count = 0 }, own),
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

local function today(self)
  return math.floor(self.runtime.time() / DAY)
end

--- How much of today's quota is used.
-- @return calls used since 00:00 UTC, calls left (math.huge when there is no quota)
function pace:quota()
  local used = self.count:used(today(self))
  if not self.daily_quota then return used, math.huge end
  return used, math.max(0, self.daily_quota - used)
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
  local day = today(self)
  local counted, problem = self.count:take(day, self.daily_quota or math.huge)
  if counted then return true end
  if problem then return nil, { kind = "quota", message = problem, sent = false } end
  local renewal = (day + 1) * DAY
  local wait = renewal - self.runtime.time()
  local message = ("the daily quota of %d calls is used up; it renews at %s UTC, in %s")
    :format(self.daily_quota, os.date("!%Y-%m-%d %H:%M", renewal), span(wait))
  return nil, { kind = "quota", message = message, retry_after = wait, sent = false }
end

return pace
