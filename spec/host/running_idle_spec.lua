local process = require "spec.support.process"
local core = require "mavilua.core"

describe("an idle host", function()
  it("leaves the processor alone", function()
    local folder = process.folder()
    local script = process.write(folder .. "/bot.lua", 'require("mavilua.host").on("message", print)')
    local host = process.start {
      "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", folder .. "/bot.db", script,
      env = { MAVILUA_WEBHOOK_SECRET = "0123456789abcdef" },
    }
    local before = process.ticks(host.pid)
    core.sleep(1)
    local used = process.ticks(host.pid) - before
    assert.equal(0, (host:stop()))
    assert.is_true(used < 25, ("used %d of 100 ticks of a second"):format(used))
  end)
end)
