-- docs/host.md, Operating it: host.on_dead and `expect`.
local openmetrics = require "spec.support.openmetrics"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local report = [[
  host.on_dead(function(report)
    local e = report.event
    trace(report.kind, report.attempt, e.source, e.name, e.key, e.handler, e.attempts, e.reason:match "^[^\n]*")
  end)
]]

describe("host.on_dead", function()
  after_each(support.cleanup)

  it("is called once for each event that goes dead, whatever it came from", function()
    local bot = support.start(report .. [[
      host.on("message", { text = "gives up" }, function() return host.dead("no use") end, { name = "giver" })
      host.on("message", { text = "fails" }, function() error("broken", 0) end, { name = "failer", attempts = 1 })
      host.on("message", { text = "fine" }, function() end)
      host.hook("pay", function() return host.dead("not paid") end)
    ]])
    bot:message(1, 7, "fine")
    bot:message(2, 8, "gives up")
    bot:await "dead 1 webhook nil 8 giver 1 no use"
    bot:message(3, 9, "fails")
    bot:await "dead 1 webhook nil 9 failer 1 attempts exhausted: broken"
    bot:post("/hook/pay", "{}")
    bot:await "dead 1 hook pay nil hook:pay 1 not paid"
    process.await(function() return bot:ask("/api/summary").idle end, "an idle host")
    assert.equal(3, #bot:lines())
    bot:stop()
  end)

  it("is an event of its own: stored with the death, run after a crash, retried", function()
    local bot = support.start(report:gsub("host.on_dead%(function%(report%)",
      "%0 if report.attempt == 1 then trace('waits') host.sleep(60) end") .. [[
      host.on("message", function() return host.dead("no use") end, { name = "giver" })
    ]])
    bot:message(1, 7, "x")
    bot:await "waits"
    bot:kill()
    bot:start()
    bot:await "dead 2 webhook nil 7 giver 1 no use"
    bot:stop()
  end)

  it("hears of events that were quarantined after crashes", function()
    local script = report .. [[
      host.on("message", function(event) trace("runs", event.attempt) host.sleep(60) end, { name = "killer" })
    ]]
    local bot = support.start(script)
    bot:message(1, 7, "x")
    for attempt = 1, 2 do
      bot:await("runs " .. attempt)
      bot:kill()
      bot:start()
    end
    process.await(function() return #bot:lines() == 3 end, "the report")
    assert.match("^dead 1 webhook nil 7 .*poison", bot:lines()[3])
    bot:stop()
  end)

  it("is not called for its own death", function()
    local bot = support.start [[
      host.on_dead(function() trace "reported" return host.dead("too bad") end)
      host.on("message", function() return host.dead("no use") end)
    ]]
    bot:message(1, 7, "x")
    bot:await_summary("dead", 2)
    process.await(function() return bot:ask("/api/summary").idle end, "an idle host")
    assert.same({ "reported" }, bot:lines())
    assert.equal("report", bot:ask("/api/events/2").source)
    bot:stop()
  end)

  it("costs nothing where no script asks for it", function()
    local bot = support.start [[ host.on("message", function() return host.dead("no use") end) ]]
    bot:message(1, 7, "x")
    bot:await_summary("dead", 1)
    assert.equal(1, #bot:ask("/api/events").events)
    bot:stop()
  end)

  it("is registered once, while the script is loaded", function()
    local path = process.write(process.folder() .. "/bot.lua",
      'local host = require "mavilua.host"\nhost.on_dead(print)\nhost.on_dead(print)\n')
    local status, _, problem = process.run { "check", path }
    assert.is_true(status > 0)
    assert.match("bot.lua:3: there is a report named 'on_dead' already, registered at bot.lua:2", problem, 1, true)
  end)
end)

describe("expect", function()
  after_each(support.cleanup)

  local script = [[
    host.every("1s", { name = "works", expect = "3s" }, function() end)
    host.every("1s", { name = "fails", expect = "2s", on_fail = "skip" }, function()
      if host.kv.get "well" then return end
      error "broken"
    end)
    host.on("message", function(event)
      host.kv.set("well", event.text == "well" or nil or false)
    end)
    host.on_dead(function(report)
      if report.kind == "late" then
        local schedule = report.schedule
        trace(report.kind, schedule.name, schedule.expect, schedule.last_success and "once" or "never",
          report.text:match "^%S+ %S+ has not succeeded")
      end
    end)
  ]]

  local function late(bot, name)
    local _, reply = bot:ask "/metrics"
    return openmetrics.value(openmetrics.read(reply.body), "mavilua_schedules_late", { schedule = name })
  end

  it("reports a schedule that has not succeeded for so long: once a lapse, to on_dead, log and metrics", function()
    local bot = support.start(script)
    local first = "late fails 2 never schedule fails has not succeeded"
    bot:await(first, 40)
    assert.equal(1, late(bot, "fails"))
    assert.match("schedule fails has not succeeded since", bot.process:log(), 1, true)
    bot:await_idle() -- or the report, whose end is not stored yet, runs again
    bot:kill()
    bot:start() -- the same lapse goes on
    process.await(function() return bot:ask("/api/summary").skipped >= 13 end, "more failures", 60)
    assert.same({ first }, bot:lines())
    bot:message(1, 1, "well")
    process.await(function()
      for _, schedule in ipairs(bot:ask("/api/schedules").schedules) do
        for _, row in ipairs(schedule.name == "fails" and schedule.last or {}) do
          if row.state == "done" then return true end
        end
      end
    end, "a success")
    bot:message(2, 1, "ill again")
    bot:await("late fails 2 once schedule fails has not succeeded", 40)
    assert.equal(2, #bot:lines())
    assert.is_nil(late(bot, "works"))
    bot:stop()
  end)

  it("must be a duration", function()
    local path = process.write(process.folder() .. "/bot.lua",
      'require("mavilua.host").cron("@daily", { expect = 0.1 }, print)')
    local _, _, problem = process.run { "check", path }
    assert.match('bot.lua:1: schedule .*expect is a duration such as "25h", from a second to a year', problem)
  end)
end)
