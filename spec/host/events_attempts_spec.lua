local support = require "spec.support.bot"

describe("retries", function()
  local bot

  setup(function()
    bot = support.start [[
      host.on("message", { text = "asks" }, function(event)
        trace("asks", event.attempt)
        if event.attempt < 3 then return host.retry(0.05, "not yet") end
      end)
      host.on("message", { text = "fails" }, function(event)
        trace("fails", event.id, event.attempt)
        host.kv.set("fails", event.attempt)
        error("no good")
      end, { attempts = 2 })
      host.on("message", { text = "dead" }, function() return host.dead("hopeless") end)
      host.on("message", { text = "cancel" }, function() return host.cancel("unwanted") end)
      host.on("message", { text = "loops" }, function() while true do end end, { attempts = 1 })
      host.on("message", { text = "head" }, function(event)
        trace("head", event.attempt)
        if event.attempt == 1 then return host.retry(0.3) end
      end)
      host.on("message", { text = "read" }, function() trace("read", host.kv.get("fails")) end)
      host.on("message", function(event) trace("other", event.text) end)
    ]]
  end)

  teardown(function() bot:stop() end)

  local function one(state, key)
    return bot:ask(("/api/events?state=%s&key=%d"):format(state, key)).events[1]
  end

  it("come when the handler asks for them", function()
    bot:message(1, 1, "asks")
    bot:await("asks 3")
  end)

  it("end in the dead, with the traceback, and without what the handler wrote", function()
    bot:message(2, 2, "fails")
    bot:await_summary("dead", 1)
    local event = one("dead", 2)
    assert.equal(2, event.attempt)
    assert.match("bot.lua:%d+: no good", event.reason)
    bot:message(3, 3, "read")
    bot:await("read nil")
  end)

  it("can be asked for by an operator", function()
    local event = one("dead", 2)
    assert.equal(200, select(2, bot:ask("/api/events/" .. event.id .. "/replay", "POST")).status)
    require("spec.support.process").await(function()
      local again = one("dead", 2)
      return again and #bot:lines() >= 6
    end, "the replay")
    assert.is_true(bot:has(("fails %d 1"):format(event.id)))
  end)

  it("are not made when the handler gives up or does not want the event", function()
    bot:message(4, 4, "dead")
    bot:message(5, 5, "cancel")
    bot:await_summary("cancelled", 1)
    assert.equal("unwanted", one("cancelled", 5).reason)
    require("spec.support.process").await(function() return one("dead", 4) end, "the dead one")
    assert.equal("hopeless", one("dead", 4).reason)
  end)

  it("hold back the same client's later events, not others'", function()
    bot:message(6, 6, "head")
    bot:message(7, 6, "behind")
    bot:message(8, 8, "beside")
    bot:await("other behind")
    local place = {}
    for i, line in ipairs(bot:lines()) do place[line] = i end
    assert.is_true(place["head 2"] < place["other behind"])
    assert.is_true(place["other beside"] < place["head 2"])
  end)

  it("do not let a run hog the processor", function()
    bot:message(9, 9, "loops")
    require("spec.support.process").await(function() return one("dead", 9) end, "the end of the loop")
    assert.match("bot.lua:%d+", one("dead", 9).reason)
    bot:message(10, 10, "alive")
    bot:await("other alive")
  end)
end)
