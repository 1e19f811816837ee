local mavilua = require "mavilua"
local core = require "mavilua.core"

-- A platform with one client and its current order; `before(action)` may move the order behind our back.
local function platform(state, options)
  options = options or {}
  local crm = { state = state, order = 40632, calls = {}, sequence = { 36, 37, 38, 39 } }
  local answers = {}
  function answers.get_order_state() return { status = "success", state_id = crm.state } end
  function answers.get_current_order_id() return { status = "success", order_id = crm.order } end
  function answers.set_order_state(params)
    crm.state = tonumber(params.state_id)
    return { status = "success" }
  end
  function answers.move_order_to_next_state()
    for i, id in ipairs(crm.sequence) do
      if id == crm.state then
        crm.state = crm.sequence[i + 1] or id
        break
      end
    end
    if options.lose_reply then return nil, { kind = "timeout", message = "late", sent = true } end
    return { status = "success", state_id = crm.state }
  end
  local function transport(request)
    crm.calls[#crm.calls + 1] = request.action
    if options.before then options.before(request.action, crm) end
    local answer, err = answers[request.action](request.body and core.decode(request.body) or {})
    if not answer then return nil, err end
    return { status = 200, body = core.encode(answer) }
  end
  return mavilua.client { api_key = "key-of-spec", transport = transport, retries = 0 }, crm
end

local STATES = { new = 36, confirmed = 37, paid = 38, lost = 39 }
local LIST = { { name = "new", id = 36 }, { name = "confirmed", id = "37" }, { "paid", 38 }, { "lost", 39 } }
local TRANSITIONS = { new = { "confirmed", "lost" }, confirmed = { "paid", "lost" } }

local function shop_of(bot, options)
  local whole = { bot = bot, states = STATES, transitions = TRANSITIONS }
  for name, value in pairs(options or {}) do whole[name] = value end
  return mavilua.pipeline(whole)
end

local function raises(fn)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  assert.matches("^[^\n]*pipeline_spec.lua:%d+: ", message)
  return message
end

describe("pipeline: making one", function()
  it("refuses what cannot be right, at the caller's line", function()
    local bot = platform(36)
    local wrong = {
      { 'unknown option "transition"; did you mean "transitions"', { transition = {} } },
      { "needs states", { states = {} } },
      { 'unknown state "confirmd"; did you mean "confirmed"', { transitions = { new = { "confirmd" } } } },
      { "transitions.new takes a list of names", { transitions = { new = 5 } } },
      { 'guard: unknown state "payd"; did you mean "paid"', { guard = { payd = print } } },
      { "guard.paid takes a function", { guard = { paid = true } } },
      { 'unknown option "entr"; did you mean "enter"', { on = { entr = {} } } },
      { "is there twice", { states = { new = 36, old = 36 }, transitions = {} } },
      { "got new = abc", { states = { new = "abc" } } },
    }
    for _, case in ipairs(wrong) do
      assert.matches(case[1], raises(function() shop_of(bot, case[2]) end), 1, true)
    end
    assert.matches("needs bot", raises(function() mavilua.pipeline { states = STATES } end))
  end)

  it("translates names and numbers", function()
    local shop = shop_of(platform(36), { states = LIST })
    assert.equal(36, shop:id("new"))
    assert.equal("confirmed", shop:name(37))
    assert.equal("confirmed", shop:name("37"))
    assert.is_nil(shop:name(99))
    assert.matches('did you mean "new"', raises(function() shop:id("nwe") end), 1, true)
  end)
end)

describe("pipeline: reading", function()
  it("tells the state by name", function()
    local bot = platform(37)
    local name, id = shop_of(bot):state(1)
    assert.same({ "confirmed", 37 }, { name, id })
  end)

  it("tells a state that it does not name", function()
    local name, err = shop_of((platform(99))):state(1)
    assert.is_nil(name)
    assert.equal("state", err.kind)
    assert.equal(99, err.state_id)
  end)

  it("tells which moves are allowed, and all of them without transitions", function()
    local shop = shop_of((platform(36)))
    assert.same({ "confirmed", "lost" }, shop:allowed("new"))
    assert.same({}, shop:allowed("paid"))
    local free = mavilua.pipeline { bot = platform(36), states = LIST }
    assert.same({ "new", "paid", "lost" }, free:allowed("confirmed"))
  end)

  it("tells whether an order may move", function()
    local shop = shop_of((platform(36)), { guard = { lost = function() return false, "not today" end } })
    assert.is_true(shop:can(1, "confirmed"))
    assert.is_true(shop:can(1, "new"))
    local ok, why = shop:can(1, "paid")
    assert.is_false(ok)
    assert.equal("transition", why.kind)
    ok, why = shop:can(1, "lost")
    assert.is_false(ok)
    assert.matches("not today", why.message)
  end)
end)

describe("pipeline: move", function()
  it("moves, and reads back", function()
    local bot, crm = platform(36)
    local moved = assert(shop_of(bot):move(1, "confirmed"))
    assert.same({ from = "new", to = "confirmed", changed = true }, moved)
    assert.equal(37, crm.state)
    assert.same({ "get_order_state", "set_order_state", "get_order_state" }, crm.calls)
  end)

  it("does nothing and succeeds where the order is there already", function()
    local bot, crm = platform(37)
    local moved = assert(shop_of(bot):move(1, "confirmed"))
    assert.is_false(moved.changed)
    assert.same({ "get_order_state" }, crm.calls)
  end)

  it("refuses what is not allowed and lists what is", function()
    local bot, crm = platform(36)
    local moved, err = shop_of(bot):move(1, "paid")
    assert.is_nil(moved)
    assert.equal("transition", err.kind)
    assert.same({ "confirmed", "lost" }, err.allowed)
    assert.matches('cannot go from "new" to "paid"; from "new" it can go to "confirmed", "lost"',
      tostring(err), 1, true)
    assert.equal(36, crm.state)
    crm.state = 38
    moved, err = shop_of(bot):move(1, "new")
    assert.is_nil(moved)
    assert.matches("can go to nowhere", err.message, 1, true)
  end)

  it("asks the guard of the state to be entered", function()
    local bot, crm = platform(36)
    local got
    local shop = shop_of(bot, { guard = { confirmed = function(ctx)
      got = ctx
      return ctx.data.ok, "not yet"
    end } })
    local _, err = shop:move(5, "confirmed", { data = { ok = false } })
    assert.equal("guard", err.kind)
    assert.matches("not yet", err.message)
    assert.equal(36, crm.state)
    assert.same({ 5, "new", "confirmed", bot }, { got.client_id, got.from, got.to, got.bot })
    assert(shop:move(5, "confirmed", { data = { ok = true } }))
    assert.equal(37, crm.state)
  end)

  it("runs hooks after a move that happened, leave first, and not otherwise", function()
    local bot = platform(36)
    local ran = {}
    local function note(what)
      return function(ctx) ran[#ran + 1] = what .. ":" .. ctx.from .. ">" .. ctx.to end
    end
    local on = { enter = { confirmed = note "enter" }, leave = { new = note "leave" } }
    local shop = shop_of(bot, { on = on })
    assert(shop:move(1, "confirmed"))
    assert(shop:move(1, "confirmed"))
    assert.same({ "leave:new>confirmed", "enter:new>confirmed" }, ran)
  end)

  it("notices that somebody moved the order while the guard thought", function()
    local bot, crm = platform(36)
    local shop = shop_of(bot, { guard = { confirmed = function()
      crm.state = 39
      return true
    end } })
    local _, err = shop:move(1, "confirmed")
    assert.equal("conflict", err.kind)
    assert.equal("lost", err.state)
    assert.is_true(err.retryable)
    assert.equal(39, crm.state)
  end)

  it("succeeds without a change when somebody did the same while the guard thought", function()
    local bot, crm = platform(36)
    local shop = shop_of(bot, { guard = { confirmed = function()
      crm.state = 37
      return true
    end } })
    assert.is_false(assert(shop:move(1, "confirmed")).changed)
  end)

  it("notices that somebody moved the order right after", function()
    local reads = 0
    local bot = platform(36, { before = function(action, crm)
      if action == "get_order_state" then reads = reads + 1 end
      if reads == 2 then crm.state = 39 end
    end })
    local _, err = shop_of(bot):move(1, "confirmed")
    assert.equal("conflict", err.kind)
  end)

  it("does not read back when told not to", function()
    local bot, crm = platform(36)
    assert(shop_of(bot):move(1, "confirmed", { verify = false }))
    assert.same({ "get_order_state", "set_order_state" }, crm.calls)
  end)

  it("moves the client's current order only", function()
    local bot, crm = platform(36)
    local shop = shop_of(bot)
    local _, err = shop:move(1, "confirmed", { order_id = 7 })
    assert.equal("conflict", err.kind)
    assert.matches("order 7 is not the current order of client 1, which is 40632", err.message, 1, true)
    assert.equal(36, crm.state)
    assert(shop:move(1, "confirmed", { order_id = "40632" }))
  end)

  it("gives failures of calls as they are", function()
    local bot = mavilua.client { api_key = "key-of-spec", transport = function()
      return { status = 200, body = '{"status":"order not found"}' }
    end }
    local _, err = shop_of(bot):move(1, "confirmed")
    assert.equal("api", err.kind)
    assert.equal("get_order_state", err.action)
  end)

  it("raises for an unknown state, at the caller's line", function()
    local bot, crm = platform(36)
    local shop = shop_of(bot)
    assert.matches('unknown state "confirmd"; did you mean "confirmed"', raises(function()
      shop:move(1, "confirmd")
    end), 1, true)
    assert.matches('unknown option "order"', raises(function()
      shop:move(1, "paid", { order = 1 })
    end), 1, true)
    assert.same({}, crm.calls)
  end)
end)

describe("pipeline: next", function()
  it("moves to the following state of the list", function()
    local bot, crm = platform(36)
    local shop = shop_of(bot, { states = LIST })
    assert.same({ from = "new", to = "confirmed", changed = true }, (shop:next(1)))
    assert.equal(37, crm.state)
  end)

  it("stays in the last state", function()
    local bot, crm = platform(39)
    local shop = shop_of(bot, { states = LIST })
    assert.is_false(assert(shop:next(1)).changed)
    assert.same({ "get_order_state" }, crm.calls)
  end)

  it("keeps to transitions and guards", function()
    local bot, crm = platform(38)
    local shop = shop_of(bot, { states = LIST, guard = { confirmed = function() return false end } })
    local _, err = shop:next(1)
    assert.equal("transition", err.kind)
    crm.state = 36
    _, err = shop:next(1)
    assert.equal("guard", err.kind)
    assert.equal(36, crm.state)
  end)

  it("takes the only transition where states have no order, and asks for one else", function()
    local bot, crm = platform(37)
    local shop = shop_of(bot, { transitions = { confirmed = { "paid" }, new = { "confirmed", "lost" } } })
    assert(shop:next(1))
    assert.equal(38, crm.state)
    crm.state = 36
    assert.matches("give states as a list", raises(function() shop:next(1) end))
  end)

  it("looks at the order when the reply is lost", function()
    local bot, crm = platform(36, { lose_reply = true })
    local shop = shop_of(bot, { states = LIST })
    assert(shop:next(1))
    assert.equal(37, crm.state)
    assert.same({ "get_order_state", "move_order_to_next_state", "get_order_state", "get_order_state" },
      crm.calls)
  end)

  it("tells a conflict when the platform's funnel goes another way", function()
    local bot, crm = platform(36)
    crm.sequence = { 36, 39 }
    local _, err = shop_of(bot, { states = LIST }):next(1)
    assert.equal("conflict", err.kind)
  end)
end)
