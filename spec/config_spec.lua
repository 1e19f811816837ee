-- Settings of a host: the command line, the environment, mavilua.conf.lua, secrets in files.
local mavilua = require "mavilua"
local process = require "spec.support.process"

local SECRET = "0123456789abcdef0123"
local BOT = 'require("mavilua.host").on("message", function() end)\n'

local folder, bot

before_each(function()
  folder = process.folder()
  bot = process.write(folder .. "/bot.lua", BOT)
end)

local function conf(text, name)
  local path = process.write(folder .. "/" .. (name or "mavilua.conf.lua"), text)
  os.execute("chmod 600 " .. process.quote(path))
  return path
end

-- Runs a command with a clean environment in the folder of the configuration.
local function run(args)
  local words = { "-C", folder, "-u", "MAVILUA_SANDBOX_CHECK", process.bin:find "^/" and process.bin
    or io.popen "pwd":read "l" .. "/" .. process.bin }
  for _, word in ipairs(args) do words[#words + 1] = word end
  words.bin, words.env, words.stdin = "env", args.env, args.stdin
  return process.run(words)
end

local function fails(status, pattern, code, out, err)
  assert.equal(status, code, out .. err)
  assert.truthy(err:find(pattern, 1, true), err)
  assert.equal(1, select(2, err:gsub("\n", "")), err)
end

-- The settings that --print-config tells: name -> { value, source }.
local function settings(args)
  local words = { "serve", "--print-config", env = args.env }
  for _, word in ipairs(args) do words[#words + 1] = word end
  local code, out, err = run(words)
  assert.equal(0, code, err)
  local found = {}
  for name, value, source in out:gmatch "(%w[%w_]*) = ([^\n]-) %-%- ([^\n]+)" do
    found[name] = { value, source }
  end
  return found, err, out
end

describe("a setting", function()
  it("comes from the command line, else the environment, else the file, else its preset", function()
    conf 'workers = 3\nlog_level = "warn"\nwatch = true\nconnections = 7\n'
    local env = { MAVILUA_WORKERS = "4", MAVILUA_LOG_LEVEL = "error", MAVILUA_LOG_JSON = "1" }
    local found = settings { "--workers", "5", "--no-log-json", env = env }
    assert.same({ "5", "--workers" }, found.workers)
    assert.same({ '"error"', "MAVILUA_LOG_LEVEL" }, found.log_level)
    assert.same({ "7", "mavilua.conf.lua:4" }, found.connections)
    assert.same({ "true", "mavilua.conf.lua:3" }, found.watch)
    assert.same({ "false", "--no-log-json" }, found.log_json)
    assert.same({ "256", "preset" }, found.concurrency)
    assert.same({ "false", "MAVILUA_WATCH" }, settings({ env = { MAVILUA_WATCH = "0" } }).watch)
  end)

  it("is printed so that a file can be made of it", function()
    conf 'workers = 3\nmax_body = "64KiB"\nwall_limit = 1.5\nscripts = { "bot.lua", \'o"ther.lua\' }\n'
    local _, _, out = settings {}
    conf(out, "again.lua")
    local found = settings { "--config", "again.lua" }
    assert.equal("3", found.workers[1])
    assert.equal('"64KiB"', found.max_body[1])
    assert.equal("1.5", found.wall_limit[1])
    assert.equal('{ "bot.lua", "o\\"ther.lua" }', found.scripts[1])
  end)

  it("is refused where it is written when it is wrong, used or not", function()
    for text, message in pairs {
      ["workers = '4'"] = 'mavilua.conf.lua:1: workers takes a whole number from 0 to 256, not the text "4"',
      ["\nworkers = 257"] = "mavilua.conf.lua:2: workers takes a whole number from 0 to 256, not 257",
      ["workers = 1.5"] = "not 1.5",
      ["watch = 1"] = "watch takes true or false, not 1",
      ["listen = 8080"] = "listen takes an address and a port",
      ["log_level = 'loud'"] = "log_level takes one of debug|info|warn|error",
      ["base_url = 'chatter.mavibot.ai'"] = "base_url takes a URL",
      ["max_body = '1MB'"] = "max_body takes a number of bytes",
      ["wall_limit = 0"] = "wall_limit takes seconds, more than 0",
      ["scripts = {}"] = "scripts takes the name of a file or a list of them",
      ["scripts = { 1 }"] = "scripts takes the name of a file or a list of them, not 1",
      ["db = ''"] = "db takes the name of a file",
    } do
      conf(text)
      fails(78, message, run { "serve", bot })
    end
    conf "workers = 257"
    fails(78, "mavilua.conf.lua:1: workers takes", run { "serve", "--workers", "2", bot })
    fails(64, "MAVILUA_WORKERS takes", run { "serve", "--workers", "2", bot, env = { MAVILUA_WORKERS = "x" } })
    fails(64, "--max-body takes a number of bytes", run { "serve", "--max-body", "2TB", bot })
    fails(64, "--wall-limit takes seconds", run { "serve", "--wall-limit", "1e3", bot })
  end)

  it("that nobody knows is refused with the nearest name", function()
    conf "\nworkres = 3"
    fails(78, 'mavilua.conf.lua:2: unknown setting "workres"; did you mean workers?', run { "serve", bot })
    conf "webhook_secret_fil = '/x'"
    fails(78, "did you mean webhook_secret_file?", run { "serve", bot })
    conf "zzzzzzzz = 3"
    fails(78, "a variable of your own needs `local`", run { "serve", bot })
    conf "config = 'x'"
    fails(78, 'unknown setting "config"', run { "serve", bot })
    fails(64, "did you mean --webhook-secret-file?", run { "serve", "--webhook-secret-fiel", "x", bot })
  end)
end)

describe("a variable", function()
  it("that nobody knows is warned of when it is nearly one of ours", function()
    local _, err = settings { env = { MAVILUA_WORKRES = "3", MAVILUA_BIN = "x", MAVILUA_SANDBOX_URL = "http://x",
      MAVILUA_API_KEY_FILE = "", MAVILUA_SOMETHING_OF_MINE = "y" } }
    assert.equal("mavilua serve: warning: the variable MAVILUA_WORKRES is not known; did you mean MAVILUA_WORKERS?\n",
      err)
  end)
end)

describe("mavilua.conf.lua", function()
  it("is found here, beside the first script, or where --config or MAVILUA_CONFIG says", function()
    local elsewhere = process.folder()
    local script = process.write(elsewhere .. "/bot.lua", BOT)
    process.write(elsewhere .. "/mavilua.conf.lua", "workers = 9")
    assert.same({ "9", elsewhere .. "/mavilua.conf.lua:1" }, settings({ script }).workers)
    conf "workers = 3"
    assert.same({ "3", "mavilua.conf.lua:1" }, settings({ script }).workers)
    conf("workers = 4", "other.lua")
    assert.equal("4", settings({ env = { MAVILUA_CONFIG = "other.lua" } }).workers[1])
    assert.equal("9", settings({ "--config", elsewhere .. "/mavilua.conf.lua",
      env = { MAVILUA_CONFIG = "other.lua" } }).workers[1])
    fails(66, "nowhere.lua: No such file", run { "serve", "--config", "nowhere.lua", bot })
    fails(66, "this is a directory", run { "serve", "--config", "/", bot })
  end)

  it("has paths that begin at its folder", function()
    local elsewhere = process.folder()
    process.write(elsewhere .. "/my.lua", 'db = "a.db"\ntls_key = "/k"\nsandbox_db = ":memory:"\nscripts = "bot.lua"')
    local found = settings { "--config", elsewhere .. "/my.lua" }
    assert.equal('"' .. elsewhere .. '/a.db"', found.db[1])
    assert.equal('"/k"', found.tls_key[1])
    assert.equal('":memory:"', found.sandbox_db[1])
    assert.equal('{ "' .. elsewhere .. '/bot.lua" }', found.scripts[1])
  end)

  it("is Lua that can compute, and see the environment", function()
    conf [[
      local base = 2
      workers = base * 2
      connections = tonumber(os.getenv "LIMIT") or 5
      db = ("%s.db"):format(os.getenv "NAME")
      wall_limit = workers + 0.5
      admin = nil
    ]]
    local found = settings { env = { LIMIT = "11", NAME = "shop" } }
    assert.equal("4", found.workers[1])
    assert.equal("11", found.connections[1])
    assert.equal('"shop.db"', found.db[1])
    assert.equal("4.5", found.wall_limit[1])
    assert.equal("preset", found.admin[2])
  end)

  it("works as docs/configuration.md shows it", function()
    local example = assert(process.read "docs/configuration.md":match "```lua\n(.-)```")
    conf((example:gsub("/etc/mavilua/webhook_secret", process.write(folder .. "/secret", SECRET))))
    local found = settings {}
    assert.equal('{ "bot.lua", "shop.lua" }', found.scripts[1])
    assert.equal('"256KiB"', found.max_body[1])
    assert.equal("2", found.workers[1])
  end)

  it("can do nothing else", function()
    for text, message in pairs {
      ["\nio.open('x')"] = "mavilua.conf.lua:2: a configuration file has no io",
      ["os.execute('true')"] = "mavilua.conf.lua:1: attempt to call a nil value (field 'execute')",
      ["require 'mavilua'"] = "has no require",
      ["x = load"] = "has no load",
      ["return { workers = 1 }"] = "settings are written as assignments",
      ["workers = = 1"] = "mavilua.conf.lua:1: unexpected symbol",
      ["while true do end"] = "is there a loop that does not end?",
      ["while true do pcall(error) end"] = "is there a loop that does not end?",
      ["db = (''):rep(1 << 62)"] = "is there a loop that does not end?",
      ["local t = {} for i = 1, 1e9 do t[i] = i end"] = "needs more than 16 MiB",
      ["db = ('x'):rep(1e9)"] = "needs more than 16 MiB",
      ["workers = pcall"] = "mavilua.conf.lua:1: workers cannot be set to this",
      ["error {}"] = "it raised a table",
      ["_ENV[1] = 2"] = "a setting has a name",
      ["\27Lua"] = "mavilua.conf.lua: attempt to load a binary chunk",
      ["error('no', 0)"] = "mavilua.conf.lua: no",
    } do
      conf(text)
      fails(78, message, run { "serve", bot })
    end
  end)

  it("runs the scripts that it names", function()
    conf(('scripts = "bot.lua"\nlisten = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\ndb = ":memory:"\n'
      .. 'webhook_secret = "%s"\n'):format(SECRET))
    local server = process.start { "serve", "--config", folder .. "/mavilua.conf.lua" }
    local answer = assert(mavilua.http.post(server.url .. "/webhook/" .. SECRET, { json = { id = 1 } }))
    assert.equal(200, answer.status)
    assert.equal(0, (server:stop()))
    assert.is_nil(server:log():find(SECRET, 1, true))
  end)

  it("is what check looks at, too", function()
    conf 'scripts = "bot.lua"\n'
    local code, out, err = run { "check" }
    assert.equal(0, code, err)
    assert.truthy(out:find "on message")
    fails(78, "unknown setting", run { "check", "--config", conf("lisen = 1", "bad.lua") })
    conf 'webhook_secret = "short"\n'
    fails(78, "it needs 16 to 64", run { "check", bot })
    conf ""
    fails(64, "SCRIPT… is missing; usage: mavilua check", run { "check" })
    fails(64, "MAVILUA_WORKERS takes", run { "check", bot, env = { MAVILUA_WORKERS = "x" } })
  end)
end)

describe("events and why", function()
  it("find the host through its configuration, and tell what is wrong with it", function()
    conf(('scripts = "bot.lua"\ndb = "of.db"\nadmin_token = "%s"\nlisten = "127.0.0.1:0"\nadmin = "127.0.0.1:0"\n'
      .. 'webhook_secret = "%s"\n'):format(SECRET, SECRET))
    local server = process.start { "serve", "--config", folder .. "/mavilua.conf.lua" }
    assert(mavilua.http.post(server.url .. "/webhook/" .. SECRET, { json = { id = 1 } }))
    local code, out, err = run { "events", "list" }
    assert.equal(0, code, err)
    assert.truthy(out:find '"id":1', out)
    assert.equal(78, (run { "events", "list", "--admin-token", "another" }))
    fails(66, "other.db: there is no such database", run { "events", "list", env = { MAVILUA_DB = "other.db" } })
    assert.equal(0, (server:stop()))
    assert.equal(0, (run { "events", "list" }))
    conf "lisen = 1"
    fails(78, 'unknown setting "lisen"; did you mean listen?', run { "why", "x", "2026-01-01" })
  end)
end)

describe("the limits of a host", function()
  it("are settings", function()
    conf 'max_body = "2KiB"\nwall_limit = 0.2\nwebhook_secret_file = "secret"\nlog_level = "warn"\n'
    os.execute("chmod 600 " .. process.write(folder .. "/secret", SECRET))
    process.write(bot, 'local host = require "mavilua.host"\n'
      .. 'host.on("message", function() host.sleep(60) end)\n')
    local server = process.start { "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", ":memory:",
      "--stop-timeout", "0.2", "--config", folder .. "/mavilua.conf.lua", bot }
    local url = server.url .. "/webhook/" .. SECRET
    assert.equal(413, assert(mavilua.http.post(url, { body = ("x"):rep(2049) })).status)
    assert.equal(200, assert(mavilua.http.post(url, { json = { id = 1, is_input = 1, message = "x",
      client = { id = 5 } } })).status)
    process.await(function() return server:log():find("took more than 0.2 s", 1, true) end, "the end of the run")
    assert.equal(0, (server:stop()))
  end)
end)

describe("MAVILUA_API_KEY_FILE", function()
  local script = 'local b = require "mavilua".client { transport = function(request) io.write(request.url) '
    .. 'return { status = 200, body = "ok" } end }  b:get_messages()'

  it("is known to scripts and to call, behind MAVILUA_API_KEY", function()
    local path = process.write(folder .. "/key", "filekey\r\n")
    local env = { MAVILUA_API_KEY_FILE = path, MAVILUA_BASE_URL = "http://127.0.0.1:1" }
    local code, out, err = process.run { "run", "-", stdin = script, env = env }
    assert.same({ 0, "http://127.0.0.1:1/api/filekey/get_messages", "" }, { code, out, err })
    assert.equal(69, (process.run { "call", "get_clients", env = env }))
    env.MAVILUA_API_KEY = "envkey"
    out = select(2, process.run { "run", "-", stdin = script, env = env })
    assert.equal("http://127.0.0.1:1/api/envkey/get_messages", out)
  end)

  it("is told of when it cannot be read", function()
    local env = { MAVILUA_API_KEY_FILE = folder .. "/absent" }
    local told = "MAVILUA_API_KEY_FILE: " .. folder .. "/absent: No such file"
    fails(66, told, process.run { "call", "get_clients", env = env })
    local _, _, err = process.run { "run", "-", stdin = script, env = env }
    assert.truthy(err:find(told, 1, true), err)
  end)
end)

describe("a secret", function()
  local function secret_file(text, mode)
    local path = process.write(folder .. "/secret", text or SECRET .. "\n")
    os.execute(("chmod %s %s"):format(mode or "600", process.quote(path)))
    return path
  end

  it("is never shown", function()
    conf(('api_key = "%s"'):format(SECRET))
    local found, err, out = settings { "--admin-token", SECRET, env = { MAVILUA_WEBHOOK_SECRET = SECRET } }
    assert.same({ '"***"', "mavilua.conf.lua:1" }, found.api_key)
    assert.same({ '"***"', "--admin-token" }, found.admin_token)
    assert.same({ '"***"', "MAVILUA_WEBHOOK_SECRET" }, found.webhook_secret)
    assert.is_nil((out .. err):find(SECRET, 1, true))
    conf "api_key = { 'topsecret' }"
    local _, _, message = run { "serve", bot }
    assert.truthy(message:find "api_key takes a text that is not empty, not a list")
    assert.is_nil(message:find "topsecret")
  end)

  it("comes from a file that an option, a variable or the configuration names", function()
    local path = secret_file()
    assert.same({ '"***"', ("--webhook-secret-file (%s)"):format(path) },
      settings({ "--webhook-secret-file", path }).webhook_secret)
    assert.same({ '"***"', ("MAVILUA_API_KEY_FILE (%s)"):format(path) },
      settings({ env = { MAVILUA_API_KEY_FILE = path } }).api_key)
    conf 'admin_token_file = "secret"'
    assert.same({ '"***"', "mavilua.conf.lua:1 (secret)" }, settings({}).admin_token)
  end)

  it("comes from systemd's credentials", function()
    local credentials = process.folder()
    process.write(credentials .. "/mavilua_api_key", SECRET)
    local env = { CREDENTIALS_DIRECTORY = credentials }
    assert.same({ '"***"', ("CREDENTIALS_DIRECTORY (%s/mavilua_api_key)"):format(credentials) },
      settings({ env = env }).api_key)
    env.MAVILUA_API_KEY = "another-key"
    assert.same({ '"***"', "MAVILUA_API_KEY" }, settings({ env = env }).api_key)
  end)

  it("arrives without the line end of its file, in the webhook's path and in the scripts", function()
    local path = secret_file(SECRET .. "\r\n")
    local key = process.write(folder .. "/key", "the-key-itself\n")
    os.execute("chmod 600 " .. key)
    process.write(bot, BOT .. 'print(tostring(#require("mavilua.defaults").api_key))\n')
    local server = process.start { "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", ":memory:",
      "--config", "/dev/null", bot, env = { MAVILUA_WEBHOOK_SECRET_FILE = path, MAVILUA_API_KEY_FILE = key } }
    assert.equal(200, assert(mavilua.http.post(server.url .. "/webhook/" .. SECRET, { json = { id = 1 } })).status)
    assert.equal(0, (server:stop()))
    assert.truthy(server:log():find '"message":"14"', server:log())
    assert.is_nil(server:log():find(SECRET, 1, true))
  end)

  it("is refused when its file is unreadable, empty, too long or no text", function()
    local function refused(status, message, path)
      fails(status, message, run { "serve", bot, env = { MAVILUA_WEBHOOK_SECRET_FILE = path } })
    end
    refused(66, "MAVILUA_WEBHOOK_SECRET_FILE: /nowhere: No such file", "/nowhere")
    refused(66, "Is a directory", folder)
    refused(78, "it is empty", secret_file "\n")
    refused(78, "longer than a secret may be", secret_file(("x"):rep(5000)))
    refused(78, "a secret is one line of text", secret_file "one\ntwo\n")
    refused(78, "it needs 16 to 64", secret_file "short\n")
  end)

  it("is warned of when everybody can read its file", function()
    local _, err = settings { "--webhook-secret-file", secret_file(nil, 644) }
    local warned = "warning: --webhook-secret-file (" .. folder .. "/secret) can be read by every user"
    assert.truthy(err:find(warned, 1, true), err)
    conf('api_key = "something"')
    os.execute("chmod 644 " .. folder .. "/mavilua.conf.lua")
    _, err = settings {}
    assert.truthy(err:find("mavilua.conf.lua holds a secret and can be read by every user", 1, true), err)
  end)

  it("and its file are not both given", function()
    local path = secret_file()
    fails(64, "MAVILUA_API_KEY and MAVILUA_API_KEY_FILE are both set",
      run { "serve", bot, env = { MAVILUA_API_KEY = "x", MAVILUA_API_KEY_FILE = path } })
    conf(('api_key = "x"\napi_key_file = %q'):format(path))
    fails(78, "mavilua.conf.lua:2: api_key_file: the secret and its file are both set", run { "serve", bot })
  end)

  it("on the command line is overwritten there; the API key is not taken there at all", function()
    local server = process.start { "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", ":memory:",
      "--config", "/dev/null", "--webhook-secret", SECRET, "--admin-token=" .. SECRET, "--sandbox",
      "--sandbox-listen", "127.0.0.1:0", bot, lines = 2 }
    local line = process.read(("/proc/%d/cmdline"):format(server.pid))
    assert.equal(200, assert(mavilua.http.post(server.url .. "/webhook/" .. SECRET, { json = { id = 1 } })).status)
    server:stop()
    assert.truthy(line:find("--webhook-secret\0********", 1, true), line)
    assert.is_nil(line:find(SECRET, 1, true))
    fails(64, "--api-key would be seen by every user", run { "serve", "--api-key", "x", bot })
  end)
end)
