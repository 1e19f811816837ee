local process = require "spec.support.process"
local support = require "spec.support.bot"

-- A handler that says when it begins and when it came to its end.
local slow = [[
  host.on("message", function(event)
    trace("begins", event.text)
    if event.text == "long" then
      host.kv.set("written", true)
      host.once("made", function() return 7 end)
      trace "made"
      pcall(host.sleep, 30)
    elseif event.text == "look" then
      trace("found", host.kv.get("written"), host.once("made", function() return 0 end))
    end
    trace("ends", event.text)
  end)
]]

local function cancel(bot, id)
  return bot:ask(("/api/events/%d/cancel"):format(id), "POST")
end

local function running(bot)
  return process.await(function() return bot:ask("/api/events?state=running").events[1] end, "a running event")
end

describe("cancelling", function()
  after_each(support.cleanup)

  it("stops the run, and only then begins the next event of its key", function()
    local bot = support.start(slow, { workers = 1 })
    bot:message(1, 5, "long")
    bot:await "made"
    bot:message(2, 5, "look")
    local answer = cancel(bot, running(bot).id)
    assert.same({ true, true }, { answer.ok, answer.stopping })
    bot:await "ends look"
    assert.same({ "begins long", "made", "begins look", "found nil 7", "ends look" }, bot:lines())
    local event = bot:ask("/api/events/" .. answer.event)
    assert.same({ "cancelled", "by an operator" }, { event.state, event.reason })
    assert.is_nil(event.stopping)
    assert.equal(1, bot:ask("/api/summary").cancelled)
    bot:stop()
  end)

  it("keeps the key's line while the run cannot be stopped", function()
    local bot = support.start([[
      host.on("message", function(event)
        trace("begins", event.text)
        local done = os.clock() + (event.text == "busy" and 1 or 0)
        while os.clock() < done do end
        trace("ends", event.text)
      end)
    ]], { workers = 2 })
    bot:message(1, 5, "busy")
    bot:await "begins busy"
    bot:message(2, 5, "next")
    local id = running(bot).id
    cancel(bot, id)
    bot:await "ends next"
    assert.same({ "begins busy", "ends busy", "begins next", "ends next" }, bot:lines())
    assert.equal("cancelled", bot:ask("/api/events/" .. id).state)
    bot:stop()
  end)

  it("is remembered when the process dies before the run has ended", function()
    local bot = support.start([[
      host.on("message", function(event)
        trace("begins", event.text)
        if event.text == "stuck" then pcall(string.rep, "x", -1) while true do end end
      end)
    ]], { workers = 1 })
    bot:message(1, 5, "stuck")
    bot:await "begins stuck"
    local id = cancel(bot, running(bot).id).event
    bot:kill()
    bot:start()
    bot:message(2, 5, "next")
    bot:await "begins next"
    assert.same({ "begins stuck", "begins next" }, bot:lines())
    assert.equal("cancelled", bot:ask("/api/events/" .. id).state)
    bot:stop()
  end)

  it("by the next moment of a schedule never lets two runs be under way", function()
    local bot = support.start [[
      host.every("1s", { name = "long", overlap = "cancel" }, function(moment)
        trace(moment.planned)
        host.sleep(8)
      end)
    ]]
    process.await(function() return #bot:lines() >= 4 end, "four runs")
    local ended
    local events = bot:ask("/api/events?name=long").events
    for i = #events, 2, -1 do
      assert.same({ "cancelled", "superseded by the schedule's next moment" },
        { events[i].state, events[i].reason })
      assert.is_true(not ended or events[i].started_at >= ended)
      ended = events[i].finished_at
    end
    local last = bot:ask("/api/schedules").schedules[1].last
    assert.equal("cancelled", last[#last].state)
    bot:stop()
  end)
end)
