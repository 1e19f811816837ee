local mavilua = require "mavilua"
local core = require "mavilua.core"
local fake_server = require "spec.support.fake_server"
local scripted = require "spec.support.scripted"
local numbers = require "spec.support.numbers"

local KEY = "0123456789abcdef0123456789abcdef"

local function line()
  return debug.getinfo(2, "l").currentline
end

local function new(options)
  options.api_key = options.api_key or KEY
  return mavilua.client(options)
end

local function raises(fn, ...)
  local ok, message = pcall(fn, ...)
  assert.is_false(ok)
  assert.is_string(message)
  return message
end

describe("mavilua.client: options", function()
  it("refuses an unknown option at the caller's line and names the nearest", function()
    local at = line() + 1
    local message = raises(function() mavilua.client { api_key = KEY, timeuot = 3 } end)
    assert.matches("client_spec.lua:" .. at .. ":", message, 1, true)
    assert.matches('unknown option "timeuot"; did you mean "timeout"?', message, 1, true)
  end)

  it("refuses values of the wrong type or range and tells what it takes", function()
    for name, value in pairs { timeout = 0, connect_timeout = -1, retries = 1.5, rate = "3", verify = 1,
      daily_quota = -1, transport = {}, api_key = 5, ca_file = true, max_retry_wait = 0 / 0 } do
      local message = raises(mavilua.client, { api_key = name ~= "api_key" and KEY or nil, [name] = value })
      assert.matches('mavilua.client: option "' .. name .. '" takes ', message, 1, true)
    end
    assert.matches("takes a table of options, got string", raises(mavilua.client, KEY), 1, true)
  end)

  it("says where keys are made when there is none", function()
    if os.getenv "MAVILUA_API_KEY" or package.loaded["mavilua.defaults"] then return end
    assert.matches("Integrations > API key", raises(mavilua.client, {}), 1, true)
    assert.matches("MAVILUA_API_KEY", raises(mavilua.client), 1, true)
  end)

  it("refuses a key with blanks and does not show it", function()
    local message = raises(mavilua.client, { api_key = KEY .. "\n" })
    assert.matches("blanks or line ends", message)
    assert.not_matches(KEY, message, 1, true)
  end)

  it("refuses an address that is none", function()
    for _, address in ipairs { "chatter.mavibot.ai", "ftp://a.b", "http://", "http://a b", "http://a/?x=1",
      "http://user:pass@host" } do
      local message = raises(mavilua.client, { api_key = KEY, base_url = address })
      assert.matches("base_url takes an address such as", message, 1, true)
      assert.not_matches("pass@", message, 1, true)
    end
  end)

  it("takes key and address from the host's defaults, the argument first", function()
    local before = package.loaded["mavilua.defaults"]
    finally(function() package.loaded["mavilua.defaults"] = before end)
    package.loaded["mavilua.defaults"] = { api_key = "fromhost", base_url = "http://127.0.0.1:9/" }
    local transport, requests = scripted.transport { status = "success" }
    mavilua.client { transport = transport }:get_messages()
    assert.equal("http://127.0.0.1:9/api/fromhost/get_messages", requests[1].url)
    mavilua.client { transport = transport, api_key = "mine", base_url = "http://x.y" }:get_messages()
    assert.equal("http://x.y/api/mine/get_messages", requests[2].url)
  end)

  it("takes them from the environment", function()
    local script = [[
      local mavilua = require "mavilua"
      local function transport(request)
        io.write(request.url)
        return { status = 200, body = "ok" }
      end
      mavilua.client { transport = transport }:get_messages()
    ]]
    local process = require "spec.support.process"
    local path = process.write(process.folder() .. "/script.lua", script)
    local status, out, err = process.run { "run", path,
      env = { MAVILUA_API_KEY = "envkey", MAVILUA_BASE_URL = "https://chatter.salebot.pro" } }
    assert.same({ 0, "" }, { status, err })
    assert.equal("https://chatter.salebot.pro/api/envkey/get_messages", out)
  end)
end)

describe("mavilua.client: methods", function()
  it("has one for each of the 43 actions", function()
    local bot = new {}
    local rows = mavilua.actions()
    assert.equal(43, #rows)
    for _, row in ipairs(rows) do assert.is_function(bot[row.name]) end
  end)

  it("names the action and the unknown parameter, for each action, in one line", function()
    local bot = new { transport = scripted.transport { status = "success" } }
    for _, row in ipairs(mavilua.actions()) do
      -- Where further names are variables or conditions, what they cannot be is a value like this.
      local wrong = row.extras == "refused" and 1 or function() end
      local params = row.bare_array and { { no_such_thing = wrong } } or { no_such_thing = wrong }
      local at = line() + 1
      local message = raises(function() bot[row.name](bot, params) end)
      assert.matches("client_spec.lua:" .. at .. ": " .. row.name .. ": ", message, 1, true)
      assert.matches("no_such_thing", message, 1, true)
      assert.not_matches("\n", message)
    end
  end)

  it("names the action and the parameter of a wrong type, for each action, in one line", function()
    local bot = new { transport = scripted.transport { status = "success" } }
    for _, row in ipairs(mavilua.actions()) do
      for _, param in ipairs(row.params) do
        local params = { [param.name] = function() end }
        local message = raises(function() bot[row.name](bot, params) end)
        assert.matches("client_spec.lua:%d+: " .. row.name .. ": ", message)
        assert.matches(param.name, message, 1, true)
        assert.not_matches("\n", message)
      end
      local message = raises(bot[row.name], bot, 5)
      assert.matches(row.name .. ": takes a table of parameters, got number", message, 1, true)
    end
  end)

  it("raises misuse at the caller's line: straight, through pcall, and inside map", function()
    local bot = new {}
    local at = line() + 2
    local function straight()
      bot:get_history { client = 1 }
    end
    local here = ("client_spec.lua:%d: get_history: "):format(at)
    assert.matches(here, raises(straight), 1, true)
    assert.matches(here, raises(function() coroutine.wrap(straight)() end), 1, true)
    local _, errors = mavilua.map({ 1, 2 }, function() straight() end)
    assert.matches(here, errors[2], 1, true)
    at = line() + 1
    local _, tail = mavilua.map({ 1 }, function(id) return bot:get_history { client = id } end)
    assert.matches(("client_spec.lua:%d: get_history: "):format(at), tail[1], 1, true)
    assert.matches("client_spec.lua:%d+: get_history: ", raises(bot.get_history, bot, { client = 1 }))
  end)

  it("tells a dot from a colon", function()
    local bot = new {}
    local message = raises(function() local _ = bot.get_clients { limit = 1 } end)
    assert.matches("write bot:get_clients{...} with a colon", message, 1, true)
    assert.matches("with a colon", raises(bot.call, "message", {}), 1, true)
    assert.matches("with a colon", raises(bot.each, "get_clients"), 1, true)
    assert.matches("with a colon", raises(bot.in_batches, "delete_clients", {}), 1, true)
    assert.matches("with a colon", raises(bot.quota), 1, true)
  end)

  it("names the nearest action for an unknown method, and bot:call", function()
    local bot = new {}
    local at = line() + 1
    local message = raises(function() bot:get_client { limit = 1 } end)
    assert.matches("client_spec.lua:" .. at .. ": ", message, 1, true)
    assert.matches('did you mean "get_clients"?', message, 1, true)
    assert.matches('bot:call("get_client", {...})', message, 1, true)
    assert.is_nil(bot[1])
    assert.is_nil(bot.__len)
  end)

  it("lets a program put functions of its own in the place of actions", function()
    local bot = new {}
    bot.message = function() return "mine" end
    assert.equal("mine", bot:message { client_id = 1 })
  end)

  it("sends what the row says", function()
    local transport, requests = scripted.transport { status = "success" }
    local bot = new { transport = transport, base_url = "http://h:1//" }
    bot:get_history { client_id = "25554", limit = 3 }
    bot:message { client_id = 7, message = "hé" }
    bot:load_clients { { platform_id = 1, group_id = "", client_type = 13 } }
    assert.equal("GET", requests[1].method)
    assert.matches("^http://h:1/api/" .. KEY .. "/get_history%?", requests[1].url)
    assert.is_nil(requests[1].body)
    assert.equal("POST", requests[2].method)
    assert.same({ client_id = 7, message = "hé" }, core.decode(requests[2].body))
    assert.equal("application/json", requests[2].headers["Content-Type"])
    assert.is_true(requests[2].once)
    assert.equal("[", requests[3].body:sub(1, 1))
    assert.equal("load_clients", requests[3].action)
    assert.is_true(requests[3].verify)
  end)

  it("escapes a key that an address cannot hold", function()
    local transport, requests = scripted.transport { status = "success" }
    new { api_key = "a/b?c%", transport = transport }:get_messages()
    assert.equal("https://chatter.mavibot.ai/api/a%2Fb%3Fc%25/get_messages", requests[1].url)
  end)

  it("carries 64-bit ids digit for digit", function()
    local body = '{"status":"success","client_ids":[-1001234567890123,22563045582,9007199254740993,'
      .. '9223372036854775807]}'
    local transport, requests = scripted.transport(function() return { status = 200, body = body } end)
    local bot = new { transport = transport }
    local value, json = numbers.value, numbers.json
    local ids = { value "9223372036854775807", value "-1001234567890123" }
    local found = assert(bot:find_clients { q = { id = { _in = ids } } })
    assert.same({ -1001234567890123, 22563045582, value "9007199254740993", value "9223372036854775807" },
      found.client_ids)
    assert.matches(("[%s,-1001234567890123]"):format(json "9223372036854775807"), requests[1].body, 1, true)
  end)

  it("gives a plain ok as success and nulls on demand", function()
    local transport = scripted.transport(function() return { status = 200, body = "ok" } end)
    assert.same({ status = "success", text = "ok" }, new { transport = transport }:message {
      client_id = 1, message = "x" })
    local null = scripted.transport(function() return { status = 200, body = '{"a":null,"b":[null]}' } end)
    assert.same({ b = { mavilua.null } }, (new { transport = null }:get_variables { client_id = 1 }))
    assert.equal(mavilua.null, new { transport = null, keep_null = true }:get_variables { client_id = 1 }.a)
  end)

  it("calls actions that the table does not know, as they are and once", function()
    local transport, requests = scripted.transport(503)
    local bot = new { transport = transport, runtime = scripted.runtime() }
    local result, err = bot:call("brand_new", { anything = { 1, 2 } })
    assert.is_nil(result)
    assert.equal("ambiguous", err.kind)
    assert.equal(1, #requests)
    assert.matches("/brand_new$", requests[1].url)
    assert.equal('{"anything":[1,2]}', requests[1].body)
    assert.matches("letters, digits and underscores", raises(bot.call, bot, "../x"), 1, true)
    assert.matches('unknown parameter "limt"; did you mean "limit"', raises(bot.call, bot, "get_clients",
      { limt = 1 }), 1, true)
  end)

  it("takes timeout and retries for one call", function()
    local transport, requests = scripted.transport(503)
    local bot = new { transport = transport, runtime = scripted.runtime() }
    local _, err = bot:get_messages({}, { retries = 0, timeout = 2 })
    assert.equal(1, err.attempts)
    assert.equal(2, requests[1].timeout)
    assert.matches('unknown option "retrys"', raises(bot.get_messages, bot, {}, { retrys = 0 }), 1, true)
  end)
end)

describe("mavilua.client: errors", function()
  it("has fields and reads well", function()
    local transport = scripted.transport(function()
      return { status = 200, body = '{"status":"client_not_found"}' }
    end)
    local result, err = new { transport = transport }:get_current_order_id { client_id = 1 }
    assert.is_nil(result)
    assert.equal("api", err.kind)
    assert.equal("get_current_order_id", err.action)
    assert.equal("client_not_found", err.code)
    assert.equal(200, err.status)
    assert.equal(1, err.attempts)
    assert.is_false(err.retryable)
    assert.equal('{"status":"client_not_found"}', err.body)
    assert.matches("^get_current_order_id: .*client_not_found", tostring(err))
    assert.matches("^so: get_current_order_id: ", "so: " .. err)
  end)

  it("keeps the beginning of a long body only", function()
    local transport = scripted.transport(function() return { status = 500, body = ("x"):rep(1000000) } end)
    local _, err = new { transport = transport, retries = 0 }:get_messages()
    assert.is_true(#err.body < 2100)
  end)

  it("never shows the key: not in errors, traces, dumps, nor misuse", function()
    local key = "s3cret/key"
    local escaped = "s3cret%2Fkey"
    local seen = {}
    local function look(value)
      if type(value) == "table" then
        for k, v in pairs(value) do look(k) look(v) end
        value = tostring(value)
      end
      seen[#seen + 1] = tostring(value)
    end
    local bodies = { "the key " .. key .. " is wrong", "see /api/" .. escaped .. "/x and /api/s3cret%2fkey/y",
      '{"status":"fail","message":"' .. key .. '"}' }
    for _, body in ipairs(bodies) do
      local transport = scripted.transport(function() return { status = 502, body = body } end)
      local bot = new { api_key = key, transport = transport, runtime = scripted.runtime(),
        trace = look, on_retry = look }
      look(select(2, bot:get_messages()))
      look(bot)
      look(getmetatable(bot))
    end
    local fails = scripted.transport { fail = { kind = "network", message = "no http://h/api/" .. escaped } }
    look(select(2, new { api_key = key, transport = fails, retries = 0, trace = look }:get_messages()))
    local breaks = function(request) error("bad " .. request.url) end
    look(raises(function() new { api_key = key, transport = breaks }:get_messages() end))
    look(raises(function() new { api_key = key }:get_history { [key] = 1 } end))
    local all = table.concat(seen, "\n")
    assert.not_matches(key, all, 1, true)
    assert.not_matches(escaped, all, 1, true)
    assert.not_matches("s3cret", all, 1, true)
    assert.matches("[redacted]", all, 1, true)
  end)

  it("leaves words whole when the key is too short to be one", function()
    local transport = scripted.transport { fail = { kind = "network", message = "cannot talk" } }
    assert.matches("cannot talk", tostring(select(2, new { api_key = "k", transport = transport }:get_messages())))
  end)

  it("leaves the sandbox's key readable, which is no secret", function()
    local transport = scripted.transport(function()
      return { status = 501, body = '{"status":"fail","message":"not in this sandbox"}' }
    end)
    local _, err = new { api_key = "sandbox", transport = transport }:get_messages()
    assert.equal("not in this sandbox", err.message)
  end)

  it("tells the trace of requests, replies and retries", function()
    local events = {}
    local transport = scripted.transport(503, { status = "success" })
    local bot = new { transport = transport, runtime = scripted.runtime(),
      trace = function(event) events[#events + 1] = event end }
    assert(bot:get_messages())
    local words = {}
    for i, event in ipairs(events) do words[i] = event.what .. event.attempt end
    assert.equal("request1 reply1 retry1 request2 reply2", table.concat(words, " "))
    assert.equal(503, events[2].status)
    assert.matches("/api/[redacted]/get_messages", events[1].url, 1, true)
  end)
end)

describe("mavilua.client: on sockets", function()
  local fake
  setup(function() fake = fake_server.start() end)
  teardown(function() fake:stop() end)

  it("keeps its connection alive", function()
    local address = fake:url()
    local bot = new { base_url = address }
    for _ = 1, 5 do assert(bot:get_messages()) end
    local first = fake:requests(address)[1].connection
    for _, request in ipairs(fake:requests(address)) do assert.equal(first, request.connection) end
  end)

  it("gives up after its timeout", function()
    local bot = new { base_url = fake:url { delay = 20 }, timeout = 0.2, retries = 0 }
    local start = mavilua.now()
    local _, err = bot:get_messages()
    assert.equal("timeout", err.kind)
    assert.is_true(err.retryable)
    assert.is_true(mavilua.now() - start < 10)
  end)

  it("tells ambiguity where a message may have arrived", function()
    local bot = new { base_url = fake:url { drop = 9 }, runtime = { sleep = function() end } }
    local _, err = bot:message { client_id = 1, message = "x" }
    assert.equal("ambiguous", err.kind)
    assert.equal(1, err.attempts)
    assert.is_false(err.retryable)
    assert.is_true(err.sent)
    local timed = fake:url { delay = 20 }
    _, err = new { base_url = timed, timeout = 0.2 }:message { client_id = 1, message = "x" }
    assert.equal("ambiguous", err.kind)
    assert.equal(1, #fake:requests(timed))
  end)

  it("repeats a message of which nothing was sent", function()
    local bot = new { base_url = fake.closed_url, runtime = { sleep = function() end } }
    local _, err = bot:message { client_id = 1, message = "x" }
    assert.equal("network", err.kind)
    assert.equal(3, err.attempts)
    assert.is_true(err.retryable)
    assert.is_false(err.sent)
    assert.not_matches(KEY, tostring(err), 1, true)
  end)

  it("repeats reads through dropped connections and bad statuses", function()
    local quick = { sleep = function() end }
    assert.equal(3, assert(new { base_url = fake:url { drop = 2 }, runtime = quick }:get_messages()).n)
    local failing = fake:url { status = "503,502,200" }
    assert.equal(3, assert(new { base_url = failing, runtime = quick }:get_messages()).n)
    local _, err = new { base_url = fake.dropping_url, runtime = quick }:get_messages()
    assert.equal("network", err.kind)
    assert.equal(3, err.attempts)
  end)

  it("fails cleanly on cut-off answers and on what is not HTTP", function()
    local _, err = new { base_url = fake:url { truncate = 1 }, retries = 0 }:get_messages()
    assert.is_truthy(err.kind == "network" or err.kind == "decode")
    _, err = new { base_url = fake:url { garbage = 1 }, retries = 0 }:get_messages()
    assert.is_truthy(err.kind == "network" or err.kind == "decode")
    _, err = new { base_url = fake:url { body = "{\"a\":" }, retries = 0 }:get_messages()
    assert.equal("decode", err.kind)
  end)

  -- What asks or tells nothing in between goes through the core in one piece.
  it("does the same with a trace and without", function()
    local function seen(how, options, fn)
      local address = fake:url(how)
      options.base_url, options.runtime = address, { sleep = function() end }
      local bot = new(options)
      local result, err = fn(bot)
      local list = {}
      for i, request in ipairs(fake:requests(address)) do
        local headers = request.headers
        list[i] = { request.method, request.path:gsub("^/[^/]*", "", 1), request.body, headers["content-type"],
          headers.accept, headers["user-agent"], headers["accept-encoding"], headers["content-length"] }
      end
      if type(result) == "table" then result.request = nil end -- when and on which connection it came
      return { result = result, err = err and tostring(err), fields = err and { err.kind, err.status, err.attempts,
        err.retryable, err.sent, err.retry_after, err.body }, requests = list, used = bot:quota() }
    end
    local function message(bot) return bot:message { client_id = 7, message = "H\195\169 \"x\"" } end
    local function find(bot) return bot:find_clients { q = { city = { _in = { "Oslo" } } } } end
    local function save(bot) return bot:save_variables { client_id = 7, variables = { city = "Oslo" } } end
    local function read(bot) return bot:get_variables { client_id = "7 8&" } end
    local function unknown(bot) return bot:call("later_added", { a = { 1, 2 } }) end
    local function wrong(bot) return nil, raises(bot.message, bot, { client_id = 7, mesage = "x" }) end
    for i, case in ipairs {
      { {}, message }, { {}, find }, { {}, save }, { {}, read }, { {}, unknown }, { {}, wrong },
      { { body = '{"status":"client_not_found"}' }, message }, { { body = '{"status":"OK","a":[null]}' }, read },
      { { body = "ok" }, message }, { { body = "<html>" }, read }, { { body = "" }, read },
      { { body = "null" }, unknown }, { { status = "503,429,200" }, read },
      { { status = 404, body = '{"message":"none"}' }, message },
      { { status = "503", retry_after = 90, body = "{}" }, read },
      { { drop = 1 }, read }, { { drop = 9 }, message }, { { truncate = 1 }, find },
    } do
      local traced = seen(case[1], { trace = function() end }, case[2])
      assert.same(traced, seen(case[1], {}, case[2]), tostring(i))
    end
  end)

  it("counts its calls, also those of the straight way", function()
    local bot = new { base_url = fake:url { status = "200,503,503,200" }, runtime = { sleep = function() end } }
    assert(bot:get_messages())
    assert.equal(1, (bot:quota()))
    assert(bot:get_messages())
    assert.equal(4, (bot:quota()))
    raises(bot.get_messages, bot, { nothing = 1 })
    assert(bot:save_variables { client_id = 1, variables = { a = 1 } })
    assert.same({ 4, math.huge }, { bot:quota() })
  end)

  it("does not follow redirects, for the key stands in the address", function()
    local target = fake:url()
    local bot = new { base_url = fake:url { status = 302, location = target } }
    local _, err = bot:get_messages()
    assert.equal("http", err.kind)
    assert.equal(302, err.status)
    assert.equal(0, #fake:requests(target))
  end)
end)
