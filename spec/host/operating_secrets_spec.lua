-- docs/host.md, Operating it: what the logs carry, and what they hide.
local json = require "cjson"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
local FILE = "https://api.telegram.org/file/bot" .. TOKEN .. "/photos/a.jpg"

describe("logs", function()
  local bot

  local function lines()
    local list = {}
    for line in bot.process:log():gmatch "[^\n]+" do list[#list + 1] = json.decode(line) end
    return list
  end

  local function find(message)
    return process.await(function()
      for _, line in ipairs(lines()) do
        if line.message:find(message, 1, true) then return line end
      end
    end, "a log line with " .. message)
  end

  setup(function()
    bot = support.start([[
      host.hook("pay", { secret = "pay-secret" }, function() end)
      host.on("message", { text = "print" }, function() print("printed", "twice") end, { name = "printer" })
      host.on("message", { text = "log" }, function()
        host.log.info("told", { amount = 5, event = "mine" })
        host.log.debug "too little to be seen"
      end, { name = "logger" })
      host.on("message", { text = "say" }, function()
        host.log.warn("keys " .. os.getenv "MAVILUA_API_KEY" .. " " .. os.getenv "MAVILUA_WEBHOOK_SECRET"
          .. " pay-secret admin-token-of-specs", { nested = { os.getenv "MAVILUA_API_KEY" } })
      end)
      host.on("message", { text = "file" }, function(event)
        trace(event.attachments[1].url)
        host.log.info("got " .. event.attachments[1].url, { url = event.attachments[1].url })
        error("cannot read " .. event.attachments[1].url)
      end, { attempts = 1 })
      host.on("message", { text = "fail" }, function() error("with " .. os.getenv "MAVILUA_API_KEY") end,
        { name = "failing", attempts = 1 })
    ]], { args = { "--admin-token", "admin-token-of-specs" } })
  end)

  teardown(function() bot:stop() end)

  local function admin(path)
    local http = require "mavilua.http"
    return http.get(bot.admin .. path, { headers = { Authorization = "Bearer admin-token-of-specs" } })
  end

  it("carry event id, attempt, handler and key on each line of a run", function()
    bot:message(1, 77, "log")
    local line = find "told"
    assert.same({ 1, 1, "logger", "77", 5 }, { line.event, line.attempt, line.handler, line.key, line.amount })
    bot:message(2, 78, "fail")
    line = find "with [redacted]"
    assert.same({ 2, 1, "failing", "78", "dead" }, { line.event, line.attempt, line.handler, line.key, line.outcome })
  end)

  it("have a line of the run for each print", function()
    bot:message(3, 79, "print")
    local line = find "printed"
    assert.equal("printed\ttwice", line.message)
    assert.same({ 3, 1, "printer", "79" }, { line.event, line.attempt, line.handler, line.key })
  end)

  it("never hold the API key, the secrets of webhook and hooks, the admin's token", function()
    bot:message(4, 80, "say")
    bot:post("/hook/pay/pay-secret", "{}")
    bot:post("/hook/pay/pay-secret-wrong", "{}")
    local line = find "keys "
    assert.equal("keys [redacted] [redacted] [redacted] [redacted]", line.message)
    assert.same({ "[redacted]" }, line.nested)
    local key = "0123456789abcdef0123456789abcdef"
    for _, secret in ipairs { key, support.secret, "pay-secret", "admin-token-of-specs" } do
      assert.is_nil(bot.process:log():find(secret, 1, true))
    end
  end)

  it("and neither do stored reasons", function()
    local event = admin("/api/events/2"):json()
    assert.match("with %[redacted%]", event.reason)
  end)

  it("hide bots' tokens in addresses of files, in lines and reasons, but not from the handler", function()
    assert.equal(200, bot:post("/webhook/" .. support.secret, json.encode { id = 5, client = { id = 81 },
      message = "file", is_input = 1, attachments = { FILE } }).status)
    bot:await(FILE)
    assert.match("got https://api.telegram.org/file/bot%[redacted%]/photos/a.jpg", find("got ").message)
    assert.match("bot%[redacted%]/photos/a.jpg", find("cannot read").message)
    assert.is_nil(bot.process:log():find(TOKEN, 1, true))
    local event = process.await(function()
      local list = admin("/api/events?key=81"):json().events
      return list[1].state == "dead" and list[1]
    end, "the dead event")
    assert.match("cannot read https://api.telegram.org/file/bot%[redacted%]/photos", event.reason)
  end)
end)

describe("errors of a script that does not load", function()
  it("hide bots' tokens, too", function()
    local path = process.write(process.folder() .. "/bot.lua", ("error(%q)"):format(FILE))
    for _, command in ipairs { "check", "run" } do
      local status, out, problem = process.run { command, path }
      assert.is_true(status > 0)
      assert.match("bot%[redacted%]/photos", problem)
      assert.is_nil((out .. problem):find(TOKEN, 1, true))
    end
  end)
end)
