-- The short form of `make torture`.
local process = require "spec.support.process"

describe("a host under torture", function()
  it("keeps its promises", function()
    -- a sanitizer keeps what was freed
    local memory = os.getenv "MAVILUA_MODE" == "release" and 16384 or 1 << 20
    local status, out, err = process.run { "run", "spec/torture/main.lua", "--kills", "25", "--calm", "4",
      "--rate", "300", "--clients", "2000", "--memory", tostring(memory) }
    assert.equal(0, status, out .. err)
    assert.matches("\nlost +0 ", out)
    assert.matches("\nout of order +0 ", out)
    assert.matches("\nstuck +0 ", out)
    assert.matches("\nleaked +0 ", out)
  end)
end)
