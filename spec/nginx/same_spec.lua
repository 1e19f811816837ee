-- One bot file, byte for byte, in the three places where a bot can run, against one sandbox each.
-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local sandbox = require "spec.support.sandbox"
local support = require "spec.support.bot"

local FILE = "examples/orders.lua"
local webhook = "/webhook/" .. support.secret
local platform_ids = { "777000001", "777000002" }

-- Who says what, in turn.
local talk = {
  { 1, "hello" }, { 2, "Hi" }, { 1, "order tea" }, { 2, "yes" }, { 2, "order cake" }, { 1, "order honey" },
  { 2, "Order coffee" }, { 1, "yes" }, { 2, "something else" }, { 2, "yes" }, { 1, "yes" },
}

-- The conversation as the webhooks that the platform would send.
local function bodies_of(clients)
  local bodies = {}
  for i, line in ipairs(talk) do bodies[i] = support.message(1000 + i, clients[line[1]], line[2]) end
  return bodies
end

local started = {} -- what after_each stops

-- By place: runs the conversation with the bot's file and comes back when all of it is handled.
local places = {}

places["mavilua run"] = function(box, bodies)
  local status, out, err = process.run { "run", FILE, stdin = table.concat(bodies, "\n") .. "\n",
    env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = box.url } }
  assert.equal(0, status, err)
  assert.equal("", out)
end

places["mavilua serve"] = function(box, bodies)
  local bot = support.new("", { env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = box.url } })
  bot.path = FILE
  bot:start()
  for _, body in ipairs(bodies) do
    assert.equal(200, assert(bot:post(webhook, body)).status)
    bot:await_summary("idle", true)
  end
  assert.equal(0, bot:ask("/api/summary").retried)
  bot:stop()
end

places.nginx = function(box, bodies)
  local front = nginx.start_bot(FILE, box.url, { secret = support.secret, key = "sandbox" })
  started[#started + 1] = front
  for _, body in ipairs(bodies) do
    assert.equal(200, (front:request(webhook, { body = body })), front:logs())
  end
end

-- What the sandbox has and saw in the end.
local function results(box, clients)
  local calls, states, talks, variables = {}, {}, {}, {}
  for _, entry in ipairs(box:control("GET", "journal?kind=api&limit=10000").entries) do
    if entry.action ~= "load_clients" then
      calls[#calls + 1] = { entry.action, entry.params, entry.status, entry.answer }
    end
  end
  for i, client in ipairs(clients) do
    states[i] = box:call("get_order_state", { client_id = client })
    talks[i] = box:talk(client)
    variables[i] = box:call("get_variables", { client_id = client })
  end
  return { calls = calls, states = states, talks = talks, variables = variables }
end

local function run_in(name)
  local box = sandbox.start { "--clock", "2026-01-05 09:00" }
  started[#started + 1] = box
  local clients = {}
  for i, id in ipairs(platform_ids) do clients[i] = box:client(id) end
  places[name](box, bodies_of(clients))
  return results(box, clients)
end

describe("one bot file", function()
  local expected

  after_each(function()
    while #started > 0 do table.remove(started):stop() end
    support.cleanup()
  end)

  it("takes orders in `mavilua run`", function()
    expected = run_in "mavilua run"
    assert.equal(1002, expected.states[1].state_id)
    assert.equal(1002, expected.states[2].state_id)
    assert.is_true(#expected.calls > 15)
    assert.equal("< There is nothing to confirm.", expected.talks[2][2])
  end)

  for _, name in ipairs { "mavilua serve", "nginx" } do
    it("does the same in " .. name, function()
      expected = expected or run_in "mavilua run"
      local actual = run_in(name)
      for _, part in ipairs { "talks", "states", "variables", "calls" } do assert.same(expected[part], actual[part]) end
    end)
  end
end)
