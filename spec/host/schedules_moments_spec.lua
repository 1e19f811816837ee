-- docs/host.md, Schedules: every planned moment is a row, computed from the calendar.
local clocked = require "spec.support.clocked"
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("every planned moment", function()
  after_each(support.cleanup)

  it("is a row that tells what became of it: done, dead, skipped", function()
    local host = clocked.start([[
      host.cron("0 9 * * *", { name = "done", timezone = "UTC" }, function(m) trace("done", m.planned, m.attempt) end)
      host.cron("0 9 * * *", { name = "dead", timezone = "UTC" }, function() return host.dead("no use") end)
      host.cron("0 9 * * *", { name = "gives up", timezone = "UTC", on_fail = "skip" }, function() error "broken" end)
    ]], "2026-01-05 08:59")
    host:advance(60)
    assert.same({ { "2026-01-05T09:00", "done" } }, host:rows "done")
    assert.same({ { "2026-01-05T09:00", "dead", "no use" } }, host:rows "dead")
    assert.equal("skipped", host:rows("gives up")[1][2])
    assert.same({ "done 1767603600 1" }, host.bot:lines())
  end)

  it("is unique: a moment that comes again, after a restart or with the clock set back, has its row", function()
    local host = clocked.start([[
      host.cron("0 * * * *", { name = "hourly", timezone = "UTC" }, function(m) trace(m.planned) end)
    ]], "2026-01-05 08:59")
    host:advance(60)
    host:set(1767603540) -- 08:59 once more
    host:advance(60)
    assert.equal(1, #host.bot:lines())
    host:stop()
    host:restart "2026-01-05 08:58"
    host:advance(121)
    assert.equal(1, #host.bot:lines())
    host:advance(3600)
    assert.same({ "1767603600", "1767607200" }, host.bot:lines())
    assert.same({ { "2026-01-05T10:00", "done" }, { "2026-01-05T09:00", "done" } }, host:rows "hourly")
  end)

  it("is computed from the calendar, never from the run before: no failure breaks the chain", function()
    local host = clocked.start([[
      host.cron("0 * * * *", { name = "hourly", timezone = "UTC" }, function(m)
        trace(m.planned, m.attempt)
        if m.planned % 7200 == 0 then return host.dead("this one fails") end
      end)
    ]], "2026-01-05 08:59")
    host:advance(60)
    host.bot:kill() -- at the worst moment it is not told of its end
    host:restart "2026-01-05 09:30"
    host:advance(1800)
    host:advance(3600)
    host:advance(3600)
    local states = {}
    for i, row in ipairs(host:rows "hourly") do states[i] = row[1] .. " " .. row[2] end
    assert.same({ "2026-01-05T12:00 dead", "2026-01-05T11:00 done", "2026-01-05T10:00 dead",
      "2026-01-05T09:00 done" }, states)
    local _, schedule = host:rows "hourly"
    assert.equal("2026-01-05T13:00:00.000Z", schedule.next[1])
    assert.equal(5, #schedule.next)
  end)

  it("comes in real time, too, with 5 and with 6 fields and at an interval", function()
    local bot = support.start [[
      host.every("1s", { name = "tick" }, function(m) trace("tick", m.planned) end)
      host.cron("* * * * * *", { name = "cron", timezone = "Europe/Oslo" }, function(m) trace("cron", m.planned) end)
    ]]
    process.await(function() return #bot:lines() >= 6 end, "six moments")
    local seen = {}
    for _, line in ipairs(bot:lines()) do
      assert.is_nil(seen[line])
      seen[line] = true
    end
    bot:stop()
  end)
end)

describe("a wall clock that jumps", function()
  after_each(support.cleanup)

  it("forwards or backwards neither repeats nor loses a moment", function()
    local host = clocked.start([[
      host.every("10m", { name = "all", missed = "all", overlap = "queue" }, function(m) trace(m.planned) end)
      host.every("10m", { name = "one" }, function() end)
    ]], "2026-01-05 08:55")
    local start = 1767603300
    host:pass(1200, 300) -- 09:15
    host:set(start + 3600) -- forwards to 09:55: 09:20 to 09:50 were jumped over
    host:set(start + 600) -- back to 09:05
    host:pass(3600, 300) -- 10:05
    local planned = {}
    for i, line in ipairs(host.bot:lines()) do planned[i] = tonumber(line) end
    local expected = {}
    for i = 1, 7 do expected[i] = start - 300 + i * 600 end
    assert.same(expected, planned)
    local rows = {}
    for i, row in ipairs(host:rows "one") do rows[i] = row[1]:sub(12) .. " " .. (row[3] or row[2]) end
    assert.same({ "10:00 done", "09:50 done", "09:40 missed", "09:30 missed", "09:20 missed" }, rows)
  end)
end)

describe("ten thousand schedules", function()
  it("are loaded, and cost an idle host nothing", function()
    local folder = process.folder()
    process.write(folder .. "/bot.lua", [[
      local host = require "mavilua.host"
      local month = os.date("!*t", os.time() + 40 * 86400).month
      local zones = { "Europe/Oslo", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC" }
      for i = 1, 10000 do
        host.cron(("%d %d %d %d *"):format(i % 60, i // 60 % 24, i % 28 + 1, month),
          { name = "s" .. i, timezone = zones[i % 5 + 1] }, print)
      end
    ]])
    local host = process.start { "serve", "--workers", "1", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
      "--db", folder .. "/bot.db", folder .. "/bot.lua", env = { MAVILUA_WEBHOOK_SECRET = support.secret } }
    local function ticks()
      local fields = {}
      for field in process.read("/proc/" .. host.pid .. "/stat"):match "%) (.*)":gmatch "%S+" do
        fields[#fields + 1] = field
      end
      return fields[12] + fields[13]
    end
    local core = require "mavilua.core"
    process.await(function() -- the load's last work may still go on
      local before = ticks()
      core.sleep(1)
      return ticks() - before <= 5
    end, "a second with at most 5 of 100 ticks used")
    host:stop()
  end)
end)
