local cases = require "spec.support.action_cases"
local support = require "spec.support.sandbox"

describe("the sandbox's callbacks", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function() box:control("POST", "seed", cases.seed()) end)

  local function variables(client) return box:call("get_variables", { client_id = client }) end

  -- Each kind with what names its client, and a client who is not there.
  local users = {
    vk_callback = { { user_id = 146467928, group_id = 143414131 }, cases.VK },
    ok_callback = { { user_id = 55, group_id = 9001 }, cases.OK },
    tg_callback = { { user_id = 5001, group_id = "shop_bot" }, cases.TELEGRAM },
  }

  for action, case in pairs(users) do
    describe(action, function()
      local function call(fields)
        local body = {}
        for name, value in pairs(case[1]) do body[name] = value end
        for name, value in pairs(fields) do body[name] = value end
        return box:call(action, body)
      end

      it("finds its client by user and group, and makes none", function()
        for _, wrong in ipairs { { user_id = 404 }, { group_id = "other_bot" } } do
          wrong.message = "hello"
          local answer, status = call(wrong)
          assert.equal(404, status)
          assert.same({ status = "client_not_found" }, answer)
        end
        assert.equal(6, #box:call("get_clients").clients)
        assert.equal("ok", (call { message = "hello" }))
      end)

      it("only saves variables without a text", function()
        local before = #box:talk(case[2])
        assert.equal("ok", (call { ["client.city"] = "Bergen", note = { a = { 1 } } }))
        assert.equal(before, #box:talk(case[2]))
        assert.equal("Bergen", variables(case[2]).city)
        assert.same({ a = { 1 } }, variables(case[2]).note)
      end)

      it("takes the bot off its pause, when it is truthy", function()
        for value, runs in pairs { ["True"] = true, ["0"] = false } do
          box:control("POST", "clients", { client_id = case[2], paused = true })
          local before = #box:talk(case[2])
          call { message = "hello", resume_bot = value }
          assert.equal(before + (runs and 2 or 1), #box:talk(case[2]))
          assert.equal(not runs, box:control("GET", "clients?client_id=" .. case[2]).client.paused)
        end
      end)

      it("does all of it when its time has come", function()
        box:control("POST", "clock", { mode = "virtual", now = 1767225600 })
        box:control("POST", "clients", { client_id = case[2], paused = true })
        local before = #box:talk(case[2])
        assert.equal("ok", (call { message = "hello", amount = 12, resume_bot = true, time_shift = 60 }))
        box:control("POST", "clock", { advance = 59 })
        assert.is_nil(variables(case[2]).amount)
        box:control("POST", "clock", { advance = 1 })
        assert.equal(12, variables(case[2]).amount)
        assert.equal(before + 2, #box:talk(case[2]))
        box:control("POST", "clock", { mode = "real" })
      end)
    end)
  end

  it("ok_callback names a client who has no name", function()
    box:call("ok_callback", { user_id = 55, group_id = 9001, name = "Olga" })
    box:call("ok_callback", { user_id = 55, group_id = 9001, name = "Other" })
    assert.equal("Olga", variables(cases.OK).name)
  end)

  describe("whatsapp_callback", function()
    it("makes a client of a new number in any format, once", function()
      for _, phone in ipairs { "+47 991-23-456", 4799123456, "4799123456@s.whatsapp.net" } do
        assert.equal("ok", (box:call("whatsapp_callback", { phone = phone, name = "Wes", message = "hello" })))
      end
      local id = box:call("whatsapp_client_id", { phone = "4799123456" }).client_id
      assert.equal("Wes", variables(id).name)
      assert.equal("4799123456", variables(id).phone)
      assert.equal(6, variables(id).client_type)
      assert.equal("wa==", variables(id).group)
      assert.equal(6, #box:talk(id))
      assert.equal(7, #box:call("get_clients").clients)
    end)

    it("takes a bot by its id or its group", function()
      for _, bot in ipairs { 4, "4", "wa==" } do
        assert.equal("ok", (box:call("whatsapp_callback", { phone = 4799000000, bot_id = bot, message = "hello" })))
      end
      local answer, status = box:call("whatsapp_callback", { phone = 4799000000, bot_id = 5, message = "hello" })
      assert.equal(404, status)
      assert.same({ status = "fail", message = "WhatsApp bot 5 not found" }, answer)
    end)

    it("tells bots of the same number apart", function()
      local seed = cases.seed()
      table.insert(seed.channels, { id = 40, client_type = 6, group_id = "second", name = "Second" })
      box:control("POST", "seed", seed)
      box:call("whatsapp_callback", { phone = 4799000000, bot_id = 40, message = "hello" })
      assert.same({}, box:talk(cases.WHATSAPP))
      local second = box:call("whatsapp_client_id", { phone = 4799000000, group_id = 40 }).client_id
      assert.equal(second, box:call("whatsapp_client_id", { phone = 4799000000, group_id = "second" }).client_id)
      assert.same({ "> hello", "< Hi!" }, box:talk(second))
    end)

    it("refuses a phone without digits, and a project without WhatsApp", function()
      assert.equal(400, select(2, box:call("whatsapp_callback", { phone = "none", message = "x" })))
      box:control("POST", "seed", {})
      local answer, status = box:call("whatsapp_callback", { phone = 4799000000, message = "x" })
      assert.equal(404, status)
      assert.equal("WhatsApp is not connected", answer.message)
    end)
  end)

  describe("email_callback", function()
    it("makes an e-mail client, found by its address", function()
      for _ = 1, 2 do
        assert.equal("ok", (box:call("email_callback", { email = "new@example.com", name = "Nia",
          message = "hello", source = "site" })))
      end
      local id = box:call("find_client_id_by_email", { email = "new@example.com" }).client_id
      assert.equal(14, variables(id).client_type)
      assert.equal("shop@example.com", variables(id).group)
      assert.equal("Nia", variables(id).name)
      assert.equal("site", variables(id).source)
      assert.equal(4, #box:talk(id))
    end)

    it("works without an e-mail bot, too", function()
      box:control("POST", "seed", {})
      assert.equal("ok", (box:call("email_callback", { email = "new@example.com", message = "hello" })))
      assert.equal(1, #box:call("get_clients").clients)
    end)
  end)

  describe("send_callback_by_platform_id", function()
    local function send(ids, group)
      return box:call("send_callback_by_platform_id", { platform_ids = ids, callback_text = "hello",
        group_id = group }).callback_sended
    end

    it("calls each client once, in all messengers or in one", function()
      box:call("load_clients", { { platform_id = 5001, group_id = "second_bot", client_type = 1 } })
      assert.equal(2, send { 5001, "5001" })
      assert.equal(1, send({ 5001 }, "second_bot"))
      assert.equal(0, send({ 5001 }, "third_bot"))
      assert.equal(1, send { "+47 99 00 00 00@s.whatsapp.net" })
      assert.equal(0, send {})
      assert.same({ "> hello", "< Hi!" }, box:talk(cases.WHATSAPP))
    end)

    it("is kept as a callback", function()
      send { 55 }
      assert.equal(3, box:control("GET", "messages?client_id=" .. cases.OK).messages[1].message_from_outside)
    end)

    it("can be put off", function()
      box:control("POST", "clock", { mode = "virtual", now = 1767225600 })
      local answer = box:call("send_callback_by_platform_id", { platform_ids = { 55 }, callback_text = "hello",
        send_time = "2026-01-01 03:01:00" })
      assert.equal(1, answer.callback_sended)
      assert.same({}, box:talk(cases.OK))
      box:control("POST", "clock", { advance = 60 })
      assert.same({ "> hello", "< Hi!" }, box:talk(cases.OK))
      box:control("POST", "clock", { mode = "real" })
    end)
  end)
end)
