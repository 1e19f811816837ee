local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("the admin listener", function()
  local bot

  setup(function()
    bot = support.start [[
      host.on("message", { text = "bad" }, function() error("oops") end)
      host.on("message", function() end)
      -- what was sent has no handler
      host.hook("pay", { secret = "pay-secret" }, function() end)
      host.job("later", function() end)
      host.every("1h", { name = "hourly" }, function() end)
    ]]
    for i = 1, 5 do bot:message(i, 10, "m" .. i) end
    bot:await_summary("done", 5)
  end)

  teardown(function() bot:stop() end)

  it("tells health and readiness", function()
    assert.equal("ok", bot:ask("/healthz").status)
    assert.is_true(bot:ask("/readyz").ready)
  end)

  it("lists events in pages", function()
    local page = bot:ask("/api/events?key=10&limit=2")
    assert.equal(2, #page.events)
    local ids = {}
    repeat
      for _, event in ipairs(page.events) do ids[#ids + 1] = event.id end
      page = page.cursor and bot:ask("/api/events?key=10&limit=2&cursor=" .. page.cursor)
    until not page
    assert.equal(5, #ids)
    assert.equal(400, select(2, bot:ask("/api/events?state=none")).status)
  end)

  it("shows an event", function()
    local event = bot:ask("/api/events/1")
    assert.equal("done", event.state)
    assert.match('"message":"m1"', event.body)
    assert.equal(404, select(2, bot:ask("/api/events/4711")).status)
  end)

  it("lists blocked keys, and cancels what blocks", function()
    bot:message(20, 20, "bad")
    bot:message(21, 20, "good")
    local blocked = process.await(function() return bot:ask("/api/keys/blocked").keys[1] end, "a blocked key")
    assert.same({ "20", 1 }, { blocked.key, blocked.waiting })
    assert.equal(200, select(2, bot:ask(("/api/events/%d/cancel"):format(blocked.event), "POST")).status)
    bot:await_summary("done", 6)
    assert.equal(409, select(2, bot:ask(("/api/events/%d/cancel"):format(blocked.event), "POST")).status)
  end)

  it("lists handlers without secrets", function()
    local handlers, reply = bot:ask("/api/handlers")
    assert.equal(2, #handlers.handlers)
    assert.equal("pay", handlers.hooks[1].name)
    assert.is_nil(reply.body:find("pay-secret", 1, true))
  end)

  it("tells what lost means: nothing", function()
    assert.equal(0, bot:ask("/api/summary").lost)
  end)
end)
