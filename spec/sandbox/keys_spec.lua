local support = require "spec.support.sandbox"

describe("the sandbox's keys", function()
  local box, id
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "reset")
    id = box:client("1")
  end)

  local function key(permissions, name)
    local answer, status = box:control("POST", "keys", { permissions = permissions, key = name })
    assert.equal(200, status, answer.message)
    return answer.key
  end

  local function status_of(action, params, name)
    return (select(2, box:call(action, params, { key = name })))
  end

  it("are as the platform's: hexadecimal, and no two alike", function()
    local seen = {}
    for _ = 1, 20 do
      local made = key { "R" }
      assert.matches("^%x+$", made)
      assert.equal(32, #made)
      assert.is_nil(seen[made])
      seen[made] = true
    end
  end)

  it("have the permissions that they were given", function()
    local calls = {
      R = { "get_clients" }, W = { "message", { client_id = id, message = "x" } },
      X = { "delete_clients", { client_ids = { 1 } } }, CR = { "get_orders", { client_id = id } },
      CW = { "create_order", { client_id = id } },
    }
    for given in pairs(calls) do
      local name = key { given }
      for needed, call in pairs(calls) do
        local answer, status = box:call(call[1], call[2], { key = name })
        if needed == given then
          assert.not_equal(403, status, given .. " " .. needed)
        else
          assert.equal(403, status, given .. " " .. needed)
          assert.same({ "fail", "The API key lacks the permission " .. needed }, { answer.status, answer.message })
        end
      end
    end
  end)

  it("may have none, several, or all", function()
    local none, several = key(support.array {}), key { "R", "CW", "R" }
    assert.equal(403, status_of("get_clients", nil, none))
    assert.equal(200, status_of("get_clients", nil, several))
    assert.equal(200, status_of("create_order", { client_id = id }, several))
    assert.equal(403, status_of("get_orders", { client_id = id }, several))
    for _, entry in ipairs(box:control("GET", "keys").keys) do
      if entry.key == "sandbox" then assert.same({ "R", "W", "X", "CR", "CW" }, entry.permissions) end
      if entry.key == several then assert.same({ "R", "CW" }, entry.permissions) end
    end
  end)

  it("are 401 when wrong, and unknown actions 404", function()
    local answer, status = box:call("get_clients", nil, { key = "other" })
    assert.same({ 401, "fail" }, { status, answer.status })
    assert.equal(401, status_of("nonsense", nil, "other"))
    assert.equal(404, status_of("nonsense", nil, key(support.array {})))
    answer = box:call("get_client")
    assert.matches('did you mean "get_clients"', answer.message, 1, true)
    for _, path in ipairs { "/api/", "/api/sandbox", "/api/sandbox/", "/api//get_clients", "/api" } do
      local reply = require("mavilua.http").request { url = box.url .. path }
      assert.is_true(reply.status == 401 or reply.status == 404, path)
    end
  end)

  it("can have a name, and end", function()
    assert.equal("my-key_1.2", key({ "R" }, "my-key_1.2"))
    assert.equal(200, status_of("get_clients", nil, "my-key_1.2"))
    assert.equal(409, (select(2, box:control("POST", "keys", { permissions = { "R" }, key = "my-key_1.2" }))))
    assert.equal(200, (select(2, box:control("DELETE", "keys?key=my-key_1.2"))))
    assert.equal(401, status_of("get_clients", nil, "my-key_1.2"))
    assert.equal(404, (select(2, box:control("DELETE", "keys?key=my-key_1.2"))))
    assert.equal(400, (select(2, box:control("DELETE", "keys"))))
  end)

  it("are refused when wrong", function()
    for _, wrong in ipairs { {}, { permissions = "R" }, { permissions = { "Q" } }, { permissions = { 1 } },
      { permissions = { "R" }, key = "" }, { permissions = { "R" }, key = "a/b" },
      { permissions = { "R" }, key = ".." }, { permissions = { "R" }, key = 5 },
      { permissions = { "R" }, key = ("x"):rep(101) }, { permissions = { "R" }, key = "a\0b" } } do
      assert.equal(400, (select(2, box:control("POST", "keys", wrong))))
    end
    assert.equal(1, #box:control("GET", "keys").keys)
  end)
end)
