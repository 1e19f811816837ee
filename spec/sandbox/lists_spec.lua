local cases = require "spec.support.action_cases"
local support = require "spec.support.sandbox"

describe("the sandbox's lists and employees", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function() box:control("POST", "seed", cases.seed()) end)

  local function members(params)
    params = params or {}
    params.list = 12
    local ids = {}
    for i, client in ipairs(box:call("get_clients", params).clients) do ids[i] = client.id end
    return ids
  end
  local function shown(client) return box:control("GET", "clients?client_id=" .. client).client end

  it("grow and shrink, unknown clients left out", function()
    assert.same({ 101, 100 }, members())
    for _ = 1, 2 do
      assert.same({ status = "success" }, (box:call("add_to_list", { list_id = 12, clients = { 102, 404, "105" } })))
      assert.same({ 105, 102, 101, 100 }, members())
    end
    for _ = 1, 2 do
      assert.same({ status = "success" }, (box:call("remove_from_list", { list_id = 12, clients = { 100, 404, 102 } })))
      assert.same({ 105, 101 }, members())
    end
    assert.same({ 12 }, shown(105).lists)
    assert.same({}, shown(100).lists)
  end)

  it("are paged newest first, and not in reverse", function()
    box:call("add_to_list", { list_id = 12, clients = { 102, 103, 104 } })
    assert.same({ 104, 103 }, members { limit = 2 })
    assert.same({ 102, 101 }, members { limit = 2, offset = 2 })
    assert.same({ 100 }, members { limit = 2, offset = 4 })
    assert.same({}, members { offset = 5 })
    assert.equal(400, select(2, box:call("get_clients", { list = 12, reverse = true })))
  end)

  it("must be there", function()
    for _, call in ipairs { { "add_to_list", { list_id = 404, clients = { 100 } } },
      { "remove_from_list", { list_id = 404, clients = { 100 } } }, { "get_clients", { list = 404 } },
      { "broadcast", { list = 404, message = "x" } } } do
      local answer, status = box:call(call[1], call[2])
      assert.equal(404, status, call[1])
      assert.same({ status = "fail", message = "List 404 not found" }, answer)
    end
    assert.equal(400, select(2, box:call("add_to_list", { list_id = "x", clients = { 100 } })))
    assert.equal(400, select(2, box:call("add_to_list", { list_id = 12, clients = { "x" } })))
  end)

  it("lose clients that are deleted", function()
    box:call("delete_clients", { client_ids = { 101 } })
    assert.same({ 100 }, members())
  end)

  it("are told in a seed with the place of a mistake", function()
    local seed = cases.seed()
    seed.lists[2] = { id = 13, clients = { 100, 7 } }
    local answer, status = box:control("POST", "seed", seed)
    assert.equal(400, status)
    assert.matches("lists[1].clients[1]: there is no client", answer.message, 1, true)
    assert.same({ 101, 100 }, members())
  end)

  describe("assign_to_user", function()
    it("assigns to the e-mail, in any case, as often as one likes", function()
      for _, email in ipairs { "max@example.com", "MAX@example.com", "eva@example.com" } do
        assert.same({ status = "success" }, (box:call("assign_to_user", { client_id = 100, email = email })))
        assert.equal(email:lower(), shown(100).manager)
      end
    end)

    it("distributes without one", function()
      for id = 100, 103 do
        assert.same({ status = "success" }, (box:call("assign_to_user", { client_id = id })))
      end
      local count = { ["eva@example.com"] = 0, ["max@example.com"] = 0 }
      for id = 100, 103 do count[shown(id).manager] = count[shown(id).manager] + 1 end
      assert.same({ ["eva@example.com"] = 2, ["max@example.com"] = 2 }, count)
    end)

    it("needs an employee and a client who are there", function()
      local answer, status = box:call("assign_to_user", { client_id = 100, email = "who@example.com" })
      assert.equal(404, status)
      assert.same({ status = "fail", message = "Employee who@example.com not found" }, answer)
      answer, status = box:call("assign_to_user", { client_id = 404 })
      assert.equal(404, status)
      assert.same({ status = "client_not_found" }, answer)
      local seed = cases.seed()
      seed.managers = nil
      box:control("POST", "seed", seed)
      assert.equal(404, select(2, box:call("assign_to_user", { client_id = 100 })))
    end)
  end)
end)
