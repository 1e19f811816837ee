local nginx = require "spec.support.nginx"
local support = require "spec.support.bot"

describe("nginx in front, as shipped", function()
  local bot, front

  before_each(function()
    bot = support.start([[
      host.on("message", function(event) trace(event.text) end)
      host.hook("payment", { secret = "a-secret-of-the-hook" }, function(request)
        return { status = 201, body = request.headers["x-real-ip"] or "none" }
      end)
    ]], { same_port = true })
    front = nginx.start("examples/nginx/front.conf",
      { { "127.0.0.1:8080", bot.url:match("//(.*)$") } })
  end)

  after_each(function()
    front:stop()
    support.cleanup()
  end)

  local webhook = "/webhook/" .. support.secret

  it("hands webhooks and hooks on, over TLS", function()
    assert.equal(200, (front:request(webhook, { body = support.message(1, 1, "through the front") })))
    bot:await("through the front")
    local status = front:request("/hook/payment/a-secret-of-the-hook", { body = "{}" })
    assert.equal(201, status)
  end)

  it("hands on nothing else", function()
    assert.equal(404, (front:request("/metrics")))
    assert.equal(404, (front:request("/api/events")))
    assert.equal(404, (front:request("/webhook/wrong", { body = "{}" })))
    assert.equal(413, (front:request(webhook, { body = ("x"):rep(2 * 1024 * 1024) })))
  end)

  it("logs no secret", function()
    front:request(webhook, { body = support.message(1, 1, "x") })
    front:request("/x/../webhook/" .. support.secret, { "--path-as-is", body = "{}" })
    front:request("/hook/payment/a-secret-of-the-hook?secret=a-secret-of-the-hook", { body = "{}" })
    front:request("/hook/payment?secret=a-secret-of-the-hook", { body = "{}" })
    assert.match("POST /webhook/%*%*%* 200", front:log())
    assert.match("POST /hook/payment 201", front:log())
    assert.is_nil(front:log():find("a-secret", 1, true))
  end)

  it("says 502 while the host is down and goes on when it is back", function()
    bot:kill()
    assert.equal(502, (front:request(webhook, { body = support.message(1, 1, "lost") })))
    bot:start()
    assert.equal(200, (front:request(webhook, { body = support.message(2, 1, "back") })))
    bot:await("back")
  end)
end)
