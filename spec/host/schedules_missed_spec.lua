-- docs/host.md, Schedules: `missed`, what is made up for after the host was down.
local clocked = require "spec.support.clocked"
local support = require "spec.support.bot"

local script = [[
  local function told(m) trace(m.name, os.date("!%H:%M", m.planned)) end
  host.every("10m", { name = "one" }, told)
  host.every("10m", { name = "all", missed = "all" }, told)
  host.every("10m", { name = "skip", missed = "skip" }, told)
  host.cron("30 9 * * *", { name = "daily", timezone = "UTC" }, told)
  host.every("1m", { name = "often", missed = "all" }, function(m) trace("often") end)
]]

describe("missed", function()
  after_each(support.cleanup)

  local function told(host, name)
    local list = {}
    for _, line in ipairs(host.bot:lines()) do
      local who, when = line:match "^(%S+) ?(%S*)$"
      if who == name then list[#list + 1] = when end
    end
    return list
  end

  -- Down from 09:05 on.
  local function down_until(at, more)
    local host = clocked.start(script, "2026-01-05 09:05")
    host:advance(1)
    host:stop()
    host:restart(at, more and script .. more)
    host:advance(1) -- by then what was due is planned
    return host
  end

  it("\"one\" runs the last moment that was missed, and says of the others that they were", function()
    local host = down_until "2026-01-05 09:48"
    assert.same({ "09:40" }, told(host, "one"))
    local rows = host:rows "one"
    assert.same({ { "2026-01-05T09:40", "done" }, { "2026-01-05T09:30", "skipped", "missed" },
      { "2026-01-05T09:20", "skipped", "missed" }, { "2026-01-05T09:10", "skipped", "missed" } }, rows)
    assert.same({ "09:30" }, told(host, "daily"))
    local _, reply = host.bot:ask "/metrics"
    assert.match('mavilua_moments_skipped_total{schedule="one",reason="missed"} 3\n', reply.body, 1, true)
  end)

  it("\"one\" makes up for nothing that is over an hour old", function()
    local host = down_until "2026-01-05 10:29:59"
    assert.same({ "09:30" }, told(host, "daily"))
    host:stop()
    support.cleanup()
    host = down_until "2026-01-05 10:31"
    assert.same({}, told(host, "daily"))
    assert.same({ { "2026-01-05T09:30", "skipped", "missed" } }, host:rows "daily")
    assert.same({ "10:30" }, told(host, "one")) -- of a shorter interval the last one is never so old
  end)

  it("\"all\" runs all of them, in order", function()
    local host = down_until "2026-01-05 09:48"
    assert.same({ "09:10", "09:20", "09:30", "09:40" }, told(host, "all"))
  end)

  it("\"all\" finds those that came close together, days ago", function()
    local weekly = [[
      host.cron("0,1 9 * * MON", { name = "weekly", timezone = "UTC", missed = "all" },
        function(m) trace(m.name, os.date("!%d %H:%M", m.planned)) end)
    ]]
    local host = clocked.start(weekly, "2026-01-04 12:00") -- a Sunday
    host:advance(1)
    host:stop()
    host:restart("2026-01-09 12:00")
    host:advance(1)
    assert.same({ "weekly 05 09:00", "weekly 05 09:01" }, host.bot:lines())
  end)

  it("\"all\" runs the last 100 at most, and the log says so", function()
    local host = down_until "2026-01-05 12:00"
    assert.equal(100, #told(host, "often"))
    assert.match("schedule often: more than 100 moments were missed", host.bot.process:log(), 1, true)
  end)

  it("\"skip\" runs none", function()
    local host = down_until "2026-01-05 09:48"
    assert.same({}, told(host, "skip"))
    assert.same({ "2026-01-05T09:40", "skipped", "missed" }, host:rows "skip"[1])
    host:advance(120)
    assert.same({ "09:50" }, told(host, "skip"))
  end)

  it("a new schedule never backfills, nor does one with another expression", function()
    local host = down_until("2026-01-05 09:48",
      [[ host.every("1m", { name = "fresh", missed = "all" }, told) ]])
    assert.same({}, told(host, "fresh"))
    host:stop()
    local other = script:gsub('host.every%("10m", { name = "all"', 'host.every("5m", { name = "all"')
    host:restart("2026-01-05 09:58", other)
    host:advance(1)
    assert.same({ "09:10", "09:20", "09:30", "09:40" }, told(host, "all"))
    host:advance(120)
    assert.same({ "09:10", "09:20", "09:30", "09:40", "10:00" }, told(host, "all"))
  end)
end)
