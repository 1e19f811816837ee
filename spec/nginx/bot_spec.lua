-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local sandbox = require "spec.support.sandbox"
local support = require "spec.support.bot"

local KEY = "0123456789abcdef0123456789abcdef"
local webhook = "/webhook/" .. support.secret

local function start(bot, base_url, options)
  options = options or {}
  options.secret, options.key = options.secret or support.secret, options.key or KEY
  return nginx.start_bot(bot, base_url, options)
end

local function script(text)
  return process.write(process.folder() .. "/bot.lua", [[
    local mavilua = require "mavilua"
    local host = require "mavilua.host"
    local bot = mavilua.client { retries = 0 }
    local _ = bot
  ]] .. text)
end

describe("a bot inside nginx, as shipped", function()
  local front, box

  local function post(body)
    return front:request(webhook, { body = body })
  end

  after_each(function()
    if front then front:stop() end
    if box then box:stop() end
    front, box = nil, nil
  end)

  it("takes webhooks, calls actions, and moves an order", function()
    box = sandbox.start()
    front = start("examples/orders.lua", box.url, { key = "sandbox" })
    local client = box:client "777000777"
    for i, text in ipairs { "order tea", "yes" } do
      local status, body = post(support.message(i, client, text))
      assert.equal(200, status, front:logs())
      assert.equal('{"status":"success"}', body)
    end
    assert.equal(1002, box:call("get_order_state", { client_id = client }).state_id)
    assert.same({ "< tea for 12 €. Say yes to confirm.", "> crm_state_changed Shop:Confirmed",
      "< Confirmed. We pack your parcel." }, box:talk(client))
  end)

  it("takes a message once", function()
    box = sandbox.start()
    front = start("examples/orders.lua", box.url, { key = "sandbox", workers = 2 })
    local client = box:client "777000777"
    for _ = 1, 3 do assert.equal(200, (post(support.message(7, client, "hello")))) end
    assert.equal(1, #box:talk(client))
  end)

  it("tells ids of many digits apart, and takes what nobody sends again", function()
    front = start(script 'host.on("message", function(event) host.log.warn("took " .. event.text) end)',
      "http://127.0.0.1:1", { level = "info" })
    for i, id in ipairs { "1000000000000001", "1000000000000002", "9007199254740993001", "9007199254740993002" } do
      local body = support.message(1, 1, "id " .. i):gsub('"id":1', '"id":' .. id, 1)
      assert.equal(200, (post(body)))
    end
    assert.equal(200, (post(support.message(5, 1, "half \\ud83d"))))
    local log = process.await(function() return front:logs():find("took half", 1, true) and front:logs() end, "the log")
    assert.equal(5, select(2, log:gsub("took ", "")))
  end)

  it("lets nothing from outside make a line of the log, and hides what is secret in it", function()
    front = start(script [[
      host.on("message", { text = "print" }, function(event) print("printed", event.text, nil) end)
      host.on("message", function(event)
        host.log.warn(event.text .. os.getenv "NOTHING_SECRET")
      end)
    ]], "http://127.0.0.1:1", { level = "info", env = {
      NOTHING_SECRET = (" %s %s https://api.telegram.org/file/bot110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/a.jpg")
        :format(KEY, support.secret),
    } })
    assert.equal(200, (post(support.message(1, 1, "forged\\n2026/01/01 [emerg] nginx: line"))))
    assert.equal(200, (post(support.message(2, 1, "print"))))
    local log = process.await(function() return front:logs():find("printed", 1, true) and front:logs() end, "the log")
    assert.truthy(log:find("forged\\n2026/01/01 [emerg] nginx: line ", 1, true), log)
    assert.matches("printed[^\n]*print[^\n]*nil", log)
    assert.is_nil(log:find(KEY, 1, true))
    assert.is_nil(log:find(support.secret, 1, true))
    assert.is_nil(log:find("AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw", 1, true))
  end)

  it("takes nothing but webhooks with the secret", function()
    front = start(script 'host.on("message", function() end)', "http://127.0.0.1:1")
    assert.equal(404, (front:request("/webhook/wrong", { body = "{}" })))
    assert.equal(404, (front:request("/webhook/", { body = "{}" })))
    assert.equal(404, (front:request(webhook)))
    assert.equal(404, (front:request "/anything"))
    assert.equal(413, (post(("x"):rep(2 * 1024 * 1024))))
    local status, body = post "no JSON"
    assert.equal(400, status)
    assert.matches("this is no webhook", body, 1, true)
    assert.equal(400, (post "[1]"))
    assert.equal(200, (post "{}"))
  end)

  it("runs the messages of one client in order, and those of others beside them", function()
    local folder = process.folder()
    front = start(script(([[
      host.on("message", function(event)
        host.sleep(event.text == "slow" and 0.5 or 0)
        local file = io.open(%q, "a")
        file:write(event.client_id, " ", event.text, "\n")
        file:close()
      end)
    ]]):format(folder .. "/trace")), "http://127.0.0.1:1")
    local slow = front:send(webhook, { support.message(1, 1, "slow") })
    process.await(function() return front:open() > 0 end, "the slow one")
    local quick = front:send(webhook, { support.message(2, 1, "quick") })
    assert.equal(200, (post(support.message(3, 2, "other"))))
    assert.same({ 200 }, process.await(slow, "the slow one"))
    assert.same({ 200 }, process.await(quick, "the quick one"))
    local text = process.read(folder .. "/trace")
    assert.is_true(text:find("1 slow\n", 1, true) < text:find("1 quick\n", 1, true))
    assert.truthy(text:find("2 other\n", 1, true))
  end)

  it("answers 500 when a handler fails, and logs why without key or secret", function()
    box = sandbox.start()
    front = start(script [[
      host.on("message", { text = "raise" }, function() error "the teapot is broken" end)
      host.on("message", { text = "dead" }, function() return host.dead "not for me" end)
      host.on("message", { text = "cancel" }, function() return host.cancel "not for me" end)
      host.on("message", { text = "store" }, function() host.kv.set("a", 1) end)
      host.on("message", { text = "down" }, function(event)
        local down = mavilua.client { base_url = "http://127.0.0.1:1", retries = 0 }
        assert(down:message { client_id = event.client_id, message = "x" })
      end)
      host.on("message", function(event)
        host.log.warn("asked", { id = event.id, key = event.key })
        assert(bot:message { client_id = event.client_id, message = "x" })
      end)
    ]], box.url, { level = "info" })
    local expected = {
      raise = { 500, "the teapot is broken" }, dead = { 500, "not for me" }, cancel = { 200 },
      store = { 500, "host.kv.set works under `mavilua serve` only" }, down = { 500, "127.0.0.1:1" },
      call = { 500, "http 401" },
    }
    local id = 0
    for text, result in pairs(expected) do
      id = id + 1
      assert.equal(result[1], (post(support.message(id, 5, text))), text)
      if result[2] then assert.truthy(front:logs():find(result[2], 1, true), front:logs()) end
    end
    assert.match('asked {[^\n]*"id":', front:logs())
    assert.is_nil(front:logs():find(KEY, 1, true))
    assert.is_nil(front:logs():find(support.secret, 1, true))
  end)

  it("writes the key into no log of the level debug either, whatever fails", function()
    box = sandbox.start()
    front = start(script [[
      host.on("message", { text = "down" }, function(event)
        local down = mavilua.client { base_url = "http://127.0.0.1:1", retries = 0 }
        assert(down:message { client_id = event.client_id, message = "x" })
      end)
      host.on("message", function(event) assert(bot:message { client_id = event.client_id, message = "x" }) end)
    ]], box.url, { level = "debug", site_level = "debug" })
    assert.equal(500, (post(support.message(1, 5, "down"))))
    assert.equal(500, (post(support.message(2, 5, "call"))))
    box:control("POST", "faults", { { action = "message", kind = "drop_after", times = 1 } })
    assert.equal(500, (post(support.message(3, 5, "call"))))
    assert.truthy(front:logs():find("lua tcp socket", 1, true))
    assert.is_nil(front:logs():find(KEY, 1, true))
  end)

  it("does not start with a bot that is broken, and says where", function()
    local function problem_of(text, change)
      local ok, problem = pcall(start, script(text), change or "http://127.0.0.1:1")
      assert.is_false(ok)
      return tostring(problem)
    end
    assert.matches("bot.lua:5: .*near", problem_of "host.on(")
    assert.matches("bot.lua:5: host.every works under `mavilua serve` only: nginx stores nothing",
      problem_of 'host.every("1m", function() end)')
    assert.matches("registers no handler", problem_of "")
    local ok, problem = pcall(start, script "", "http://127.0.0.1:1", { secret = "short" })
    assert.is_false(ok)
    assert.matches("16 to 64 letters", problem)
    assert.not_matches("short", problem)
  end)

  it("keeps the bot it has when the new file is broken", function()
    local path = script 'host.on("message", function() end)'
    front = start(path, "http://127.0.0.1:1")
    os.rename(script "host.on(", path)
    front:signal "HUP"
    process.await(function() return front:logs():find("bot.lua:5:", 1, true) end, "the error")
    assert.equal(200, (post(support.message(1, 1, "still here"))))
  end)

  it("ends what it has begun when nginx is reloaded, and goes on with the new file", function()
    local gate = process.folder() .. "/gate"
    local path = script(([[
      host.on("message", function(event)
        while not io.open(%q) do host.sleep(0.02) end
        return host.dead("old " .. event.text)
      end)
    ]]):format(gate))
    front = start(path, "http://127.0.0.1:1")
    local bodies = {}
    for i = 1, 4 do bodies[i] = support.message(i, i, "begun") end
    local senders = {}
    for i, body in ipairs(bodies) do senders[i] = front:send(webhook, { body }) end
    process.await(function() return front:open() >= #bodies end, "the senders")
    os.rename(script [[
      host.on("message", function(event) return host.dead("new " .. event.text) end)
    ]], path)
    front:reload()
    process.write(gate, "")
    for _, sender in ipairs(senders) do assert.same({ 500 }, process.await(sender, "an answer")) end
    local _, old = front:logs():gsub("old begun", "")
    assert.equal(#bodies, old)
    local id = 100
    process.await(function()
      id = id + 1
      post(support.message(id, id, "later"))
      return front:logs():find("new later", 1, true)
    end, "the new bot")
  end)
end)
