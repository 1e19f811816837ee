local http = require "mavilua.http"
local process = require "spec.support.process"
local raw = require "spec.support.raw"
local support = require "spec.support.sandbox"

describe("the sandbox's faults", function()
  local box, id
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "reset")
    id = box:client("1")
  end)

  local function fault(faults)
    local answer, status = box:control("POST", "faults", faults)
    assert.equal(200, status, answer.message)
    return answer.faults
  end

  -- The status of a message with this text, or nil and what kind of failure it was.
  local function send(text, timeout)
    local reply, err = http.request { url = box.url .. "/api/sandbox/message", timeout = timeout,
      json = { client_id = id, message = text } }
    if reply then return reply.status, reply end
    return nil, err.kind
  end

  it("answer with a status, and nothing is done", function()
    fault { kind = "status", action = "message", status = 502 }
    local status, reply = send "x"
    assert.equal(502, status)
    assert.equal("fail", reply:json().status)
    assert.same({}, box:talk(id))
    assert.equal(200, (select(2, box:call("get_clients"))))
    local entries = box:control("GET", "journal?action=message").entries
    assert.equal("status", entries[#entries].fault)
    assert.equal(502, entries[#entries].status)
  end)

  it("answer with any body and Retry-After", function()
    fault { kind = "status", status = 503, body = "<h1>Busy</h1>", retry_after = 7 }
    local status, reply = send "x"
    assert.equal(503, status)
    assert.equal("<h1>Busy</h1>", reply.body)
    assert.equal("7", reply.headers["retry-after"])
  end)

  it("break the connection before the work, or after", function()
    fault { { kind = "drop_before", action = "message", times = 1 } }
    assert.is_nil((send "before"))
    assert.same({}, box:talk(id))
    fault { { kind = "drop_after", action = "message", times = 1 } }
    assert.is_nil((send "after"))
    assert.same({ "< after" }, box:talk(id))
    assert.equal(200, (send "then"))
    local kinds = {}
    for i, entry in ipairs(box:control("GET", "journal?action=message&since=0").entries) do
      kinds[i] = ("%s %d"):format(entry.fault, entry.status)
    end
    assert.same({ "drop_before 0", "drop_after 200", "nil 200" }, { table.unpack(kinds, #kinds - 2) })
  end)

  it("cut the answer", function()
    fault { kind = "truncate", action = "get_clients", fraction = 0.3 }
    local reply, err = http.request { url = box.url .. "/api/sandbox/get_clients" }
    assert.is_nil(reply)
    assert.is_truthy(err)
  end)

  it("delay answers without holding up others", function()
    fault { kind = "delay", action = "message", delay_ms = 60000 }
    local waiting = {}
    for i = 1, 20 do
      waiting[i] = raw.send(box.url, "POST", "/api/sandbox/message",
        ('{"client_id":%d,"message":"late"}'):format(id))
    end
    process.await(function() return #box:talk(id) == 20 end, "the work of twenty delayed calls")
    assert.equal(200, (select(2, box:call("get_clients"))))
    for _, one in ipairs(waiting) do
      assert.is_false(one:is_answered())
      one:close()
    end
  end)

  it("delay an answer for as long as it is said", function()
    fault { kind = "delay", action = "message", delay_ms = 80 }
    local socket = require "socket"
    local started = socket.gettime()
    assert.equal(200, (send "late"))
    assert.is_true(socket.gettime() - started >= 0.079)
  end)

  it("hit every n-th, so many times", function()
    fault { kind = "status", action = "message", every = 3, times = 2 }
    local statuses = {}
    for i = 1, 12 do statuses[i] = send "x" end
    assert.same({ 200, 200, 503, 200, 200, 503, 200, 200, 200, 200, 200, 200 }, statuses)
    local told = box:control("GET", "faults").faults[1]
    assert.same({ 12, 2 }, { told.seen, told.hit })
  end)

  it("toss a coin that falls the same way again", function()
    local function tosses(seed)
      box:control("DELETE", "faults")
      fault { kind = "status", action = "message", probability = 0.3, seed = seed }
      local out, hit = {}, 0
      for i = 1, 200 do
        out[i] = send "x" == 503 and "x" or "."
        hit = hit + (out[i] == "x" and 1 or 0)
      end
      return table.concat(out), hit
    end
    local first, hit = tosses(7)
    assert.is_true(hit > 35 and hit < 85, hit)
    assert.equal(first, (tosses(7)))
    assert.not_equal(first, (tosses(8)))
  end)

  it("come together", function()
    fault { { kind = "delay", delay_ms = 1 }, { kind = "status", status = 500, action = "message" },
      { kind = "status", status = 501, action = "message" }, { kind = "status", status = 404, every = 2 } }
    assert.equal(500, (send "x"))
    local list = box:control("GET", "faults").faults
    assert.equal(4, #list)
    assert.equal(1, box:control("DELETE", "faults?id=" .. list[2].id).removed)
    assert.equal(404, (select(2, box:control("DELETE", "faults?id=" .. list[2].id))))
    assert.equal(501, (send "x"))
    assert.equal(3, box:control("DELETE", "faults").removed)
    assert.equal(200, (send "x"))
    assert.same({}, box:control("GET", "faults").faults)
  end)

  it("end with a reset", function()
    fault { kind = "status" }
    box:control("POST", "reset")
    assert.equal(200, (select(2, box:call("get_clients"))))
  end)

  it("are refused with the path of the mistake, all of them", function()
    for path, wrong in pairs {
      ["faults[0].kind: required"] = {},
      ["faults[1].kind: takes one of status, delay, drop_before"] =
        { { kind = "delay", delay_ms = 1 }, { kind = "x" } },
      ['faults[0].action: there is no action "mesage"; did you mean "message"?'] =
        { kind = "status", action = "mesage" },
      ["faults[0].status: takes an integer from 200 to 599"] = { kind = "status", status = 99 },
      ["faults[0].status: takes an integer"] = { kind = "status", status = "500" },
      ["faults[0].delay_ms: required"] = { kind = "webhook_delay" },
      ["faults[0].delay_ms: takes an integer from 0 to 600000"] = { kind = "delay", delay_ms = -1 },
      ["faults[0].every: takes"] = { kind = "status", every = 0 },
      ["faults[0].probability: takes a number from 0 to 1"] = { kind = "status", probability = 1.5 },
      ["faults[0].fraction: takes"] = { kind = "truncate", fraction = -1 },
      ['faults[0].probabilty: unknown; did you mean "probability"?'] = { kind = "status", probabilty = 1 },
      ["faults[0]: takes an object"] = { 5 },
    } do
      local answer, status = box:control("POST", "faults", wrong)
      assert.equal(400, status, path)
      assert.equal(path, answer.message:sub(1, #path))
      assert.same({}, box:control("GET", "faults").faults)
    end
    local many = {}
    for i = 1, 1001 do many[i] = { kind = "status" } end
    assert.equal(400, (select(2, box:control("POST", "faults", many))))
  end)

  describe("of webhooks", function()
    local receiver
    setup(function() receiver = support.start() end)
    teardown(function() receiver:stop() end)
    before_each(function()
      receiver:control("POST", "reset")
      box:control("POST", "settings",
        { webhook_url = receiver.url .. "/api/sandbox/callback?client_id=836058548" })
    end)
    after_each(function() box:control("POST", "settings", { webhook_url = support.null }) end)

    -- What came, in order.
    local function came()
      box:control("GET", "idle?wait=10")
      local texts = {}
      for i, entry in ipairs(receiver:control("GET", "journal?action=callback").entries) do
        texts[i] = entry.params.message
      end
      return texts
    end

    it("drop, and the journal says so", function()
      local since = receiver:control("GET", "journal").next
      fault { kind = "webhook_drop", every = 2 }
      for i = 1, 4 do send(tostring(i)) end
      local texts = came()
      assert.same({ "1", "3" }, { table.unpack(texts, #texts - 1) })
      local entries = box:webhooks(id, 4)
      assert.same({ 200, 0, "dropped by a fault" }, { entries[3].status, entries[4].status, entries[4].error })
      assert.is_number(since)
    end)

    it("double", function()
      fault { kind = "webhook_duplicate", action = "message", times = 1 }
      send "twice"
      send "once"
      local texts = came()
      assert.same({ "twice", "twice", "once" }, { table.unpack(texts, #texts - 2) })
      box:says(id, "a client's")
      texts = came()
      assert.same({ "once", "a client's" }, { table.unpack(texts, #texts - 1) })
    end)

    it("delay, and keep the order of a client, and no other waits", function()
      local other = box:client("2")
      fault { kind = "webhook_delay", delay_ms = 300, times = 1 }
      send "first"
      send "second"
      box:says(other, "by another")
      local texts = came()
      assert.same({ "by another", "first", "second" }, { table.unpack(texts, #texts - 2) })
    end)
  end)
end)

describe("the setting rate_limit", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)

  it("refuses with 429 and Retry-After what comes too fast", function()
    box:control("POST", "clock", { mode = "virtual", now = 1767225600 })
    box:control("POST", "settings", { rate_limit = 2 })
    local function status() return (select(2, box:call("connected_channels"))) end
    assert.same({ 200, 200, 429 }, { status(), status(), status() })
    local _, _, reply = box:call("connected_channels")
    assert.equal("1", reply.headers["retry-after"])
    assert.equal("fail", reply:json().status)
    assert.equal(200, (select(2, box:call("save_variables",
      { client_id = 836058548, variables = { ["client.a"] = 1 } }))))
    box:control("POST", "clock", { advance = 0.5 })
    assert.same({ 200, 429 }, { status(), status() })
    box:control("POST", "clock", { advance = 10 })
    assert.same({ 200, 200, 429 }, { status(), status(), status() })
    box:control("POST", "settings", { rate_limit = 0.1 })
    box:control("POST", "clock", { advance = 100 })
    assert.equal(200, status())
    _, _, reply = box:call("connected_channels")
    assert.equal("10", reply.headers["retry-after"])
    box:control("POST", "settings", { rate_limit = support.null })
    assert.equal(200, status())
    assert.equal(400, (select(2, box:control("POST", "settings", { rate_limit = 0 }))))
  end)
end)
