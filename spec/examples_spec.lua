-- The examples, run as their first lines say.
local http = require "mavilua.http"
local process = require "spec.support.process"
local sandboxes = require "spec.support.sandbox"

local function words(text)
  return (text:gsub("%s+", " "))
end

describe("examples/shop.lua", function()
  local code, out, err
  setup(function()
    code, out, err = process.run { bin = "sh", "examples/demo.sh", process.bin }
    out = words(out)
  end)

  it("plays its conversation to the end, and loses nothing", function()
    assert.equal(0, code, out .. err)
    assert.matches("events: accepted %d+ done %d+ retried %d+ dead 0 lost 0", out)
  end)

  it("shows what happened: said, ran, answered, moved, fired, paid", function()
    for _, line in ipairs {
      "Ada says hello", "handler ran message:hello@shop.lua", "bot answers Ada: Hello Ada! What may it be?",
      "block answers Chiara: Tea is 12", "made tea", "Ada's order moved to Shop:Confirmed",
      "hook hook hook:payment", "Ada's order moved to Shop:Paid", "bot answers Ada: Thank you, 12 €",
      "schedule fired schedule:remind", "bot answers Bram: Your coffee is still waiting",
      "job ran job:ship", "Ada's order moved to Shop:Shipped", "Bram's order moved to Shop:Confirmed",
    } do assert.truthy(out:find(line, 1, true), line .. "\n" .. out) end
  end)

  it("says things in the order in which they happened", function()
    local at = 0
    for _, line in ipairs { "Ada says yes", "Ada's order moved to Shop:Confirmed", "Ada: Confirmed.",
      "Ada's order moved to Shop:Paid", "Ada: Thank you", "Ada's order moved to Shop:Shipped" } do
      local next_at = out:find(line, at + 1, true)
      assert.truthy(next_at, line .. " is missing or too early\n" .. out)
      at = next_at
    end
  end)
end)

it("examples/shop.lua refuses payments that it cannot take", function()
  local shop = process.start { "serve", "--sandbox", "--sandbox-listen", "127.0.0.1:0", "--listen", "127.0.0.1:0",
    "--admin", "127.0.0.1:0", "--db", process.folder() .. "/shop.db", "examples/shop.lua", lines = 2 }
  finally(function() shop:kill() end)
  local function pay(body)
    return assert(http.post(shop.url .. "/hook/payment?secret=shop-payment-secret", { body = body })).status
  end
  for _, body in ipairs { "{}", "[]", "5", "not JSON", '{"customer":5}' } do assert.equal(400, pay(body), body) end
  assert.equal(409, pay '{"id":1,"customer":{"id":1},"amount":5}')
  assert.equal(409, pay '{"id":2,"customer":{"id":836058546},"amount":5}')
end)

describe("with a sandbox,", function()
  local box, env
  setup(function()
    box = sandboxes.start()
    env = { MAVILUA_BASE_URL = box.url, MAVILUA_API_KEY = "sandbox", TERM = "dumb" }
  end)
  teardown(function() box:stop() end)

  local function example(...)
    return process.run { "run", env = env, ... }
  end

  it("report.lua counts the clients by channel and by city", function()
    local code, out, err = example "examples/report.lua"
    assert.equal(0, code, err)
    out = words(out)
    assert.matches("channel clients Telegram 30 .*total 50", out)
    assert.matches("city clients Oslo 6 .*total 50", out)
  end)

  it("import.lua loads clients with a progress bar, and again without doubling them", function()
    for _ = 1, 2 do
      local code, out, err = example("examples/import.lua", "examples/clients.csv")
      assert.equal(0, code, err)
      assert.equal("5 clients loaded from examples/clients.csv\n", out)
      assert.matches("clients   %[#+%] 5/5", err)
      assert.matches("variables %[#+%] 5/5\n$", err)
    end
    assert.equal(55, #box:call("get_clients", { limit = 500 }).clients)
    local id = box:call("find_client_id_by_phone", { phone = "4791234501" }).client_id
    local variables = box:call("get_variables", { client_id = id })
    assert.same({ "Ingrid", "Oslo" }, { variables.name, variables.city })
  end)

  it("import.lua reads quoted fields, and says what is wrong with a file", function()
    local folder = process.folder()
    local quoted = process.write(folder .. "/quoted.csv", '\239\187\191phone,note\r\n"+47 1, 22","a ""b"", c"\r\n')
    assert.equal(0, (example("examples/import.lua", quoted)))
    local id = box:call("find_client_id_by_phone", { phone = "47122" }).client_id
    assert.equal('a "b", c', box:call("get_variables", { client_id = id }).note)
    local code, _, err = example("examples/import.lua", process.write(folder .. "/bad.csv", "name\nAda\n"))
    assert.equal(69, code)
    assert.matches("bad.csv:2: no phone number", err, 1, true)
    assert.equal(66, (example("examples/import.lua", folder .. "/absent.csv")))
    assert.equal(64, (example "examples/import.lua"))
  end)
end)
