local event = require "mavilua.host.event"

local function webhook(fields)
  local raw = { id = 1, is_input = 1, message = "Hi", client = { id = 7, recepient = "62", client_type = 1 } }
  for name, value in pairs(fields or {}) do raw[name] = value end
  return event.fill({ id = 5 }, raw)
end

describe("a platform webhook", function()
  it("keeps what came and adds what is missing", function()
    local e = webhook()
    assert.same({ "message", "Hi", 7, "62", true, 5 },
      { e.kind, e.text, e.client_id, e.client.recipient, e.is_input, e.id })
    assert.same({}, e.client.variables)
    assert.same({}, e.attachments)
    assert.is_nil(e.raw.client.recipient)
  end)

  it("has a text even when the message is null", function()
    local e = event.fill({}, { is_input = 1, client = {} })
    assert.equal("", e.text)
    assert.is_nil(e.message)
    assert.equal("15", webhook { message = 15 }.text)
  end)

  it("takes flags in all their forms", function()
    for _, yes in ipairs { 1, "1", true, "true" } do assert.is_true(webhook { is_input = yes }.is_input) end
    for _, no in ipairs { 0, "0", false, "false" } do
      assert.equal("sent", webhook { is_input = no }.kind)
      assert.is_false(webhook { delivered = no }.delivered)
    end
    assert.is_nil(webhook().delivered)
  end)

  it("is nobody's message when it has no client or is no object", function()
    assert.equal("other", event.fill({}, { message = "x" }).kind)
    assert.equal("other", event.fill({}, "text").kind)
    assert.equal("other", event.fill({}, nil).kind)
  end)
end)

describe("attachments", function()
  local one = { { url = "https://a/1.png" } }

  it("become one list from every form", function()
    assert.same({}, event.attachments(nil))
    assert.same({}, event.attachments "None")
    assert.same({}, event.attachments "[]")
    assert.same(one, event.attachments { "https://a/1.png" })
    assert.same(one, event.attachments "https://a/1.png")
    assert.same(one, event.attachments "['https://a/1.png']")
    assert.same({ one[1], { url = "https://b" } }, event.attachments "['https://a/1.png', 'https://b']")
    assert.same(one, event.attachments '["https://a/1.png"]')
    local typed = { { url = "u", type = "image" } }
    assert.same(typed, event.attachments { { attachment_url = "u", attachment_type = "image" } })
    assert.same(typed, event.attachments { attachment_url = "u", attachment_type = "image" })
  end)

  it("leave out what is none", function()
    assert.same(one, event.attachments { 5, "", {}, "https://a/1.png" })
    assert.same({}, event.attachments(5))
  end)
end)

describe("system events", function()
  it("are told from messages by their text", function()
    local e = webhook {
      message = "crm_state_changed Shop: In work:2",
      client = { id = 7, variables = { callback_query_id = "9007199254740993" } },
    }
    assert.equal("order_state", e.kind)
    assert.same({ pipeline = "Shop", stage = "In work:2", order_id = 9007199254740993 }, e.order)
    assert.equal("member", webhook { message = "new_chat_member" }.kind)
    assert.equal("left", webhook { message = "left_chat_member" }.member)
  end)

  it("of callbacks tell what it was about", function()
    assert.equal("api", webhook { message = "anything", message_from_outside = 3 }.callback)
    assert.equal("task", webhook { message = "new_task_added_callback 5" }.callback)
    assert.equal("link", webhook { message = "x link_was_pressed y" }.callback)
    local e = webhook { message = "a1b2c3d4e5_success 1500,50" }
    assert.same({ "callback", "payment", { hash = "a1b2c3d4e5", amount = 1500.5 } },
      { e.kind, e.callback, e.payment })
  end)

  it("are not seen in what looks alike", function()
    assert.equal("message", webhook { message = "my upload_success 5" }.kind)
    assert.equal("message", webhook { message = "crm_state_changed" }.kind)
    assert.equal("message", webhook { message = "a new_chat_member came" }.kind)
    assert.equal("sent", webhook { message = "link_was_pressed", is_input = 0 }.kind)
  end)
end)
