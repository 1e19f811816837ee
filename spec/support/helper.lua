-- Loaded by busted before every run: says what is missing when it is started by hand.
local bin = os.getenv("MAVILUA_BIN")
table.unpack = table.unpack or unpack -- of Lua 5.1
assert(bin and bin ~= "", "run the specs with `make spec` or `make test`: MAVILUA_BIN is not set")

-- Notes the test that runs, for tools/lanes.sh to name when it stops the file.
local note = os.getenv "LANE_TEST"
local busted = require "busted"
if note then
  busted.subscribe({ "test", "start" }, function(test, parent)
    local file = assert(io.open(note, "w"))
    file:write(("line %d, %s %s"):format(test.trace.currentline, parent.name or "", test.name))
    file:close()
    return nil, true
  end)
end
