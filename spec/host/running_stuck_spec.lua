local openmetrics = require "spec.support.openmetrics"
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("a handler that is stuck in one call into C", function()
  it("is told in the log, by name and event, and counted", function()
    -- the pattern tries every way to cut the text up, which is more than anybody waits for
    local bot = support.start([[
      host.on("message", { text = "stick" }, function()
        return string.find(("a"):rep(400), ("a*"):rep(10) .. "b")
      end, { name = "pattern" })
    ]], { workers = 1, args = { "--cpu-limit", "0.1" } })
    finally(function() bot:kill() end)
    bot:message(1, 1, "stick")
    local line = process.await(function()
      for each in bot.process:log():gmatch "[^\n]+" do
        if each:find("cannot be stopped", 1, true) then return each end
      end
    end, "a line of the log", 60)
    assert.matches("over its limit of 0.1 s", line, 1, true)
    assert.matches('"handler":"pattern"', line, 1, true)
    assert.matches('"event":1', line, 1, true)
    assert.matches('"level":"warn"', line, 1, true)
    local _, reply = bot:ask "/metrics"
    local families = openmetrics.read(reply.body)
    assert.equal(1, openmetrics.value(families, "mavilua_runs_stuck", { handler = "pattern" }, "_total"))
  end)
end)
