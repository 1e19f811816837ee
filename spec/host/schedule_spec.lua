local support = require "spec.support.bot"
local process = require "spec.support.process"

local function schedule_of(bot, name)
  for _, schedule in ipairs(bot:ask("/api/schedules").schedules) do
    if schedule.name == name then return schedule end
  end
end

describe("schedules", function()
  after_each(support.cleanup)

  it("run at their planned moments, each with a row", function()
    local bot = support.start [[
      host.every("1s", { name = "tick" }, function(moment) trace("tick", moment.planned) end)
      host.cron("* * * * * *", { name = "cron", timezone = "Europe/Oslo" }, function(moment)
        trace("cron", moment.planned)
      end)
      host.cron("0 9 * * MON-FRI", { name = "morning" }, function() trace("morning") end)
    ]]
    process.await(function() return #bot:lines() >= 6 end, "six moments")
    local seen = { tick = {}, cron = {} }
    for _, line in ipairs(bot:lines()) do
      local name, planned = line:match("(%a+) (%d+)")
      assert.is_nil(seen[name][planned])
      seen[name][planned] = true
    end
    local tick = schedule_of(bot, "tick")
    assert.equal(5, #tick.next)
    process.await(function() return schedule_of(bot, "tick").last[2].state == "done" end, "a done moment")
    assert.equal(5, #schedule_of(bot, "morning").next)
    assert.equal(0, #schedule_of(bot, "morning").last)
    bot:stop()
  end)

  it("skip a moment while the run before is not finished, or queue, or overlap", function()
    local bot = support.start([[
      local function slow(moment)
        trace(moment.name, "begins", moment.planned)
        host.sleep(2.2)
        trace(moment.name, "ends")
      end
      host.every("1s", { name = "skips" }, slow)
      host.every("1s", { name = "allows", overlap = "allow" }, slow)
    ]])
    process.await(function()
      local rows = schedule_of(bot, "skips").last
      return rows[1] and rows[1].state == "skipped" or rows[2] and rows[2].state == "skipped"
    end, "a skipped moment")
    for _, row in ipairs(schedule_of(bot, "skips").last) do
      if row.state == "skipped" then assert.match("overlap", row.reason) end
    end
    process.await(function()
      local open, most = 0, 0
      for _, line in ipairs(bot:lines()) do
        if line:find("^allows begins") then open = open + 1 end
        if line:find("^allows ends") then open = open - 1 end
        most = math.max(most, open)
      end
      return most >= 2
    end, "two runs at once")
    local open = 0
    for _, line in ipairs(bot:lines()) do
      if line:find("^skips begins") then open = open + 1 end
      if line:find("^skips ends") then open = open - 1 end
      assert.is_true(open <= 1)
    end
    bot:kill()
  end)

  it("make up for what was missed as each says, and never backfill a new one", function()
    local bot = support.start [[ host.every("1s", { name = "one" }, function() end)
      host.every("1s", { name = "all", missed = "all" }, function(m) trace("all", m.planned) end)
      host.every("1s", { name = "none", missed = "skip" }, function() end) ]]
    process.await(function() return #bot:lines() >= 1 end, "a first moment")
    bot:kill()
    local down = support.now()
    process.await(function() return support.now() - down > 3.2 end, "some time")
    bot:script [[ host.every("1s", { name = "one" }, function() end)
      host.every("1s", { name = "all", missed = "all" }, function(m) trace("all", m.planned) end)
      host.every("1s", { name = "none", missed = "skip" }, function() end)
      host.every("1s", { name = "fresh", missed = "all" }, function(m) trace("fresh", m.planned) end) ]]
    bot:start()
    process.await(function() return schedule_of(bot, "fresh").last[2] end, "moments after the restart")
    local planned = {}
    for _, line in ipairs(bot:lines()) do
      local moment = line:match("^all (%d+)")
      if moment then planned[#planned + 1] = tonumber(moment) end
    end
    table.sort(planned)
    for i = 2, #planned do assert.is_true(planned[i] - planned[i - 1] <= 1) end
    local skipped = bot:ask("/api/events?name=none").events
    assert.is_table(skipped)
    local reasons = {}
    for _, row in ipairs(schedule_of(bot, "none").last) do reasons[row.reason or ""] = true end
    assert.is_true(reasons["missed"])
    bot:stop()
  end)
end)
