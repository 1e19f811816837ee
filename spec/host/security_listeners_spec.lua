-- docs/host.md, Operating it: who may ask the listeners, and what strangers learn.
local core = require "mavilua.core"
local http = require "mavilua.http"
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("an unknown path and a wrong secret", function()
  local bot
  setup(function()
    bot = support.start [[
      host.hook("pay", { secret = "pay-secret" }, function() end)
      host.on("message", function() end)
    ]]
  end)
  teardown(function() bot:stop() end)

  it("look alike: the same 404, whatever the path, the method and the body", function()
    local expected = bot:post("/nothing", "{}")
    assert.equal(404, expected.status)
    for _, path in ipairs { "/", "/webhook/", "/webhook/wrong", "/webhook/" .. support.secret .. "x", "/hook/pay",
      "/webhook/" .. support.secret:sub(1, -2), "/hook/pay/wrong", "/hook/none", "/hook/pay?secret=wrong",
      "/metrics" } do
      for _, method in ipairs { "POST", "GET", "PUT" } do
        local reply = bot:post(path, method ~= "GET" and "{" or nil, { method = method })
        assert.same({ 404, expected.body }, { reply.status, reply.body }, method .. " " .. path)
        for name, value in pairs(expected.headers) do
          if name ~= "date" then assert.equal(value, reply.headers[name]) end
        end
      end
    end
  end)
end)

describe("a secret that comes in", function()
  -- Time cannot be told apart over a network in a spec; what compares is looked at instead.
  it("is compared in constant time, by the one function that does so", function()
    local calls = 0
    for path, held in pairs { ["csrc/host/routes.c"] = "secret", ["csrc/host/signature.c"] = "right",
      ["csrc/host/admin.c"] = "token" } do
      for line in process.read(path):gmatch "[^\n]+" do
        calls = calls + select(2, line:gsub("mv_secret_equal%(", ""))
        local compares = line:find "str[n]?c[a-z]*mp%(" or line:find "memcmp%("
        compares = compares and not line:find('"Bearer "', 1, true)
        assert.is_nil(compares and line:find(held, 1, true) or nil, path .. ": " .. line)
      end
    end
    assert.equal(5, calls)
    local body = process.read("csrc/base/bytes.c"):match "bool mv_secret_equal.-\n}"
    for word in body:gmatch "%a+" do assert.is_true(word ~= "break" and word ~= "memcmp" and word ~= "strcmp", word) end
    assert.equal(1, select(2, body:gsub("return ", "")))
  end)
end)

describe("the admin listener", function()
  after_each(support.cleanup)

  it("is on loopback, and elsewhere only with a token", function()
    local path = process.write(process.folder() .. "/bot.lua", 'require("mavilua.host").on("message", print)')
    for _, place in ipairs { "0.0.0.0:0", ":0" } do
      local status, _, problem = process.run { "serve", "--listen", "127.0.0.1:0", "--admin", place, "--db", ":memory:",
        path, env = { MAVILUA_WEBHOOK_SECRET = support.secret } }
      assert.is_true(status > 0)
      assert.match("set an admin token, or listen at 127.0.0.1", problem, 1, true)
    end
  end)

  it("asks for the token where there is one, but for health and readiness", function()
    local bot = support.start("host.job('later', print)", { args = { "--admin-token", "a-token-for-specs" } })
    local function status(path, authorization)
      return http.get(bot.admin .. path, { headers = { Authorization = authorization } }).status
    end
    for _, path in ipairs { "/api/summary", "/metrics", "/api/events", "/api/handlers" } do
      assert.equal(401, status(path))
      assert.equal(401, status(path, "Bearer a-token-for-spec"))
      assert.equal(401, status(path, "Basic a-token-for-specs"))
      assert.equal(200, status(path, "Bearer a-token-for-specs"))
    end
    assert.equal(200, status "/healthz")
    assert.equal(200, status "/readyz")
  end)

  it("is not for web pages: not from elsewhere, not under another name", function()
    local bot = support.start "host.on('message', print)"
    local function ask(headers, method)
      local reply = http.request { url = bot.admin .. "/api/events", method = method, headers = headers }
      return reply.status, reply.body
    end
    local port = bot.admin:match ":(%d+)$"
    for _, headers in ipairs { { Host = "evil.example:80" }, { Host = "127.0.0.1.evil.example" },
      { Origin = "http://evil.example" }, { Origin = "null" }, { Origin = "http://127.0.0.1:1" },
      { Host = "evil.example:" .. port, Origin = "http://evil.example:" .. port } } do
      local status, body = ask(headers)
      assert.equal(403, status)
      assert.match("not for web pages", body)
    end
    assert.equal(403, http.request { url = bot.admin .. "/api/events/1/replay", method = "POST",
      headers = { Origin = "http://evil.example" } }.status)
    assert.equal(200, (ask { Origin = bot.admin }))
    assert.equal(200, (ask { Host = "localhost:8081" }))
    assert.equal(200, (ask { Host = "[::1]:8081" }))
  end)
end)

describe("the sandbox's control", function()
  it("is not for web pages of others", function()
    local sandbox = process.start { "sandbox", "--listen", "127.0.0.1:0", "--db", ":memory:" }
    local function ask(headers)
      return http.request { url = sandbox.url .. "/_sandbox/reset", method = "POST", headers = headers }
    end
    for _, origin in ipairs { "http://evil.example", "null", "http://localhost:1", "file://" } do
      local reply = ask { Origin = origin }
      assert.equal(403, reply.status)
      assert.match("the request's Origin is not the sandbox's own", reply.body, 1, true)
    end
    local port = sandbox.url:match ":(%d+)$"
    assert.equal(403, ask { Host = "evil.example:" .. port, Origin = "http://evil.example:" .. port }.status)
    assert.equal(200, ask { Origin = sandbox.url }.status)
    assert.equal(200, ask().status)
    sandbox:stop()
  end)
end)

describe("the database's files", function()
  local function all_private(bot)
    local pipe = io.popen("stat -c '%a %n' " .. process.quote(bot.folder) .. "/bot.db*")
    local count = 0
    for line in pipe:lines() do
      count = count + 1
      assert.match("^600 ", line)
    end
    pipe:close()
    assert.is_true(count >= 2)
  end

  it("are readable by the owner alone, whatever the umask", function()
    local bot = support.start("host.on('message', print)", { before = "umask 0" })
    bot:message(1, 1, "x")
    all_private(bot)
    bot:stop()
  end)

  it("also when a copy that others can read was put there", function()
    local bot = support.start("host.on('message', print)")
    bot:message(1, 1, "x")
    bot:kill()
    assert(os.execute("chmod 664 " .. process.quote(bot.folder) .. "/bot.db*"))
    assert(os.execute("chmod 600 " .. process.quote(bot.folder) .. "/bot.db.lock"))
    bot:start()
    all_private(bot)
    bot:stop()
  end)
end)

describe("a shell", function()
  it("is never started: scripts cannot, and no child comes of anything", function()
    local bot = support.start [[
      host.on("message", function()
        trace(pcall(os.execute, "true"))
        trace(pcall(io.popen, "true"))
        trace(os.getenv "HOME" and 1)
      end)
    ]]
    bot:message(1, 1, "x")
    process.await(function() return #bot:lines() == 3 end, "three lines")
    assert.match("^false .*execute is not available", bot:lines()[1])
    assert.match("^false .*popen is not available", bot:lines()[2])
    local pid = bot.process.pid
    assert.equal("", process.read(("/proc/%d/task/%d/children"):format(pid, pid)))
    bot:stop()
  end)

  it("is not even called for in the sources", function()
    local pipe = io.popen "grep -lE '\\b(system|popen|fork|vfork|execv[pe]*|execl[pe]*|posix_spawnp?) *\\(' csrc/*/*.c"
    local found = pipe:read "a"
    pipe:close()
    assert.is_nil(found:find "csrc/host", found)
    for path in found:gmatch "[^\n]+" do assert.match("^csrc/test/", path) end
  end)
end)

describe("limits against slow and greedy senders", function()
  local socket = require "socket"
  local bot
  local function start(idle)
    bot = support.start("host.hook('echo', function(r) return r.body end)",
      { args = { "--connections", "40", "--per-address", "10", "--idle-timeout", idle } })
  end
  before_each(function() start "1" end)
  after_each(support.cleanup)

  local function connect(from)
    local connection = socket.tcp()
    if from then assert(connection:bind(from, 0)) end
    connection:settimeout(20)
    assert(connection:connect("127.0.0.1", tonumber(bot.url:match ":(%d+)$")))
    return connection
  end

  -- Whether the other end closes; fails after 20 seconds.
  local function is_closed(connection)
    local got, why = connection:receive "*a"
    return why ~= "timeout" and (got or "")
  end

  -- A byte now and then, until the other end closes.
  local function drip(connection)
    process.await(function()
      core.sleep(0.2)
      return not connection:send "x"
    end, "the end of a dripping connection")
  end

  it("an address has its share of the connections, and others go on", function()
    bot:stop()
    start "60"
    local held = {}
    for i = 1, 30 do
      held[i] = connect()
      held[i]:send "POST /hook/echo HTTP/1.1\r\n"
    end
    process.await(function() return #socket.select(held, nil, 0) >= 20 end, "20 of 30 closed by the host")
    local other = connect "127.0.0.2"
    other:send "POST /hook/echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi"
    assert.match("^HTTP/1.1 200", (other:receive "*a"))
    for _, connection in ipairs(held) do connection:close() end
  end)

  it("who sends nothing is closed", function()
    assert.is_string(is_closed(connect()))
  end)

  it("who drips headers byte by byte is closed all the same", function()
    local connection = connect()
    drip(connection)
  end)

  it("headers without end, and a body over the limit, are refused", function()
    local connection = connect()
    connection:send("POST /hook/echo HTTP/1.1\r\nX: " .. ("x"):rep(40000))
    local answer = is_closed(connection)
    assert.is_true(answer == "" or answer:find "^HTTP/1.1 4%d%d" ~= nil, answer)
    assert.equal(413, bot:post("/hook/echo", ("x"):rep((1 << 20) + 1)).status)
    assert.equal(200, bot:post("/hook/echo", ("x"):rep(1 << 20)).status)
  end)

  it("request line and headers may have 7 KiB, and not 9", function()
    local long = { [7000] = 200, [9000] = 431 }
    for length, status in pairs(long) do
      local reply = assert(bot:post("/hook/echo", "x", { headers = { ["X-Long"] = ("y"):rep(length) } }))
      assert.equal(status, reply.status)
    end
    assert.equal(200, bot:post("/hook/echo?q=" .. ("y"):rep(7000), "x").status)
    assert.equal(414, bot:post("/hook/echo?q=" .. ("y"):rep(9000), "x").status)
  end)

  it("who drips a body is closed, and what was announced is never stored", function()
    local connection = connect()
    connection:send "POST /hook/echo HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"
    drip(connection)
    assert.equal(0, bot:ask "/api/summary".accepted)
  end)
end)
