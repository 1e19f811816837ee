-- The command line from the outside.
local process = require "spec.support.process"

local function run(...)
  return process.run { ... }
end

local function lines_of(text)
  local lines = {}
  for line in text:gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

-- Every error is one line that begins with the program's and the command's name.
local function fails(status, expected, pattern, code, out, err)
  assert.equal(status, code, err)
  assert.equal("", out)
  assert.equal(1, #lines_of(err), err)
  assert.equal(expected, err:sub(1, #expected))
  assert.truthy(err:find(pattern, 1, true), err)
end

describe("the program", function()
  it("tells its version", function()
    local code, out = run("--version")
    assert.equal(0, code)
    assert.truthy(out:match("^mavilua %d+%.%d+%.%d+\n$"))
  end)

  it("lists its commands", function()
    local code, out = run("--help")
    assert.equal(0, code)
    for _, name in ipairs { "serve", "run", "check", "next", "why", "events", "call", "actions",
      "chat", "sandbox", "new", "repl" } do
      assert.truthy(out:find("\n  " .. name .. " ", 1, true), name)
    end
  end)

  it("explains itself on standard error when it is given nothing", function()
    local code, out, err = run()
    assert.equal(64, code)
    assert.equal("", out)
    assert.truthy(err:find("usage: mavilua COMMAND", 1, true))
  end)

  it("names the nearest command", function()
    fails(64, "mavilua: ", 'unknown command "serv"; did you mean "serve"?', run("serv"))
    local code, out = run("help", "help")
    assert.equal(0, code)
    assert.truthy(out:find("^usage: mavilua help %[COMMAND"), out)
    fails(64, "mavilua: ", "help takes one command", run("help", "serve", "now"))
    fails(64, "mavilua: ", 'unknown command "zzzzzzzz"', run("zzzzzzzz"))
    fails(64, "mavilua: ", 'did you mean "next"?', run("help", "nxt"))
  end)

  for _, name in ipairs { "serve", "run", "check", "next", "why", "events", "call", "actions", "chat",
    "sandbox", "new", "repl" } do
    it("has --help and --version for " .. name, function()
      local code, out, err = run(name, "--help")
      assert.equal(0, code)
      assert.equal("", err)
      assert.truthy(out:find("^usage: mavilua " .. name))
      local _, again = run("help", name)
      assert.equal(out, again)
      assert.equal(0, (run(name, "--version")))
    end)

    it("refuses unknown options of " .. name, function()
      fails(64, "mavilua " .. name .. ": ", 'unknown option "--hlep"; did you mean --help?',
        run(name, "--hlep"))
    end)
  end

  it("tells when its output cannot be written", function()
    if not io.open("/dev/full", "w") then return pending("needs /dev/full") end
    local _, _, code = os.execute(process.quote(process.bin) .. " actions >/dev/full 2>/dev/null")
    assert.equal(74, code)
  end)
end)

describe("options", function()
  it("are checked, with what they take", function()
    fails(64, "mavilua next: ", "-n takes a whole number from 1 to 10000", run("next", "@daily", "-n", "0"))
    fails(64, "mavilua next: ", "--count needs", run("next", "@daily", "--count"))
    fails(64, "mavilua actions: ", "--json takes no value", run("actions", "--json=1"))
    fails(64, "mavilua sandbox: ", "--listen takes an address and a port", run("sandbox", "--listen", "here"))
    fails(64, "mavilua sandbox: ", "--listen takes", run("sandbox", "--listen", "127.0.0.1:99999"))
    fails(64, "mavilua sandbox: ", "--webhook takes a URL", run("sandbox", "--webhook", "ftp://x"))
    fails(64, "mavilua sandbox: ", "--log-level takes one of debug|info|warn|error",
      run("sandbox", "--log-level", "loud"))
    fails(64, "mavilua sandbox: ", "one argument too many; usage: mavilua sandbox\n", run("sandbox", "extra"))
    fails(64, "mavilua new: ", "DIRECTORY is missing", run("new"))
  end)

  it("come from the environment, too", function()
    fails(64, "mavilua sandbox: ", "MAVILUA_SANDBOX_LISTEN takes an address",
      process.run { "sandbox", env = { MAVILUA_SANDBOX_LISTEN = "nowhere" } })
    local code = process.run { "sandbox", "--help", env = { MAVILUA_SANDBOX_LISTEN = "nowhere" } }
    assert.equal(0, code)
  end)

  it("may be written with = and end at --", function()
    local code, out = run("next", "--timezone=UTC", "--from=2026-01-01", "-n1", "--", "@daily")
    assert.equal(0, code)
    assert.equal("Thu 2026-01-01 00:00:00 +00:00 UTC\n", out)
  end)
end)

describe("next", function()
  local function next_of(...)
    local code, out, err = run("next", ...)
    assert.equal(0, code, err)
    return lines_of(out)
  end

  it("marks the moment that daylight saving moved", function()
    assert.same({
      "Sat 2026-03-28 02:30:00 +01:00 CET",
      "Sun 2026-03-29 03:00:00 +02:00 CEST  moved: 02:30 is skipped by daylight saving",
      "Mon 2026-03-30 02:30:00 +02:00 CEST",
    }, next_of("30 2 * * *", "-n", "3", "--timezone", "Europe/Oslo", "--from", "2026-03-28"))
  end)

  it("runs a fixed time once in the hour that comes twice", function()
    assert.same({
      "Sun 2026-10-25 02:30:00 +02:00 CEST  this time comes twice, it runs once",
      "Mon 2026-10-26 02:30:00 +01:00 CET",
    }, next_of("30 2 * * *", "-n", "2", "--timezone", "Europe/Oslo", "--from", "2026-10-25"))
  end)

  it("takes seconds, intervals, and moments in several forms", function()
    assert.same({ "Thu 2026-01-01 00:00:10 +00:00 UTC" },
      next_of("10 * * * * *", "-n", "1", "--timezone", "UTC", "--from", "2026-01-01T00:00:01Z"))
    assert.same({ "Thu 2026-01-01 00:15:00 +00:00 UTC", "Thu 2026-01-01 00:30:00 +00:00 UTC" },
      next_of("15m", "-n", "2", "--timezone", "UTC", "--from", "2026-01-01 01:00:01+01:00"))
    assert.same({ "Thu 1970-01-01 01:00:00 +00:00 UTC" },
      next_of("@hourly", "-n", "1", "--timezone", "UTC", "--from", "1"))
  end)

  it("says what is wrong with an expression, a zone, a moment", function()
    fails(64, "mavilua next: ", 'minute field: "61" is out of range; it takes 0-59',
      run("next", "61 * * * *"))
    fails(64, "mavilua next: ", "it can never fire", run("next", "0 0 30 2 *"))
    fails(64, "mavilua next: ", 'did you mean "Europe/Oslo"?', run("next", "@daily", "-z", "Europe/Olso"))
    fails(64, "mavilua next: ", "is not known", run("next", "@daily", "-z", "../../etc/passwd"))
    fails(64, "mavilua next: ", '--from: "soon" is not a moment', run("next", "@daily", "--from", "soon"))
    fails(64, "mavilua next: ", "is not a moment", run("next", "@daily", "--from", "2026-02-30"))
  end)

  it("works without zone files, and says what is missing", function()
    local env = { TZDIR = "/nonexistent" }
    assert.equal(0, (process.run { "next", "@daily", "-z", "UTC", env = env }))
    fails(64, "mavilua next: ", "tzdata", process.run { "next", "@daily", "-z", "Europe/Oslo", env = env })
  end)
end)

describe("actions", function()
  it("lists all of them", function()
    local code, out = run("actions")
    assert.equal(0, code)
    assert.equal(43, #lines_of(out))
    assert.truthy(out:find("\nfind_clients +POST +R +safe "))
  end)

  it("tells all about one", function()
    local code, out = run("actions", "load_clients")
    assert.equal(0, code)
    for _, word in ipairs { "platform_id", "client_type", "required", "source:", "answer:" } do
      assert.truthy(out:find(word, 1, true), word)
    end
  end)

  it("prints JSON", function()
    local cjson = require "cjson"
    local code, out = run("actions", "--json")
    assert.equal(0, code)
    assert.equal(43, #cjson.decode(out))
    local _, one = run("actions", "find_clients", "--json")
    assert.equal("find_clients", cjson.decode(one).name)
  end)

  it("names the nearest one", function()
    fails(64, "mavilua actions: ", 'did you mean "find_clients"?', run("actions", "find_client"))
  end)
end)

describe("run", function()
  local folder = process.folder()
  local function script(text)
    return process.write(folder .. "/script.lua", text)
  end

  it("gives the script its arguments", function()
    local path = script "print(arg[0]:match('[^/]+$'), arg[1], arg[2], #arg, ...)"
    local code, out = run("run", path, "--json", "two words")
    assert.equal(0, code)
    assert.equal("script.lua\t--json\ttwo words\t2\t--json\ttwo words\n", out)
  end)

  it("has the module without anything installed", function()
    local code, out = process.run {
      "run", script "print(require 'mavilua'.version)", env = { LUA_PATH = "", LUA_CPATH = "" },
    }
    assert.equal(0, code)
    assert.truthy(out:match("^%d+%.%d+%.%d+\n$"))
  end)

  it("ends with the script's status", function()
    assert.equal(7, (run("run", script "io.write('x') os.exit(7)")))
    assert.equal(0, (run("run", script "os.exit(true)")))
    assert.equal(1, (run("run", script "os.exit(false)")))
    assert.equal(0, (run("run", script "return 5")))
  end)

  it("reads a script from standard input", function()
    local code, out = process.run { "run", "-", "a", stdin = "print(arg[0], ...)" }
    assert.equal(0, code)
    assert.equal("-\ta\n", out)
  end)

  it("tells errors with file and line", function()
    local code, _, err = run("run", script "local x = nil\nprint(x.y)")
    assert.equal(70, code)
    assert.truthy(err:find("mavilua run: ", 1, true) and err:find("script.lua:2:", 1, true), err)
    code, _, err = run("run", script "this is not Lua")
    assert.equal(70, code)
    assert.truthy(err:find("script.lua:1:", 1, true), err)
    fails(66, "mavilua run: ", "No such file", run("run", folder .. "/absent.lua"))
    fails(66, "mavilua run: ", "directory", run("run", folder))
  end)

  it("runs busted", function()
    local pipe = io.popen("command -v busted")
    local busted = pipe:read("l")
    pipe:close()
    if not busted then return pending("needs busted") end
    process.write(folder .. "/tiny_spec.lua", "it('adds', function() assert.equal(2, 1 + 1) end)")
    local code, out = run("run", busted, "-o", "plainTerminal", folder .. "/tiny_spec.lua")
    assert.equal(0, code, out)
    assert.truthy(out:find("1 success", 1, true), out)
    process.write(folder .. "/tiny_spec.lua", "it('adds', function() assert.equal(3, 1 + 1) end)")
    assert.equal(1, (run("run", busted, "-o", "plainTerminal", folder .. "/tiny_spec.lua")))
  end)
end)

describe("new", function()
  it("makes a project that the host takes, once", function()
    local folder = process.folder() .. "/bot"
    local code, out = run("new", folder)
    assert.equal(0, code)
    assert.truthy(out:find("mavilua serve --sandbox", 1, true))
    for _, name in ipairs { "bot.lua", "README.md", ".gitignore", ".env.example" } do
      assert.truthy(#process.read(folder .. "/" .. name) > 0, name)
    end
    local status, checked, err = run("check", folder .. "/bot.lua")
    assert.equal(0, status, err)
    assert.truthy(checked:find("on message", 1, true), checked)
    assert.truthy(process.read(folder .. "/.gitignore"):find("*.db.lock\n", 1, true))
    fails(73, "mavilua new: ", "is not empty", run("new", folder))
    fails(73, "mavilua new: ", "", run("new", folder .. "/bot.lua"))
  end)
end)

describe("check", function()
  local folder = process.folder()
  local function check(text, ...)
    return run("check", process.write(folder .. "/bot.lua", text), ...)
  end

  it("tells handlers, hooks, jobs, and schedules with their next moments", function()
    local code, out, err = check [[
      local host = require "mavilua.host"
      host.on("message", { text = "/start" }, function() end)
      host.hook("payment", { secret = "0123456789abcdef", key = "customer.id" }, function() end)
      host.cron("0 9 * * MON-FRI", { name = "morning", timezone = "Europe/Oslo" }, function() end)
      host.every("15m", { name = "sweep" }, function() end)
      host.job("follow_up", function() end)
    ]]
    assert.equal(0, code, err)
    for _, text in ipairs { 'on message text="/start"', "POST /hook/payment", "key customer.id", "bot.lua:3",
      "morning: cron 0 9 * * MON-FRI Europe/Oslo", "09:00:00 +0", "sweep: every", "follow_up" } do
      assert.truthy(out:find(text, 1, true), text .. "\n" .. out)
    end
    assert.falsy(out:find("0123456789abcdef", 1, true))
  end)

  it("prints JSON", function()
    local code, out = check("require 'mavilua.host'.job('x', function() end)", "--json")
    assert.equal(0, code)
    assert.equal("x", require "cjson".decode(out).jobs[1].name)
    code, out = check("require 'mavilua.host'.hook('x', { secret = '0123456789abcdef' }, function() end)", "--json")
    assert.equal(0, code)
    assert.is_true(require "cjson".decode(out).hooks[1].secret)
    assert.falsy(out:find("0123456789abcdef", 1, true))
  end)

  it("refuses what serve would refuse", function()
    fails(65, "mavilua check: ", "bot.lua:1:", check "this is not Lua")
    fails(65, "mavilua check: ", "bot.lua:2:", check "\nerror('no')")
    fails(65, "mavilua check: ", "never fire",
      check "require 'mavilua.host'.cron('0 0 30 2 *', { name = 'x' }, function() end)")
    fails(65, "mavilua check: ", "is not known",
      check "require 'mavilua.host'.cron('@daily', { name = 'x', timezone = 'Europe/Olso' }, function() end)")
    local code, out, err = check [[
      local host = require "mavilua.host"
      host.on("mesage", function() end)
      host.on("message", function() end, { atempts = 3 })
      host.hook("pay", { secret = "0123456789abcdef" }, function() end)
      host.hook("pay", function() end)
      host.cron("0 0 30 2 *", { name = "never" }, function() end)
      host.cron("@daily", { name = "where", timezone = "Europe/Olso" }, function() end)
      host.cron("@daily", { name = "good" }, function() end)
      host.cron("61 * * * *", { name = "late" }, function() end)
      host.job("twice", function() end)
      host.job("twice", function() end)
      host.hook("no/slash", function() end)
      undefined.call()
    ]]
    assert.same({ 65, "" }, { code, out })
    local lines = lines_of(err)
    local expected = { { 2, "message" }, { 3, "attempts" }, { 5, "'pay' already" }, { 11, "'twice' already" },
      { 12, "letters, digits" }, { 13, "undefined" }, { 6, "never fire" }, { 7, "Europe/Oslo" }, { 9, "61" } }
    assert.equal(#expected, #lines, err)
    for i, fault in ipairs(expected) do
      assert.truthy(lines[i]:find("^mavilua check: .*bot.lua:" .. fault[1] .. ": "), lines[i])
      assert.truthy(lines[i]:find(fault[2], 1, true), lines[i])
    end
    assert.falsy(err:find("0123456789abcdef", 1, true))
    code, out = run("check", folder .. "/bot.lua", "--json")
    assert.equal(65, code)
    assert.equal(#expected, #require "cjson".decode(out).faults)
    local other = process.write(folder .. "/other.lua", "this is not Lua")
    err = select(3, run("check", other, folder .. "/bot.lua"))
    assert.equal(#expected + 1, #lines_of(err))
    fails(78, "mavilua check: ", "nothing is registered", check "local x = 1; return x")
    fails(66, "mavilua check: ", "No such file", run("check", folder .. "/absent.lua"))
  end)
end)

describe("serve", function()
  local folder = process.folder()
  local bot = process.write(folder .. "/bot.lua", "require 'mavilua.host'.on('message', function() end)")

  it("refuses to start without a webhook secret, and tells how to make one", function()
    local env = { MAVILUA_WEBHOOK_SECRET = "" }
    fails(78, "mavilua serve: ", "openssl rand -hex 16", process.run { "serve", bot, env = env })
    env.MAVILUA_WEBHOOK_SECRET = "short"
    local code, out, err = process.run { "serve", bot, env = env }
    fails(78, "mavilua serve: ", "it needs 16", code, out, err)
    assert.falsy(err:find('"short"', 1, true))
    env.MAVILUA_WEBHOOK_SECRET = "with/a/slash/inside"
    fails(78, "mavilua serve: ", "letters, digits", process.run { "serve", bot, env = env })
  end)

  it("refuses a script that is not there", function()
    local empty = process.write(folder .. "/empty.lua", "local x = 1; return x")
    fails(78, "mavilua serve: ", "nothing is registered: the scripts call none of host.on",
      run("serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", ":memory:", "--sandbox",
        "--sandbox-listen", "127.0.0.1:0", empty))
    fails(66, "mavilua serve: ", "absent.lua: No such file",
      run("serve", "--sandbox", folder .. "/absent.lua"))
  end)

  local function start(...)
    return process.start {
      "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", ":memory:", "--workers", "1", ...,
    }
  end

  it("speaks TLS with a certificate and its key", function()
    local cert, key = folder .. "/cert.pem", folder .. "/key.pem"
    assert(os.execute(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 "
      .. "-subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout %s -out %s 2>%s/openssl")
      :format(key, cert, folder)))
    local secret = "0123456789abcdef"
    local host = start("--webhook-secret", secret, "--tls-cert", cert, "--tls-key", key, bot)
    assert.truthy(host.url:match "^https://127%.0%.0%.1:%d+$")
    assert.truthy(host.admin:match "^http://")
    local function post(flags)
      local pipe = io.popen(("curl -s %s -o /dev/null -w '%%{http_code}' -d '{\"id\":1}' %s/webhook/%s")
        :format(flags, host.url, secret))
      local status = pipe:read "a"
      pipe:close()
      return status
    end
    assert.equal("000", post "")
    assert.equal("200", post("--cacert " .. cert))
    assert.equal(0, (host:stop()))
    fails(64, "mavilua serve: ", "tls-cert and tls-key go together", run("serve", "--tls-cert", cert, bot))
    fails(64, "mavilua serve: ", "leave tls-cert out",
      run("serve", "--sandbox", "--tls-cert", cert, "--tls-key", key, bot))
    fails(66, "mavilua serve: ", "absent.pem: No such file", run("serve", "--webhook-secret", secret, "--tls-cert",
      cert, "--tls-key", folder .. "/absent.pem", bot))
  end)

  it("prints its ready line alone on standard output, and stops with 0", function()
    local host = start("--webhook-secret", "0123456789abcdef", bot)
    local address = "http://127%.0%.0%.1:%d+"
    assert.truthy(host.ready:match("^mavilua: host ready at " .. address .. " %(admin " .. address .. "%)$"))
    local status, rest = host:stop()
    assert.equal(0, status)
    assert.equal("", rest)
  end)

  it("goes on with the old scripts when the new ones are bad", function()
    local path = process.write(folder .. "/changing.lua", process.read(bot))
    local host = start("--webhook-secret", "0123456789abcdef", path)
    process.write(path, "this is not Lua")
    host:signal("HUP")
    process.await(function() return host:log():find("changing.lua:1:", 1, true) end, "the reload's error")
    local status = host:stop()
    assert.equal(0, status)
  end)

  it("stops at once at a second signal", function()
    local path = process.write(folder .. "/slow.lua", [[
      local host = require "mavilua.host"
      host.hook("slow", { secret = "0123456789abcdef" }, function()
        host.log.warn("sleeping")
        host.sleep(50)
      end)
    ]])
    local host = start("--webhook-secret", "0123456789abcdef", path)
    os.execute(("curl -s -m 60 -o %s/answer -X POST -d '{}' %s/hook/slow/0123456789abcdef >/dev/null 2>&1 &")
      :format(folder, host.url))
    process.await(function() return host:log():find("sleeping", 1, true) end, "the handler's start")
    host:signal("TERM")
    process.await(function() return host:log():find("stopping", 1, true) end, "the stop's start")
    local core = require "mavilua.core"
    local began = core.now()
    host:signal("TERM")
    assert.equal(0, (host:wait()))
    assert.is_true(core.now() - began < 15)
  end)

  it("starts a sandbox beside it", function()
    local answering = process.write(folder .. "/answering.lua", [[
      local bot = require "mavilua".client {}
      require "mavilua.host".on("message", function(event)
        assert(bot:message { client_id = event.client_id, message = "You said " .. event.text,
          buttons = { { type = "reply", text = "again" } } })
      end)
    ]])
    local both = process.start {
      "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", ":memory:", "--workers", "1",
      "--sandbox", "--sandbox-listen", "127.0.0.1:0", answering, lines = 2,
    }
    assert.truthy(both.ready:find("host ready", 1, true))
    local code, out, err = process.run {
      "chat", "--url", both.urls[1], "--as", "Ada", "--wait", "20", stdin = "hello\n[1]\n",
    }
    assert.equal(0, code, err)
    assert.same({ "Ada> hello", "bot> You said hello", "     [1] again", "Ada> again", "bot> You said again",
      "     [1] again" }, lines_of(out))
    assert.equal(0, (both:stop()))
  end)
end)

describe("sandbox", function()
  it("prints its ready line alone, answers, and stops with 0", function()
    local sandbox = process.start { "sandbox", "--listen", "127.0.0.1:0" }
    assert.truthy(sandbox.ready:match("^mavilua: sandbox ready at http://127%.0%.0%.1:%d+$"))
    local status, rest = sandbox:stop()
    assert.equal(0, status)
    assert.equal("", rest)
  end)

  it("refuses a seed that is not there", function()
    local absent = process.folder() .. "/absent.json"
    fails(66, "mavilua sandbox: ", "absent.json: No such file",
      run("sandbox", "--listen", "127.0.0.1:0", "--seed", absent))
    fails(66, "mavilua serve: ", "absent.json: No such file",
      run("serve", "--sandbox", "--sandbox-seed", absent, "bot.lua"))
  end)

  it("says why it cannot listen", function()
    local sandbox = process.start { "sandbox", "--listen", "127.0.0.1:0" }
    local code, out, err = run("sandbox", "--listen", sandbox.url:match("//(.*)"))
    assert.equal(74, code)
    assert.equal("", out)
    assert.truthy(err:find(sandbox.url:match("//(.*)"), 1, true), err)
    sandbox:stop()
  end)
end)

describe("call", function()
  local sandbox
  setup(function() sandbox = process.start { "sandbox", "--listen", "127.0.0.1:0" } end)
  teardown(function() sandbox:stop() end)

  local function call(...)
    local args = { "call", ... }
    args.env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = sandbox.url }
    return process.run(args)
  end

  it("prints the answer as JSON", function()
    local code, out, err = call("find_clients", '{"q":{"city":"Oslo"}}')
    assert.equal(0, code, err)
    local answer = require "cjson".decode(out)
    assert.equal("success", answer.status)
    assert.truthy(#answer.client_ids > 0)
    assert.equal(1, #lines_of(out))
  end)

  it("prints it readable when asked to", function()
    local code, out = call("connected_channels", "--pretty")
    assert.equal(0, code)
    assert.truthy(out:find('\n  "project_id": ', 1, true), out)
  end)

  it("takes parameters from a file and from standard input, exactly", function()
    local path = process.write(process.folder() .. "/params.json", '{"limit":2}')
    local code, out = call("get_clients", "@" .. path)
    assert.equal(0, code)
    assert.equal(2, #require "cjson".decode(out).clients)
    local items = '[{"platform_id":"-1001234567890123","group_id":"big","client_type":1},'
      .. '{"platform_id":9223372036854775807,"group_id":"big","client_type":1}]'
    code, out = process.run { "call", "load_clients", "-", stdin = items,
      env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = sandbox.url } }
    assert.equal(0, code)
    assert.truthy(out:find('"-1001234567890123"', 1, true))
    assert.truthy(out:find('9223372036854775807', 1, true))
  end)

  it("tells misuse with 64", function()
    fails(64, "mavilua call: ", "did you mean", call("find_client", "{}"))
    fails(64, "mavilua call: ", '"q"', call("find_clients", "{}"))
    fails(64, "mavilua call: ", "did you mean", call("get_history", '{"client":1}'))
    fails(64, "mavilua call: ", "JSON", call("find_clients", "{q:1}"))
    fails(64, "mavilua call: ", "ACTION", call())
    fails(66, "mavilua call: ", "absent", call("find_clients", "@/absent/file"))
  end)

  it("tells failures with 69 and 70", function()
    fails(70, "mavilua call: ", "client_not_found", call("message", '{"client_id":1,"message":"x"}'))
    fails(69, "mavilua call: ", "", process.run { "call", "get_clients",
      env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = "http://127.0.0.1:1" } })
  end)

  it("hints at the key, and never shows it", function()
    fails(78, "mavilua call: ", "MAVILUA_API_KEY",
      process.run { "call", "get_clients", env = { MAVILUA_API_KEY = "", MAVILUA_BASE_URL = sandbox.url } })
    local key = "0123456789abcdef0123456789abcdef"
    local code, out, err = process.run { "call", "get_clients",
      env = { MAVILUA_API_KEY = key, MAVILUA_BASE_URL = sandbox.url } }
    assert.equal(70, code)
    assert.falsy((out .. err):find(key, 1, true))
  end)
end)

describe("chat", function()
  it("waits for a bot that thinks between its answers, when it may ask the host", function()
    local script = process.write(process.folder() .. "/thinking.lua", [[
      local bot = require "mavilua".client {}
      local host = require "mavilua.host"
      host.on("message", function(event)
        local function say(text) assert(bot:message { client_id = event.client_id, message = text }) end
        if event.text == "silence" then return end
        say "well"
        host.sleep(1.5)
        say("that is " .. event.text)
      end)
    ]])
    local both = process.start {
      "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", ":memory:", "--workers", "1",
      "--sandbox", "--sandbox-listen", "127.0.0.1:0", script, lines = 2,
    }
    local code, out, err = process.run {
      "chat", "--url", both.urls[1], "--host", both.admin, "--as", "Ada", stdin = "one\nsilence\ntwo\n",
    }
    assert.equal(0, code, err)
    assert.same({ "Ada> one", "bot> well", "bot> that is one", "Ada> silence", "Ada> two", "bot> well",
      "bot> that is two" }, lines_of(out))
    assert.equal(0, (both:stop()))
  end)

  it("says when there is no sandbox", function()
    local code, _, err = process.run { "chat", "--url", "http://127.0.0.1:1", stdin = "hello\n" }
    assert.equal(69, code)
    assert.truthy(err:find("mavilua serve --sandbox", 1, true), err)
  end)

  it("is somebody the sandbox knows, and says when nobody answers", function()
    local sandbox = process.start { "sandbox", "--listen", "127.0.0.1:0" }
    local code, out, err = process.run {
      "chat", "--url", sandbox.url, "--as", "Nobody Else", "--wait", "0", stdin = "one\n\n two\n",
    }
    assert.equal(0, code, err)
    assert.truthy(out:find("Nobody Else> one", 1, true))
    sandbox:stop()
  end)
end)
