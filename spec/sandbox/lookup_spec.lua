local cases = require "spec.support.action_cases"
local support = require "spec.support.sandbox"

describe("the sandbox's lookups", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function() box:control("POST", "seed", cases.seed()) end)

  local function ids(list)
    local out = {}
    for i, client in ipairs(list) do out[i] = client.id end
    return out
  end

  describe("subscribers", function()
    local function found(params) return ids(box:call("subscribers", params or {})) end

    it("answers a bare array with the documented members", function()
      local body = select(3, box:call("subscribers", { group = 143414131 })).body
      assert.equal('[{"id":101,"tag":null,"created_at":1600000100,"name":null,"tg_id":"146467928",'
        .. '"group":"143414131","variables":{"city":"Oslo"}}]', body)
      assert.matches('"variables":null', select(3, box:call("subscribers", { client_type = 8 })).body, 1, true)
      assert.equal("[]", select(3, box:call("subscribers", { tag = "none" })).body)
    end)

    it("filters by tag, group, time and messenger", function()
      assert.same({ 100, 101, 102, 103, 104, 105 }, found())
      assert.same({ 100 }, found { tag = "spring" })
      assert.same({ 101 }, found { group = 143414131 })
      assert.same({ 101 }, found { client_type = 0 })
      assert.same({ 104, 105 }, found { date_from = 1600000400 })
      assert.same({ 105 }, found { date_from = 1600000401 })
      assert.same({ 100, 101 }, found { date_to = 1600000100 })
      assert.same({ 100 }, found { date_to = 1600000099 })
      assert.same({ 102 }, found { date_from = 1600000150, date_to = 1600000250 })
      assert.same({}, found { client_type = 22 })
      assert.same({}, found { date_from = "9223372036854775807" })
      assert.same({ 100, 101, 102, 103, 104, 105 }, found { date_to = "9223372036854775807" })
    end)

    it("has 500 on a page", function()
      local items = {}
      for i = 1, 501 - 6 do items[i] = { platform_id = "p" .. i, group_id = "shop_bot", client_type = 1 } end
      box:call("load_clients", items)
      local first, second = found { page = 1 }, found { page = 2 }
      assert.equal(500, #first)
      assert.equal(1, #second)
      assert.same(first, found())
      assert.same(first, found { page = 0 })
      assert.same({}, found { page = 3 })
      assert.same({}, found { page = "9223372036854775807" })
    end)

    it("writes dates as the setting wants them", function()
      box:control("POST", "settings", { date_style = "text" })
      for _, action in ipairs { "subscribers", "find_client_id_by_platform_id" } do
        local answer = box:call(action, { tag = "spring", platform_ids = { "5001" } })
        assert.equal("2020-09-13 12:26:40.000000", answer[1].created_at)
      end
    end)
  end)

  describe("find_client_id_by_platform_id", function()
    local function found(list, group)
      return ids(box:call("find_client_id_by_platform_id", { platform_ids = list, group_id = group }))
    end

    it("answers a bare array with the documented members", function()
      local body = select(3, box:call("find_client_id_by_platform_id", { platform_ids = { "146467928" } })).body
      assert.equal('[{"id":101,"tag":null,"created_at":1600000100,"name":null,"avatar":null,'
        .. '"platform_id":"146467928","group":"143414131","variables":{"city":"Oslo"}}]', body)
    end)

    it("finds in the order asked for, in all messengers or one bot", function()
      assert.same({ 105, 100, 103 }, found { "abc", 5001, "404", "+47 99 00 00 00" })
      assert.same({ 100 }, found({ "abc", "5001" }, "shop_bot"))
      assert.same({}, found({ "abc", "5001" }, "other_bot"))
      assert.same({ 100 }, found { "5001", "5001" })
    end)
  end)

  describe("online_chat_client_id", function()
    it("finds the dialogue, or makes a client of it", function()
      assert.same({ client_id = 105 }, (box:call("online_chat_client_id", { recipient = "abc", name = "Cat" })))
      local id = box:call("online_chat_client_id", { recipient = 77, name = "Dan", tag = "sale" }).client_id
      assert.same({ client_id = id }, (box:call("online_chat_client_id", { recipient = "77", name = "Eve",
        tag = "other" })))
      local variables = box:call("get_variables", { client_id = id })
      assert.equal("Dan", variables.name)
      assert.equal("sale", variables.tag)
      assert.equal("4021", variables.group)
      assert.equal(5, variables.client_type)
      assert.equal("Cat", box:call("get_variables", { client_id = 105 }).name)
    end)

    it("works without an online chat, too", function()
      box:control("POST", "seed", {})
      local answer, status = box:call("online_chat_client_id", { recipient = "x" })
      assert.equal(200, status)
      assert.equal("integer", math.type(answer.client_id))
    end)
  end)

  describe("whatsapp_client_id", function()
    it("takes the number in any format", function()
      for _, phone in ipairs { 4799000000, "4799000000", "+47 (99) 00-00-00", "4799000000@s.whatsapp.net" } do
        assert.same({ client_id = 103 }, (box:call("whatsapp_client_id", { phone = phone })))
      end
    end)

    it("answers 404 when nobody has it, as documented", function()
      for _, params in ipairs { { phone = 79991112233 }, { phone = 4799000000, group_id = "other" },
        { phone = 4790000000 } } do
        assert.equal(404, select(2, box:call("whatsapp_client_id", params)))
      end
      assert.equal(400, select(2, box:call("whatsapp_client_id", { phone = "abc" })))
    end)
  end)

  describe("searches by variables", function()
    before_each(function()
      box:call("save_variables", { clients = { 102, 103 }, variables = { ["client.n"] = 5, ["client.b"] = true,
        size = "2" } })
      box:call("save_variables", { client_id = 104, variables = { ["client.n"] = "5" } })
    end)

    it("find the latest, in client and order variables", function()
      local function latest(var, val)
        return box:call("find_latest_client_id_by_var", { var = var, val = val }).client_id
      end
      assert.equal(101, latest("city", "Oslo"))
      assert.equal(104, latest("n", 5))
      assert.equal(103, latest("size", "2"))
      box:call("load_clients", { { platform_id = "new", group_id = "shop_bot", client_type = 1 } })
      local answer, status = box:call("find_latest_client_id_by_var", { var = "city", val = "Rome" })
      assert.equal(404, status)
      assert.same({ status = "client_not_found" }, answer)
    end)

    it("find all, in client variables", function()
      local function all(var, val) return box:call("find_all_client_id_by_var", { var = var, val = val }) end
      assert.same({ status = "success", client_ids = { 100, 101 } }, all("city", "Oslo"))
      assert.same({ 102, 103, 104 }, all("n", 5).client_ids)
      assert.same({ 102, 103, 104 }, all("n", "5").client_ids)
      assert.same({ 102, 103 }, all("b", true).client_ids)
      assert.same({}, all("size", "2").client_ids)
      assert.equal('{"status":"success","client_ids":[]}',
        select(3, box:call("find_all_client_id_by_var", { var = "x", val = "'; --" })).body)
    end)

    it("find by up to three variables, all of which hold", function()
      local function several(conditions)
        local answer, status = box:call("find_all_client_id_by_several_vars", conditions)
        return answer.client_ids, status, answer
      end
      assert.same({ 100, 101 }, (several { city = "Oslo" }))
      assert.same({ 100 }, (several { city = "Oslo", stage = "new" }))
      assert.same({ 100 }, (several { city = "Oslo", stage = "new", phone = 4790000000 }))
      assert.same({}, (several { city = "Oslo", n = 5 }))
      assert.same({}, (several { city = "Oslo", none = "x" }))
      assert.same({ 102, 103 }, (several { b = "true", n = "5" }))
      for _, wrong in ipairs { {}, { a = 1, b = 2, c = 3, d = 4 }, { a = { 1 } }, { a = support.null } } do
        local _, status, answer = several(wrong)
        assert.equal(400, status)
        assert.equal("fail", answer.status)
      end
    end)
  end)

  describe("delete_clients", function()
    it("deletes with all that is theirs, once and again", function()
      for _ = 1, 2 do
        assert.same({ status = "success" }, (box:call("delete_clients", { client_ids = { 100, "101", 404 } })))
      end
      assert.same({ 105, 104, 103, 102 }, ids(box:call("get_clients").clients))
      assert.same({}, box:call("find_all_client_id_by_var", { var = "city", val = "Oslo" }).client_ids)
      assert.equal(404, select(2, box:call("get_history", { client_id = 100 })))
      assert.same({ status = "client_not_found" }, (box:call("get_orders", { client_id = 100 })))
    end)

    it("deletes nothing when an id is none", function()
      assert.equal(400, select(2, box:call("delete_clients", { client_ids = { 100, "x" } })))
      assert.equal(6, #box:call("get_clients").clients)
    end)

    it("gives no id twice", function()
      local item = { platform_id = "5001", group_id = "shop_bot", client_type = 1 }
      local before = box:call("load_clients", { { platform_id = "9", group_id = "shop_bot", client_type = 1 } })
      box:call("delete_clients", { client_ids = { 100, before.items[1].id } })
      assert.is_true(box:call("load_clients", { item }).items[1].id > before.items[1].id)
    end)
  end)

  describe("check_whatsapp", function()
    local function exists(phone) return box:call("check_whatsapp", { phone = phone }).exists end

    it("knows the clients' numbers and those of the setting", function()
      assert.is_true(exists "+47 99 00 00 00")
      assert.is_true(exists "47990000001")
      assert.is_false(exists "47990000002")
      assert.is_false(exists "123")
      assert.is_false(exists "x")
      box:control("POST", "settings", { whatsapp_numbers = support.null })
      assert.is_true(exists "8 (999) 111-22-33")
      assert.is_false(exists "123456789")
      assert.is_false(exists "1234567890123456")
    end)

    it("needs a WhatsApp that runs", function()
      local seed = cases.seed()
      seed.channels[4].status = 3
      box:control("POST", "seed", seed)
      local answer, status = box:call("check_whatsapp", { phone = "4799000000" })
      assert.equal(400, status)
      assert.same({ status = "fail", message = "WhatsApp is not connected" }, answer)
    end)
  end)

  describe("check_insta_subscription", function()
    it("answers with the documented members", function()
      local body = select(3, box:call("check_insta_subscription", { user_name = "@ADA", login = "@Shop" })).body
      assert.matches('^{"username":"ADA","account_id":"%d+","avatar":null,"real_name":null,'
        .. '"is_follower":true,"status":200}$', body)
    end)

    it("knows who follows, and the clients' names", function()
      local seed = cases.seed()
      table.insert(seed.clients, { client_type = 10, group_id = "shop", platform_id = "bob", name = "Bob",
        avatar = "http://x.example/bob.png" })
      box:control("POST", "seed", seed)
      local ada = box:call("check_insta_subscription", { user_name = "ada", login = "shop" })
      local bob = box:call("check_insta_subscription", { user_name = "bob", login = "shop" })
      assert.is_true(ada.is_follower)
      assert.is_false(bob.is_follower)
      assert.equal("Bob", bob.real_name)
      assert.equal("http://x.example/bob.png", bob.avatar)
      assert.are_not.equal(ada.account_id, bob.account_id)
      assert.same(ada, (box:call("check_insta_subscription", { user_name = "ada", login = "shop" })))
    end)

    it("needs the account to be connected", function()
      local answer, status = box:call("check_insta_subscription", { user_name = "ada", login = "other" })
      assert.equal(404, status)
      assert.equal("Instagram account other is not connected", answer.message)
    end)
  end)
end)
