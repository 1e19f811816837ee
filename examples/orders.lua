-- Takes orders in a chat and moves them through their states. One file for three places:
--
--   mavilua serve --sandbox examples/orders.lua       the host: each webhook is stored, tried again, run in order
--   mavilua run examples/orders.lua < webhooks.jsonl  one webhook a line, handled there and then
--   examples/nginx/bot.conf                           inside nginx
--
-- So it keeps to what all three have: host.on, host.log, host.sleep and the calls of the API. What it has to remember
-- stands on the platform.

local mavilua = require "mavilua"
local host = require "mavilua.host"

local bot = mavilua.client {}

-- The states of the funnel, with the numbers they have in the project's CRM settings. These are the sandbox's.
local orders = mavilua.pipeline {
  bot = bot,
  states = { new = 1001, confirmed = 1002, paid = 1003 },
  transitions = { new = { "confirmed" }, confirmed = { "paid", "new" } },
}

local prices = { tea = 12, coffee = 15, honey = 9 }

local function say(client_id, text)
  assert(bot:message { client_id = client_id, message = text })
end

host.on("message", { text = { "hello", "hi" } }, function(event)
  local name = event.client.name or "there"
  say(event.client_id, ("Hello %s! Write: order tea, order coffee or order honey."):format(name))
end)

host.on("message", { pattern = "^[Oo]rder (%w+)$" }, function(event)
  local item = event.captures[1]:lower()
  if not prices[item] then return say(event.client_id, ("We have no %s."):format(item)) end
  -- Under the host this may run twice for one message, so it looks before it makes an order.
  local open = assert(bot:get_orders { client_id = event.client_id, order_status = 0 }).order_id
  if not open[1] then
    assert(bot:create_order {
      client_id = event.client_id, name = item, budget = prices[item], state_id = orders:id "new",
    })
  end
  assert(bot:save_variables { client_id = event.client_id, variables = { ["client.last_item"] = item } })
  say(event.client_id, ("%s for %d €. Say yes to confirm."):format(item, prices[item]))
end)

host.on("message", { text = "yes" }, function(event)
  local moved, err = orders:move(event.client_id, "confirmed")
  if moved then return say(event.client_id, "Confirmed. We pack your parcel.") end
  if err.kind ~= "transition" and err.kind ~= "state" and err.kind ~= "api" then error(err) end
  say(event.client_id, "There is nothing to confirm.")
end)

host.on("message", function(event)
  host.log.info("left to the blocks of the bot", { text = event.text })
end)
