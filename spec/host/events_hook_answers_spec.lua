local support = require "spec.support.bot"

describe("hooks", function()
  local bot

  setup(function()
    bot = support.start [[
      local options = { secret = "hook-secret", key = "customer.id", dedupe = "payment.id" }
      host.hook("payment", options, function(request)
        trace("payment", request.key, request.json and request.json.n)
        return { status = 201, json = { paid = true, query = request.query, headers = request.headers },
          headers = { ["X-Receipt"] = "r1" } }
      end)
      host.hook("text", function() return "plain" end)
      host.hook("nothing", function() end)
      host.hook("fails", function() error("broken") end)
      host.hook("cancels", function() return host.cancel("not wanted") end)
      host.hook("gives_up", function() return host.dead("it is a secret why") end)
      host.hook("last", { attempts = 1 }, function() error("broken") end)
      host.hook("skips", { on_fail = "skip" }, function() error("broken") end)
      host.hook("slow", function() host.sleep(12) return { status = 200 } end)
      host.hook("form", { key = "phone" }, function(request)
        return { json = { phone = request.form.phone, key = request.key } }
      end)
    ]]
  end)

  teardown(function() bot:stop() end)

  it("answer what the handler returned", function()
    local reply = bot:post("/hook/payment?secret=hook-secret&a=b",
      '{"customer":{"id":5},"payment":{"id":"p1"}}')
    assert.equal(201, reply.status)
    assert.equal("r1", reply.headers["x-receipt"])
    assert.equal("application/json", reply.headers["content-type"])
    assert.is_true(reply:json().paid)
    assert.same({ a = "b" }, reply:json().query)
    assert.is_nil(reply.body:find("hook-secret", 1, true))
    bot:await("payment 5 nil")
  end)

  it("take the secret in four places, and only the right one", function()
    local function status(path, headers) return bot:post(path, "{}", { headers = headers }).status end
    assert.equal(404, status("/hook/payment?secret=hook-secret%00"))
    assert.equal(201, status("/hook/payment/hook-secret"))
    assert.equal(201, status("/hook/payment", { ["X-Secret"] = "hook-secret" }))
    assert.equal(201, status("/hook/payment", { Authorization = "Bearer hook-secret" }))
    assert.equal(404, status("/hook/payment"))
    assert.equal(404, status("/hook/payment/hook-secre"))
    assert.equal(404, status("/hook/payment", { Authorization = "Basic hook-secret" }))
    assert.equal(404, status("/hook/unknown"))
  end)

  it("drop what came before, by their path", function()
    local body = '{"customer":{"id":6},"payment":{"id":"p2"}}'
    assert.equal(201, bot:post("/hook/payment/hook-secret", body).status)
    local before = bot:ask("/api/summary").duplicates
    bot:post("/hook/payment/hook-secret", body)
    assert.equal(before + 1, bot:ask("/api/summary").duplicates)
  end)

  it("answer for handlers that return text, or nothing, or fail", function()
    local text = bot:post("/hook/text", nil, { method = "GET" })
    assert.same({ 200, "plain" }, { text.status, text.body })
    local nothing = bot:post("/hook/nothing", "x")
    assert.equal(200, nothing.status)
    assert.is_true(nothing:json().accepted)
    local fails = bot:post("/hook/fails", "x")
    assert.equal(202, fails.status)
    assert.equal("retryable", bot:ask("/api/events/" .. fails:json().event).state)
  end)

  it("answer what became of an event that is over", function()
    local function answer(name)
      local reply = bot:post("/hook/" .. name, "x")
      local body = reply:json()
      body.event = nil
      return reply.status, body
    end
    assert.same({ 200, { accepted = true, cancelled = true, reason = "not wanted" } }, { answer "cancels" })
    assert.same({ 500, { accepted = true, dead = true } }, { answer "gives_up" })
    assert.same({ 500, { accepted = true, dead = true } }, { answer "last" })
    assert.same({ 500, { accepted = true, skipped = true } }, { answer "skips" })
  end)

  it("do not keep a sender waiting for more than ten seconds", function()
    local start = support.now()
    local reply = bot:post("/hook/slow", "x")
    assert.equal(202, reply.status)
    assert.is_true(support.now() - start > 9 and support.now() - start < 15)
  end)

  it("read forms", function()
    local reply = bot:post("/hook/form", "phone=%2B47+1&x=y",
      { headers = { ["Content-Type"] = "application/x-www-form-urlencoded" } })
    assert.same({ phone = "+47 1", key = "+47 1" }, reply:json())
  end)
end)
