-- The script of hosts.c: an order comes from the program and is confirmed to its client.
local mavilua = require "mavilua"
local host = require "mavilua.host"
local bot = mavilua.client {}

host.hook("order", { key = "client_id", dedupe = "number" }, function(request)
  local order = request.json
  assert(bot:message { client_id = order.client_id, message = ("Order %d is on its way"):format(order.number) })
  print(("order %d confirmed"):format(order.number))
end)
