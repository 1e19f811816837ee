local http = require "mavilua.http"
local core = require "mavilua.core"
local support = require "spec.support.sandbox"

describe("the sandbox's API on the wire", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function() box:control("POST", "reset") end)

  it("takes every action by GET and by POST", function()
    local by_get = box:call("find_client_id_by_var", nil, { query = { var = "city", val = "Bergen" } })
    local by_post = box:call("find_client_id_by_var", { var = "city", val = "Bergen" })
    assert.equal("success", by_get.status)
    assert.same(by_get, by_post)
    assert.equal("ok", (box:call("message", nil, { query = { client_id = by_get.client_id,
      message = "x" } })))
  end)

  it("reads a body as JSON whatever its Content-Type", function()
    local body = '{"q":{"city":"Oslo"}}'
    for _, type in ipairs { "text/plain", "application/x-www-form-urlencoded", "application/json",
      "x/y" } do
      local answer = box:call("find_clients", nil, { body = body,
        headers = { ["Content-Type"] = type } })
      assert.equal(6, #answer.client_ids)
    end
  end)

  it("takes forms, with lists and objects in brackets or as JSON", function()
    local id = box:client("1")
    assert.equal("ok", (box:call("save_variables", nil, { form = { client_id = id,
      ["variables[client.a]"] = "1" } })))
    assert.equal("ok", (box:call("save_variables", nil, { form = { client_id = id,
      variables = '{"client.b":[2]}' } })))
    local variables = box:call("get_variables", { client_id = id })
    assert.equal("1", variables.a)
    assert.equal(2, variables.b[1])
    assert.equal("ok", (box:call("save_variables", nil,
      { form = { ["clients[]"] = id, ["variables[client.a]"] = "c d&e=é" } })))
    assert.equal("c d&e=é", box:call("get_variables", { client_id = id }).a)
  end)

  it("lets the body win over the query", function()
    local answer = box:call("find_clients", { q = { city = "Oslo" } },
      { query = { q = '{"city":"Bergen"}' } })
    assert.equal(6, #answer.client_ids)
  end)

  it("refuses a wrong key, an unknown action and other methods", function()
    local answer, status = box:call("get_clients", nil, { key = "wrong" })
    assert.equal(401, status)
    assert.equal("fail", answer.status)
    answer, status = box:call("get_cleints")
    assert.equal(404, status)
    assert.matches('did you mean "get_clients"', answer.message, 1, true)
    assert.equal(405, select(2, box:call("get_clients", nil, { method = "DELETE" })))
    assert.equal(404, http.get(box.url .. "/").status)
    assert.equal(404, http.get(box.url .. "/api/sandbox/").status)
    assert.equal(401, http.get(box.url .. "/api/").status)
  end)

  it("plays every action of the table", function()
    for _, action in ipairs(core.actions()) do
      local _, status = box:call(action.name)
      assert.is_true(status == 200 or status == 400, action.name .. " answers " .. status)
    end
  end)

  it("refuses bodies that cannot be read, with where and why", function()
    for _, body in ipairs { "{", "[1", '{"a":"\xff"}', '{"a":"\\ud800"}', ("["):rep(500), "nonsense",
      "1", "null",
      "[]" } do
      local answer, status = box:call("get_history", nil, { body = body })
      assert.equal(400, status, body)
      assert.equal("fail", answer.status)
      assert.matches("body", answer.message, 1, true)
    end
    assert.equal(400, select(2, box:call("get_history?client_id=%zz")))
    assert.equal(400, select(2, box:call("get_history?client_id=%ff")))
  end)

  it("refuses bodies over 8 MiB", function()
    local reply, err = http.post(box.url .. "/api/sandbox/message",
      { body = (" "):rep(9 * 2 ^ 20 // 1) })
    assert(reply or err.kind == "network")
    if reply then assert.equal(413, reply.status) end
  end)

  it("names the missing and the wrong parameter", function()
    for action, expected in pairs {
      get_history = 'Parameter "client_id" required',
      save_variables = 'Parameter "variables" required',
      load_clients = 'Parameter "items" required',
      find_client_id_by_phone = 'Parameter "phone" required',
      create_order = "One of the parameters is required: client_id, phone, email",
    } do
      local answer, status = box:call(action)
      assert.equal(400, status)
      assert.same({ status = "fail", message = expected }, answer)
    end
    local id = box:client("1")
    for message, params in pairs {
      ['Parameter "attachment_url" is given, and needs: attachment_type'] = { attachment_url = "u" },
      ["One of the parameters is required: message, message_id, attachment_url"] = {},
    } do
      params.client_id = id
      assert.same({ status = "fail", message = message }, (box:call("message", params)))
    end
    assert.equal('Parameter "reverse" does not go with: list',
      box:call("get_clients", { list = 12, reverse = true }).message)
    assert.equal('All or none of the parameters are required: start_date, stop_date',
      box:call("get_history", { client_id = id, start_date = "01.01.2026" }).message)
    for _, wrong in ipairs {
      { "get_history", { client_id = {} } }, { "get_history", { client_id = "abc" } },
      { "get_history", { client_id = true } }, { "get_history", { client_id = 1.5 } },
      { "get_history", { client_id = "99999999999999999999" } },
      { "get_clients", { limit = "many" } }, { "get_clients", { limit = 0 } }, { "get_clients",
        { offset = -1 } },
      { "message", { client_id = id, message = { 1 } } }, { "message", { client_id = id } },
      { "message", { client_id = id, message = "x", buttons = "y" } },
      { "message", { client_id = id, attachment_url = "http://x/y" } },
      { "message", { client_id = id, attachment_url = "http://x/y", attachment_type = "smell" } },
      { "save_variables", { client_id = id, variables = "x" } },
      { "save_variables", { clients = { "x" }, variables = { a = 1 } } },
      { "get_orders", { client_id = id, order_status = "x" } },
      { "create_order", { client_id = id, budget = "much" } },
    } do
      local answer, status = box:call(wrong[1], wrong[2])
      assert.equal(400, status, wrong[1])
      assert.equal("fail", answer.status)
      assert.is_string(answer.message)
    end
  end)

  it("takes ids as integers, texts and whole reals", function()
    local id = box:client("1")
    for _, form in ipairs { tostring(id), tostring(id) .. ".0", ('"%d"'):format(id) } do
      local answer = box:call("get_history", nil, { body = ('{"client_id":%s}'):format(form) })
      assert.equal("success", answer.status)
    end
    assert.equal("success", box:call("get_history?client_id=" .. id).status)
  end)

  it("answers an unknown client with 404 client_not_found", function()
    for _, action in ipairs { "get_history", "clear_history", "get_variables" } do
      local answer, status = box:call(action, { client_id = 7 })
      assert.equal(404, status)
      assert.same({ status = "client_not_found" }, answer)
    end
    local _, status = box:call("message", { client_id = 7, message = "x" })
    assert.equal(404, status)
    assert.equal(404, select(2, box:call("callback", { client_id = 7, message = "x" })))
    assert.equal(404, select(2, box:call("save_variables", { client_id = 7, variables = { a = 1 } })))
  end)

  it("answers ok as text, or as JSON by setting", function()
    local id = box:client("1")
    local text, status, reply = box:call("message", { client_id = id, message = "x" })
    assert.equal("ok", text)
    assert.equal(200, status)
    assert.matches("^text/plain", reply.headers["content-type"])
    box:control("POST", "settings", { ok_body = "json" })
    assert.same({ status = "success" }, (box:call("message", { client_id = id, message = "x" })))
  end)

  it("keeps serving while many ask at once", function()
    local id = box:client("1")
    local tasks = {}
    for i = 1, 32 do
      tasks[i] = core.spawn(function()
        for n = 1, 10 do
          assert(box:call("save_variables", { client_id = id,
            variables = { ["client.v" .. i] = n } }) == "ok")
        end
        return true
      end)
    end
    for i = 1, 32 do assert(core.join(tasks[i])) end
    local variables = box:call("get_variables", { client_id = id })
    for i = 1, 32 do assert.equal(10, variables["v" .. i]) end
  end)
end)
