-- blocking.lua SECONDS: one call of the API after another with the module; prints the calls a second.
local mavilua = require "mavilua"
local bot = mavilua.client {}
local begun, calls = mavilua.now(), 0
repeat
  calls = calls + 1
  local answer, err = bot:set_order_state { client_id = calls, state_id = 38 }
  if not answer then error(tostring(err)) end
until mavilua.now() - begun >= tonumber(arg[1])
print(calls / (mavilua.now() - begun))
