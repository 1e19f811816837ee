local support = require "spec.support.sandbox"

describe("the sandbox's messages", function()
  local box, id
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "reset")
    id = box:client("12345")
  end)

  local function history(params)
    params = params or {}
    params.client_id = id
    return box:call("get_history", params).result
  end

  describe("message", function()
    it("is kept as sent through the API", function()
      assert.equal("ok", (box:call("message", { client_id = id, message = "Hello", buttons = {
        hint = "choose", buttons = { { type = "reply", text = "A", line = 0, index_in_line = 0 } } } })))
      local sent = history()[1]
      assert.equal("Hello", sent.text)
      assert.is_false(sent.client_replica)
      assert.is_true(sent.delivered)
      assert.is_true(sent.answered)
      assert.equal(1, sent.message_from_outside)
      assert.is_nil(sent.message_id)
      local told = box:control("GET", "messages?client_id=" .. id).messages[1]
      assert.equal("choose", told.buttons.hint)
    end)

    it("may be a file, with and without a text", function()
      assert.equal("ok", (box:call("message",
        { client_id = id, attachment_url = "https://x.example/a.png", attachment_type = "image" })))
      assert.equal("ok", (box:call("message", { client_id = tostring(id), message = "see",
        attachment_url = "https://x.example/a.pdf", attachment_type = "file" })))
      local sent = history()
      assert.equal("see", sent[1].text)
      assert.is_nil(sent[2].text)
      assert.same({ { attachment_url = "https://x.example/a.png", attachment_type = "image" } },
        sent[2].attachments)
    end)

    it("may be a block, with what the block does", function()
      assert.equal("ok", (box:call("message", { client_id = id, message_id = 396 })))
      assert.same({ "< Thank you, your payment has arrived.", "> crm_state_changed Shop:Paid" },
        box:talk(id))
      assert.equal(396, history()[2].message_id)
      assert.is_true(box:call("get_variables", { client_id = id }).paid)
      assert.equal(404, select(2, box:call("message", { client_id = id, message_id = 5 })))
      assert.equal(400, select(2, box:call("message", { client_id = id, message_id = "x" })))
    end)

    it("stays when what comes after it is refused or undone", function()
      box:call("message", { client_id = id, message = "first" })
      assert.equal(404, select(2, box:call("save_variables",
        { clients = { id, 5 }, variables = { ["client.a"] = 1 } })))
      assert.is_nil(box:call("get_variables", { client_id = id })["client.a"])
      box:call("message", { client_id = id, message = "second" })
      assert.equal(404, select(2, box:call("message", { client_id = 5, message = "nobody" })))
      assert.equal(400, select(2, box:call("message", { client_id = id, message = "x", time_shift = "x" })))
      box:control("POST", "settings", { ok_body = "?" })
      local sent = history()
      assert.same({ "second", "first" }, { sent[1].text, sent[2].text })
      assert.equal(2, #sent)
    end)

    it("is kept a thousand times and more, each with its id, whatever is asked for in between", function()
      for i = 1, 1100 do
        box:call("message", { client_id = id, message = i, time_shift = i % 100 == 0 and 1000 or nil })
        if i % 70 == 0 then box:call("get_variables", { client_id = id }) end
        if i % 900 == 0 then box:call("save_variables", { client_id = id, variables = { ["client.a"] = i } }) end
      end
      local sent, last = history(), math.huge
      assert.equal(1089, #sent)
      for _, message in ipairs(sent) do
        assert.is_true(message.id < last)
        last = message.id
      end
    end)

    it("sees at once what changed since the one before", function()
      local function send(to)
        local answer, status = box:call("message", { client_id = to or id, message = "x" })
        return answer == "ok" and history({ limit = 1 })[1] or status
      end
      assert.is_true(send().delivered and send().delivered)
      box:says(id, "a question")
      assert.is_false(history({ limit = 1 })[1].answered)
      send()
      for _, message in ipairs(history()) do assert.is_true(message.answered) end
      box:control("POST", "clients", { client_id = id, undeliverable = "blocked" })
      assert.equal("blocked", send().error_message)
      assert.is_false(send().delivered)
      box:control("POST", "clients", { client_id = id, undeliverable = support.null })
      assert.is_true(send().delivered and send().delivered)
      box:call("delete_clients", { client_ids = { id } })
      assert.equal(404, send())
    end)

    it("keeps any text", function()
      for _, text in ipairs { "'; DROP TABLE clients; --", "\u{1F600} é 漢字", "0",
        ("x"):rep(100000) } do
        box:call("message", { client_id = id, message = text })
        assert.equal(text, history({ limit = 1 })[1].text)
      end
      assert.equal(400, select(2, box:call("message", { client_id = id, message = "a\0b" })))
      assert.equal(400, select(2, box:control("POST", "messages", { client_id = id, message = "a\0b" })))
    end)
  end)

  describe("callback", function()
    it("is kept with message_from_outside 3 and saves further fields", function()
      assert.equal("ok", (box:call("callback",
        { client_id = id, message = "paid 15", amount = 15, ["client.when"] = "now", note = { 1 } })))
      local called = history()[1]
      assert.equal("paid 15", called.text)
      assert.equal(3, called.message_from_outside)
      assert.is_true(called.client_replica)
      local variables = box:call("get_variables", { client_id = id })
      assert.equal(15, variables.amount)
      assert.equal("now", variables.when)
      assert.same({ 1 }, variables.note)
    end)

    it("finds its client by phone or e-mail, too", function()
      assert.equal("ok", (box:call("callback", { client_phone = 47991013579, message = "by phone" })))
      assert.equal("ok", (box:call("callback", { client_email = "client01@example.com",
        message = "by e-mail" })))
      local talk = box:talk(836058548)
      assert.same({ "> by phone", "> by e-mail" }, { talk[#talk - 1], talk[#talk] })
      local answer, status = box:call("callback", { client_phone = "1", message = "x" })
      assert.equal(404, status)
      assert.same({ status = "client_not_found" }, answer)
      assert.equal(400, select(2, box:call("callback", { message = "x" })))
    end)

    it("reaches blocks", function()
      box:call("callback", { client_id = id, message = "payment_received" })
      assert.equal("< Thank you, your payment has arrived.", box:talk(id)[2])
      assert.equal(1003, box:call("get_order_state", { client_id = id }).state_id)
    end)

    it("takes the bot off its pause with resume_bot", function()
      box:control("POST", "seed", {
        blocks = { { condition = "hi", answer = "Hello" } },
        clients = { { id = 5, client_type = 1, group_id = "g", platform_id = "1", paused = true } },
      })
      box:says(5, "hi")
      assert.same({ "> hi" }, box:talk(5))
      box:call("callback", { client_id = 5, resume_bot = "True" })
      box:says(5, "hi")
      assert.same({ "> hi", "> hi", "< Hello" }, box:talk(5))
    end)
  end)

  describe("get_history", function()
    it("is newest first and limited", function()
      for i = 1, 5 do box:call("message", { client_id = id, message = "m" .. i }) end
      local all = history()
      assert.equal(5, #all)
      assert.equal("m5", all[1].text)
      assert.equal("m1", all[5].text)
      assert.is_true(all[1].id > all[2].id)
      assert.equal("m5", history({ limit = 1 })[1].text)
      assert.equal(2, #history { limit = "2" })
      assert.equal(5, #history { limit = 5000 })
    end)

    it("has the documented members", function()
      box:call("message", { client_id = id, message = "x" })
      local body = select(3, box:call("get_history", { client_id = id })).body
      for _, name in ipairs { "id", "answered", "client_replica", "message_id", "message_from_outside",
        "created_at",
        "text", "attachments", "delivered", "error_message", "manager_id", "manager_email" } do
        assert.matches('"' .. name .. '":', body, 1, true)
      end
      assert.matches('"attachments":{}', body, 1, true)
    end)

    it("takes days, the last one included", function()
      box:control("POST", "seed", { clients = { { id = 5, client_type = 1, group_id = "g",
        platform_id = "1", messages = {
        { from = "client", text = "a", at = 1767225599 }, -- 31.12.2025 23:59:59
        { from = "bot", text = "b", at = 1767225600 }, { from = "client", text = "c", at = 1767311999 },
        { from = "bot", text = "d", at = 1767312000 },
      } } } })
      id = 5
      local function texts(from, to)
        local out = {}
        for i, message in ipairs(history { start_date = from,
          stop_date = to }) do out[i] = message.text end
        return table.concat(out)
      end
      assert.equal("cb", texts("01.01.2026", "01.01.2026"))
      assert.equal("cba", texts("31.12.2025", "01.01.2026"))
      assert.equal("dcba", texts("01.01.1970", "31.12.9999"))
      assert.equal("", texts("02.01.2026", "01.01.2026"))
      for _, bad in ipairs { "31.02.2026", "2026-01-01", "1.1.2026", "00.01.2026", "01.13.2026" } do
        assert.equal(400, select(2, box:call("get_history", { client_id = id, start_date = bad,
          stop_date = "01.01.2026" })))
      end
      assert.equal(400, select(2, box:call("get_history", { client_id = id,
        start_date = "01.01.2026" })))
    end)
  end)

  it("clear_history deletes them", function()
    box:says(id, "/start")
    assert.same({ status = "success" }, (box:call("clear_history", { client_id = id })))
    assert.same({}, history())
  end)

  describe("a client who writes", function()
    it("is answered by the first block that matches, whatever the case", function()
      box:says(id, "  /START ref42 ")
      box:says(id, "What PRICE is it?")
      box:says(id, "Какая ЦЕНА?")
      box:says(id, "help me")
      box:says(id, "HELP")
      local talk = box:talk(id)
      assert.equal("< Welcome to the Tea Corner! Ask for the price, the delivery or help.", talk[2])
      assert.equal("< Tea is 12, coffee 15, honey 9 euros a bag.", talk[4])
      assert.equal("< Чай 12, кофе 15, мёд 9 евро за пачку.", talk[6])
      assert.same({ "> help me", "> HELP" }, { talk[7], talk[8] })
      assert.equal(9, #talk)
      assert.is_true(box:call("get_variables", { client_id = id }).greeted)
      assert.equal(393, box:call("get_clients?limit=1").clients[1].message_id)
    end)

    it("is made on the first message", function()
      local client = box:says({ platform_id = 777, group = "tea_corner_bot", name = "Bob" }, "hi")
      assert.equal(client, (box:says({ platform_id = "777", group_id = "tea_corner_bot" }, "again")))
      assert.equal(client, (box:says({ platform_id = "777" }, "and again")))
      assert.equal("Bob", box:call("get_variables", { client_id = client }).name)
    end)

    it("may send files alone", function()
      box:says(id, nil, { "https://x.example/1.jpg", { attachment_url = "https://x.example/2",
        attachment_type = "file" } })
      local message = history()[1]
      assert.is_nil(message.text)
      assert.equal("https://x.example/1.jpg", message.attachments[1])
    end)

    it("is marked as answered once the bot sent something", function()
      box:says(id, "anybody?")
      assert.is_false(history()[1].answered)
      box:call("message", { client_id = id, message = "yes" })
      assert.is_true(history()[2].answered)
    end)

    it("is refused with the reason when the call is wrong", function()
      for _, body in ipairs { { message = "x" }, { client_id = id }, { client_id = id, message = 5 },
        { client_id = id, attachments = { { attachment_url = "u", attachment_type = "pdf" } } },
        { client_id = id, attachments = "x" }, { client_id = id, attachments = { 5 } },
        { platform_id = "x", group = "nowhere", message = "x" } } do
        local answer, status = box:control("POST", "messages", body)
        assert.equal(400, status)
        assert.is_string(answer.message)
      end
      assert.equal(404, select(2, box:control("POST", "messages", { client_id = 7, message = "x" })))
    end)
  end)

  it("end when blocks set each other off", function()
    box:control("POST", "seed", {
      funnels = { { name = "F", states = { { id = 1, name = "A" }, { id = 2, name = "B" } } } },
      blocks = {
        { condition = "crm_state_changed F:A", state = "B", answer = "to B" },
        { condition = "crm_state_changed F:B", state = "A", answer = "to A" },
      },
      clients = { { id = 5, client_type = 1, group_id = "g", platform_id = "1" } },
    })
    assert.equal("success", box:call("set_order_state", { client_id = 5, state_id = 2 }).status)
    assert.is_true(#box:talk(5) < 30)
  end)
end)
