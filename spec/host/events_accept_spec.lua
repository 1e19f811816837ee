local support = require "spec.support.bot"

describe("the intake", function()
  local bot

  setup(function()
    bot = support.start [[
      host.on("message", function(event) trace(event.client_id, event.text, #event.raw.message) end)
    ]]
  end)

  teardown(function() bot:stop() end)

  it("answers 200 when the event is stored, and the handler runs", function()
    local reply = bot:post("/webhook/" .. support.secret, support.message(1, 7, "hello"))
    assert.equal(200, reply.status)
    assert.equal('{"status":"success"}', reply.body)
    bot:await("7 hello 5")
  end)

  it("does not tell a wrong secret from an unknown path", function()
    local wrong, nowhere = bot:post("/webhook/wrong", "{}"), bot:post("/nowhere", "{}")
    assert.same({ 404, 404 }, { wrong.status, nowhere.status })
    assert.equal(wrong.body, nowhere.body)
  end)

  it("drops a message that came before, and counts it", function()
    local before = bot:ask("/api/summary").duplicates
    assert.equal(200, bot:message(2, 7, "twice"))
    assert.equal(200, bot:message(2, 7, "twice"))
    assert.equal(before + 1, bot:ask("/api/summary").duplicates)
  end)

  it("says where a body is no JSON, and keeps the others", function()
    local reply = bot:post("/webhook/" .. support.secret, '{"id":3,\n"client":}')
    assert.equal(400, reply.status)
    assert.match("line 2", reply.body)
    assert.equal(400, bot:post("/webhook/" .. support.secret, "[]").status)
    assert.equal(400, bot:post("/webhook/" .. support.secret, "").status)
    assert.equal(400, bot:post("/webhook/" .. support.secret, ("["):rep(100000)).status)
    assert.equal(400, bot:post("/webhook/" .. support.secret, '{"message":"\255"}').status)
    assert.equal(200, bot:message(4, 7, "fine"))
  end)

  local function kept(id, message)
    local body = ('{"id":%d,"client":{"id":11},"message":%s,"is_input":1,"x":1e400,"y":-1e400}'):format(id, message)
    assert.equal(200, bot:post("/webhook/" .. support.secret, body).status)
    local event = bot:ask("/api/events?key=11&limit=1").events[1]
    assert.equal(body, bot:ask("/api/events/" .. event.id).body)
  end

  it("takes halves of surrogate pairs and numbers beyond a double, as the platform sends nothing again", function()
    kept(31, [["a\ud83d"]])
    bot:await("11 a\xEF\xBF\xBD 4")
    kept(32, [["\ude00b\ud83dc\ud83d\ud83d\ude00"]])
    bot:await("11 \xEF\xBF\xBDb\xEF\xBF\xBDc\xEF\xBF\xBD\xF0\x9F\x98\x80 15")
    local reply = bot:post("/webhook/" .. support.secret, [[{"id":33,"message":"\ud83d",}]])
    assert.equal(400, reply.status)
    assert.match("line 1, column 29", reply.body)
  end)

  it("refuses a body over the limit", function()
    assert.equal(413, bot:post("/webhook/" .. support.secret, (" "):rep(1100000)).status)
  end)

  it("takes no texts that differ behind a NUL for one", function()
    local before = bot:ask("/api/summary").duplicates
    for _, id in ipairs { "a\\u0000b", "a\\u0000c" } do
      local body = ('{"id":"%s","client":{"id":"%s"},"message":"x","is_input":1}'):format(id, id)
      assert.equal(200, bot:post("/webhook/" .. support.secret, body).status)
    end
    assert.equal(before, bot:ask("/api/summary").duplicates)
  end)

  it("takes POST only", function()
    assert.equal(405, bot:post("/webhook/" .. support.secret, nil, { method = "GET" }).status)
  end)

  it("keeps the body byte for byte", function()
    local body = '{ "id" : 9007199254740993, "client":{"id":-1001234567890123},"message":"\\u00e9\195\169",'
      .. '"is_input":1, "x": 1.50 }'
    assert.equal(200, bot:post("/webhook/" .. support.secret, body).status)
    local events = bot:ask("/api/events?key=-1001234567890123").events
    assert.equal(1, #events)
    assert.equal(body, bot:ask("/api/events/" .. events[1].id).body)
  end)
end)
