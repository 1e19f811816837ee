-- Operating: what became of a planned moment of a schedule.
local json = require "cjson"
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("mavilua why", function()
  after_each(support.cleanup)

  it("tells what became of a planned moment", function()
    local bot = support.start [[
      host.every("1s", { name = "tick" }, function() end)
      host.every("1s", { name = "fails", attempts = 1 }, function() error "no" end)
      host.cron("30 2 * * *", { name = "night", timezone = "Europe/Oslo" }, function() end)
    ]]
    local function why(schedule, time)
      local status, out, err = process.run { "why", schedule, time, "--db", bot.folder .. "/bot.db" }
      return status == 0 and json.decode(out) or err, status
    end
    local function planned_of(name, state)
      return process.await(function()
        for _, schedule in ipairs(bot:ask("/api/schedules").schedules) do
          for _, row in ipairs(schedule.name == name and schedule.last or {}) do
            if row.state == state then return row end
          end
        end
      end, name .. " " .. state)
    end
    local done, dead = planned_of("tick", "done"), planned_of("fails", "dead")

    local function check_past()
      local told = why("tick", done.moment)
      assert.same({ "done", done.event, done.moment }, { told.verdict, told.event, told.moment })
      assert.truthy(told.text:find("done: event " .. done.event .. ", attempt 1", 1, true), told.text)
      told = why("fails", dead.moment)
      assert.same({ "dead", dead.event }, { told.verdict, told.event })
      assert.truthy(told.text:find("no", 1, true), told.text)
      assert.equal("before", why("tick", "2020-01-01 00:00:00Z").verdict)
    end
    check_past()

    local told = why("night", "2037-06-01 02:30")
    assert.same({ "future", "2037-06-01T00:30:00.000Z" }, { told.verdict, told.moment })
    assert.truthy(told.text:find("not yet: it comes in", 1, true), told.text)
    told = why("night", "2037-03-29 02:30") -- skipped by daylight saving
    assert.same({ "future", true, "2037-03-29T01:00:00.000Z" }, { told.verdict, told.moved, told.moment })
    told = why("night", "2037-06-01 09:00")
    assert.same({ "unplanned", "Mon 2037-06-01 02:30:00 +02:00 CEST", "Tue 2037-06-02 02:30:00 +02:00 CEST" },
      { told.verdict, told.earlier, told.later })

    local problem, status = why("nigt", "2037-06-01 09:00")
    assert.equal(66, status)
    assert.truthy(problem:find('did you mean "night"?', 1, true), problem)
    problem, status = why("night", "noon")
    assert.equal(64, status)
    assert.truthy(problem:find("is not a moment", 1, true), problem)

    bot:kill()
    local down = os.time()
    process.await(function() return os.time() > down + 3 end, "some time")
    check_past()
    told = why("tick", tostring(down + 1))
    assert.equal("missed", told.verdict)
    assert.truthy(told.text:find("no host runs", 1, true), told.text)
    bot:start()
    process.await(function() return why("tick", tostring(down + 1)).reason == "missed" end, "the moment's row")
    told = why("tick", tostring(down + 1))
    assert.equal("missed", told.verdict)
    assert.truthy(told.text:find("the host was down", 1, true), told.text)
    bot:stop()
  end)
end)
