local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("nginx that hands events over, as shipped", function()
  local bot, front
  local webhook = "/webhook/" .. support.secret

  local function start(options)
    bot = support.start([[
      host.on("message", function(event) trace(event.text) end)
      host.hook("payment", { secret = "a-secret-of-the-hook" }, function(request)
        return { status = 201, body = request.headers["x-real-ip"] or "none" }
      end)
      host.hook("order", { secret = "a-secret-of-the-form", key = "phone", dedupe = "id" }, function(request)
        local order = request.json
        trace(#order.id, order.name, order.phone, request.headers["x-real-ip"], request.headers["x-secret"])
      end)
    ]], { same_port = true })
    front = nginx.start_handover(bot.url, options)
  end

  after_each(function()
    front:stop()
    support.cleanup()
  end)

  it("answers what the host answers", function()
    start()
    local status, body = front:request(webhook, { body = support.message(1, 1, "handed over") })
    assert.equal(200, status)
    assert.equal('{"status":"success"}', body)
    bot:await "handed over"
    assert.equal(200, (front:request(webhook, { body = support.message(1, 1, "again") })))
    assert.equal(1, bot:ask("/api/summary").accepted)
    assert.equal(400, (front:request(webhook, { body = "no JSON" })))
    assert.equal(201, (front:request("/hook/payment/a-secret-of-the-hook", { body = "{}" })))
  end)

  it("hands over nothing else", function()
    start()
    assert.equal(404, (front:request "/metrics"))
    assert.equal(404, (front:request "/mavilua-host/metrics"))
    assert.equal(404, (front:request(webhook)))
    assert.equal(404, (front:request("/webhook/wrong", { body = "{}" })))
    assert.equal(413, (front:request(webhook, { body = ("x"):rep(2 * 1024 * 1024) })))
  end)

  it("keeps webhooks while the host is restarted, and answers 200 only when it has them", function()
    start()
    bot:stop()
    local bodies = {}
    for i = 1, 3 do bodies[i] = support.message(i, 1, "kept " .. i) end
    local sent = front:send(webhook, bodies)
    front:reload()
    assert.is_nil(sent())
    bot:start()
    assert.same({ 200, 200, 200 }, process.await(sent, "the answers", 60))
    for i = 1, 3 do bot:await("kept " .. i) end
  end)

  it("gives up after its patience, and says so", function()
    start { change = { "patience, longest_pause = 25, 1", "patience, longest_pause = 0.2, 1" } }
    bot:kill()
    assert.equal(502, (front:request(webhook, { body = support.message(1, 1, "lost") })))
  end)

  it("logs no secret, also when the host is away", function()
    start()
    front:request(webhook, { body = support.message(1, 1, "x") })
    front:request("/hook/payment?secret=a-secret-of-the-hook", { body = "{}" })
    bot:kill()
    front:request("/hook/payment/a-secret-of-the-hook", { body = "{}" })
    local sent = front:send(webhook, { support.message(2, 1, "y") })
    front:reload()
    bot:start()
    process.await(sent, "the answer", 60)
    assert.matches("POST /webhook/%*%*%* 200", front:log())
    assert.matches("POST /hook/payment 502", front:log())
    assert.is_nil(front:logs():find("a-secret", 1, true))
  end)

  -- nginx loads the module as it is built for release.
  if os.getenv "MAVILUA_MODE" ~= "release" then return end

  it("makes an event of a form, when the host has it", function()
    start()
    local status, body = front:request("/order", { body = "name=Ada+L&phone=%2B47+123" })
    assert.same({ 200, "Thank you, we call you.\n" }, { status, body })
    bot:await "32 Ada L +47 123 unix: nil"
    for _, bad in ipairs { "name=Ada", "name=Ada&phone=none", "name=%ff&phone=1", "", "name=a&name=b&phone=1" } do
      assert.equal(400, (front:request("/order", { body = bad })), bad)
    end
    assert.equal(405, (front:request "/order"))
    assert.equal(413, (front:request("/order", { body = ("x"):rep(20000) })))
    assert.equal(1, bot:ask("/api/summary").accepted)
  end)

  it("has no 200 for a form while the host is away, and no secret in a log of the level debug", function()
    start { level = "debug", site_level = "debug" }
    bot:stop()
    local status, body = front:request("/order", { body = "name=Ada&phone=1" })
    assert.same({ 503, "Please try again in a moment.\n" }, { status, body })
    bot:start()
    assert.equal(200, (front:request("/order", { body = "name=Ada&phone=2" })))
    bot:await "32 Ada 2 unix: nil"
    assert.truthy(front:logs():find("lua tcp socket", 1, true))
    assert.is_nil(front:logs():find("a-secret-of-the-form", 1, true))
  end)
end)
