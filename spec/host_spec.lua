local stand_in = require "spec.support.host"

local function refused(fn, expected)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  assert.truthy(tostring(message):find("host_spec.lua:%d+: "), message)
  assert.truthy(message:find(expected, 1, true), message)
end

local function nothing() end

describe("the handler of a webhook", function()
  local host, state, ran

  local function note(name)
    return function() ran[#ran + 1] = name end
  end

  before_each(function()
    host, state = stand_in.new()
    ran = {}
  end)

  it("is the first of the event's kind that matches, in order of registration", function()
    host.on("any", note "any")
    host.on("message", { text = "/start" }, note "start")
    host.on("message", note "message")
    host.on("message", { text = "/help" }, note "never")
    state.message "/start"
    state.message "/help"
    assert.same({ "start", "message" }, ran)
  end)

  it("is an `any` when no other took it", function()
    host.on("message", { text = "a" }, note "a")
    host.on("any", { text = "b" }, note "b")
    host.on("any", note "any")
    state.message "b"
    state.message "c"
    assert.same({ "b", "any" }, ran)
  end)

  it("of messages never sees what the bot sent, nor what the platform reports", function()
    host.on("message", note "message")
    assert.equal("done", state.message("hi", { is_input = 0 }))
    state.message "crm_state_changed Shop:Paid"
    state.message "new_chat_member"
    assert.same({}, ran)
    assert.is_nil(state.handler)
  end)

  it("has a name that tells kind, match and place", function()
    host.on("message", { text = "/start" }, nothing)
    for _ = 1, 2 do host.on("sent", nothing) end
    host.on("any", nothing, { name = "mine" })
    local names = {}
    for i, handler in ipairs(state.definitions().handlers) do names[i] = handler.name end
    assert.truthy(names[1]:find("^message:/start@host_spec.lua:%d+$"))
    assert.truthy(names[2]:find("^sent@host_spec.lua:%d+$"))
    assert.equal(names[2] .. "#2", names[3])
    assert.equal("mine", names[4])
  end)

  it("hands its policy to the host", function()
    host.on("message", nothing, { attempts = 3, max_age = "2m", on_fail = "park", timeout = 5 })
    state.message "x"
    assert.same({ attempts = 3, max_age = 120, on_fail = "park", timeout = 5 }, state.policy)
    assert.equal(5, state.timeout)
  end)

  it("may ask for another attempt, refuse, or give up", function()
    host.on("message", { text = "r" }, function() return host.retry("1m", "later") end)
    host.on("message", { text = "c" }, function() return host.cancel "no" end)
    host.on("message", { text = "d" }, function() return host.dead() end)
    assert.same({ "retry", 60, "later" }, { state.message "r" })
    assert.same({ "cancelled", "no" }, { state.message "c" })
    assert.same({ "dead" }, { state.message "d" })
    assert.truthy(tostring(host.retry(1)):find "return it from the handler")
  end)
end)

describe("hooks, jobs and schedules", function()
  local host, state
  before_each(function() host, state = stand_in.new() end)

  it("get what they are called with", function()
    local seen = {}
    host.job("j", function(args, e) seen.job = { args.n, e.name, e.attempt } end)
    host.every("1m", { name = "s" }, function(m) seen.moment = { m.planned, m.name } end)
    host.hook("h", function(r) return { status = 201, json = r.json } end)
    state.run { id = 1, attempt = 2, source = "job", name = "j", json = { n = 5 } }
    state.run { id = 2, attempt = 1, source = "schedule", name = "s", due_at = 60 }
    assert.same({ job = { 5, "j", 2 }, moment = { 60, "s" } }, seen)
    assert.same({ "done", { status = 201, json = { 1 } } },
      { state.run { source = "hook", name = "h", body = "[1]", json = { 1 } } })
    assert.equal("hook:h", state.handler)
  end)

  it("fail when no script has them any more", function()
    assert.truthy(state.run({ source = "job", name = "gone" }):find "no script registers the job 'gone'")
  end)

  it("are defined as data", function()
    host.cron("0 9 * * *", { timezone = "Europe/Oslo" }, nothing)
    host.every(90, nothing)
    host.hook("h", { secret = "s", key = "a.b", dedupe = "body" }, nothing)
    local all = state.definitions()
    assert.same({ "host_spec.lua 0 9 * * *", "cron", "Europe/Oslo" },
      { all.schedules[1].name, all.schedules[1].kind, all.schedules[1].timezone })
    assert.same({ "every", "90" }, { all.schedules[2].kind, all.schedules[2].expression })
    assert.same({ "h", "s", "a.b", "body" },
      { all.hooks[1].name, all.hooks[1].secret, all.hooks[1].key, all.hooks[1].dedupe })
    assert.truthy(all.hooks[1].file:find "host_spec.lua$")
  end)
end)

describe("inside a handler", function()
  local host, state
  before_each(function() host, state = stand_in.new() end)

  local function within(fn)
    host.on("message", fn)
    return state.message "x"
  end

  it("values are kept, counted and removed", function()
    within(function()
      host.kv.set("a", { 1 }, "1h")
      assert.equal(1, host.kv.incr "n")
      assert.equal(3, host.kv.incr("n", 2))
      host.kv.set(5, "five")
      host.kv.delete "a"
    end)
    assert.same({ n = 3, ["5"] = "five" }, state.store)
    assert.same(3600, state.ttl or 3600)
  end)

  it("keys are ids of 64 bits, or texts", function()
    within(function()
      for _, id in ipairs { -1001234567890123, 9007199254740993, math.maxinteger, math.mininteger } do
        host.kv.set(id, 1)
        assert.equal(1, state.store[tostring(id)])
      end
      host.kv.set(5.0, 1)
      assert.equal(1, state.store["5"])
      refused(function() host.kv.set(2.0 ^ 53, 1) end, "a whole number")
    end)
  end)

  it("a count that would leave 64 bits is refused", function()
    local _, problem
    within(function()
      host.kv.set("n", math.maxinteger)
      _, problem = pcall(host.kv.incr, "n")
    end)
    assert.truthy(problem:find("'n' would leave 64 bits", 1, true))
    assert.equal(math.maxinteger, state.store.n)
  end)

  it("jobs are started by name", function()
    host.job("follow_up", nothing)
    within(function() host.after("2h", "follow_up", { a = 1 }, { key = 7, id = "x" }) end)
    assert.same({ n = 6, "follow_up", { a = 1 }, 1700000000000 + 7200000, "7", "x", true }, state.job)
  end)

  it("once runs once and keeps all results", function()
    local count = 0
    local got = {}
    within(function()
      for i = 1, 2 do
        got[i] = table.pack(host.once("k", function() count = count + 1 return 1, nil, 3 end))
      end
    end)
    assert.equal(1, count)
    assert.same({ n = 3, 1, nil, 3 }, got[1])
    assert.same(got[1], got[2])
  end)

  it("the event is at hand", function()
    local event
    within(function(e) event = e == host.event() end)
    assert.is_true(event)
  end)

  it("misuse is told where it happened", function()
    host.job("follow_up", nothing)
    local cases = {
      [function() host.on("message", nothing) end] = "host.on belongs to the top of the script",
      [function() host.after(1, "folow_up") end] = 'no job named "folow_up"; did you mean "follow_up"?',
      [function() host.after("soon", "follow_up") end] = 'such as "90s"',
      [function() host.after(1, "follow_up", nil, { ky = 1 }) end] = 'did you mean "key"?',
      [function() host.at("tomorrow", "follow_up") end] = "unix seconds",
      [function() host.kv.set("a", nil) end] = "host.kv.delete removes a key",
      [function() host.kv.set("a", 1, 0) end] = "ttl must be above 0",
      [function() host.after(1e15, "follow_up") end] = "a hundred years",
      [function() host.kv.get "" end] = "a string or a whole number",
      [function() host.kv.get(("k"):rep(600)) end] = "at most 512",
      [function() host.once("k") end] = "must be a function",
      [function() host.retry "soon" end] = "host.retry: the delay",
      [function() host.dead(5) end] = "the reason must be a string",
      [function() host.log.info("a", "b") end] = "the fields must be a table",
    }
    within(function()
      for fn, expected in pairs(cases) do refused(fn, expected) end
    end)
    assert.is_truthy(state.handler)
  end)
end)

describe("while a script is loaded", function()
  local host, state
  before_each(function() host, state = stand_in.new() end)

  it("misuse is told where it happened", function()
    for fn, expected in pairs {
      [function() host.on("mesage", nothing) end] = 'unknown kind "mesage"; did you mean "message"?',
      [function() host.on(5, nothing) end] = "the kind must be a string",
      [function() host.on("message", "x") end] = "the handler must be a function",
      [function() host.on("any", nothing, { attempts = 0 }) end] = "a whole number of 1 or more",
      [function() host.hook("a b", nothing) end] = "letters, digits",
      [function() host.cron("", nothing) end] = "a string that is not empty",
      [function() host.hook("h", { secret = "ab\0cd" }, nothing) end] = "without NUL",
      [function() host.cron("* * * * *", { overlap = "x" }, nothing) end] = "'skip', 'queue'",
      [function() host.every("1s", { timezone = "UTC" }, nothing) end] = 'unknown option "timezone"',
      [function() host.every(0.5, nothing) end] = "at least one second",
      [function() host.kv.get "a" end] = "works inside a handler only",
      [function() host.sleep(1) end] = "works inside a handler only",
      [function() host.job("j", nothing) host.job("j", nothing) end] = "there is a job named 'j' already",
    } do refused(fn, expected) end
  end)

  it("print becomes a line of the log, and what would stop the worker is refused", function()
    state.globals.print("a", nil, 1)
    assert.same({ "info", "a\tnil\t1" }, state.log)
    refused(function() state.globals.os.exit() end, "not available under the host")
    refused(function() state.globals.io.popen "ls" end, "not available under the host")
  end)

  it("what JSON cannot hold is still logged", function()
    host.log.warn("w", { f = nothing, n = 0 / 0, ok = 1 })
    assert.same({ "warn", "w" }, { state.log[1], state.log[2] })
    assert.equal(1, state.log[3].ok)
    assert.equal("string", type(state.log[3].f))
  end)
end)
