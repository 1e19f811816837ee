local support = require "spec.support.sandbox"

describe("the sandbox's clients", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function() box:control("POST", "reset") end)

  describe("load_clients", function()
    it("echoes its input with its types and gives ids", function()
      local items = {
        { platform_id = 274827917, group_id = 169166236, client_type = 0 },
        { platform_id = "-1001234567890123", group_id = "tea_corner_bot", client_type = "1" },
        { platform_id = "47900000001", group_id = "", client_type = 13 },
      }
      local answer, status = box:call("load_clients", items)
      assert.equal(200, status)
      assert.equal("success", answer.status)
      assert.equal(3, #answer.items)
      for i, item in ipairs(answer.items) do
        assert.equal("success", item.status)
        assert.equal("integer", math.type(item.id))
        item.status, item.id = nil, nil
        assert.same(items[i], item)
      end
    end)

    it("gives an existing client its id", function()
      local first = box:client(274827917, 169166236, 0)
      assert.equal(first, box:client("274827917", "169166236", 0))
      assert.not_equal(first, box:client("274827917", "169166237", 0))
      assert.not_equal(first, box:client("274827917", "169166236", 1))
    end)

    it("takes WhatsApp numbers in any form", function()
      local id = box:client("79875555555", 34810, 6)
      assert.equal(id, box:client("79875555555@s.whatsapp.net", 34810, 6))
      assert.equal(id, box:client("+7 (987) 555-55-55", "34810", 6))
      assert.equal(id, box:client(79875555555, 34810, 6))
    end)

    it("refuses items that lack something, and loads none of them", function()
      local before = #box:call("get_clients").clients
      for _, bad in ipairs {
        { group_id = "x", client_type = 1 }, { platform_id = "", group_id = "x", client_type = 1 },
        { platform_id = "a", client_type = 1 }, { platform_id = "a", group_id = "x" },
        { platform_id = "a", group_id = "x", client_type = "telegram" },
        { platform_id = {}, group_id = "x", client_type = 1 },
        { platform_id = "a", group_id = "x", client_type = 1 << 40 },
        { platform_id = "none", group_id = "x", client_type = 6 },
      } do
        local answer, status = box:call("load_clients",
          { { platform_id = "good", group_id = "x", client_type = 1 }, bad })
        assert.equal(400, status)
        assert.matches("items[1].", answer.message, 1, true)
      end
      assert.equal(before, #box:call("get_clients").clients)
      assert.equal(400, select(2, box:call("load_clients", { items = "x" })))
      assert.equal(400, select(2, box:call("load_clients", { 1, 2 })))
    end)

    it("takes an empty array", function()
      assert.same({ status = "success", items = {} }, (box:call("load_clients", nil, { body = "[]" })))
    end)
  end)

  describe("get_clients", function()
    it("lists newest first, oldest first with reverse, page by page", function()
      local newest = box:call("get_clients").clients
      assert.equal(50, #newest)
      for i = 2, 50 do assert.is_true(newest[i - 1].id > newest[i].id) end
      local oldest = box:call("get_clients", { reverse = true }).clients
      for i = 1, 50 do assert.equal(newest[51 - i].id, oldest[i].id) end
      local page = box:call("get_clients", { limit = 7, offset = 45 }).clients
      assert.equal(5, #page)
      assert.equal(newest[46].id, page[1].id)
      assert.same({}, box:call("get_clients?offset=50").clients)
      assert.equal(50, #box:call("get_clients?limit=501").clients)
      assert.equal(1, #box:call("get_clients?limit=1").clients)
    end)

    it("gives at most 500", function()
      local items = {}
      for i = 1, 501 do items[i] = { platform_id = i, group_id = "g", client_type = 1 } end
      box:call("load_clients", items)
      assert.equal(500, #box:call("get_clients").clients)
      assert.equal(500, #box:call("get_clients", { limit = 5000 }).clients)
      assert.equal(51, #box:call("get_clients", { offset = 500 }).clients)
    end)

    it("has the documented members", function()
      local body = select(3, box:call("get_clients?limit=1&reverse=1")).body
      for _, name in ipairs { "id", "platform_id", "client_type", "name", "avatar", "message_id",
        "project_id",
        "created_at", "updated_at", "custom_answer", "tag", "group", "operator_start_dialog" } do
        assert.matches('"' .. name .. '":', body, 1, true)
      end
      local client = box:call("get_clients?limit=1&reverse=1").clients[1]
      assert.equal("string", type(client.platform_id))
      assert.equal("integer", math.type(client.created_at))
      assert.equal(424757, client.project_id)
    end)

    it("writes dates as text by setting", function()
      box:control("POST", "settings", { date_style = "text" })
      local client = box:call("get_clients?limit=1").clients[1]
      assert.matches("^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d%.%d%d%d%d%d%d$", client.created_at)
    end)
  end)

  describe("connected_channels", function()
    it("lists the messengers with their groups", function()
      local channels = box:call("connected_channels")
      assert.equal(424757, channels.project_id)
      assert.same({ { id = 23, short_name = "tea_corner_bot", name = "tea_corner_bot", enabled = true,
        group_id = "tea_corner_bot" } }, channels.telegram)
      assert.equal(1, channels.whatsapp[1].status)
      for _, name in ipairs { "viber", "facebook", "avito", "ok", "vkontakte" } do
        assert.same({}, channels[name])
      end
    end)

    it("keeps the type of a group's id", function()
      box:control("POST", "seed", { channels = {
        { client_type = 2, group_id = 11, name = "salebotstage" }, { client_type = 0,
          group_id = "143414131", name = "vk" },
      } })
      local channels = box:call("connected_channels")
      assert.equal(11, channels.viber[1].group_id)
      assert.equal("salebotstage", channels.viber[1].uri)
      assert.same({ { id = channels.vkontakte[1].id, group = "vk", group_id = "143414131" } },
        channels.vkontakte)
    end)
  end)

  it("get_messages lists the blocks", function()
    local answer = box:call("get_messages")
    assert.equal("success", answer.status)
    assert.equal(7, #answer.messages)
    assert.same({ id = 393, condition = "help", message_type = 0, description = "help",
      answer = "Ask for the price or the delivery, or write what you would like to order." },
        answer.messages[4])
  end)
end)
