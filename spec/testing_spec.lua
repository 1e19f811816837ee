local mavilua = require "mavilua"
local process = require "spec.support.process"
local testing = require "mavilua.testing"

local bot = [[
local mavilua = require "mavilua"
local host = require "mavilua.host"
local bot = mavilua.client {}
local function say(event, text) assert(bot:message { client_id = event.client_id, message = text }) end
host.on("message", { text = "fail" }, function() error "on purpose" end)
host.on("message", { text = "later" }, function(event)
  host.after("90m", "later", { client_id = event.client_id })
  say(event, "at " .. os.date("!%H:%M"))
end)
host.on("message", { text = "two" }, function(event) say(event, "one") say(event, "two") end)
host.on("message", { text = "remember" }, function(event)
  assert(bot:save_variables { client_id = event.client_id, variables = { ["client.seen"] = 1 } })
  assert(bot:create_order { client_id = event.client_id, name = "x" })
end)
host.on("message", { text = "picture" }, function(event)
  assert(bot:message { client_id = event.client_id, message = "look",
    attachment_url = "http://127.0.0.1/p.png", attachment_type = "image" })
end)
host.on("message", function(event) say(event, "you said " .. event.text) end)
host.job("later", function(args) bot:message { client_id = args.client_id, message = os.date("!%H:%M") } end)
host.every("1h", { name = "hourly" }, function() host.log.info("hour " .. os.date "!%H:%M") end)
host.hook("echo", { secret = "the-echo-secret" }, function(request) return { status = 200, json = request.json } end)
]]

local seed = {
  project = { id = 1, name = "Bakery" },
  keys = { { key = "sandbox", permissions = { "R", "W", "X", "CR", "CW" } } },
  channels = { { client_type = 1, group_id = "bakery_bot", name = "Bakery" } },
  funnels = { { name = "Orders", states = { { id = 11, name = "New" }, { id = 12, name = "Baked" } } } },
  clients = { { id = 100, client_type = 1, group_id = "bakery_bot", platform_id = "5001", name = "Ada",
    messages = { { from = "client", text = "long ago", at = 1700000000 } } } },
}

local function refusal(fn, ...)
  local good, problem = pcall(fn, ...)
  assert.is_false(good)
  return tostring(problem)
end

describe("mavilua.testing", function()
  local t
  after_each(function() if t then t:stop() end end)
  local function start(options)
    options = options or {}
    options.source, options.seed = bot, options.seed or seed
    t = testing.start(options)
    return t
  end

  it("plays a conversation", function()
    start()
    local id = t:client_says("Ada", "bread")
    assert.equal("integer", math.type(id))
    assert.equal(100, t:client "Ada")
    t:assert_said("Ada", { "you said bread" })
    assert.same({ "you said bread" }, t:bot_said "Ada")
    assert.same({ "bread", "you said bread" },
      { t:conversation("Ada")[1].text, t:conversation("Ada")[2].text })
    t:client_says(100, "rye")
    t:assert_said(100, "you said rye")
    t:client_says("Eve", "who am I")
    t:assert_said("Eve", testing.pattern "^you said who")
    assert.is_true(t:client "Eve" ~= 100)
  end)

  it("forgets what was said before the start, and keeps what was asserted apart", function()
    start()
    assert.same({}, t:bot_said "Ada")
    t:assert_said("Ada", {})
    t:client_says("Ada", "two")
    t:assert_said("Ada", { "one", "two" })
    t:assert_said("Ada", {})
    assert.same({ "one", "two" }, t:bot_said "Ada")
  end)

  it("writes files as their addresses", function()
    start()
    t:client_says("Ada", "picture")
    t:assert_said("Ada", "look [http://127.0.0.1/p.png]")
    t:client_says("Ada", nil, { attachments = { "http://127.0.0.1/q.png" } })
    local talk = t:conversation "Ada"
    assert.same({ "http://127.0.0.1/q.png" }, talk[3].attachments)
  end)

  it("goes by a clock that stands still", function()
    start { now = "2026-03-01 12:00" }
    assert.equal(1772366400, t:now())
    t:client_says("Ada", "later")
    t:assert_said("Ada", "at 12:00")
    t:advance(5399)
    t:assert_said("Ada", {})
    t:advance(1)
    t:assert_said("Ada", "13:30")
    t:advance "1d"
    local hours = select(2, t:log():gsub("hour %d", ""))
    assert.equal(25, hours)
    assert.equal(1772366400 + 5400 + 86400, t:now())
  end)

  it("sends what was put off, in its turn", function()
    start()
    t.bot:message { client_id = 100, message = "second", time_shift = 7200 }
    t.bot:message { client_id = 100, message = "first", time_shift = 60 }
    t:advance "1h"
    t:assert_said("Ada", "first")
    t:advance "1h"
    t:assert_said("Ada", "second")
  end)

  it("can go by the machine's clock", function()
    start { clock = "real" }
    assert.is_true(math.abs(t:now() - mavilua.time()) < 60)
    t:client_says("Ada", "x")
    t:assert_said("Ada", "you said x")
  end)

  it("tells variables and states of orders", function()
    start()
    assert.is_nil(t:order_state "Ada")
    t:assert_order_state("Ada", nil)
    t:client_says("Ada", "remember")
    assert.same({ "New", 11 }, { t:order_state "Ada" })
    t:assert_order_state("Ada", "New")
    t:assert_order_state("Ada", 11)
    assert.equal(1, t:variables("Ada").seen)
    t:assert_variables("Ada", { seen = 1, unknown = mavilua.null })
    assert.matches("the order of Ada was to be in the state Baked, and is in the state New %(11%)",
      refusal(t.assert_order_state, t, "Ada", "Baked"))
    assert.matches("  name: expected Eda, is Ada\n  seen: expected 2, is 1$",
      refusal(t.assert_variables, t, "Ada", { name = "Eda", seen = 2 }))
  end)

  it("calls hooks", function()
    start()
    assert.same({ a = 1 }, t:hook("echo", { a = 1 }, { secret = "the-echo-secret" }):json())
    assert.equal(404, t:hook("echo", { a = 1 }).status)
    local reply = t:pay_hook("Ada", 5, { hook = "echo", secret = "the-echo-secret" })
    assert.same({ id = "payment-1", customer = { id = 100 }, amount = 5 }, reply:json())
  end)

  it("shows the conversation with the difference", function()
    start()
    t:client_says("Ada", "two")
    t:wait_idle()
    t:client_says("Ada", "bread")
    local problem = refusal(t.assert_said, t, "Ada", { "one", "you said broad", testing.pattern "^x" })
    assert.equal([[the bot did not say to Ada what was expected (= as expected, + said, - not said):

    Ada: two
  = bot: one
  - bot: you said broad
  - bot: matches ^x
  + bot: two
    Ada: bread
  + bot: you said bread]], (problem:gsub("^[^ ]+: ", "")))
    t:client_says("Ada", "bread")
    problem = refusal(t.assert_said, t, "Ada", "you said broad")
    local marked = "\n  - bot: you said broad\n" .. (" "):rep(20) .. "^ differs from here\n  + bot: you said bread"
    assert.truthy(problem:find(marked, 1, true), problem)
  end)

  it("tells which handlers failed", function()
    start()
    t:client_says("Ada", "fail")
    local problem = refusal(t.assert_said, t, "Ada", "sorry")
    assert.matches("event %d+ of message:fail@[^ ]+ failed %(retryable%): .*on purpose", problem)
    assert.equal("retryable", t:failures()[1].state)
    t:advance "2d"
    assert.equal("dead", t:failures()[1].state)
  end)

  it("raises misuse where it is made", function()
    assert.matches("testing_spec.lua:%d+: mavilua.testing.start: takes one of script and source",
      refusal(testing.start, {}))
    assert.matches('unknown option "skript"; did you mean "script"', refusal(testing.start, { skript = "x" }))
    start()
    assert.matches("testing_spec.lua:%d+: advance: takes seconds", refusal(function() t:advance "soon" end))
    for _, look in ipairs { "bot_said", "client", "assert_said", "variables", "assert_order_state", "pay_hook" } do
      local at_spec = "testing_spec.lua:%d+: there is no client named Nobody: nobody of this name has written"
      assert.matches(at_spec, (refusal(function() t[look](t, "Nobody", "x") end)))
    end
  end)

  it("tells what is wrong with script, seed and clock", function()
    assert.matches("bot.lua", refusal(testing.start, { script = "/nowhere/bot.lua" }))
    assert.matches("syntax error", refusal(testing.start, { source = "this is no Lua" }))
    assert.matches("clients%[0%].nme: unknown",
      refusal(testing.start, { source = bot, seed = { clients = { { nme = "x" } } } }))
    assert.matches('"soon" is not a moment', refusal(testing.start, { source = bot, now = "soon" }))
  end)

  it("runs many side by side", function()
    local many = {}
    for i = 1, 4 do many[i] = testing.start { source = bot, seed = seed } end
    for i = 1, 4 do many[i]:client_says("Ada", tostring(i)) end
    for i = 1, 4 do many[i]:assert_said("Ada", "you said " .. i) end
    for i = 1, 4 do many[i]:stop() end
    many[1]:stop()
  end)
end)

if os.getenv "MAVILUA_MODE" == "release" then
  describe("in a plain Lua", function()
    it("says when there is no program to start", function()
      local status, out = process.run { bin = "lua5.4", "-e",
        'print(pcall(require "mavilua.testing".start, { source = "" }))', env = { MAVILUA_BIN = "/nowhere/mavilua" } }
      assert.equal(0, status)
      assert.matches("/nowhere/mavilua did not start (MAVILUA_BIN may name another program):", out, 1, true)
      assert.matches("not found", out, 1, true)
    end)
  end)
end

describe("under mavilua run", function()
  it("host and sandbox are inside the program, and end with it", function()
    local path = process.write(process.folder() .. "/inside.lua", ([[
local testing = require "mavilua.testing"
local t = testing.start { source = %q }
t:client_says("Ada", "bread")
t:assert_said("Ada", "you said bread")
print(package.loaded["mavilua.program"] ~= nil)
]]):format(bot))
    local status, out, err = process.run { "run", path, env = { MAVILUA_BIN = "/nowhere" } }
    assert.equal(0, status, err)
    assert.equal("true\n", out)
  end)

  it("the program cannot be asked for anything else", function()
    local path = process.write(process.folder() .. "/ask.lua", [[
local ask = require "mavilua.program"
print(ask("stop", { id = 5 }))
print(ask("start", {}))
print(ask("explode", {}))
print(pcall(ask))
]])
    local _, out = process.run { "run", path }
    assert.equal("nil\tit has been stopped already\nnil\tstart takes script, db and log\n"
      .. "nil\tthe program cannot explode\n"
      .. "false\tbad argument #1 to 'mavilua.program' (string expected, got no value)\n", out)
  end)
end)
