-- docs/host.md, Hooks: a signature over the raw body, with a time window.
local hmac = require "spec.support.hmac"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local KEY = "0123456789abcdef01234567"
local WHSEC = "whsec_" .. hmac.base64(KEY)

describe("custom hooks verify a signature over the raw body", function()
  local bot

  setup(function()
    bot = support.start(([[
      local function taken(request) trace("taken", request.body) end
      host.hook("standard", { secret = %q, signature = "standard" }, taken)
      host.hook("example", { secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", signature = "standard",
        tolerance = "36500d" }, taken)
      host.hook("hub", { secret = "hub-secret", signature = "sha256" }, taken)
      host.hook("own", { secret = "own-secret", signature = "sha256", signature_header = "X-Sign" }, taken)
      host.hook("timed", { secret = "own-secret", signature = "sha256", signature_header = "X-Sign",
        signature_prefix = "v0=", timestamp_header = "X-Time", tolerance = 60 }, taken)
    ]]):format(WHSEC))
  end)

  teardown(function() bot:stop() end)

  local function post(path, body, headers) return bot:post("/hook/" .. path, body, { headers = headers }).status end

  local ids = 0
  local function standard(body, change)
    ids = ids + 1
    local headers = { ["webhook-id"] = "msg_" .. ids, ["webhook-timestamp"] = tostring(os.time()) }
    for name, value in pairs(change or {}) do headers[name] = value end
    headers["webhook-signature"] = headers["webhook-signature"] or "v1," .. hmac.base64(hmac.of(KEY,
      headers["webhook-id"] .. "." .. headers["webhook-timestamp"] .. "." .. body))
    return headers
  end

  describe("Standard Webhooks:", function()
    it("the specification's own example is taken", function()
      assert.equal(200, post("example", '{"test": 2432232314}', {
        ["webhook-id"] = "msg_p5jXN8AQM9LWM0D4loKWxJek", ["webhook-timestamp"] = "1614265330",
        ["webhook-signature"] = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" }))
    end)

    it("a right one is taken, with its bytes as they came", function()
      assert.equal(200, post("standard", '{ "a" :1}', standard '{ "a" :1}'))
      bot:await 'taken { "a" :1}'
    end)

    it("of several signatures one must be right", function()
      local headers = standard "{}"
      local right = headers["webhook-signature"]
      headers["webhook-signature"] = "v1a,xyz v1,AAAA " .. right .. " v2,later"
      assert.equal(200, post("standard", "{}", headers))
      headers["webhook-signature"] = "v1a," .. right:sub(4) .. " v1,AAAA"
      assert.equal(404, post("standard", "{}", headers))
    end)

    it("a changed body, id or time, another key, and none at all look like an unknown path", function()
      assert.equal(404, post("standard", "{} ", standard "{}"))
      local headers = standard "{}"
      headers["webhook-id"] = "msg_other"
      assert.equal(404, post("standard", "{}", headers))
      headers = standard "{}"
      headers["webhook-timestamp"] = tostring(os.time() + 2)
      assert.equal(404, post("standard", "{}", headers))
      assert.equal(404, post("standard", "{}", standard("{}", { ["webhook-signature"] = "v1,"
        .. hmac.base64(hmac.of("another", "{}")) })))
      assert.equal(404, post("standard", "{}"))
      local unknown = bot:post("/hook/unknown", "{}")
      local wrong = bot:post("/hook/standard", "{}")
      assert.same({ unknown.status, unknown.body }, { wrong.status, wrong.body })
    end)

    it("the secret itself opens nothing", function()
      assert.equal(404, post("standard/" .. WHSEC, "{}"))
      assert.equal(404, post("standard", "{}", { ["X-Secret"] = WHSEC }))
      assert.equal(404, post("standard/x", "{}", standard "{}"))
    end)

    it("a time more than five minutes off, either way, is refused", function()
      for off, status in pairs { [-290] = 200, [290] = 200, [-310] = 404, [310] = 404 } do
        local headers = standard("{}", { ["webhook-timestamp"] = tostring(os.time() + off) })
        assert.equal(status, post("standard", "{}", headers))
      end
      for _, time in ipairs { "soon", "-5", "1e9", "99999999999999999999", "" } do
        assert.equal(404, post("standard", "{}", standard("{}", { ["webhook-timestamp"] = time })))
      end
    end)

    it("the same webhook-id is taken once", function()
      local headers = standard "{}"
      assert.equal(200, post("standard", "{}", headers))
      assert.is_true(bot:post("/hook/standard", "{}", { headers = headers }):json().duplicate)
    end)
  end)

  describe("a plain SHA-256 header:", function()
    it("as GitHub sends it", function()
      local right = hmac.hex(hmac.of("hub-secret", '{"zen":1}'))
      assert.equal(200, post("hub", '{"zen":1}', { ["X-Hub-Signature-256"] = "sha256=" .. right }))
      assert.equal(200, post("hub", '{"zen":1}', { ["X-Hub-Signature-256"] = "sha256=" .. right:upper() }))
      local long, short = "sha256=" .. right .. "0", "sha256=" .. right:sub(2)
      for _, wrong in ipairs { right, long, short, "sha1=" .. right, "sha256=", "" } do
        assert.equal(404, post("hub", '{"zen":1}', { ["X-Hub-Signature-256"] = wrong }))
      end
      assert.equal(404, post("hub", '{"zen":2}', { ["X-Hub-Signature-256"] = "sha256=" .. right }))
    end)

    it("under a name of one's own", function()
      assert.equal(200, post("own", "x=1", { ["X-Sign"] = hmac.hex(hmac.of("own-secret", "x=1")) }))
    end)

    it("with a timestamp in a header of its own", function()
      local function at(time)
        return { ["X-Time"] = tostring(time), ["X-Sign"] = "v0=" .. hmac.hex(hmac.of("own-secret", time .. ".x")) }
      end
      assert.equal(200, post("timed", "x", at(os.time())))
      assert.equal(404, post("timed", "x", at(os.time() - 70)))
      assert.equal(404, post("timed", "x", { ["X-Sign"] = "v0=" .. hmac.hex(hmac.of("own-secret", "x")) }))
    end)
  end)

  it("and what cannot work is refused when the script is loaded", function()
    local function check(options)
      local path = process.write(process.folder() .. "/bot.lua",
        ('require("mavilua.host").hook("pay", %s, function() end)'):format(options))
      local status, _, problem = process.run { "check", path }
      assert.is_true(status > 0)
      return problem
    end
    assert.match("bot.lua:1: hook \"pay\": .*needs a secret", check '{ signature = "sha256" }')
    assert.match("whsec_ and base64", check '{ signature = "standard", secret = "whsec_*" }')
    assert.match("whsec_ and base64", check '{ signature = "standard", secret = "something" }')
    assert.match("belongs to signature = \"sha256\"", check '{ secret = "something", timestamp_header = "X" }')
    assert.match("tolerance needs a time", check '{ signature = "sha256", secret = "something", tolerance = 5 }')
    assert.match("signature.*must be one of 'standard', 'sha256'", check '{ signature = "md5", secret = "something" }')
  end)
end)
