local support = require "spec.support.sandbox"

describe("the sandbox's orders", function()
  local box, id
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "reset")
    id = box:client("12345")
  end)

  local function create(params)
    params = params or {}
    params.client_id = params.client_id or id
    local answer = box:call("create_order", params)
    assert.equal("success", answer.status)
    return answer.order_id
  end
  local function state(order) return box:call("get_order_state", { client_id = id,
    order_id = order }).state_id end

  describe("create_order", function()
    it("opens one in the first state, or in a given one", function()
      local order = create { name = "tea", description = "green", budget = 12.5 }
      assert.equal("integer", math.type(order))
      assert.equal(1001, state(order))
      assert.equal(1003, state(create { state_id = 1003 }))
      assert.equal(1004, state(create { state_id = "1004", client_id = tostring(id) }))
    end)

    it("takes client_id before phone before email", function()
      local by_phone = box:call("find_client_id_by_phone", { phone = "47991013579" }).client_id
      local order = box:call("create_order", { phone = "47991013579",
        email = "client02@example.com" }).order_id
      assert.same({ order }, box:call("get_orders", { client_id = by_phone }).order_id)
      order = create { phone = "47991013579" }
      assert.same({ order }, box:call("get_orders", { client_id = id }).order_id)
    end)

    it("makes a client of a new phone or e-mail, once", function()
      local first = box:call("create_order", { phone = 4700000001 }).order_id
      local second = box:call("create_order", { phone = "4700000001" }).order_id
      local client = box:call("find_client_id_by_phone", { phone = "4700000001" }).client_id
      assert.same({ first, second }, box:call("get_orders", { client_id = client }).order_id)
      assert.equal("success", box:call("create_order", { email = "new@example.com" }).status)
      client = box:call("find_client_id_by_email", { email = "new@example.com" }).client_id
      assert.equal(14, box:call("get_variables", { client_id = client }).client_type)
    end)

    it("refuses unknown clients and states, and makes nobody then", function()
      local answer, status = box:call("create_order", { client_id = 7 })
      assert.equal(200, status)
      assert.same({ status = "client_not_found" }, answer)
      local before = #box:call("get_clients").clients
      answer, status = box:call("create_order", { phone = "4700000002", state_id = 5 })
      assert.equal(200, status)
      assert.same({ status = "fail", message = "State 5 not found" }, answer)
      assert.equal(before, #box:call("get_clients").clients)
      assert.equal(400, select(2, box:call("create_order", { name = "x" })))
    end)
  end)

  it("get_current_order_id tells the newest active one", function()
    local first, second = create(), create()
    local function current() return box:call("get_current_order_id", { client_id = id }).order_id end
    assert.equal(second, current())
    box:call("set_order_state", { client_id = id, state_id = 1005 })
    assert.equal(first, current())
    box:call("set_order_state", { client_id = id, state_id = 1005 })
    assert.equal(second, current())
    assert.same({ status = "client_not_found" }, (box:call("get_current_order_id", { client_id = 7 })))
  end)

  it("get_orders lists all, or those of a status", function()
    local first, second, third = create(), create(), create { state_id = 1005 }
    local function list(status) return box:call("get_orders", { client_id = id,
      order_status = status }).order_id end
    assert.same({ first, second, third }, list())
    assert.same({ first, second }, list(0))
    assert.same({ third }, list("1"))
    assert.same({}, list(2))
    assert.same({ status = "success", order_id = {} }, (box:call("get_orders",
      { client_id = box:client("9") })))
  end)

  it("move_order_to_next_state goes on until the last", function()
    local first, second = create(), create()
    for _, expected in ipairs { 1002, 1003, 1004, 1005, 1005 } do
      local answer = box:call("move_order_to_next_state", { client_id = id, order_id = first })
      assert.same({ status = "success", state_id = expected }, answer)
    end
    assert.equal(1002, box:call("move_order_to_next_state", { client_id = id }).state_id)
    assert.equal(1002, state(second))
    assert.same({ first }, box:call("get_orders", { client_id = id, order_status = 1 }).order_id)
  end)

  it("leaves out states of failure on the way", function()
    box:control("POST", "seed", { funnels = { { name = "F", states = {
      { id = 1, name = "New" }, { id = 2, name = "Lost", outcome = "lost" }, { id = 3, name = "Won",
        outcome = "won" },
    } } } })
    id = box:client("1")
    local order = create()
    assert.equal(3, box:call("move_order_to_next_state", { client_id = id }).state_id)
    box:call("set_order_state", { client_id = id, state_id = 2 })
    assert.same({ order }, box:call("get_orders", { client_id = id, order_status = 2 }).order_id)
  end)

  it("set_order_state moves the current one, and opens one if there is none", function()
    assert.same({ status = "success" }, (box:call("set_order_state", { client_id = id,
      state_id = 1002 })))
    assert.equal(1002, state())
    assert.same({ status = "success" }, (box:call("set_order_state", { client_id = id,
      state_id = "1003" })))
    assert.equal(1003, state())
    local answer, status = box:call("set_order_state", { client_id = id, state_id = 99 })
    assert.equal(200, status)
    assert.same({ status = "fail", message = "State 99 not found" }, answer)
    assert.equal(400, select(2, box:call("set_order_state", { client_id = id, state_id = "x" })))
    assert.same({ status = "client_not_found" }, (box:call("set_order_state", { client_id = 7,
      state_id = 1001 })))
  end)

  it("tell what is not found with 200", function()
    local other = create { client_id = box:client("9") }
    for _, action in ipairs { "get_order_vars", "set_order_vars", "move_order_to_next_state" } do
      local answer, status = box:call(action, { client_id = id, order_id = other, variables = {} })
      if action ~= "set_order_vars" and status == 400 then
        answer, status = box:call(action, { client_id = id, order_id = other })
      end
      assert.equal(200, status)
      assert.same({ status = ("order %d not found"):format(other) }, answer)
      answer = box:call(action, { client_id = 7, order_id = other })
      if action ~= "set_order_vars" then assert.same({ status = "client_not_found" }, answer) end
    end
    assert.same({ status = "order not found" }, (box:call("get_order_state", { client_id = id })))
    assert.same({ status = "order not found" }, (box:call("get_order_state", { client_id = id,
      order_id = other })))
    assert.same({ status = "client_not_found" }, (box:call("get_order_state", { client_id = 7 })))
  end)

  it("keep variables of their own", function()
    local first, second = create(), create()
    assert.same({ status = "success" }, (box:call("set_order_vars",
      { client_id = id, order_id = tostring(first), variables = { item = "tea", size = 2 } })))
    assert.same({ item = "tea", size = 2 }, box:call("get_order_vars", { client_id = id,
      order_id = first }).result)
    assert.same({ size = 2 },
      box:call("get_order_vars", { client_id = id, order_id = first, variables = { "size",
        "none" } }).result)
    assert.same({}, box:call("get_order_vars", { client_id = id }).result)
    assert.same({}, box:call("get_order_vars", { client_id = id, order_id = second }).result)
    assert.equal(400, select(2, box:call("set_order_vars", { client_id = id, variables = { a = 1 } })))
  end)

  it("tell their moves as system events", function()
    local order = create()
    box:call("set_order_state", { client_id = id, state_id = 1002 })
    box:call("set_order_state", { client_id = id, state_id = 1002 })
    box:call("move_order_to_next_state", { client_id = id })
    assert.same({ "> crm_state_changed Shop:Confirmed", "> crm_state_changed Shop:Paid" }, box:talk(id))
    assert.equal(order, box:call("get_variables", { client_id = id }).callback_query_id)
    assert.equal(2, box:call("get_history", { client_id = id }).result[1].message_from_outside)
  end)
end)
