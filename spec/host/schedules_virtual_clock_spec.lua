-- A host beside a sandbox goes by the sandbox's clock.
local http = require "mavilua.http"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local script = [[
host.every("15m", { name = "quarter" }, function(event) trace("quarter", os.date("!%H:%M:%S")) end)
host.cron("0 9 * * *", { name = "nine", timezone = "UTC" }, function() trace("nine", os.date "!%F %H:%M") end)
host.on("message", function(event)
  trace("message", event.accepted_at, os.time())
  host.after("1h", "later", {})
end)
host.job("later", function() trace("later", os.time()) end)
]]

local START = 1767603000 -- 2026-01-05 08:50:00 UTC

describe("a host beside a sandbox with a virtual clock", function()
  local bot, sandbox
  before_each(function()
    bot = support.start(script, { lines = 2, args = { "--sandbox", "--sandbox-listen", "127.0.0.1:0",
      "--sandbox-clock", "2026-01-05 08:50" } })
    sandbox = bot.process.urls[1]
  end)
  after_each(support.cleanup)

  local function ask(path, json)
    local reply = assert(http.request { url = sandbox .. "/_sandbox/" .. path, json = json })
    assert.equal(200, reply.status, reply.body)
    return reply:json()
  end

  local function advance(seconds)
    ask("clock", { advance = seconds })
    process.await(function() return bot:ask("/api/summary").idle end, "the host to be idle")
  end

  it("plans, dates and wakes by it", function()
    ask("messages", { platform_id = "1", message = "hi" })
    bot:await(("message %d %d"):format(START, START))
    advance(599)
    assert.is_false(bot:has "nine 2026-01-05 09:00")
    advance(1)
    assert.is_true(bot:has "nine 2026-01-05 09:00")
    assert.is_true(bot:has "quarter 09:00:00")
    assert.equal("2026-01-05T09:50:00.000Z", bot:ask("/api/summary").next_due)
    advance(3000)
    assert.is_true(bot:has("later " .. START + 3600))
    assert.is_true(bot:has "quarter 09:50:00") -- the moments of 09:15 to 09:45, missed in one leap
  end)

  it("that is set back holds up no retry, no delayed job and nobody behind them", function()
    bot:stop()
    bot = support.start([[
      host.on("message", function(event)
        if event.attempt == 1 then
          trace("failed")
          error "the first time"
        end
        trace("second")
        host.after(2, "later", {})
        host.at(os.time() + 600, "at", {})
      end)
      host.job("later", function() trace("later") end)
      host.job("at", function() trace("at", os.time()) end)
    ]], { lines = 2, args = { "--sandbox", "--sandbox-listen", "127.0.0.1:0",
      "--sandbox-clock", "2026-01-05 08:50" } })
    sandbox = bot.process.urls[1]
    ask("messages", { platform_id = "1", message = "hi" })
    bot:await("failed")
    ask("messages", { platform_id = "1", message = "behind" })
    bot:await_summary("retried", 1)
    ask("clock", { now = START - 86400 })
    advance(3)
    bot:await("second")
    advance(3)
    advance(3)
    bot:await("later")
    assert.is_false(bot:has("at " .. START - 86400 + 606)) -- a moment of the calendar stays
    process.await(function()
      advance(3)
      return #bot:lines() >= 6 -- both: failed, second, later
    end, "the one behind")
    bot:stop()
  end)

  it("says nothing of leaps, and ends as ever", function()
    advance(86400)
    ask("clock", { now = START })
    assert.is_nil(bot.process:log():find "jumped")
    assert.equal(0, bot:stop())
  end)
end)

describe("a virtual clock's beginning", function()
  it("must be a moment", function()
    local status, _, err = process.run { "sandbox", "--listen", "127.0.0.1:0", "--clock", "soon" }
    assert.equal(65, status)
    assert.matches('"soon" is not a moment', err, 1, true)
    assert.equal(65, (process.run { "sandbox", "--listen", "127.0.0.1:0", "--clock", "0" }))
  end)
end)
