local cases = require "spec.support.action_cases"
local support = require "spec.support.sandbox"

local START = 1767225600

describe("the sandbox's sends", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "seed", cases.seed())
    box:control("POST", "clock", { mode = "virtual", now = START })
  end)

  local function advance(seconds) box:control("POST", "clock", { advance = seconds }) end
  local function last(client)
    local messages = box:control("GET", "messages?client_id=" .. client).messages
    return messages[#messages]
  end

  describe("what is sent", function()
    local kinds = {
      message = function(fields)
        fields.client_id = cases.WHATSAPP
        return box:call("message", fields)
      end,
      whatsapp_message = function(fields)
        fields.phone = "4799000000"
        return box:call("whatsapp_message", fields)
      end,
      broadcast = function(fields)
        fields.clients = { cases.WHATSAPP }
        return box:call("broadcast", fields)
      end,
    }
    for action, send in pairs(kinds) do
      it(("by %s may be a text, a file, both, or a block"):format(action), function()
        assert.equal("ok", (send { message = "text" }))
        assert.equal("text", last(cases.WHATSAPP).text)
        assert.is_nil(last(cases.WHATSAPP).message_id)
        assert.equal(1, last(cases.WHATSAPP).message_from_outside)
        for _, type in ipairs { "image", "video", "link", "file", "audio" } do
          assert.equal("ok", (send { attachment_url = "http://x.example/f", attachment_type = type }))
          assert.same({ { attachment_url = "http://x.example/f", attachment_type = type } },
            last(cases.WHATSAPP).attachments)
        end
        assert.equal("ok", (send { message = "both", attachment_url = "http://x.example/f",
          attachment_type = "file" }))
        assert.equal("both", last(cases.WHATSAPP).text)
        assert.equal("ok", (send { message_id = "390" }))
        assert.equal("Hi!", last(cases.WHATSAPP).text)
        assert.equal(390, last(cases.WHATSAPP).message_id)
        assert.equal(1, last(cases.WHATSAPP).message_from_outside)
      end)

      it(("by %s must be something"):format(action), function()
        for _, wrong in ipairs { {}, { message = "" }, { attachment_type = "file" },
          { attachment_url = "http://x.example/f" }, { message_id = "x" } } do
          assert.equal(400, select(2, send(wrong)))
        end
        local answer, status = send { message_id = 404 }
        assert.equal(404, status)
        assert.equal("Block 404 not found", answer.message)
        assert.same({}, box:talk(cases.WHATSAPP))
      end)

      it(("by %s can be put off"):format(action), function()
        assert.equal("ok", (send { message = "later", time_shift = 30 }))
        assert.equal("ok", (send { message = "last", send_time = "2026-01-01 03:01:00" }))
        advance(29)
        assert.same({}, box:talk(cases.WHATSAPP))
        advance(1)
        assert.same({ "< later" }, box:talk(cases.WHATSAPP))
        advance(30)
        assert.same({ "< later", "< last" }, box:talk(cases.WHATSAPP))
      end)
    end

    it("has buttons, bare or with a hint", function()
      local buttons = { { type = "reply", text = "A", line = 0, index_in_line = 0 } }
      for _, given in ipairs { buttons, { hint = "choose", buttons = buttons } } do
        box:call("message", { client_id = 100, message = "x", buttons = given })
        assert.same(given, last(100).buttons)
        box:call("broadcast", { clients = { 100 }, message = "x", buttons = given })
        assert.same(given, last(100).buttons)
      end
    end)
  end)

  describe("whatsapp_message", function()
    it("makes a client of a new number", function()
      assert.equal("ok", (box:call("whatsapp_message", { phone = "+7 (999) 111-22-33", message = "x" })))
      local id = box:call("whatsapp_client_id", { phone = 79991112233 }).client_id
      assert.same({ "< x" }, box:talk(id))
    end)
  end)

  describe("broadcast", function()
    local function texts(client) return #box:talk(client) end

    it("leaves shift seconds between its sends, 0.2 when nothing is said", function()
      local ids = { 101, 102, 103, 104, 105 }
      for shift, step in pairs { [false] = 0.2, [2.5] = 2.5, ["1"] = 1 } do
        box:control("POST", "seed", cases.seed())
        assert.equal("ok", (box:call("broadcast", { clients = ids, message = "x", shift = shift or nil })))
        for i, id in ipairs(ids) do
          assert.equal(1, texts(id))
          if ids[i + 1] then
            advance(step - 0.1)
            assert.equal(0, texts(ids[i + 1]))
            advance(0.1)
          end
        end
      end
    end)

    it("begins at its time", function()
      box:call("broadcast", { clients = { 101, 102 }, message = "x", shift = 10, time_shift = 100 })
      local list = box:control("GET", "timeline").timeline
      assert.same({ START + 100, START + 110 }, { list[1].at, list[2].at })
      assert.same({ 101, 102 }, { list[1].client_id, list[2].client_id })
    end)

    it("reaches a list, platform ids of a bot, or clients, each of them once", function()
      for _, to in ipairs { { list = 12 }, { list = "12" }, { clients = { 101, "100", 101, 404 } },
        { platform_ids = { "5001" }, group_id = "shop_bot" }, { platform_ids = { 146467928 },
          group_id = 143414131 } } do
        box:control("POST", "seed", cases.seed())
        to.message, to.shift = "x", 0
        assert.equal("ok", (box:call("broadcast", to)))
        local got = 0
        for id = 100, 105 do
          local talk = box:talk(id)
          got = got + (talk[#talk] == "< x" and 1 or 0)
        end
        assert.equal(to.platform_ids and 1 or 2, got)
      end
    end)

    it("reaches nobody without recipients", function()
      for _, to in ipairs { {}, { clients = {} }, { clients = { 404 } }, { group_id = "shop_bot" },
        { platform_ids = { "404" }, group_id = "shop_bot" } } do
        to.message, to.shift = "x", 0
        assert.equal("ok", (box:call("broadcast", to)))
      end
      assert.same({}, box:control("GET", "timeline").timeline)
      for id = 101, 105 do assert.same({}, box:talk(id)) end
    end)

    it("refuses two kinds of recipients, ids that are none, and shifts beyond reason", function()
      for _, to in ipairs { { list = 12, clients = { 100 } }, { clients = { 100 }, platform_ids = { "5001" },
        group_id = "shop_bot" }, { platform_ids = { "5001" } }, { clients = { "x" } }, { clients = { 100 },
          shift = -1 }, { clients = { 100 }, shift = 1e12 } } do
        to.message = "x"
        local answer, status = box:call("broadcast", to)
        assert.equal(400, status, answer.message)
      end
      local answer, status = box:call("broadcast", { list = 404, message = "x" })
      assert.equal(404, status)
      assert.equal("List 404 not found", answer.message)
    end)

    it("survives clients that are deleted before their turn", function()
      box:call("broadcast", { clients = { 101, 102, 103 }, message = "x", shift = 1 })
      box:call("delete_clients", { client_ids = { 102 } })
      advance(5)
      assert.same({ "< x" }, box:talk(103))
      assert.same({}, box:control("GET", "timeline").timeline)
    end)
  end)

  describe("what does not arrive", function()
    -- It is answered with ok, and history and webhook tell the truth.
    local function assert_lost(client, reason)
      box:control("POST", "settings", { webhook_url = "http://127.0.0.1:9/" })
      box:control("GET", "idle?wait=10")
      local since = box:control("GET", "journal?limit=10000").next
      assert.equal("ok", (box:call("message", { client_id = client, message = "x" })))
      local sent = box:call("get_history", { client_id = client, limit = 1 }).result[1]
      assert.is_false(sent.delivered)
      assert.equal(reason, sent.error_message)
      local entries = box:control("GET",
        ("journal?kind=webhook&client_id=%d&since=%d&wait=10"):format(client, since)).entries
      assert.equal(0, entries[1].body.delivered)
      assert.equal(reason, entries[1].body.error_message)
      assert.equal(0, entries[1].body.is_input)
    end

    it("is for a client who cannot be reached", function()
      box:control("POST", "clients", { client_id = 100, undeliverable = "bot was blocked by the user" })
      assert_lost(100, "bot was blocked by the user")
      box:control("POST", "clients", { client_id = 100, undeliverable = support.null })
      box:call("message", { client_id = 100, message = "x" })
      assert.is_true(box:call("get_history", { client_id = 100, limit = 1 }).result[1].delivered)
    end)

    it("is for a channel that is disabled, or a WhatsApp that is not started", function()
      local seed = cases.seed()
      seed.channels[1].enabled = false
      seed.channels[4].status = 2
      box:control("POST", "seed", seed)
      assert_lost(100, "Channel is disabled")
      assert_lost(103, "WhatsApp is not started")
      box:says(103, "hello")
      local messages = box:control("GET", "messages?client_id=103").messages
      assert.is_true(messages[#messages - 1].delivered)
      assert.is_false(messages[#messages].delivered)
    end)
  end)
end)
