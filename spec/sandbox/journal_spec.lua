local core = require "mavilua.core"
local process = require "spec.support.process"
local raw = require "spec.support.raw"
local support = require "spec.support.sandbox"

describe("waiting for the sandbox's journal", function()
  local box, id, since
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "reset")
    id = box:client("1")
    since = box:control("GET", "journal").next
  end)

  local function entries(query)
    local answer, status = box:control("GET", "journal?since=" .. since .. query)
    assert.equal(200, status, answer.message)
    return answer.entries, answer.next
  end

  it("answers at once what is there", function()
    box:call("message", { client_id = id, message = "x" })
    local started = core.now()
    assert.equal(1, #entries "&wait=30")
    assert.equal(1, #entries "&wait=30&action=message&kind=api")
    assert.is_true(core.now() - started < 10)
  end)

  it("answers when it comes, and not before", function()
    local waiting = raw.send(box.url, "GET", "/_sandbox/journal?wait=30&action=message&since=" .. since)
    box:call("connected_channels")
    assert.is_false(waiting:is_answered())
    box:call("message", { client_id = id, message = "x" })
    local status, body = waiting:read()
    assert.equal(200, status)
    assert.matches('"action":"message"', body, 1, true)
    assert.is_nil(body:find("connected_channels", 1, true))
  end)

  it("answers with nothing when the time is over", function()
    local found, next_since = entries "&wait=0.05&action=broadcast"
    assert.same({}, found)
    assert.equal(since, next_since)
    assert.same({}, (entries "&wait=0&action=broadcast"))
  end)

  it("looks at kind, action, client and project", function()
    local other = box:client("2")
    box:call("message", { client_id = id, message = "x" })
    box:call("message", { client_id = tostring(other), message = "y" })
    box:call("connected_channels")
    local function actions(query)
      local out = {}
      for i, entry in ipairs((entries(query))) do out[i] = entry.action end
      return out
    end
    assert.same({ "message" }, actions("&client_id=" .. id))
    assert.same({ "message" }, actions("&client_id=" .. other))
    assert.same({ "message", "message" }, actions "&action=message")
    assert.same({}, actions "&kind=webhook")
    assert.equal(4, #actions "&project=424757")
    assert.same({}, actions "&project=5")
    assert.same({ "load_clients", "message" }, actions "&limit=2")
  end)

  it("holds no thread: two hundred wait, and the API answers", function()
    local waiting = {}
    for i = 1, 200 do
      waiting[i] = raw.send(box.url, "GET", "/_sandbox/journal?wait=60&action=callback&since=" .. since)
    end
    for _ = 1, 20 do box:call("connected_channels") end
    for i = 1, 200 do assert.is_false(waiting[i]:is_answered()) end
    box:call("callback", { client_id = id, message = "now" })
    for i = 1, 200 do
      local status, body = waiting[i]:read()
      assert.equal(200, status)
      assert.matches('"message":"now"', body, 1, true)
    end
  end)

  it("refuses a kind and a name that there are not", function()
    for query, words in pairs { ["kind=nothing"] = "kind: takes api or webhook",
      ["since=x"] = "since: takes an integer, 0 or more", ["limit=0"] = "limit: takes an integer, 1 or more",
      ["client_id=Ada"] = "client_id: takes an integer, 1 or more",
      ["actoin=message"] = 'actoin: unknown; did you mean "action"?' } do
      local answer, status = box:control("GET", "journal?wait=30&" .. query)
      assert.equal(400, status)
      assert.equal(words, answer.message)
    end
  end)

  it("refuses a time that is none", function()
    for _, wrong in ipairs { "x", "-1", "601", "nan", "1e9" } do
      assert.equal(400, (select(2, box:control("GET", "journal?wait=" .. wrong))))
      assert.equal(400, (select(2, box:control("GET", "idle?wait=" .. wrong))))
    end
  end)

  it("ends with the sandbox", function()
    local other = support.start()
    local waiting = raw.send(other.url, "GET", "/_sandbox/journal?wait=600&action=message")
    process.await(function() return #other:control("GET", "journal").entries == 0 end, "an answer")
    local started = core.now()
    other:stop()
    local status, body = waiting:read()
    assert.equal(200, status)
    assert.matches('"entries":[]', body, 1, true)
    assert.is_true(core.now() - started < 10)
  end)

  it("tells of webhooks when they are through", function()
    local receiver = support.start()
    box:control("POST", "settings",
      { webhook_url = receiver.url .. "/api/sandbox/callback?client_id=836058548" })
    assert.is_true(box:control("GET", "idle").idle)
    box:call("message", { client_id = id, message = "x" })
    local found = entries("&wait=20&kind=webhook&client_id=" .. id)
    assert.same({ 200, "ok", "x" }, { found[1].status, found[1].answer, found[1].body.message })
    assert.same({ idle = true, webhooks = 0 }, (box:control("GET", "idle?wait=20")))
    box:control("POST", "settings", { webhook_url = support.null })
    receiver:stop()
  end)
end)
