-- Handlers without a host: `mavilua run` with webhooks on standard input.
local process = require "spec.support.process"
local support = require "spec.support.bot"

local function run(text, input, more)
  local path = process.write(process.folder() .. "/bot.lua", 'local host = require "mavilua.host"\n' .. text)
  return process.run { "run", path, more, stdin = input }
end

local function line(id, text)
  return support.message(id, 7, text) .. "\n"
end

describe("handlers in mavilua run", function()
  it("get the webhooks of standard input, in order, one a line", function()
    local code, out, err = run([[
      host.on("message", { pattern = "^buy (%w+)$" }, function(event)
        print(event.id, event.attempt, event.key, event.kind, event.captures[1], host.event() == event)
      end)
      host.on("message", function(event) host.sleep(0.001) print("other", event.text) end)
      host.on("sent", function(event) print("sent", event.text) end)
    ]], line(5, "buy tea") .. "\n" .. line(6, "hello") .. '{"is_input":0,"message":"Hi","client":{"id":7}}')
    assert.equal("", err)
    assert.equal(0, code)
    assert.equal("5\t1\t7\tmessage\ttea\ttrue\nother\thello\nsent\tHi\n", out)
  end)

  it("are asked for nothing when standard input is empty", function()
    local code, out, err = run('host.on("message", function() print "called" end)\nprint(host.event())', "")
    assert.same({ 0, "nil\n", "" }, { code, out, err })
  end)

  it("leave standard input to a script without any", function()
    local code, out = run('print(host.seconds "1m", io.read "*l")', "not a webhook\n")
    assert.same({ 0, "60\tnot a webhook\n" }, { code, out })
  end)

  it("find the script's arguments, and may end it", function()
    local code, out = run('print(...)\nhost.on("message", function() os.exit(3) end)', line(1, "a") .. line(2, "b"),
      "word")
    assert.same({ 3, "word\n" }, { code, out })
    code, out = run('host.on("message", function() print "called" end)\nos.exit(4)', line(1, "a"))
    assert.same({ 4, "" }, { code, out })
  end)

  it("that fail are told with line and handler, the others go on, and the status is 70", function()
    local code, out, err = run([[
      local function deep() error "the teapot is broken" end
      host.on("message", { text = "raise" }, function() deep() end)
      host.on("message", { text = "dead" }, function() return host.dead "not for me" end)
      host.on("message", { text = "cancel" }, function() return host.cancel "not today" end)
      host.on("message", function(event) print(event.text) end)
    ]], line(1, "raise") .. line(2, "dead") .. line(3, "cancel") .. line(4, "last"))
    assert.equal(70, code)
    assert.equal("last\n", out)
    assert.equal("the teapot is broken", err:match "line 1 of standard input: .*(the teapot is broken)\n")
    assert.matches("message:raise@bot.lua:3: [^\n]*bot.lua:2: the teapot is broken\n\t[^\n]*bot.lua:2\n"
      .. "\t[^\n]*bot.lua:3\n", err)
    assert.not_matches("mavilua%.host", err)
    assert.matches("line 2 of standard input: message:dead@bot.lua:4: not for me", err, 1, true)
    assert.not_matches("not today", err)
  end)

  it("are spared what is no webhook, and the status is 65", function()
    local code, out, err = run('host.on("message", function(event) print(event.text) end)',
      "no JSON\n[1]\nnull\n" .. line(4, "last"))
    assert.equal(65, code)
    assert.equal("last\n", out)
    assert.matches("line 1 of standard input: this is no webhook: ", err, 1, true)
    assert.matches("line 2 of standard input: this is no webhook: it is not a JSON object", err, 1, true)
    assert.matches("line 3 of standard input: this is no webhook: ", err, 1, true)
  end)

  it("log to standard error", function()
    local code, _, err = run([[
      host.on("message", function(event) host.log.warn("asked", { text = event.text }) end)
    ]], line(1, "why"))
    assert.equal(0, code)
    assert.matches('"level":"warn","message":"asked","text":"why"', err, 1, true)
  end)

  for name, call in pairs {
    hook = 'host.hook("x", {}, print)', cron = 'host.cron("* * * * *", print)', every = 'host.every("1m", print)',
    job = 'host.job("x", print)', on_dead = "host.on_dead(print)", reconcile = "host.reconcile {}",
    after = 'host.after(1, "x")', at = 'host.at(1, "x")', once = 'host.once("x", print)', retry = "host.retry(1)",
    ["kv.get"] = 'host.kv.get "x"', ["kv.set"] = 'host.kv.set("x", 1)', ["kv.delete"] = 'host.kv.delete "x"',
    ["kv.incr"] = 'host.kv.incr "x"',
  } do
    it("are told that host." .. name .. " needs mavilua serve", function()
      local expected = ("bot.lua:2: host.%s works under `mavilua serve` only: `mavilua run` stores nothing")
        :format(name)
      local code, _, err = run(call, "")
      assert.equal(70, code)
      assert.matches(expected, err, 1, true)
      code, _, err = run(('host.on("message", function() local x = %s return x end)'):format(call), line(1, "x"))
      assert.equal(70, code)
      assert.matches(expected, err, 1, true)
    end)
  end
end)
