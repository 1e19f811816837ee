local support = require "spec.support.bot"
local process = require "spec.support.process"

describe("a reload", function()
  after_each(support.cleanup)

  it("comes with SIGHUP: new events go to the new script, running ones finish on the old", function()
    local bot = support.start [[
      host.on("message", { text = "slow" }, function()
        trace("slow begins")
        host.sleep(1)
        trace("slow ends old")
      end)
      host.on("message", function(event) trace("old", event.text) end)
    ]]
    bot:message(1, 1, "slow")
    bot:await("slow begins")
    bot:script [[ host.on("message", function(event) trace("new", event.text) end) ]]
    bot.process:signal("HUP")
    process.await(function() return bot.process:log():find("scripts reloaded", 1, true) end, "the reload")
    bot:message(2, 2, "hello")
    bot:await("new hello")
    assert.is_false(bot:has("slow ends old"))
    bot:await("slow ends old")
    bot:stop()
  end)

  it("keeps the old script when the new one is bad, and says why", function()
    local bot = support.start [[ host.on("message", function(event) trace("old", event.text) end) ]]
    bot:script [[ host.on("message", function( ]]
    bot.process:signal("HUP")
    process.await(function() return bot.process:log():find("bot.lua:", 1, true) end, "the error")
    bot:script [[ host.cron("99 * * * *", { name = "x" }, function() end) ]]
    bot.process:signal("HUP")
    process.await(function() return bot.process:log():find("99", 1, true) end, "the second error")
    bot:script [[ trace "nothing here" ]]
    bot.process:signal("HUP")
    process.await(function() return bot.process:log():find("nothing is registered", 1, true) end, "the third error")
    bot:message(1, 1, "hello")
    bot:await("old hello")
    bot:stop()
  end)

  it("comes by itself with --watch", function()
    local bot = support.start([[ host.on("message", function() trace("old") end) ]], { args = { "--watch" } })
    bot:script [[ host.on("message", function() trace("new") end) ]]
    process.await(function() return bot.process:log():find("scripts reloaded", 1, true) end, "the reload")
    bot:message(1, 1, "hello")
    bot:await("new")
    bot:stop()
  end)

  it("comes by itself when a module beside the script changes, also one that was broken", function()
    local bot = support.new([[
      local words = require "parts.words"
      host.on("message", function() trace(words) end)
    ]], { args = { "--watch" } })
    assert(os.execute("mkdir " .. bot.folder .. "/parts"))
    local function module(name, text)
      local path = bot.folder .. "/parts/" .. name .. ".lua"
      process.write(path .. ".new", text)
      assert(os.rename(path .. ".new", path))
    end
    local function reloads(word)
      local count = 0
      for _ in bot.process:log():gmatch(word) do count = count + 1 end
      return count
    end
    module("words", "return 'old'")
    bot:start()
    module("words", "return 'new'")
    process.await(function() return reloads "scripts reloaded" == 1 end, "the first reload")
    bot:message(1, 1, "hello")
    bot:await "new"
    module("more", "this is not Lua")
    module("words", "return require 'parts.more'")
    process.await(function() return reloads "reload: " == 1 end, "the failed reload")
    module("more", "return 'newest'")
    process.await(function() return reloads "scripts reloaded" == 2 end, "the second reload")
    bot:message(2, 2, "hello")
    bot:await "newest"
    bot:stop()
  end)
end)
