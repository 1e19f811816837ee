local core = require "mavilua.core"
local process = require "spec.support.process"
local support = require "spec.support.bot"

-- The host and those who crowd it each need a descriptor for a connection.
local function most_files()
  return io.popen("ulimit -Hn"):read("n") or 65536
end

describe("a crowd of idle and dripping connections", function()
  local crowd = {}

  after_each(function()
    for _, sender in ipairs(crowd) do sender:kill() end
    crowd = {}
    support.cleanup()
  end)

  it("does not keep an honest sender from being acknowledged", function()
    local bot = support.start [[ host.on("message", function(event) trace(event.text) end) ]]
    local host, port = bot.url:match("//([%d.]+):(%d+)")
    local SENDERS = 8 -- each from an address of its own, with few enough sockets for select(2)
    local idle = math.min(5000, most_files() // 4) // SENDERS
    for i = 1, SENDERS do
      crowd[i] = process.start { bin = "lua5.4", "spec/support/crowd.lua", host, port, "127.0.1." .. i, idle, 63 }
    end
    local begun = core.now()
    for n = 1, 100 do assert.equal(200, bot:message(n, n % 7, tostring(n))) end
    bot:await_summary("done", 100)
    -- far below the time after which idle connections would have been closed
    assert.is_true(core.now() - begun < 20, "an honest sender waited")
  end)

  it("gives up its places when they run out", function()
    local bot = support.start([[ host.on("message", function(event) trace(event.text) end) ]],
      { args = { "--connections", "60", "--per-address", "30" } })
    local host, port = bot.url:match("//([%d.]+):(%d+)")
    for i = 1, 2 do
      crowd[i] = process.start { bin = "lua5.4", "spec/support/crowd.lua", host, port, "127.0.1." .. i, 20, 10 }
    end
    local begun = core.now()
    assert.equal(200, bot:message(1, 1, "honest"))
    bot:await("honest")
    assert.is_true(core.now() - begun < 20, "an honest sender waited for the idle timeout")
  end)
end)
