local process = require "spec.support.process"
local sandbox = require "spec.support.sandbox"
local stand_in = require "spec.support.host"
local support = require "spec.support.bot"

describe("reconciliation", function()
  local box
  before_each(function() box = sandbox.start() end)
  after_each(function()
    support.cleanup()
    box:stop()
  end)

  local head = [[
    local bot = require("mavilua").client { rate = RATE }
    host.on("message", function(event)
      trace(event.client_id, event.text, event.raw.reconciled or false, event.attempt)
    end)
  ]]

  local function send_to(bot)
    local _, status = box:control("POST", "settings", { webhook_url = bot.url .. "/webhook/" .. support.secret })
    assert.equal(200, status)
  end

  local function new_bot(script, rate)
    local bot = support.new((head .. script):gsub("RATE", tostring(rate or 1000)), {
      env = { MAVILUA_BASE_URL = box.url, MAVILUA_API_KEY = "sandbox" },
    })
    bot:start()
    send_to(bot)
    return bot
  end

  local function restart(bot)
    bot:start()
    send_to(bot)
  end

  local function clients(count)
    local ids = {}
    for i = 1, count do ids[i] = box:client("reconcile-" .. i) end
    return ids
  end

  -- Each client says the numbers from `first` to `last`.
  local function write(ids, first, last)
    for n = first, last do
      for _, id in ipairs(ids) do box:says(id, tostring(n)) end
    end
  end

  -- First runs of a client: the numbers in the order in which they came, and how often each ran.
  local function runs(bot, id)
    local order, count = {}, {}
    for _, line in ipairs(bot:lines()) do
      local client, n = line:match("^(%d+) (%d+) ")
      if tonumber(client) == id then
        n = tonumber(n)
        if not count[n] then order[#order + 1] = n end
        count[n] = (count[n] or 0) + 1
      end
    end
    return order, count
  end

  local function numbers(first, last)
    local list = {}
    for n = first, last do list[#list + 1] = n end
    return list
  end

  local function await_runs(bot, ids, last)
    process.await(function()
      for _, id in ipairs(ids) do
        if #runs(bot, id) < last then return false end
      end
      return true
    end, "all messages up to " .. last, 60)
  end

  -- A walk that was started is over, and so is all that it fed.
  local function await_walk(bot)
    process.await(function()
      local summary = bot:ask("/api/summary")
      return bot.process:log():find("host%.reconcile: done") and summary.waiting == 0 and summary.running == 0
    end, "the end of the walk", 60)
  end

  local function check_once(bot, ids, last)
    for _, id in ipairs(ids) do
      local order, count = runs(bot, id)
      assert.same(numbers(1, last), order)
      for n = 1, last do assert.equal(1, count[n], ("client %d: %d"):format(id, n)) end
    end
  end

  it("brings by itself what was written while the host was killed, once and in order", function()
    local ids = clients(6)
    local bot = new_bot [[host.reconcile { bot = bot }]]
    write(ids, 1, 3)
    await_runs(bot, ids, 3)
    bot:await_summary("running", 0) -- what has run and is not committed yet would run again
    bot:kill()
    write(ids, 4, 8)
    local stranger = box:client("reconcile-new")
    write({ stranger }, 1, 8)
    restart(bot)
    await_walk(bot)
    write(ids, 9, 9)
    write({ stranger }, 9, 9)
    ids[#ids + 1] = stranger
    await_runs(bot, ids, 9)
    check_once(bot, ids, 9)
    assert.is_true(bot:has(ids[1] .. " 4 true 1"))
    assert.is_true(bot:has(ids[1] .. " 9 false 1"))
    local list = bot:ask("/api/events?name=host.reconcile").events
    assert.equal(1, #list)
    assert.equal("done", list[1].state)
    bot:stop()
  end)

  it("feeds nothing when nothing is missing, and nothing at the first start", function()
    local ids = clients(2)
    local bot = new_bot [[host.reconcile { bot = bot }]]
    write(ids, 1, 1)
    await_runs(bot, ids, 1)
    assert.equal(0, #bot:ask("/api/events?name=host.reconcile").events)
    bot:stop()
    restart(bot)
    await_walk(bot)
    assert.equal(2, #bot:lines())
    assert.matches('"fed":0', bot.process:log(), 1, true)
    bot:stop()
  end)

  it("goes on after a crash in the middle, over many links", function()
    local ids = clients(40)
    local bot = new_bot([[host.reconcile { bot = bot }]], 60)
    write(ids, 1, 1)
    await_runs(bot, ids, 1)
    bot:kill()
    write(ids, 2, 21)
    restart(bot)
    process.await(function() return bot.process:log():find("host%.reconcile: under way") end, "the first link", 60)
    bot:kill()
    restart(bot)
    await_walk(bot)
    await_runs(bot, ids, 21)
    for _, id in ipairs(ids) do assert.same(numbers(1, 21), (runs(bot, id))) end
    assert.equal(0, bot:ask("/api/summary").dead)
    bot:stop()
  end)

  it("is started by a handler, for some clients, and tells its progress", function()
    local ids = clients(3)
    local bot = new_bot [[
      host.reconcile { bot = bot, automatic = false }
      host.hook("walk", {}, function(request)
        host.reconcile { bot = bot, since = "1h", clients = request.json }
      end)
      host.hook("progress", {}, function() return { json = host.kv.get "host.reconcile" } end)
      host.on("sent", function(event) trace("sent", event.text) end)
    ]]
    box:control("POST", "faults", { { kind = "webhook_drop" } })
    write(ids, 1, 2)
    box:call("message", { client_id = ids[1], message = "hello" })
    box:control("DELETE", "faults")
    bot:post("/hook/walk", ("[%d,%d]"):format(ids[1], ids[3]))
    await_walk(bot)
    await_runs(bot, { ids[1], ids[3] }, 2)
    assert.equal(0, #runs(bot, ids[2]))
    assert.is_false(bot:has "sent hello")
    local progress = bot:post("/hook/progress", "{}"):json()
    assert.equal("done", progress.state)
    assert.equal(4, progress.fed)
    assert.equal(2, progress.walked)
    bot:stop()
  end)

  it("follows by itself when the host had to refuse", function()
    local ids = clients(2)
    local bot = new_bot [[host.reconcile { bot = bot }]]
    write(ids, 1, 1)
    await_runs(bot, ids, 1)
    local lock = assert(io.popen("sqlite3 " .. process.quote(bot.folder .. "/bot.db"), "w"))
    lock:write(".timeout 10000\nBEGIN IMMEDIATE;\n")
    lock:flush()
    local last = 1
    process.await(function() -- until the lock is held, webhooks go through
      last = last + 1
      write(ids, last, last)
      for _, entry in ipairs(box:webhooks(ids[1], last)) do
        if entry.status == 503 then return true end
      end
      return false
    end, "a refusal", 60)
    lock:write("ROLLBACK;\n")
    lock:close()
    await_runs(bot, ids, last)
    await_walk(bot)
    for _, id in ipairs(ids) do
      local _, count = runs(bot, id)
      for n = 1, last do assert.equal(1, count[n]) end
    end
    assert.matches("the host refused webhooks", bot.process:log(), 1, true)
    bot:stop()
  end)

  it("lets a message that is too old for its handler go", function()
    local ids = clients(1)
    local bot = new_bot [[
      host.reconcile { bot = bot, automatic = false }
      host.hook("walk", {}, function() host.reconcile { since = "1h" } end)
      host.on("callback", function() end)
    ]]
    bot:script [[
      local bot = require("mavilua").client()
      host.reconcile { bot = bot, automatic = false }
      host.hook("walk", {}, function() host.reconcile { since = "1h" } end)
      host.on("message", function(event) trace("ran", event.text) end, { max_age = "1s" })
    ]]
    bot:stop()
    write(ids, 1, 1)
    bot:start()
    process.await(function() return require("mavilua.core").time() % 1 < 0.5 end, "a moment")
    require("mavilua.core").sleep(2.1)
    bot:post("/hook/walk", "{}")
    await_walk(bot)
    assert.equal(0, #bot:lines())
    assert.matches("older than max_age", bot:ask("/api/events?state=dead").events[1].reason)
    bot:stop()
  end)
end)

describe("host.reconcile", function()
  local mavilua = require "mavilua"
  local host, state, bot

  before_each(function()
    host, state = stand_in.new()
    bot = mavilua.client { api_key = "k", base_url = "http://127.0.0.1:9" }
  end)

  local function in_handler(options)
    host.on("message", function() host.reconcile(options) end)
    return function() return state.message("hi") end
  end

  local function says(words, fn, ...)
    local ok, problem = pcall(fn, ...)
    assert.is_false(ok)
    assert.matches(words, tostring(problem), 1, true)
  end

  it("says what is wrong with what it is given", function()
    says("bot is missing", host.reconcile, {})
    says("option 'bot' must be a client of mavilua.client, not a table", host.reconcile, { bot = {} })
    says('unknown option "since"', host.reconcile, { bot = bot, since = 1 })
    host.reconcile { bot = bot }
    says("there is a job named 'host.reconcile' already", host.reconcile, { bot = bot })
  end)

  local function refused(words, options)
    host.reconcile { bot = bot }
    local _, problem = pcall(in_handler(options))
    assert.matches(words, tostring(problem), 1, true)
  end

  it("wants to know since when", function() refused("since must be", {}) end)
  it("wants a time that is past", function() refused("that are past", { since = 1800000000 }) end)
  it("takes a time ago", function() refused("such as \"2h\"", { since = "yesterday" }) end)
  it("does not go back over what the host remembers", function() refused("older = true", { since = "8d" }) end)
  it("wants the client at the top, too", function()
    local _, problem = pcall(in_handler { bot = bot, since = "1h" })
    assert.matches("at the top of the script", tostring(problem), 1, true)
  end)

  it("starts the job of the client", function()
    host.reconcile { bot = bot, name = "shop" }
    in_handler { bot = bot, since = "1h" }()
    assert.equal("host.reconcile:shop", state.job[1])
    assert.equal(1700000000 - 3600, state.job[2].since)
  end)
end)
