local process = require "spec.support.process"
local core = require "mavilua.core"

-- Ticks of processor time that a process has used.
local function ticks(pid)
  local user, system = process.read("/proc/" .. pid .. "/stat"):match "%) %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ %S+ (%d+) (%d+)"
  return user + system
end

describe("an idle host", function()
  it("leaves the processor alone", function()
    local folder = process.folder()
    local script = process.write(folder .. "/bot.lua", 'require("mavilua.host").on("message", print)')
    local host = process.start {
      "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", folder .. "/bot.db", script,
      env = { MAVILUA_WEBHOOK_SECRET = "0123456789abcdef" },
    }
    local before = ticks(host.pid)
    core.sleep(1)
    local used = ticks(host.pid) - before
    assert.equal(0, (host:stop()))
    assert.is_true(used < 25, ("used %d of 100 ticks of a second"):format(used))
  end)
end)
