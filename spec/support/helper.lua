-- Loaded by busted before every run: says what is missing when it is started by hand.
local bin = os.getenv("MAVILUA_BIN")
table.unpack = table.unpack or unpack -- of Lua 5.1
assert(bin and bin ~= "", "run the specs with `make spec` or `make test`: MAVILUA_BIN is not set")
