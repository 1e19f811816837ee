-- The whole from the outside: a value's way through module, sandbox, webhook, handler and back.
local cjson = require "cjson"
local mavilua = require "mavilua"
local bots = require "spec.support.bot"
local numbers = require "spec.support.numbers"
local process = require "spec.support.process"
local sandboxes = require "spec.support.sandbox"

local ids = { "-1001234567890123", "22563045582", "9007199254740993", "9223372036854775807" }
local OSLO_CLIENT = 836058548 -- of the built-in seed

-- Values as handlers and callers see them, in one text: integers without a point, strings quoted.
local exact = mavilua.encode

describe("against a sandbox", function()
  local box, bot, env
  setup(function()
    box = sandboxes.start()
    env = { MAVILUA_BASE_URL = box.url, MAVILUA_API_KEY = "sandbox" }
    bot = mavilua.client { base_url = box.url, api_key = "sandbox" }
  end)
  teardown(function() box:stop() end)

  it("the README's call prints JSON", function()
    local code, out, err = process.run { "call", "find_clients", '{"q":{"city":"Oslo"}}', env = env }
    assert.equal(0, code, err)
    assert.equal(OSLO_CLIENT, cjson.decode(out).client_ids[1])
  end)

  it("every action says in one line what is wrong with a parameter, and where", function()
    local rows = mavilua.actions()
    for _, row in ipairs(rows) do
      local ok, message = pcall(function()
        return bot[row.name](bot, { ["wrong\nname"] = { 1 } })
      end)
      assert.is_false(ok, row.name)
      assert.matches("^[^\n]*acceptance_spec%.lua:%d+: " .. row.name .. ": [^\n]+$", message)
    end
    assert.equal(43, #rows)
  end)

  for _, id in ipairs(ids) do
    it("keeps " .. id .. " in ids and variables", function()
      local number = numbers.value(id)
      local order = assert(bot:create_order { client_id = OSLO_CLIENT }).order_id
      assert(bot:set_order_vars {
        client_id = OSLO_CLIENT, order_id = order, variables = { n = number, s = id, deep = { { number } } },
      })
      local kept = assert(bot:get_order_vars { client_id = OSLO_CLIENT, order_id = order }).result
      assert.same({ number, id, number }, { kept.n, kept.s, kept.deep[1][1] })
      assert(bot:save_variables { client_id = OSLO_CLIENT, variables = { ["client.big"] = number } })
      assert.equal(OSLO_CLIENT, assert(bot:find_client_id_by_var { var = "big", val = number }).client_id)
      local loaded = assert(bot:load_clients {
        { platform_id = number, group_id = id, client_type = 1 },
      }).items[1]
      assert.same({ number, id }, { loaded.platform_id, loaded.group_id })
      local _, err = bot:get_history { client_id = number }
      assert.equal("client_not_found", err.code)
    end)
  end

  it("empty arrays and objects, nulls and a hundred levels come back as they went", function()
    local deep = "x"
    for _ = 1, 100 do deep = { deep } end
    assert(bot:save_variables {
      client_id = OSLO_CLIENT,
      variables = {
        ["client.array"] = mavilua.array {}, ["client.object"] = {}, ["client.levels"] = deep,
        ["client.list"] = { 1, mavilua.null, 2 },
      },
    })
    local kept = assert(bot:get_variables { client_id = OSLO_CLIENT })
    assert.same({ "[]", "{}", "[1,null,2]" }, { exact(kept.array), exact(kept.object), exact(kept.list) })
    assert.equal(exact(deep), exact(kept.levels))
  end)

  it("texts that are not UTF-8 are refused before they are sent", function()
    for _, text in ipairs { "\255", "\237\160\128" } do
      local ok, message = pcall(bot.message, bot, { client_id = OSLO_CLIENT, message = text })
      assert.is_false(ok)
      assert.matches("not UTF%-8", message)
    end
  end)

  it("tables pass between the module and lua-cjson", function()
    local query = cjson.decode '{"q":{"city":{"_in":["Oslo","Bergen"]}}}'
    local found = assert(bot:find_clients(query))
    assert.equal(OSLO_CLIENT, cjson.decode(cjson.encode(found)).client_ids[1])
    assert.equal(cjson.null, mavilua.null)
    assert(bot:save_variables { client_id = OSLO_CLIENT, variables = cjson.decode '{"client.shop":25554}' })
    assert.equal("25554", exact(assert(bot:get_variables { client_id = OSLO_CLIENT }).shop))
  end)
end)

describe("a webhook's values", function()
  local bot
  teardown(function() bots.cleanup() end)
  setup(function()
    bot = bots.start [[
      local mavilua = require "mavilua"
      local exact = mavilua.encode
      host.job("later", function(args, job) trace("job", exact(args.id), exact(args.list), job.key) end)
      host.on("any", function(event)
        local id = event.client_id
        host.kv.set(id, { id, {}, mavilua.array {}, mavilua.null })
        local once = host.once("once:" .. id, function() return { id } end)
        local again = host.once("once:" .. id, function() return "ran twice" end)
        host.after(0, "later", { id = id, list = { id } }, { key = id })
        trace("event", exact(id), exact(event.raw.x), exact(host.kv.get(id)), exact(once), exact(again))
      end)
      host.hook("echo", function(request) return { json = { got = request.json } } end)
    ]]
  end)

  local function post(body)
    return assert(bot:post("/webhook/" .. bots.secret, body)).status
  end

  for n, id in ipairs(ids) do
    it("reach handlers, storage and jobs digit for digit: " .. id, function()
      assert.equal(200, post(('{"id":%d,"client":{"id":%s},"message":"x","is_input":1,"x":[%s]}'):format(n, id, id)))
      bot:await(("event %s [%s] [%s,{},[],null] [%s] [%s]"):format(id, id, id, id, id))
      bot:await(("job %s [%s] %s"):format(id, id, id))
    end)
  end

  it("are refused with the place where they are no JSON, and nothing else is", function()
    local begin = '{"id":90,"client":{"id":1},"is_input":1,"message":'
    for _, body in ipairs { "", "[]", "null", "{", begin .. '"\255"}',
      begin .. ("["):rep(200) .. ("]"):rep(200) .. "}" } do
      local reply = assert(bot:post("/webhook/" .. bots.secret, body))
      assert.equal(400, reply.status, body)
      assert.matches("the body is not a webhook: ", reply:json().message)
    end
    assert.equal(200, post '{"id":91,"client":{"id":5},"is_input":1,"message":null,"x":[[],{},null]}')
    bot:await "event 5 [[],{},null] [5,{},[],null] [5] [5]"
    local deep = ("["):rep(100) .. ("]"):rep(100)
    assert.equal(200, post('{"id":92,"client":{"id":6},"is_input":1,"message":"x","x":' .. deep .. "}"))
    assert.equal(200, post '{"id":93,"client":{"id":7},"is_input":1,"message":"x","x":["\\ud800"]}')
    bot:await 'event 7 ["\239\191\189"] [7,{},[],null] [7] [7]'
    bot:await("event 6 " .. deep .. " [6,{},[],null] [6] [6]")
  end)

  it("go through a hook and its reply", function()
    for _, body in ipairs { "[]", "{}", "null", "5", "[1,null,{}]", '"x"', ("["):rep(100) .. ("]"):rep(100),
      "[-1001234567890123,22563045582,9007199254740993,9223372036854775807]" } do
      assert.equal('{"got":' .. body .. "}", assert(bot:post("/hook/echo", body)).body)
    end
    assert.equal('{"got":"\239\191\189"}', assert(bot:post("/hook/echo", '"\\ud800"')).body)
    for _, body in ipairs { "", "\255", "[" } do
      assert.equal("{}", assert(bot:post("/hook/echo", body)).body)
    end
  end)
end)
