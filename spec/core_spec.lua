local core = require "mavilua.core"
local numbers = require "spec.support.numbers"

local item = { platform_id = "1", group_id = "g", client_type = 1 }

local function prepared(name, params, known)
  local request, message = core.prepare(name, params, known)
  assert(request, message)
  return request, request.body and core.decode(request.body, true)
end

local function refusal(name, params)
  local request, message = core.prepare(name, params)
  assert.is_nil(request)
  assert.is_nil(message:find "\n")
  return message
end

describe("prepare", function()
  it("makes a query of a GET's parameters and JSON of a POST's", function()
    assert.same({ method = "GET", target = "get_history?client_id=1", retry = "safe" },
      (prepared("get_history", { client_id = 1 })))
    local request, body = prepared("message", { client_id = "25554", message = "hi" })
    assert.same({ "POST", "message", "once" }, { request.method, request.target, request.retry })
    assert.same({ client_id = "25554", message = "hi" }, body)
  end)

  it("keeps every digit of ids", function()
    for _, id in ipairs { 9007199254740993, -1001234567890123, 22563045582, math.maxinteger } do
      local target = prepared("get_history", { client_id = id }).target
      assert.equal(("get_history?client_id=%d"):format(id), target)
      local _, body = prepared("save_variables", { client_id = id, variables = { chat = id } })
      assert.equal(id, body.client_id)
      assert.equal(id, body.variables.chat)
    end
  end)

  it("takes no parameters for none", function()
    assert.equal("connected_channels", prepared("connected_channels").target)
    assert.equal("connected_channels", prepared("connected_channels", {}).target)
    assert.equal("connected_channels", prepared("connected_channels", core.array {}).target)
  end)

  it("takes a bare list, a named one, or a single item where the body is a list", function()
    for _, params in ipairs { { item }, { items = { item } }, { items = item }, item, core.array { item } } do
      local request, body = prepared("load_clients", params)
      assert.same({ item }, body)
      assert.equal("[", request.body:sub(1, 1))
    end
    assert.match('"items" is required', refusal("load_clients", {}))
    assert.match("item 1", refusal("load_clients", { {} }))
  end)

  it("lets the row say what an empty table is", function()
    assert.match('"clients" must not be empty', refusal("add_to_list", { list_id = 1, clients = {} }))
    assert.match('"variables" must not be empty',
      refusal("save_variables", { client_id = 1, variables = core.array {} }))
    local request = prepared("save_variables", { client_id = 1, variables = { a = {}, b = core.array {} } })
    assert.match('"a":{}', request.body, 1, true)
    assert.match('"b":[]', request.body, 1, true)
    prepared("message", { client_id = 1, message = "x", buttons = {} })
  end)

  it("sends null where it is given", function()
    local _, body = prepared("save_variables", { client_id = 1, variables = { a = core.null } })
    assert.equal(core.null, body.variables.a)
  end)

  it("says in one line what is wrong", function()
    assert.match('unknown action "mesage"; did you mean message', refusal("mesage", {}))
    assert.match('message: unknown parameter "mesage"; did you mean "message"',
      refusal("message", { client_id = 1, mesage = "x" }))
    assert.match("message: message: a function cannot be sent",
      refusal("message", { client_id = 1, message = print }))
    assert.match("must be a table, not a string", refusal("message", "x"))
    assert.match("^save_variables: variables%.a%[2%]: NaN",
      refusal("save_variables", { client_id = 1, variables = { a = { 1, 0 / 0 } } }))
  end)

  it("sends an action that the table does not know as it is", function()
    local request, body = prepared("brand_new", { a = { 1, 2 }, b = {} }, false)
    assert.same({ "POST", "brand_new", "once" }, { request.method, request.target, request.retry })
    assert.same({ a = { 1, 2 }, b = {} }, body)
  end)

  for _, row in ipairs(core.actions()) do
    it(row.name .. " explains a wrong parameter in one line", function()
      assert.match("^" .. row.name .. ": ", refusal(row.name, { zzz_unknown = print }))
    end)
  end
end)

describe("actions", function()
  it("are 43, described", function()
    local rows = core.actions()
    assert.equal(43, #rows)
    assert.is_true(core.is_array(rows))
    for _, row in ipairs(rows) do
      assert.is_string(row.name)
      assert.is_string(row.doc)
      assert.truthy(({ safe = 1, idempotent = 1, once = 1 })[row.retry])
    end
  end)
end)

describe("interpret", function()
  it("gives the result of a success", function()
    assert.same({ status = "success", text = "ok" }, core.interpret("message", 200, "ok"))
    local found = core.interpret("find_clients", 200, '{"status":"success","client_ids":[1,2]}')
    assert.same({ 1, 2 }, found.client_ids)
    assert.equal(numbers.value "9007199254740993", core.interpret(nil, 200, '{"id":9007199254740993}').id)
  end)

  it("leaves null members out unless told otherwise", function()
    assert.is_nil(core.interpret(nil, 200, '{"a":null}').a)
    assert.equal(core.null, core.interpret(nil, 200, '{"a":null}', nil, true).a)
  end)

  it("tells a refusal, a status and garbage apart", function()
    local result, failure = core.interpret("get_orders", 200, '{"status":"client_not_found"}')
    assert.is_nil(result)
    assert.same({ "api", 200, "client_not_found" }, { failure.kind, failure.status, failure.code })
    failure = select(2, core.interpret("get_orders", 429, '{"status":"fail","message":"slow down"}', "7"))
    assert.same({ "http", 429, 7, "slow down" },
      { failure.kind, failure.status, failure.retry_after, failure.message })
    failure = select(2, core.interpret("get_orders", 200, '{"a":"\255"}'))
    assert.equal("decode", failure.kind)
    failure = select(2, core.interpret(nil, 502, "<html>Bad gateway</html>"))
    assert.same({ "http", 502 }, { failure.kind, failure.status })
    assert.is_string(failure.message)
  end)
end)

describe("retries", function()
  it("follow the class", function()
    assert.is_true(core.retry_allowed("safe", "network", 0, true))
    assert.is_true(core.retry_allowed("idempotent", "http", 503, true))
    assert.is_false(core.retry_allowed("once", "network", 0, true))
    assert.is_true(core.retry_allowed("once", "network", 0, false))
    assert.is_true(core.retry_ambiguous("once", "network", 0, true))
    assert.is_false(core.retry_ambiguous("safe", "network", 0, true))
    assert.has_error(function() core.retry_allowed("sometimes", "network") end)
    assert.has_error(function() core.retry_allowed("safe", "sulking") end)
  end)

  it("wait longer each time, with chance in it, and as long as asked", function()
    local different = {}
    for _ = 1, 20 do
      local delay = core.retry_delay(3)
      assert.is_true(delay >= 0 and delay <= 30)
      different[delay] = true
      assert.is_true(core.retry_delay(1, 5) >= 5)
    end
    assert.truthy(next(different, next(different)))
  end)
end)

describe("helpers", function()
  it("redact every occurrence", function()
    assert.equal("a [redacted] b [redacted]", core.redact("a secret b secret", "secret"))
    assert.equal("plain", core.redact("plain", "secret"))
    assert.equal("plain", core.redact("plain", ""))
    assert.equal("", core.redact("", "secret"))
  end)

  it("hide the tokens of bots", function()
    assert.equal("see https://t.me/file/bot[redacted]/a.jpg, bot7", core.hide_tokens
      "see https://t.me/file/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/a.jpg, bot7")
    assert.equal("", core.hide_tokens "")
  end)

  it("read webhooks that nobody sends again", function()
    local text = '{"half":"\\ud83d","huge":1e400}'
    assert.is_nil(core.decode(text))
    assert.same({ half = "\239\191\189", huge = "1e400" }, core.decode_lenient(text))
  end)

  it("find the nearest name", function()
    assert.equal("message", core.nearest("mesage", { "callback", "message" }))
    assert.is_nil(core.nearest("qqqqqqqq", { "callback", "message" }))
    assert.is_nil(core.nearest("x", {}))
    assert.has_error(function() core.nearest("x", { 5 }) end)
  end)

  it("make random digits", function()
    assert.match("^" .. ("%x"):rep(16) .. "$", core.random_hex(8))
    assert.not_equal(core.random_hex(8), core.random_hex(8))
    assert.has_error(function() core.random_hex(0) end)
    assert.has_error(function() core.random_hex(1000) end)
  end)

  it("know the version", function()
    assert.match("^%d+%.%d+%.%d+", core.version)
  end)
end)
