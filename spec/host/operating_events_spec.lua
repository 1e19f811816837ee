-- Operating: events are listed, shown, replayed and cancelled from the command line.
local json = require "cjson"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local SCRIPT = [[
  host.on("message", { text = "bad" }, function() error("oops \27[31mred\27[0m") end, { name = "bad", attempts = 1 })
  host.on("message", { text = "again" }, function() error("not yet") end, { name = "again" })
  host.on("message", function(event) trace("ran", event.id, event.attempt) end, { name = "good" })
  host.hook("pay", { secret = "pay-secret-16-bytes" }, function() end)
  host.job("later", function() end)
]]

-- `words`: what stands behind `mavilua events`.
local function events(bot, words, more)
  local args = { "events", "--db", bot.folder .. "/bot.db", table.unpack(words) }
  for name, value in pairs(more or {}) do args[name] = value end
  return process.run(args)
end

-- As on a terminal: what it shows.
local function on_terminal(bot, words, stdin)
  local line = { process.quote(process.bin), "events", "--db", process.quote(bot.folder .. "/bot.db") }
  for _, word in ipairs(words) do line[#line + 1] = process.quote(word) end
  local status, out = process.run { "-qec", table.concat(line, " "), "/dev/null", bin = "script", stdin = stdin }
  return status, (out:gsub("\r", ""))
end

local function rows_of(text)
  local rows = {}
  for line in text:gmatch("[^\n]+") do rows[#rows + 1] = json.decode(line) end
  return rows
end

local function ids_of(rows)
  local ids = {}
  for i, row in ipairs(rows) do ids[i] = row.id end
  return ids
end

describe("mavilua events", function()
  local bot

  before_each(function()
    bot = support.start(SCRIPT)
    for i = 1, 6 do bot:message(i, i % 2, i % 3 == 0 and "bad" or "good") end
    bot:await_summary("done", 4)
    bot:await_summary("dead", 2)
  end)

  after_each(support.cleanup)

  -- Does the same with the host running and over the file, and tells which.
  local function both_ways(check)
    local _, _, told = events(bot, { "list", "-v" })
    assert.truthy(told:find("asking the host at " .. bot.admin, 1, true), told)
    check()
    bot:stop()
    _, _, told = events(bot, { "list", "-v" })
    assert.truthy(told:find("no host runs; the file", 1, true), told)
    check()
  end

  it("lists as JSON lines, newest first, by what they have in common", function()
    both_ways(function()
      local function list(...)
        local status, out, err = events(bot, { "list", ... })
        assert.equal(0, status, err)
        return ids_of(rows_of(out))
      end
      assert.same({ 6, 5, 4, 3, 2, 1 }, list())
      assert.same({ 6, 3 }, list("--state", "dead"))
      assert.same({ 6, 5, 4, 3, 2, 1 }, list("--state", "dead,done", "-n", "0"))
      assert.same({ 5, 3, 1 }, list("--key", "1"))
      assert.same({ 5, 4 }, list("--handler", "good", "--limit", "2"))
      assert.same({ 6, 5, 4, 3, 2, 1 }, list("--since", "2h"))
      assert.same({}, list("--until", "2h"))
      assert.same({}, list("--since", "2h", "--until", "1h"))
      local first = json.decode((select(2, events(bot, { "show", "1" }))))
      assert.same({ 6, 5, 4, 3, 2, 1 }, list("--since", first.accepted_at))
      assert.same({}, list("--until", first.accepted_at))
    end)
  end)

  it("shows one with its body, its key, its attempts and the traceback", function()
    both_ways(function()
      local event = json.decode((select(2, events(bot, { "show", "3" }))))
      assert.same({ 3, "dead", "1", 1, 0, "bad" },
        { event.id, event.state, event.key, event.attempt, event.crashes, event.handler })
      assert.truthy(event.reason:find("oops", 1, true) and event.reason:find("stack traceback", 1, true))
      assert.truthy(event.body:find('"message":"bad"', 1, true))
      local status, _, err = events(bot, { "show", "4711" })
      assert.equal(66, status)
      assert.truthy(err:find("no event 4711", 1, true))
    end)
  end)

  it("shows people a table in which nothing steers the terminal", function()
    local status, out = on_terminal(bot, { "list", "--state", "dead" })
    assert.equal(0, status)
    assert.truthy(out:find("^ +ID  STATE"), out)
    assert.truthy(out:find("\n +6  dead "), out)
    for _, text in ipairs { out, select(2, on_terminal(bot, { "show", "3" })) } do
      assert.is_nil(text:find("\27", 1, true))
    end
    out = select(2, on_terminal(bot, { "show", "3" }))
    assert.truthy(out:find([[oops \x1b[31mred\x1b[0m]], 1, true), out)
    assert.truthy(out:find("\nbody:\n{\n", 1, true), out)
    bot:post("/webhook/" .. support.secret, '{"id":77,"client":{"id":"a\\u009b1m\\u202eb"},"message":"x","is_input":1}')
    bot:await_summary("done", 5)
    out = select(2, on_terminal(bot, { "list", "-n", "1" }))
    assert.truthy(out:find([[a\x9b1m…]], 1, true), out)
    out = select(2, on_terminal(bot, { "show", "7" }))
    assert.truthy(out:find([[a\x9b1m\u202eb]], 1, true), out)
    out = select(2, on_terminal(bot, { "list", "-n", "1", "--json" }))
    assert.truthy(out:find([[a\u009b1m\u202eb]], 1, true), out)
  end)

  it("replays by id, and tells of each that cannot be", function()
    both_ways(function()
      local status, out, err = events(bot, { "replay", "1", "999", "2" })
      assert.equal(66, status)
      assert.same({ 1, 2 }, { rows_of(out)[1].event, rows_of(out)[2].event })
      assert.truthy(err:find("no event 999", 1, true))
      if bot.process.pipe then bot:await_summary("done", 6) end
    end)
    local rows = rows_of((select(2, events(bot, { "list", "--state", "available" }))))
    assert.same({ 2, 1 }, ids_of(rows))
    bot:start()
    bot:await("ran 2 1")
  end)

  it("replays many only when it is told so, oldest first", function()
    bot:stop()
    local status, out, err = events(bot, { "replay", "--state", "done" })
    assert.same({ 64, "" }, { status, out })
    assert.truthy(err:find("4 events would be replayed, and nobody can be asked: --yes", 1, true), err)
    out = select(2, events(bot, { "replay", "--state", "done", "--dry-run" }))
    assert.same({ matched = 4, dry_run = true }, json.decode(out))
    out = select(2, on_terminal(bot, { "replay", "--state", "done", "--dry-run" }))
    assert.truthy(out:find("would replay 4 events\n", 1, true), out)
    assert.truthy(out:find("\n +5  done "), out)
    assert.equal(64, (events(bot, { "replay" })))
    out = select(2, on_terminal(bot, { "replay", "--key", "1" }, "n\n"))
    assert.truthy(out:find "replay 1 event%? %[y/N%] n?%s*nothing was done", out) -- the terminal may show the key
    out = select(2, on_terminal(bot, { "replay", "--key", "1" }, "y\n")) -- the dead of it
    assert.truthy(out:find("replayed 1 event\n", 1, true), out)
    out = select(2, events(bot, { "replay", "--state", "done", "--limit", "3", "--yes" }))
    assert.same({ 4, 3, 0, false }, { json.decode(out).matched, json.decode(out).replayed,
      json.decode(out).refused, json.decode(out).interrupted })
    local rows = rows_of((select(2, events(bot, { "list", "--state", "available" }))))
    assert.same({ 4, 3, 2, 1 }, ids_of(rows))
  end)

  it("cancels what waits, and stops what runs", function()
    bot:message(20, 20, "again")
    bot:message(21, 20, "good")
    process.await(function() return bot:ask("/api/keys/blocked").keys[1] end, "a blocked key")
    local status, out, err = events(bot, { "cancel", "--key", "20", "--yes" })
    assert.equal(0, status, err)
    assert.equal(2, json.decode(out).cancelled)
    process.await(function() return bot:ask("/api/summary").states.cancelled == 2 end, "two cancelled")
    out = select(2, events(bot, { "cancel", "--key", "20", "--yes" }))
    assert.equal(0, json.decode(out).matched)
    local refused, _, why = events(bot, { "cancel", "7" })
    assert.equal(64, refused)
    assert.truthy(why:find("event 7 is cancelled already", 1, true), why)
  end)

  it("asks a listener that wants a token", function()
    bot:stop()
    bot.options.args = { "--admin-token", "a-token-for-specs" }
    bot:start()
    local status, _, err = events(bot, { "list" })
    assert.equal(78, status)
    assert.truthy(err:find("MAVILUA_ADMIN_TOKEN", 1, true), err)
    local env = { env = { MAVILUA_ADMIN_TOKEN = "a-token-for-specs" } }
    local _, out = events(bot, { "list" }, env)
    assert.equal(6, #rows_of(out))
    _, out = process.run { "events", "list", "--admin", bot.admin .. "/", "--db", "/nowhere", env = env.env }
    assert.equal(6, #rows_of(out))
  end)

  it("finds the database as the host does: in the settings", function()
    local conf = process.write(bot.folder .. "/mavilua.conf.lua", 'db = "bot.db"\nlisten = "127.0.0.1:0"\n')
    local status, out, err = process.run { "events", "list", "-v", "--config", conf }
    assert.equal(0, status, err)
    assert.equal(6, #rows_of(out))
    assert.truthy(err:find("asking the host at " .. bot.admin, 1, true), err)
    out = select(2, process.run { "events", "list", env = { MAVILUA_DB = bot.folder .. "/bot.db" } })
    assert.equal(6, #rows_of(out))
    process.write(conf, "databse = 'bot.db'\n")
    local wrong, _, told = process.run { "events", "list", "--config", conf }
    assert.equal(78, wrong)
    assert.truthy(told:find("mavilua.conf.lua:1: unknown setting", 1, true), told)
  end)

  it("says what is wrong", function()
    local function fails(status, text, words)
      local code, out, err = events(bot, words)
      assert.same({ status, "" }, { code, out })
      assert.truthy(err:find("^mavilua events: [^\n]+\n$"), err)
      assert.truthy(err:find(text, 1, true), err)
    end
    fails(64, 'did you mean "list"?', { "lst" })
    fails(64, "not an event's id", { "show", "x" })
    fails(64, "id is missing", { "show" })
    fails(64, "mavilua events show 3", { "list", "3" })
    fails(64, "--rate does not go with list", { "list", "--rate", "5" })
    fails(64, 'did you mean "dead"?', { "list", "--state", "ded" })
    fails(64, "--since: takes a time such as", { "list", "--since", "soon" })
    fails(64, "only what has ended", { "replay", "--state", "running", "--yes" })
    fails(64, "do not go together", { "replay", "1", "--state", "dead" })
    local status, _, err = process.run { "events", "list", "--db", bot.folder .. "/absent.db" }
    assert.equal(66, status)
    assert.truthy(err:find("no such database", 1, true), err)
    status, _, err = process.run { "events", "list", "--admin", "http://127.0.0.1:1" }
    assert.equal(69, status)
    assert.truthy(err:find("does a host run there?", 1, true), err)
  end)
end)

describe("a long replay", function()
  after_each(support.cleanup)

  it("keeps its pace, tells how far it is, and goes on where it was broken off", function()
    local bot = support.start(SCRIPT)
    for i = 1, 60 do bot:message(i, i, "good") end
    bot:await_summary("done", 60)
    local words = { "--db", bot.folder .. "/bot.db", "--state", "done", "--yes", "--rate", "8" }
    local long = process.start { "-c", 'exec "$@" 2>&1', "sh", process.bin, "events", "replay", bin = "sh",
      ready = "(replayed) %d+ of 60", table.unpack(words) }
    long:signal("INT")
    local status, out = long:wait()
    assert.equal(130, status)
    local after, told = out:match("repeat the command with %-%-after (%d+)"), out:match("({.-})\n")
    local result = json.decode(told)
    assert.is_true(result.interrupted and result.replayed >= 8 and result.replayed < 60)
    bot:await_summary("done", 60 + result.replayed)
    words[#words + 1] = "--after"
    words[#words + 1] = after
    words[7] = "0"
    status, out = process.run { "events", "replay", table.unpack(words) }
    assert.equal(0, status)
    assert.equal(60 - result.replayed, json.decode(out).replayed)
    bot:await_summary("done", 120)
    bot:stop()
  end)
end)
