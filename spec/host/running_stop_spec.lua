local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("a stop", function()
  after_each(support.cleanup)

  local script = [[
    host.on("message", { text = "short" }, function(event)
      trace("short begins", event.attempt)
      host.sleep(0.5)
      trace("short ends")
    end)
    host.on("message", { text = "long" }, function(event)
      trace("long begins", event.attempt)
      host.sleep(60)
    end, { timeout = "2m" })
    host.on("message", function(event) trace("other", event.text) end)
  ]]

  it("lets running handlers end, and exits 0", function()
    local bot = support.start(script)
    bot:message(1, 1, "short")
    bot:await("short begins 1")
    assert.equal(0, (bot:stop()))
    assert.is_true(bot:has("short ends"))
  end)

  it("takes a second signal as: at once; what was broken off costs no attempt", function()
    local bot = support.start(script)
    bot:message(1, 1, "long")
    bot:await("long begins 1")
    local start = support.now()
    bot.process:signal("TERM")
    require("spec.support.process").await(function()
      return bot.process:log():find("stopping", 1, true)
    end, "the stop to begin")
    assert.equal(0, (bot:stop()))
    assert.is_true(support.now() - start < 10)
    bot:script [[ host.on("message", function(event) trace("again", event.text, event.attempt) end) ]]
    bot:start()
    bot:await("again long 1")
    bot:stop()
  end)

  it("does not wait for ever for a call into C", function()
    local bot = support.start [[
      host.on("message", function()
        setmetatable({}, { __gc = function() trace("stuck") while true do end end })
        collectgarbage()
      end)
    ]]
    bot:message(1, 1, "x")
    bot:await("stuck")
    bot.process:signal("TERM")
    require("spec.support.process").await(function()
      return bot.process:log():find("stopping", 1, true)
    end, "the stop to begin")
    assert.equal(70, (bot.process:stop()))
    assert.truthy(bot.process:log():find("does not come back from a call into C", 1, true))
  end)

  it("leaves what has not begun for the next start", function()
    local bot = support.start(script)
    bot:message(1, 1, "short")
    bot:message(2, 1, "behind")
    bot:await("short begins 1")
    bot:stop()
    assert.is_false(bot:has("other behind"))
    bot:start()
    bot:await("other behind")
    bot:stop()
  end)
end)

describe("Under systemd (Type=notify)", function()
  after_each(support.cleanup)

  it("it is told when the host is ready, loads anew and stops", function()
    local unix = require "socket.unix"
    local bot = support.new [[host.on("message", function() end)]]
    local listener = unix.dgram()
    assert(listener:bind(bot.folder .. "/notify"))
    listener:settimeout(20)
    bot.options.env = { NOTIFY_SOCKET = bot.folder .. "/notify" }
    bot:start()
    assert.equal("READY=1", listener:receive())
    bot.process:signal "HUP"
    assert.match("^RELOADING=1\nMONOTONIC_USEC=%d+$", listener:receive())
    assert.equal("READY=1", listener:receive())
    bot:stop()
    assert.equal("STOPPING=1", listener:receive())
    listener:close()
  end)
end)

local can_be_first = os.execute "unshare --pid --fork true 2>/dev/null"

describe("As PID 1", function()
  after_each(support.cleanup);

  (can_be_first and it or pending)("it loads anew on HUP, and ends with 0 on TERM", function()
    local bot = support.new([[host.on("message", function(event) trace("old", event.text) end)]], {
      before = [[set -- unshare --pid --fork --kill-child "$@"]],
    })
    bot:start()
    local pid = bot.process.pid
    local child = tonumber(process.read(("/proc/%d/task/%d/children"):format(pid, pid)):match "%d+")
    assert.match("\nNSpid:\t%d+\t1\n", process.read(("/proc/%d/status"):format(child)))
    bot:script [[host.on("message", function(event) trace("new", event.text) end)]]
    os.execute("kill -HUP " .. child)
    process.await(function() return bot.process:log():find("scripts reloaded", 1, true) end, "the reload")
    bot:message(1, 1, "x")
    bot:await "new x"
    os.execute("kill -TERM " .. child)
    assert.equal(0, (bot.process:wait()))
  end)
end)
