-- The API's document, and the switch of the sandbox that checks its answers by it. That all answers of all
-- specs are as documented is a suite of its own: `make suite-answers`.
local core = require "mavilua.core"
local http = require "mavilua.http"
local mavilua = require "mavilua"
local process = require "spec.support.process"
local sandboxes = require "spec.support.sandbox"

local function document()
  local status, text = process.run { "actions", "--openapi" }
  assert.equal(0, status)
  return assert(core.decode(text))
end

describe("mavilua actions --openapi", function()
  it("has every action with both methods, its parameters and its failures", function()
    local api = document()
    assert.equal("3.1.0", api.openapi)
    for _, action in ipairs(mavilua.actions()) do
      local path = assert(api.paths["/api/{api_key}/" .. action.name], action.name)
      assert.equal(action.method, path["x-client-method"])
      assert.equal(action.permission, path["x-permission"])
      assert.equal(action.retry, path["x-retry"])
      assert.equal(action.name, path[action.method:lower()].operationId)
      for _, method in ipairs { "get", "post" } do
        for _, status in ipairs { "200", "400", "401", "403", "429" } do
          assert.truthy(path[method].responses[status], action.name)
        end
        assert.equal(action.may_miss, path[method].responses["404"] ~= nil)
      end
      local named = {}
      for _, parameter in ipairs(path.get.parameters) do named[parameter.name or 1] = parameter end
      for _, param in ipairs(action.params) do
        assert.equal(param.required, named[param.name].required, action.name)
        assert.truthy(action.bare_array or api.components.schemas[action.name .. "_request"].properties[param.name])
      end
    end
  end)

  it("is of all actions, so it goes without a name", function()
    local status, _, err = process.run { "actions", "get_history", "--openapi" }
    assert.equal(64, status)
    assert.matches("without a name", err, 1, true)
  end)
end)

describe("a sandbox that checks its answers", function()
  local path = process.folder() .. "/answers.jsonl"

  local function entries()
    local list = {}
    for line in process.read(path):gmatch "[^\n]+" do list[#list + 1] = assert(core.decode(line)) end
    return list
  end

  it("writes down a few of each action and status", function()
    local box = sandboxes.start { "--check-answers", path }
    for _ = 1, 20 do box:call("get_orders", { client_id = 836058548 }) end
    box:call("get_orders", { client_id = 1 })
    box:call("get_orders", {})
    box:call("get_order", {})
    box:call("message", { client_id = 836058548, message = "x" })
    assert(http.request { url = box.url .. "/api/sandbox/get_orders", method = "PUT" })
    box:stop()
    local seen = {}
    for _, entry in ipairs(entries()) do
      assert.is_nil(entry.mismatch)
      local key = entry.action .. " " .. entry.status
      seen[key] = (seen[key] or 0) + 1
    end
    assert.same({ ["get_orders 200"] = 5, ["get_orders 400"] = 1, ["get_order 404"] = 1, ["message 200"] = 1 }, seen)
    assert.equal("ok", entries()[#entries()].answer)
  end)

  it("says when it cannot", function()
    local status, _, err = process.run { "sandbox", "--listen", "127.0.0.1:0", "--check-answers", "/nowhere/x" }
    assert.is_true(status ~= 0)
    assert.matches("/nowhere/x: No such file", err, 1, true)
  end)
end)
