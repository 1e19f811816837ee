local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("nginx that hands events over, as shipped", function()
  local bot, front
  local webhook = "/webhook/" .. support.secret

  local function start(change)
    bot = support.start [[
      host.on("message", function(event) trace(event.text) end)
      host.hook("payment", { secret = "a-secret-of-the-hook" }, function(request)
        return { status = 201, body = request.headers["x-real-ip"] or "none" }
      end)
    ]]
    front = nginx.start("examples/nginx/handover.conf", { { "127.0.0.1:8080", bot.url:match "//(.*)$" }, change })
  end

  local function restart()
    bot.options.args = { "--listen", bot.url:match "//(.*)$" }
    bot:start()
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
    restart()
    assert.same({ 200, 200, 200 }, process.await(sent, "the answers", 60))
    for i = 1, 3 do bot:await("kept " .. i) end
  end)

  it("gives up after its patience, and says so", function()
    start { "patience, longest_pause = 25, 1", "patience, longest_pause = 0.2, 1" }
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
    restart()
    process.await(sent, "the answer", 60)
    assert.matches("POST /webhook/%*%*%* 200", front:log())
    assert.matches("POST /hook/payment 502", front:log())
    assert.is_nil(front:logs():find("a-secret", 1, true))
  end)
end)
