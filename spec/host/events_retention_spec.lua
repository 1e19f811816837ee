local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("Retention: done 7 days, skipped 7 days, dead 90 days", function()
  after_each(support.cleanup)

  local script = [[
    host.on("message", { text = "skip" }, function() error "skipped" end, { on_fail = "skip" })
    host.on("message", { text = "dead" }, function() return host.dead "dead" end)
    host.on("message", { text = "cancel" }, function() return host.cancel "cancelled" end)
    host.on("message", { text = "wait" }, function() return host.retry("1h") end)
    host.on("message", function() end)
  ]]

  local function states(bot)
    local all = {}
    for _, event in ipairs(bot:ask("/api/events?limit=1000").events) do
      all[#all + 1] = event.key .. " " .. event.state
    end
    table.sort(all)
    return all
  end

  -- All ends there are, and one more, as the newest stays; then a second later a start with these options.
  local function start_later(...)
    local bot = support.start(script)
    for i, text in ipairs { "done", "skip", "dead", "cancel", "wait" } do bot:message(i, i, text) end
    bot:await_summary("waiting", 1)
    bot:message(9, 9, "newest")
    bot:await_summary("done", 2)
    bot:stop()
    local core = require "mavilua.core"
    core.sleep(1.1)
    bot.options.args = { ... }
    return bot:start()
  end

  local function await_states(bot, expected)
    process.await(function() return #states(bot) == #expected end, "what is left")
    assert.same(expected, states(bot))
  end

  it("by age: done and cancelled ones", function()
    local bot = start_later("--keep-done", "1")
    await_states(bot, { "2 skipped", "3 dead", "5 retryable", "9 done" })
    bot:stop()
  end)

  it("by age: skipped ones", function()
    local bot = start_later("--keep-skipped", "1")
    await_states(bot, { "1 done", "3 dead", "4 cancelled", "5 retryable", "9 done" })
    bot:stop()
  end)

  it("by age: dead ones", function()
    local bot = start_later("--keep-dead", "1")
    await_states(bot, { "1 done", "2 skipped", "4 cancelled", "5 retryable", "9 done" })
    bot:stop()
  end)

  it("nothing of it on the first day; what waits never goes", function()
    local bot = start_later("--keep-done", "86400")
    local core = require "mavilua.core"
    core.sleep(0.5) -- a round of pruning begins 20 ms after the start
    assert.equal(6, #states(bot))
    bot:stop()
  end)

  it("by bytes: done, cancelled and skipped ones, dead ones do not", function()
    local bot = start_later("--max-db", "1KiB")
    await_states(bot, { "3 dead", "5 retryable", "9 done" })
    bot:stop()
  end)
end)
