local process = require "spec.support.process"
local core = require "mavilua.core"

-- Ticks of processor time that a process has used: fields 14 and 15 of its stat, 12 and 13 behind its name.
local function ticks(pid)
  local fields = {}
  for field in process.read("/proc/" .. pid .. "/stat"):match "%) (.*)":gmatch "%S+" do fields[#fields + 1] = field end
  return fields[12] + fields[13]
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
