local process = require "spec.support.process"

describe("the unit for systemd, as shipped", function()
  local unit

  before_each(function()
    unit = process.folder() .. "/mavilua.service"
    local text = process.read("examples/systemd/mavilua.service")
    local here = io.popen("pwd"):read("l")
    local bin = process.bin:sub(1, 1) == "/" and process.bin or here .. "/" .. process.bin
    local changed = text:gsub("ExecStart=%S+", { ["ExecStart=/usr/local/bin/mavilua"] = "ExecStart=" .. bin })
    assert.not_equal(text, changed)
    process.write(unit, changed)
  end)

  it("is one that systemd takes without a complaint", function()
    local status, out, err = process.run { bin = "systemd-analyze", "verify", "--man=no", unit }
    assert.equal("", out .. err)
    assert.equal(0, status)
  end)

  it("allows little", function()
    local status, out = process.run { bin = "systemd-analyze", "security", "--offline=true", "--no-pager",
      "--threshold=20", unit }
    assert.equal(0, status, out)
  end)
end)
