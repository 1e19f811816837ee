-- docs/host.md, Schedules: time zones, and daylight saving as Debian's cron.
local clocked = require "spec.support.clocked"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local script = [[
  local function told(m) trace(m.name, os.date("!%d %H:%M", m.planned)) end
  host.cron("30 2 * * *", { name = "fixed", timezone = "Europe/Oslo" }, told)
  host.cron("30 * * * *", { name = "wild", timezone = "Europe/Oslo" }, told)
  host.cron("30 2 * * *", { name = "kolkata", timezone = "Asia/Kolkata" }, told)
]]

describe("daylight saving", function()
  after_each(support.cleanup)

  local function told(host, name)
    local list = {}
    for _, line in ipairs(host.bot:lines()) do list[#list + 1] = line:match("^" .. name .. " (.*)") end
    return list
  end

  it("a fixed time in the skipped hour runs right after the jump, wildcard hours follow the clock", function()
    local host = clocked.start(script, "2026-03-28 23:00") -- the clock jumps from 02:00 to 03:00, at 01:00 UTC
    host:pass(4 * 3600, 1800)
    assert.same({ "29 01:00" }, told(host, "fixed"))
    assert.same({ "28 23:30", "29 00:30", "29 01:30", "29 02:30" }, told(host, "wild"))
  end)

  it("a fixed time in the repeated hour runs once, wildcard hours follow the clock", function()
    local host = clocked.start(script, "2026-10-24 23:00") -- 02:00 to 03:00 comes twice, from 00:00 UTC on
    host:pass(4 * 3600, 1800)
    assert.same({ "25 00:30" }, told(host, "fixed"))
    assert.same({ "24 23:30", "25 00:30", "25 01:30", "25 02:30" }, told(host, "wild"))
  end)

  it("is the schedule's own zone's matter", function()
    local host = clocked.start(script, "2026-03-28 20:50")
    host:pass(600, 600)
    assert.same({ "28 21:00" }, told(host, "kolkata"))
  end)
end)

describe("the time zone", function()
  it("is the machine's by default, and an unknown one is refused with the nearest", function()
    local path = process.write(process.folder() .. "/bot.lua",
      'require("mavilua.host").cron("0 9 * * *", { name = "a" }, print)')
    local _, out = process.run { "check", path, env = { TZ = "Asia/Tokyo" } }
    assert.match("09:00:00 +09:00", out, 1, true)
    process.write(path, 'require("mavilua.host").cron("0 9 * * *", { name = "a", timezone = "Europe/Olso" }, print)')
    local status, _, problem = process.run { "check", path }
    assert.is_true(status > 0)
    assert.match('bot.lua:1: schedule "a": .*did you mean "Europe/Oslo"', problem)
  end)
end)
