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

  -- Each version counts its events in a global that the last line sets: half-loaded code has none.
  local function version(n)
    return ([[
      local complete
      host.on("message", function(event)
        host.sleep(0.001)
        trace(event.client_id, event.text, complete and "complete" or "half", %d)
      end)
      complete = true
    ]]):format(n)
  end

  local broken = {
    'host.on("message", function() trace("broken") end) error("in the middle")',
    'host.on("message", function(event) trace("broken") end',
    'host.on("message", function() trace("broken") end) host.cron("30 2 30 2 *", { name = "never" }, function() end)',
  }

  it("loses nothing under load, a hundred times, with good and broken code in turn", function()
    local RELOADS, CLIENTS = 100, 8
    local bot = support.start(version(0))
    local sent, over = {}, false
    local function send(client)
      sent[client] = 0
      while not over do
        local n = sent[client] + 1
        assert.equal(200, bot:message(client * 1000000 + n, client, tostring(n)))
        sent[client] = n
      end
    end
    local function count(words)
      local found = 0
      for _ in bot.process:log():gmatch(words) do found = found + 1 end
      return found
    end
    local function reload()
      for n = 1, RELOADS do
        local good = n % 2 == 1
        bot:script(good and version(n) or broken[n // 2 % #broken + 1])
        bot.process:signal("HUP")
        local words = good and "scripts reloaded" or "reload: "
        process.await(function() return count(words) == (n + 1) // 2 end, "reload " .. n)
      end
      over = true
    end
    local tasks = { reload }
    for client = 1, CLIENTS do tasks[#tasks + 1] = function() send(client) end end
    support.together(tasks, #tasks, function(task) task() return true end)
    bot:message(99, 99, "1")
    bot:await_idle()
    local ran, versions, newest = {}, {}, nil
    for _, line in ipairs(bot:lines()) do
      local client, n, whole, of = line:match("^(%d+) (%d+) (%a+) (%d+)$")
      assert.equal("complete", whole, line)
      client, newest, versions[of] = tonumber(client), of, true
      assert.equal((ran[client] or 0) + 1, tonumber(n), "client " .. client)
      ran[client] = tonumber(n)
    end
    for client = 1, CLIENTS do assert.equal(sent[client], ran[client]) end
    assert.equal(tostring(RELOADS - 1), newest)
    local seen = 0
    for _ in pairs(versions) do seen = seen + 1 end
    assert.is_true(seen > RELOADS // 4, "there was no load between the reloads: only " .. seen .. " versions ran")
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
