local support = require "spec.support.sandbox"

describe("the sandbox's variables", function()
  local box, id
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "reset")
    id = box:client("12345")
  end)

  it("go to the client with the prefix, to the current order without", function()
    assert.equal("ok", (box:call("save_variables",
      { client_id = id, variables = { ["client.city"] = "Oslo", item = "tea" } })))
    local variables = box:call("get_variables", { client_id = tostring(id) })
    assert.equal("Oslo", variables.city)
    assert.equal("tea", variables.item)
    local order = box:call("get_current_order_id", { client_id = id }).order_id
    assert.same({ item = "tea" }, box:call("get_order_vars", { client_id = id }).result)
    assert.equal(("%d-%d"):format(id, order), variables.order_id)
    assert.equal(1001, box:call("get_order_state", { client_id = id }).state_id)
  end)

  it("open no order when only the client's are saved", function()
    box:call("save_variables", { client_id = id, variables = { ["client.city"] = "Oslo" } })
    assert.same({ status = "order not found" }, (box:call("get_current_order_id", { client_id = id })))
  end)

  it("stand beside built-in ones", function()
    local variables = box:call("get_variables", { client_id = 836058554 })
    assert.equal("Mia Rossi", variables.name)
    assert.equal(6, variables.client_type)
    assert.equal("47991040737", variables.phone)
    assert.equal(836058554, variables.client_id)
    box:call("save_variables", { client_id = 836058554, variables = { ["client.name"] = "M",
      name = "order's" } })
    assert.equal("order's", box:call("get_variables", { client_id = 836058554 }).name)
  end)

  local function body_of(client)
    return select(3, box:call("get_variables", { client_id = client })).body
  end

  it("come in an order, each name once: the order's win over the client's, these over built-in ones", function()
    local head = '{"client_id":' .. id .. ',"name":null,"avatar":null,"client_type":1,"platform_id":"12345",'
    assert.equal(head, body_of(id):sub(1, #head))
    box:call("save_variables", nil, { body = '{"client_id":' .. id
      .. ',"variables":{"client.b":1.5,"client.tag":"mine","client.a":[1,{"x":null}],"client.order_id":"no"}}' })
    assert.matches('"tag":"mine","group":"[^"]*","created_at":%d+,"phone":null,'
      .. '"b":1%.5,"a":%[1,{"x":null}%],"order_id":"no"}$', body_of(id))
    local order = box:call("create_order", { client_id = id }).order_id
    assert.matches(('"phone":null,"order_id":"no","b":1.5,"a":[1,{"x":null}]}'):gsub("%p", "%%%0") .. "$", body_of(id))
    box:call("set_order_vars", nil, { body = ('{"client_id":%d,"order_id":%d,"variables":%s}'):format(id, order,
      '{"c":false,"b":"the order\'s","avatar":"picture","name":null}') })
    assert.matches('"name":null,"avatar":"picture",.*"tag":"mine",.*"phone":null,"order_id":"no",'
      .. '"b":"the order\'s","a":%[1,{"x":null}%],"c":false}$', body_of(id))
  end)

  it("are saved for many clients, or for none when one is unknown", function()
    local other = box:client("678")
    box:call("save_variables", { clients = { id, tostring(other) },
      variables = { ["client.seen"] = 1 } })
    assert.equal(1, box:call("get_variables", { client_id = id }).seen)
    assert.equal(1, box:call("get_variables", { client_id = other }).seen)
    local answer, status = box:call("save_variables", { clients = { id, 7 },
      variables = { ["client.seen"] = 2 } })
    assert.equal(404, status)
    assert.same({ status = "client_not_found" }, answer)
    assert.equal(1, box:call("get_variables", { client_id = id }).seen)
  end)

  it("come back digit for digit, nested too, with their types", function()
    local values = '{"a":9007199254740993,"b":9223372036854775807,"c":-1001234567890123,"d":22563045582,'
      .. '"e":"9223372036854775807","f":[9223372036854775807,[],{},null],'
      .. '"g":{"h":{"i":-9223372036854775808}},'
      .. '"j":0.1,"k":true,"l":null,"m":"","n":"None","o":"\\u0000x","p":92233720368547758089}'
    box:call("set_order_vars", nil, { body = ('{"client_id":%d,"order_id":%d,"variables":%s}'):format(id,
      box:call("create_order", { client_id = id }).order_id, values) })
    local body = select(3, box:call("get_order_vars", { client_id = id })).body
    for _, part in ipairs { '"a":9007199254740993', '"b":9223372036854775807', '"c":-1001234567890123',
      '"d":22563045582', '"e":"9223372036854775807"', '"f":[9223372036854775807,[],{},null]',
      '"g":{"h":{"i":-9223372036854775808}}', '"k":true', '"l":null', '"m":""', '"n":"None"',
        '"o":"\\u0000x"',
      '"p":"92233720368547758089"' } do
      assert.matches(part, body, 1, true)
    end
    assert.equal(0.1, box:call("get_order_vars", { client_id = id }).result.j)
  end)

  it("are replaced when saved again", function()
    for _, value in ipairs { "text", 5, { 1 }, true, "x" } do
      box:call("save_variables", { client_id = id, variables = { ["client.v"] = value } })
      assert.same(value, box:call("get_variables", { client_id = id }).v)
    end
  end)

  it("may be large", function()
    local value = ("é"):rep(500000)
    box:call("save_variables", { client_id = id, variables = { ["client.v"] = value } })
    assert.equal(value, box:call("get_variables", { client_id = id }).v)
  end)
end)
