-- What the host's log says of runs that did not go well.
local cjson = require "cjson"
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("the log of a run that failed", function()
  local bot

  setup(function()
    bot = support.start [[
      host.on("message", { text = "sorts" }, function()
        table.sort({ 3, 2, 1 }, function(a, b) host.sleep(0) return a < b end)
      end, { attempts = 1 })
      host.on("message", { text = "table" }, function() error { code = 5 } end, { attempts = 1 })
      host.on("message", { text = "again" }, function(event)
        if event.attempt == 1 then return host.retry(0) end
      end)
      host.on("message", { text = "gives up" }, function() return host.dead() end)
      host.on("message", { text = "nul" }, function() print "before\0behind" end)
    ]]
  end)

  teardown(function() bot:stop() end)

  -- The message of the first entry about a client's event.
  local function message_of(client)
    return process.await(function()
      for line in bot.process:log():gmatch "[^\n]+" do
        local entry = cjson.decode(line)
        if entry.key == tostring(client) then return entry.message end
      end
    end, "a line about client " .. client)
  end

  it("has the script's line where it may not wait", function()
    bot:message(1, 1, "sorts")
    assert.matches("^%S*bot%.lua:%d+: cannot wait here: .*table%.sort", message_of(1))
  end)

  it("says so when the error is a table without a text", function()
    bot:message(2, 2, "table")
    assert.matches("^the error is a table, which has no text: raise a string\nstack traceback:\n.*bot%.lua:%d+",
      message_of(2))
  end)

  it("says what the handler asked for", function()
    bot:message(3, 3, "again")
    assert.equal("the handler asked for another attempt", message_of(3))
    bot:message(4, 4, "gives up")
    assert.equal("the handler gave up", message_of(4))
  end)

  it("does not end at a NUL", function()
    bot:message(5, 5, "nul")
    assert.equal("before\\0behind", message_of(5))
  end)
end)
