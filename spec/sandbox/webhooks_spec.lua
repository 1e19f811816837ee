local core = require "mavilua.core"
local process = require "spec.support.process"
local socket = require "socket"
local support = require "spec.support.sandbox"

describe("the sandbox's webhooks", function()
  local box, receiver, id, listener
  setup(function()
    -- The receiver is a sandbox as well: it keeps what arrives, in order, as callbacks of a client.
    box, receiver = support.start(), support.start()
  end)
  teardown(function()
    box:stop()
    receiver:stop()
  end)
  local count = 0
  before_each(function()
    receiver:control("POST", "reset")
    count = count + 1
    id = box:client("client " .. count)
    box:control("POST", "settings",
      { webhook_url = receiver.url .. "/api/sandbox/callback?client_id=836058548" })
  end)
  after_each(function()
    box:control("POST", "settings", { webhook_url = support.null, webhook_timeout = support.null })
    if listener then listener:close() end
    listener = nil
  end)

  -- Accepts connections and never answers.
  local function deaf()
    listener = assert(socket.bind("127.0.0.1", 0, 200))
    return "http://127.0.0.1:" .. select(2, listener:getsockname()) .. "/"
  end

  it("tell every message in and out, as documented", function()
    box:call("save_variables", { client_id = id, variables = { ["client.tg_username"] = "ada",
      item = "tea" } })
    local _, message_id = box:says(id, "/start")
    local entries = box:webhooks(id, 2)
    assert.equal(200, entries[1].status)
    assert.equal("ok", entries[1].answer)
    local body = entries[1].body
    assert.equal(message_id, body.id)
    assert.equal("integer", math.type(body.client.id))
    assert.equal("integer", math.type(body.client.created_at))
    body.client.created_at = nil
    assert.same({
      id = message_id, message = "/start", attachments = {}, project_id = 424757,
      is_input = 1, delivered = 1, error_message = "",
      client = { id = id, recepient = "client " .. count, client_type = 1, group = "tea_corner_bot",
        variables = { tg_username = "ada" } },
    }, body)
    local out = entries[2].body
    assert.equal(0, out.is_input)
    assert.equal(390, out.message_id)
    assert.matches("^Welcome", out.message)
    assert.is_true(out.id > body.id)
  end)

  it("have all members, null where there is nothing", function()
    box:says(id, nil, { "https://x.example/1.jpg" })
    local _, text = box:webhooks(id, 1)
    assert.matches('"message":null,"attachments":["https://x.example/1.jpg"],"message_id":null', text,
      1, true)
    for _, name in ipairs { "avatar", "tag", "name" } do assert.matches('"' .. name .. '":null', text,
      1, true) end
  end)

  it("come in order for each client, from many at once", function()
    local ids = {}
    for i = 1, 8 do ids[i] = box:client("c" .. i) end
    local tasks = {}
    for i = 1, 8 do
      tasks[i] = core.spawn(function()
        for n = 1, 12 do box:call("message", { client_id = ids[i], message = i .. ":" .. n }) end
        return true
      end)
    end
    for i = 1, 8 do assert(core.join(tasks[i])) end
    process.await(function() return #receiver:call("get_history",
      { client_id = 836058548 }).result >= 96 + 4 end, "all") -- 4: the seed's
    local seen = {}
    for _, message in ipairs(receiver:control("GET", "messages?client_id=836058548").messages) do
      local client, n = message.text:match("^(%d+):(%d+)$")
      if client then
        assert.equal((seen[client] or 0) + 1, tonumber(n))
        seen[client] = tonumber(n)
      end
    end
    for i = 1, 8 do assert.equal(12, seen[tostring(i)]) end
  end)

  it("get one attempt, whatever the answer, and go on", function()
    box:control("POST", "settings", { webhook_url = receiver.url .. "/nowhere" })
    box:call("message", { client_id = id, message = "one" })
    box:call("message", { client_id = id, message = "two" })
    local tried = {}
    for i, entry in ipairs(box:webhooks(id, 2)) do
      assert.equal(404, entry.status)
      tried[i] = entry.body.message
    end
    assert.same({ "one", "two" }, tried)
  end)

  it("never delay an answer, and a deaf receiver delays no other client", function()
    box:control("POST", "settings", { webhook_url = deaf(), webhook_timeout = 2 })
    local started = core.now()
    local ids = {}
    for i = 1, 10 do
      ids[i] = box:client("deaf " .. i)
      box:call("message", { client_id = ids[i], message = "x" })
    end
    assert.is_true(core.now() - started < 2)
    local posted = core.time()
    for i = 1, 10 do
      local entry = box:webhooks(ids[i], 1)[1]
      assert.equal(0, entry.status)
      assert.is_string(entry.error)
      assert.is_true(entry.at < posted + 1.5) -- when it was sent, not when it was given up
    end
    assert.is_true(core.now() - started < 12) -- one after the other would be 20
  end)

  it("tell of a receiver that is not there, without its path", function()
    local url = deaf()
    listener:close()
    listener = nil
    box:control("POST", "settings", { webhook_url = url .. "secret" })
    box:call("message", { client_id = id, message = "x" })
    local _, text = box:webhooks(id, 1)
    assert.is_nil(text:find("secret", 1, true))
    assert.is_nil(box.server:log():find("secret", 1, true))
  end)

  it("come from callbacks and moves of orders, too", function()
    box:call("callback", { client_id = id, message = "ping" })
    box:call("set_order_state", { client_id = id, state_id = 1002 })
    local entries = box:webhooks(id, 2)
    assert.equal("ping", entries[1].body.message)
    assert.equal("crm_state_changed Shop:Confirmed", entries[2].body.message)
    assert.equal(1, entries[2].body.is_input)
    assert.equal("integer", math.type(entries[2].body.client.variables.callback_query_id))
  end)

  it("are not sent for what was refused", function()
    box:call("message", { client_id = id, message_id = 5 })
    box:call("message", { client_id = id, message = "real" })
    assert.equal("real", box:webhooks(id, 1)[1].body.message)
  end)

  it("of 200 clients go to a slow receiver side by side", function()
    local slow = process.start { bin = "lua5.4", "spec/support/http_server.lua" }
    finally(function() slow:stop() end)
    local items, ids = {}, {}
    for i = 1, 200 do items[i] = { platform_id = "slow " .. i, group_id = "g", client_type = 1 } end
    for i, item in ipairs(box:call("load_clients", items).items) do ids[i] = item.id end
    box:control("POST", "settings", { webhook_url = slow.url .. "/delay/1" })
    local since = box:control("GET", "journal").next
    local started = core.now()
    for _, text in ipairs { "x", "y" } do
      for _, one in ipairs(ids) do box:call("message", { client_id = one, message = text }) end
    end
    assert.is_false(box:control("GET", "idle").idle)
    assert.is_true(box:control("GET", "idle?wait=30").idle)
    assert.is_true(core.now() - started < 20) -- one after the other would be 400 seconds
    local last, webhooks = {}, 0
    local journal = "journal?kind=webhook&limit=1000&since=" .. since
    for _, entry in ipairs(box:control("GET", journal).entries) do
      assert.same({ 200, "ok" }, { entry.status, entry.answer })
      assert.equal(last[entry.client_id] and "y" or "x", entry.body.message)
      last[entry.client_id] = true
      webhooks = webhooks + 1
    end
    assert.equal(400, webhooks)
  end)

  it("of a project whose receiver is dead hold up no other project's", function()
    local two = box:control("POST", "projects", { project = { id = 2 } }).keys[1].key
    local items, ids = {}, {}
    for i = 1, 600 do items[i] = { platform_id = tostring(i), group_id = "g", client_type = 1 } end
    for i = 1, 600, 300 do
      local loaded = box:call("load_clients", { table.unpack(items, i, i + 299) }, { key = two }).items
      for _, item in ipairs(loaded) do ids[#ids + 1] = item.id end
    end
    box:control("POST", "settings?project=2", { webhook_url = deaf(), webhook_timeout = 60 })
    for _, one in ipairs(ids) do box:call("message", { client_id = one, message = "x" }, { key = two }) end
    local started = core.now()
    for i = 1, 20 do box:call("message", { client_id = id, message = tostring(i) }) end
    assert.equal(200, box:webhooks(id, 20)[20].status)
    assert.is_true(core.now() - started < 10)
    box:control("DELETE", "projects?project=2")
    box.server:signal("TERM")
    assert.is_true((box.server:wait()) == 0)
    assert.is_true(core.now() - started < 20) -- nor the sandbox's end
    box = support.start()
  end)
end)
