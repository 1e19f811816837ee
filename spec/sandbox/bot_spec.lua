local support = require "spec.support.sandbox"

-- message_from_outside
local NORMAL, API, CRM, CALLBACK, TELEPHONY = 0, 1, 2, 3, 5

describe("the sandbox's bot", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)

  local function seed(blocks)
    local answer, status = box:control("POST", "seed", {
      settings = { webhook_url = "http://127.0.0.1:9/" },
      managers = { { id = 9, email = "eva@example.com" } },
      channels = { { client_type = 1, group_id = "shop_bot", name = "shop_bot" },
        { client_type = 13, group_id = "", name = "Phone" } },
      funnels = { { name = "Sales", states = { { id = 11, name = "New" }, { id = 12, name = "Paid" },
        { id = 13, name = "Lost", outcome = "lost" }, { id = 14, name = "Done", outcome = "won" } } } },
      blocks = blocks,
      clients = {
        { id = 100, client_type = 1, group_id = "shop_bot", platform_id = "5001" },
        { id = 101, client_type = 13, group_id = "", platform_id = "4790000000" },
      },
    })
    assert.equal(200, status, answer.message)
  end

  local function answers(text)
    local before = #box:talk(100)
    box:says(100, text)
    local talk = box:talk(100)
    return talk[before + 2] and talk[before + 2]:sub(3)
  end

  it("matches exactly, by a part, or by the first word, whatever the case", function()
    seed {
      { condition = "Exact Words", answer = "exact" },
      { condition = "/Start", match = "first_word", answer = "first" },
      { condition = "ПРИВЕТ", match = "contains", answer = "contains" },
    }
    for text, expected in pairs {
      ["exact words"] = "exact", ["  EXACT WORDS\n"] = "exact", ["exact  words"] = "none", ["exact words!"] = "none",
      ["/start"] = "first", ["/START ref=5"] = "first", ["/start\nx"] = "first", ["/started"] = "none",
      ["go /start"] = "none",
      ["привет"] = "contains", ["Ну, Привет!"] = "contains", ["приве"] = "none",
      [""] = "none",
    } do
      assert.equal(expected, answers(text) or "none", text)
    end
  end)

  it("runs the first block that matches, on messages and callbacks", function()
    seed { { id = 1, condition = "a", match = "contains", answer = "one" },
      { id = 2, condition = "ab", answer = "two" } }
    assert.equal("one", answers "ab")
    box:call("callback", { client_id = 100, message = "AB" })
    local talk = box:talk(100)
    assert.equal("< one", talk[#talk])
  end)

  it("answers with text, buttons and attachments, sets variables and moves the order", function()
    local buttons = { { type = "inline", text = "Go", url = "http://x.example/" } }
    seed { { id = 5, condition = "buy", answer = "Bought", buttons = buttons,
      attachments = { "http://x.example/a.png" }, variables = { ["client.buyer"] = true, item = "tea" },
      state = "Paid" } }
    assert.equal("Bought", answers "buy")
    local messages = box:control("GET", "messages?client_id=100").messages
    assert.same(buttons, messages[2].buttons)
    assert.same({ "http://x.example/a.png" }, messages[2].attachments)
    assert.equal(5, messages[2].message_id)
    assert.equal(NORMAL, messages[2].message_from_outside)
    assert.is_true(messages[2].delivered)
    local order = box:call("get_current_order_id", { client_id = 100 }).order_id
    assert.same({ item = "tea" }, box:call("get_order_vars", { client_id = 100 }).result)
    local variables = box:call("get_variables", { client_id = 100 })
    assert.is_true(variables.buyer)
    assert.equal(order, variables.callback_query_id)
    assert.equal("crm_state_changed Sales:Paid", messages[3].text)
  end)

  it("may say nothing and still do something", function()
    seed { { condition = "quiet", variables = { ["client.x"] = 1 } } }
    assert.is_nil(answers "quiet")
    assert.equal(1, box:call("get_variables", { client_id = 100 }).x)
  end)

  describe("on its pause", function()
    local blocks = { { condition = "human", answer = "One moment", pause = true },
      { condition = "hi", answer = "Hello" }, { condition = "crm_state_changed Sales:Paid", answer = "Thanks" } }

    it("matches nothing until it is resumed", function()
      seed(blocks)
      assert.equal("Hello", answers "hi")
      assert.equal("One moment", answers "human")
      assert.is_nil(answers "hi")
      assert.is_true(box:control("GET", "clients?client_id=100").client.paused)
      box:call("callback", { client_id = 100, message = "hi" })
      box:call("set_order_state", { client_id = 100, state_id = 12 })
      local talk = box:talk(100)
      assert.same({ "> hi", "> hi", "> crm_state_changed Sales:Paid" }, { table.unpack(talk, #talk - 2) })
      box:call("callback", { client_id = 100, message = "hi", resume_bot = true })
      talk = box:talk(100)
      assert.equal("< Hello", talk[#talk])
      assert.equal("Hello", answers "hi")
    end)

    it("still sends what the API sends", function()
      seed(blocks)
      assert.equal("One moment", answers "human")
      box:call("message", { client_id = 100, message_id = box:call("get_messages").messages[2].id })
      local talk = box:talk(100)
      assert.equal("< Hello", talk[#talk])
    end)

    it("is put there and taken off by the control API", function()
      seed(blocks)
      assert.is_true(box:control("POST", "clients", { client_id = 100, paused = true }).client.paused)
      assert.is_nil(answers "hi")
      assert.is_false(box:control("POST", "clients", { client_id = "100", paused = false }).client.paused)
      assert.equal("Hello", answers "hi")
    end)

    it("holds for one client", function()
      seed(blocks)
      box:says(100, "human")
      box:says(101, "hi")
      assert.same({ "> hi", "< Hello" }, box:talk(101))
    end)
  end)

  it("moves by crm_state_changed into further blocks, with the order in callback_query_id", function()
    seed { { condition = "crm_state_changed Sales:Paid", answer = "Paid!", state = "Done" },
      { condition = "crm_state_changed Sales:Done", answer = "Done!" } }
    local order = box:call("create_order", { client_id = 100 }).order_id
    assert.same({}, box:talk(100))
    assert.equal(12, box:call("move_order_to_next_state", { client_id = 100 }).state_id)
    assert.same({ "> crm_state_changed Sales:Paid", "< Paid!", "> crm_state_changed Sales:Done", "< Done!" },
      box:talk(100))
    assert.equal(order, box:call("get_variables", { client_id = 100 }).callback_query_id)
    box:call("set_order_state", { client_id = 100, state_id = 14 })
    assert.equal(4, #box:talk(100))
  end)

  it("hears of members who come and go", function()
    seed { { condition = "new_chat_member", answer = "Welcome!" } }
    for _, event in ipairs { "new_chat_member", "left_chat_member" } do
      local _, status = box:control("POST", "messages", { platform_id = -1001234567890123, group = "shop_bot",
        event = event })
      assert.equal(200, status)
    end
    local group = box:call("find_client_id_by_platform_id", { platform_ids = { "-1001234567890123" } })[1].id
    assert.same({ "> new_chat_member", "< Welcome!", "> left_chat_member" }, box:talk(group))
    local told = box:webhooks(group, 3)
    assert.equal("new_chat_member", told[1].body.message)
    assert.equal(1, told[1].body.is_input)
    for _, wrong in ipairs { "other", 5, {} } do
      assert.equal(400, select(2, box:control("POST", "messages", { client_id = 100, event = wrong })))
    end
  end)

  it("tells from where each message comes, in history and webhook", function()
    seed { { id = 7, condition = "hi", answer = "Hello" } }
    box:control("GET", "idle?wait=10")
    local since = box:control("GET", "journal?limit=10000").next
    box:says(100, "hi")
    box:call("message", { client_id = 100, message = "by API" })
    box:call("message", { client_id = 100, message_id = 7 })
    box:call("callback", { client_id = 100, message = "by callback" })
    box:call("set_order_state", { client_id = 100, state_id = 12 })
    box:control("POST", "messages", { client_id = 100, message = "by Eva", from = "manager",
      manager = "eva@example.com" })
    local expected = {
      { "hi", NORMAL, 1 }, { "Hello", NORMAL, 0, 7 }, { "by API", API, 0 }, { "Hello", API, 0, 7 },
      { "by callback", CALLBACK, 1 }, { "crm_state_changed Sales:Paid", CRM, 1 }, { "by Eva", CRM, 0 },
    }
    local history = box:call("get_history", { client_id = 100 }).result
    box:control("GET", "idle?wait=10")
    local told = box:control("GET", "journal?kind=webhook&client_id=100&since=" .. since).entries
    assert.equal(#expected, #told)
    assert.equal(#expected, #history)
    for i, message in ipairs(expected) do
      local kept, sent = history[#expected + 1 - i], told[i].body
      assert.same(message, { kept.text, kept.message_from_outside, kept.client_replica and 1 or 0, kept.message_id })
      assert.same({ message[1], message[3], message[4] }, { sent.message, sent.is_input, sent.message_id })
      assert.equal(kept.id, sent.id)
      assert.equal(1, sent.delivered)
    end
    assert.equal(9, history[1].manager_id)
    assert.equal("eva@example.com", history[1].manager_email)
  end)

  it("hears calls of telephony", function()
    seed { { condition = "hi", answer = "Hello" } }
    box:says(101, "hi")
    assert.equal(TELEPHONY, box:call("get_history", { client_id = 101 }).result[2].message_from_outside)
  end)

  it("lets an employee write, who must be there", function()
    seed {}
    assert.equal(200, select(2, box:control("POST", "messages", { client_id = 100, message = "x", from = "manager" })))
    assert.is_nil(box:call("get_history", { client_id = 100 }).result[1].manager_id)
    for status, body in pairs { [404] = { manager = "who@example.com", from = "manager" }, [400] = { from = "bot" } } do
      body.client_id, body.message = 100, "x"
      assert.equal(status, select(2, box:control("POST", "messages", body)))
    end
  end)

  it("has clients whom the control API shows and changes", function()
    seed {}
    local client = box:control("POST", "clients", { client_id = 100, paused = true, undeliverable = "blocked",
      manager = "eva@example.com" }).client
    assert.same({ true, "blocked", "eva@example.com", "5001" },
      { client.paused, client.undeliverable, client.manager, client.recepient })
    assert.same(client, box:control("GET", "clients?client_id=100").client)
    for status, bodies in pairs { [404] = { { client_id = 7 }, { client_id = 100, manager = "who@example.com" } },
      [400] = { {}, { client_id = "x" }, { client_id = 100, paused = 1 }, { client_id = 100, undeliverable = true },
        { client_id = 100, manager = 5 } } } do
      for _, body in ipairs(bodies) do
        assert.equal(status, select(2, box:control("POST", "clients", body)))
      end
    end
    assert.equal(404, select(2, box:control("GET", "clients?client_id=7")))
    assert.equal(400, select(2, box:control("GET", "clients")))
  end)
end)
