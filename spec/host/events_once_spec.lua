local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("host.once(key, fn): runs fn once per key across attempts and restarts, and keeps its result.", function()
  after_each(support.cleanup)

  local function dead(bot)
    return process.await(function() return bot:ask("/api/events?state=dead").events[1] end, "a dead event")
  end

  it("runs once over failed attempts; an error of fn itself is a failure, and fn runs again", function()
    local bot = support.start [[
      host.on("message", function(event)
        local got = host.once("k", function()
          trace("fn", event.attempt)
          if event.attempt == 1 then error "no order today" end
          return event.attempt, nil, { 3 }
        end)
        trace("got", got)
        if event.attempt < 4 then return host.retry(0.01) end
      end)
    ]]
    bot:message(1, 1, "x")
    bot:await_summary("done", 1)
    assert.same({ "fn 1", "fn 2", "got 2", "got 2", "got 2" }, bot:lines())
    bot:stop()
  end)

  it("says in the event's traceback where fn failed", function()
    local bot = support.start [[
      local function deep() error "no good" end
      host.on("message", function() host.once("k", function() deep() end) end, { attempts = 1 })
    ]]
    bot:message(1, 1, "x")
    local reason = dead(bot).reason
    assert.match("bot.lua:%d+: no good", reason)
    assert.match("in upvalue 'deep'", reason)
    bot:stop()
  end)

  it("keeps the error that fn raised as it is", function()
    local bot = support.start [[
      host.on("message", function()
        local problem = { words = "mine" }
        local ok, got = pcall(host.once, "k", function() error(problem) end)
        trace(ok, rawequal(got, problem), host.once("k", function() return "second" end))
      end)
    ]]
    bot:message(1, 1, "x")
    bot:await "false true second"
    bot:stop()
  end)

  describe("If a crash fell between start and result", function()
    local function crash_inside(script)
      local bot = support.start(script)
      bot:message(1, 1, "x")
      bot:await "began 1"
      bot:kill()
      bot:start()
      return bot
    end

    it("it raises an ambiguous error, which tells what to do", function()
      local bot = crash_inside [[
        host.on("message", function(event)
          local ok, err = pcall(host.once, "order:7", function() trace("began", event.attempt) host.sleep(30) end)
          trace("second", ok, err.ambiguous, err.kind, err.key, err.event == event.id)
          error(err, 0)
        end, { attempts = 2 })
      ]]
      bot:await "second false true ambiguous order:7 true"
      local reason = dead(bot).reason
      assert.match('"order:7" began at %d+%-%d+%-%d+ %d+:%d+:%d+ UTC in a run of event %d+ that was cut off', reason)
      assert.match("host.once(key, fn, {confirm = f})", reason, 1, true)
      assert.is_false(bot:has "began 2")
      bot:stop()
    end)

    for answer, lines in pairs {
      ["'the order'"] = { "began 1", "confirm order:7", "got the order", "again the order" },
      ["true"] = { "began 1", "confirm order:7", "got true", "again true" },
      ["nil"] = { "began 1", "confirm order:7", "began 2", "got made", "again made" },
      ["false"] = { "began 1", "confirm order:7", "began 2", "got made", "again made" },
    } do
      it("it asks confirm if given, which says " .. answer, function()
        local bot = crash_inside(([[
          host.on("message", function(event)
            local function make()
              trace("began", event.attempt)
              if event.attempt == 1 then host.sleep(30) end
              return "made"
            end
            local function confirm(key) trace("confirm", key) return %s end
            trace("got", host.once("order:7", make, { confirm = confirm }))
            trace("again", host.once("order:7", make))
          end)
        ]]):format(answer))
        bot:await(lines[#lines])
        assert.same(lines, bot:lines())
        bot:stop()
      end)
    end

    it("a run that its limit cut off inside fn leaves it ambiguous, too", function()
      local bot = support.start [[
        host.on("message", function(event)
          host.once("k", function() trace("began", event.attempt) host.sleep(30) end)
        end, { timeout = 0.2, attempts = 2 })
      ]]
      bot:message(1, 1, "x")
      assert.match("cut off, so nobody knows", dead(bot).reason, 1, true)
      assert.same({ "began 1" }, bot:lines())
      bot:stop()
    end)

    it("the crash after fn and before the end of its run, too", function()
      local bot = crash_inside [[
        host.on("message", function(event)
          host.once("k", function() return 1 end, { confirm = function() trace "asked" return 7 end })
          trace("began", event.attempt)
          if event.attempt == 1 then host.sleep(30) end
          trace("end", host.once("k", error))
        end)
      ]]
      bot:await "end 7"
      assert.is_true(bot:has "asked")
      bot:stop()
    end)
  end)

  it("a stop that breaks a run off keeps what was done once", function()
    local bot = support.start [[
      host.on("message", function(event)
        local got = host.once("k", function() trace "fn" return "result" end)
        trace("began", event.attempt, got)
        if not io.open(TRACE .. ".gate") then host.sleep(60) end
      end, { timeout = "2m" })
    ]]
    bot:message(1, 1, "x")
    bot:await "began 1 result"
    bot.process:signal "TERM"
    process.await(function() return bot.process:log():find("stopping", 1, true) end, "the stop to begin")
    bot:stop()
    process.write(bot.trace_path .. ".gate", "")
    bot:start()
    bot:await_summary("waiting", 0)
    process.await(function() return #bot:lines() == 3 end, "the second run")
    assert.same({ "fn", "began 1 result", "began 1 result" }, bot:lines())
    bot:stop()
  end)

  it("runs once for events that come to it at the same time", function()
    local bot = support.start [[
      host.on("message", function(event)
        local got = host.once("shared", function() trace "fn" host.sleep(0.3) return "one" end)
        trace(event.client_id, got)
      end)
    ]]
    support.together({ 1, 2, 3, 4 }, 4, function(i) return bot:message(i, i, "x") end)
    for i = 1, 4 do bot:await(i .. " one") end
    assert.equal(5, #bot:lines())
    bot:stop()
  end)

  it("does not wait for itself, nor where nothing can wait", function()
    local bot = support.start [[
      host.on("message", { text = "self" }, function()
        trace(pcall(host.once, "a", function() return host.once("a", print) end))
      end)
      host.on("message", function()
        trace(pcall(string.gsub, "x", "x", function() return host.once("b", function() return "y" end) end))
        trace(host.once("b", function() return "fine" end))
      end)
    ]]
    bot:message(1, 1, "self")
    bot:message(2, 2, "x")
    bot:await "fine"
    bot:await_summary("done", 2)
    local text = table.concat(bot:lines(), "\n")
    assert.match("under way in this very run", text, 1, true)
    assert.match("cannot wait here", text, 1, true)
    bot:stop()
  end)
end)
