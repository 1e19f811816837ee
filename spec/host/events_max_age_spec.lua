local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("options of handlers", function()
  after_each(support.cleanup)

  -- What `check` says of a script whose third line registers a handler with these options.
  local function problem_of(call)
    local path = process.write(process.folder() .. "/bot.lua", 'local host = require "mavilua.host"\n\n' .. call)
    local status, _, problem = process.run { "check", path }
    assert.equal(65, status)
    return problem:match("bot.lua:3: ([^\n]*)")
  end

  it("are refused at the script's line when they are out of range", function()
    assert.equal("host.on: option 'attempts' must be a whole number from 1 to 1000, not 5000",
      problem_of 'host.on("message", function() end, { attempts = 5000 })')
    assert.match("^host.hook: option 'max_age' must be above 0", problem_of 'host.hook("h", { max_age = 0 }, print)')
    assert.match("^host.job: option 'timeout' must be above 0 and at most a week",
      problem_of 'host.job("j", print, { timeout = "8d" })')
    assert.match("^host.every: option 'attempts'", problem_of 'host.every("1m", { attempts = 1001 }, print)')
    assert.match("jitter", problem_of 'host.every("1m", { name = "e", jitter = "9999d" }, print)')
  end)

  it("max_age keeps an event that is too old from running at all", function()
    local bot = support.start [[
      host.on("message", { text = "head" }, function(event)
        trace("head", event.attempt)
        if event.attempt == 1 then return host.retry(1) end
      end)
      host.on("message", { text = "late" }, function(event) trace("late", event.attempt) end, { max_age = 0.5 })
      host.on("message", { text = "tail" }, function() trace "tail" end, { max_age = "1h" })
    ]]
    for i, text in ipairs { "head", "late", "tail" } do bot:message(i, 5, text) end
    bot:await "tail"
    assert.same({ "head 1", "head 2", "tail" }, bot:lines())
    local event = bot:ask("/api/events?state=dead").events[1]
    assert.equal("older than max_age", event.reason)
    bot:ask(("/api/events/%d/replay"):format(event.id), "POST")
    bot:await "late 1"
    bot:stop()
  end)
end)
