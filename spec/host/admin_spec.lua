local http = require "mavilua.http"
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

  it("is not for web pages: not under another name, not from elsewhere", function()
    local function status(headers)
      return http.request { url = bot.admin .. "/api/events", headers = headers }.status
    end
    assert.equal(401, status { Host = "evil.example:80" })
    assert.equal(401, status { Host = "127.0.0.1.evil.example" })
    assert.equal(401, status { Origin = "http://evil.example" })
    assert.equal(401, http.request { url = bot.admin .. "/api/events/1/replay", method = "POST",
      headers = { Origin = "null" } }.status)
    assert.equal(200, status { Host = "localhost:8081" })
    assert.equal(200, status { Host = "[::1]:8081" })
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

  it("gives metrics in OpenMetrics text", function()
    bot:post("/webhook/" .. support.secret, '{"id":30,"client":{"id":30},"message":"x","is_input":0}')
    process.await(function()
      return select(2, bot:ask("/metrics")).body:find('mavilua_runs_total{handler="none",outcome="done"} 1', 1, true)
    end, "a run without a handler")
    local _, reply = bot:ask("/metrics")
    assert.match("openmetrics%-text", reply.headers["content-type"])
    assert.match('mavilua_events_accepted_total{source="webhook"} %d', reply.body)
    assert.match('mavilua_runs_total{handler="[^"]+",outcome="done"} %d', reply.body)
    assert.is_nil(reply.body:find('handler=""', 1, true))
    assert.match("# EOF\n$", reply.body)
    assert.is_nil(reply.body:find('="20"', 1, true))
  end)

  it("tells what lost means: nothing", function()
    assert.equal(0, bot:ask("/api/summary").lost)
  end)

  it("asks for a token where others can reach it", function()
    local status, _, problem = process.run { "serve", "--listen", "127.0.0.1:0", "--admin", "0.0.0.0:0",
      "--db", ":memory:", bot.path, env = { MAVILUA_WEBHOOK_SECRET = support.secret } }
    assert.is_true(status > 0)
    assert.match("token", problem)
    local guarded = support.start("host.job('later', print)", { args = { "--admin-token", "a-token-for-specs" } })
    assert.equal(401, http.get(guarded.admin .. "/api/summary").status)
    assert.equal(200, http.get(guarded.admin .. "/healthz").status)
    assert.equal(200, http.get(guarded.admin .. "/api/summary",
      { headers = { Authorization = "Bearer a-token-for-specs" } }).status)
    guarded:stop()
  end)
end)
