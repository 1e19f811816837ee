local support = require "spec.support.sandbox"

describe("the sandbox's searches", function()
  local box, ids
  local function seed(variables, orders)
    local clients = {}
    for i, of_client in ipairs(variables) do
      clients[i] = { id = i, client_type = 1, group_id = "bot" .. i % 2, platform_id = tostring(i),
        variables = of_client, orders = orders and orders[i] }
    end
    local answer, status = box:control("POST", "seed", { clients = clients,
      funnels = { { name = "F", states = { { id = 1, name = "New" } } } } })
    assert.equal(200, status, answer.message)
  end
  local function find(q, more)
    local params = { q = q }
    for name, value in pairs(more or {}) do params[name] = value end
    local answer, status = box:call("find_clients", params)
    assert.equal(200, status)
    ids = answer.client_ids
    return answer.status == "success" and table.concat(ids, " ") or answer.message
  end

  setup(function() box = support.start() end)
  teardown(function() box:stop() end)

  it("compare the whole of a text, also behind a NUL", function()
    seed({ { a = "c" }, { a = "c\0d" } }, { { { variables = { b = "c" } } } })
    for action, params in pairs {
      find_client_id_by_var = { var = "a", val = "c\0d" }, find_latest_client_id_by_var = { var = "a", val = "c\0d" },
      find_all_client_id_by_var = { var = "a", val = "c\0d" }, find_all_client_id_by_several_vars = { a = "c\0d" },
      find_clients = { q = { a = "c\0d" } },
    } do
      local answer = box:call(action, params)
      assert.same({ 2 }, answer.client_ids or { answer.client_id }, action)
    end
    local _, status = box:call("find_client_id_by_var", { var = "b", val = "c\0d", search_in = "order" })
    assert.equal(404, status)
  end)

  describe("find_clients", function()
    before_each(function()
      seed {
        { city = "Oslo", stage = "new", age = 30 }, { city = "Oslo", stage = "warm", age = "40" },
        { city = "Bergen", stage = "new", age = 30.5 }, { city = "Oslo", mixed = 5 },
          { mixed = "five" }, {},
      }
    end)

    it("compares texts; all conditions must hold, or any", function()
      assert.equal("1 2 4", find { city = "Oslo" })
      assert.equal("1", find { city = "Oslo", stage = "new" })
      assert.equal("1 2 3 4", find({ city = "Oslo", stage = "new" }, { include_all = false }))
      assert.equal("1", find({ city = "Oslo", stage = "new" }, { include_all = true }))
      assert.equal("", find { city = "oslo" })
      assert.equal("", find { nothing = "x" })
      assert.equal("4", find { mixed = "5" })
      assert.equal("", find { city = "' OR 1=1 --" })
    end)

    it("takes _in, _not_in and _not, which match only holders", function()
      assert.equal("1 2 3 4", find { city = { _in = { "Oslo", "Bergen", "Paris" } } })
      assert.equal("3", find { city = { _not_in = { "Oslo" } } })
      assert.equal("3", find { city = { _not = "Oslo" } })
      assert.equal("1 2 3 4", find { city = { _not = "Paris" } })
      assert.equal("1", find { city = { _in = { "Oslo" } }, stage = { _not = "warm" } })
    end)

    it("takes empty lists", function()
      local function raw(q) return box:call("find_clients", nil, { body = '{"q":' .. q .. "}" }) end
      assert.same({}, raw('{"city":{"_in":[]}}').client_ids)
      assert.equal(4, #raw('{"city":{"_not_in":[]}}').client_ids)
    end)

    it("compares numbers with numbers and texts of numbers", function()
      assert.equal("1", find { age = 30 })
      assert.equal("2", find { age = 40 })
      assert.equal("3", find { age = 30.5 })
      assert.equal("2 3", find { age = { _not = 30 } })
      assert.equal("1 2", find { age = { _in = { 30, 40 } } })
      assert.equal("1 2", find { age = { _in = { 30, "40" } } })
    end)

    it("takes null for no text, and finds once who is asked for as text and as number", function()
      box:control("POST", "seed", { clients = {} })
      local ids_of = {}
      for i, value in ipairs { 'null', '""', '"1.5"', "1.5", '"x"' } do
        ids_of[i] = box:client("n" .. i)
        box:call("save_variables", nil, { body = ('{"client_id":%d,"variables":{"client.a":%s,"client.b":%s}}')
          :format(ids_of[i], value, i > 2 and i < 5 and value or "null") })
      end
      assert.equal(ids_of[2] .. "", find { a = "" })
      assert.equal(table.concat(ids_of, " ", 1, 4), find { a = { _not = "x" } })
      assert.equal(table.concat(ids_of, " ", 3, 4), find { a = "1.5" })
      assert.equal(table.concat(ids_of, " ", 3, 4), find { b = { _in = { 1.5, "1.5" } } })
      assert.equal(table.concat(ids_of, " ", 3, 4), find { a = "1.5", b = 1.5 })
      assert.equal("", find { b = { _not = 1.5 } })
    end)

    it("fails on numbers when some client holds a text there", function()
      assert.equal("Something went wrong", find { mixed = 5 })
      assert.equal("Something went wrong", find { city = { _in = { 1, "Oslo" } } })
      assert.equal("4", find { mixed = "5" })
    end)

    it("searches in orders, all conditions in the same one", function()
      seed({ {}, { item = "tea" }, {} }, {
        { { variables = { item = "tea", size = "2" } }, { variables = { item = "honey" } } },
        {}, { { variables = { item = "tea" } }, { variables = { size = "2" } } },
      })
      assert.equal("2", find { item = "tea" })
      assert.equal("1 3", find({ item = "tea" }, { search_in = "order" }))
      assert.equal("1", find({ item = "tea", size = "2" }, { search_in = "order" }))
      assert.equal("1 3", find({ item = "tea", size = "2" }, { search_in = "order",
        include_all = false }))
    end)

    it("tells what is wrong with 200", function()
      local function said(body)
        local answer, status = box:call("find_clients", nil, { body = body })
        assert.equal(200, status)
        assert.equal("fail", answer.status)
        return answer.message
      end
      assert.equal('Parameter "q" required', said "{}")
      assert.equal('Parameter "q" required', said '{"q":null}')
      assert.equal('Parameter "q" required', said '{"q":{}}')
      for _, q in ipairs { '"x"', "[1]", "5", '{"a":null}', '{"a":[1]}', '{"a":{}}', '{"a":{"_in":"x"}}',
        '{"a":{"_like":"x"}}', '{"a":{"_in":["x"],"_not":"y"}}', '{"a":{"_in":[{}]}}',
          '{"a":{"_not":[]}}' } do
        assert.equal("Error in parameter format", said('{"q":' .. q .. "}"), q)
      end
      assert.equal("Error in parameter format", said '{"q":{"a":"b"},"search_in":"moon"}')
      local many = {}
      for i = 1, 101 do many[i] = ('"v%d":"x"'):format(i) end
      assert.equal("Error in parameter format", said('{"q":{' .. table.concat(many, ",") .. "}}"))
    end)

    it("takes thousands of values and a hundred conditions", function()
      local values = {}
      for i = 1, 20000 do values[i] = "c" .. i end
      values[20001] = "Bergen"
      assert.equal("3", find { city = { _in = values } })
      local q = {}
      for i = 1, 100 do q["v" .. i] = "x" end
      assert.equal("", find(q, { include_all = false }))
    end)

    it("finds ids of 64 bits exactly", function()
      seed { { id = 9007199254740993 }, { id = 9007199254740992 }, { id = "9223372036854775807" } }
      assert.equal("1", find { id = 9007199254740993 })
      assert.equal("2", find { id = "9007199254740992" })
      assert.equal("3", find { id = 9223372036854775807 })
    end)
  end)

  describe("by phone, e-mail and variable", function()
    before_each(function()
      seed({
        { phone = "+47900", email = "a@example.com", n = 5 }, { phone = 47901, tag = "x" },
          { tag = "x" }, {},
      }, { {}, {}, {}, { { variables = { phone = "47902", email = "d@example.com", item = "tea" } } } })
    end)

    it("finds a phone exactly, as WhatsApp number or variable", function()
      local whatsapp = box:client("47999@s.whatsapp.net", "g", 6)
      local function by(phone) return box:call("find_client_id_by_phone", { phone = phone }) end
      assert.same({ status = "success", client_id = 1 }, by "+47900")
      assert.equal("client_not_found", by("47900").status)
      assert.equal(2, by("47901").client_id)
      assert.equal(2, by(47901).client_id)
      assert.equal(4, by("47902").client_id)
      assert.equal(whatsapp, by("47999").client_id)
      assert.equal(404, select(2, by "1"))
      assert.equal(1, box:call("find_client_id_by_phone?phone=%2B47900").client_id)
    end)

    it("finds an e-mail", function()
      assert.equal(1, box:call("find_client_id_by_email", { email = "a@example.com" }).client_id)
      assert.equal(4, box:call("find_client_id_by_email", nil,
        { form = { email = "d@example.com" } }).client_id)
      local answer, status = box:call("find_client_id_by_email", { email = "x" })
      assert.equal(404, status)
      assert.same({ status = "client_not_found" }, answer)
    end)

    it("finds a variable, of clients or of orders, within a group", function()
      local function by(params) return box:call("find_client_id_by_var", params) end
      assert.equal(2, by({ var = "tag", val = "x" }).client_id)
      assert.equal(3, by({ var = "tag", val = "x", group_id = "bot1" }).client_id)
      assert.equal(1, by({ var = "n", val = 5 }).client_id)
      assert.equal(1, by({ var = "n", val = "5" }).client_id)
      assert.equal("client_not_found", by({ var = "item", val = "tea" }).status)
      assert.equal(4, by({ var = "item", val = "tea", search_in = "order" }).client_id)
      assert.equal(404, select(2, by { var = "tag", val = "x", group_id = "nowhere" }))
      assert.equal(400, select(2, by { val = "x" }))
    end)
  end)
end)
