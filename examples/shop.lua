-- A small shop's bot: greets, answers questions, takes an order through its states, reminds those
-- who stopped halfway, and takes a payment provider's webhook.
--
--   mavilua serve --sandbox examples/shop.lua      with no account: everything on this machine
--   MAVILUA_API_KEY=… MAVILUA_WEBHOOK_SECRET=… mavilua serve examples/shop.lua

local mavilua = require "mavilua"
local host = require "mavilua.host"

local bot = mavilua.client {}

-- The states of the funnel, with the numbers they have in the project's CRM settings. These are the
-- sandbox's; yours stand in the address bar when you open a state.
local orders = mavilua.pipeline {
  bot = bot,
  states = { new = 1001, confirmed = 1002, paid = 1003, shipped = 1004, done = 1005 },
  transitions = {
    new = { "confirmed" },
    confirmed = { "paid", "new" },
    paid = { "shipped" },
    shipped = { "done" },
  },
}

local prices = { tea = 12, coffee = 15, honey = 9 }

local function say(client_id, text, buttons)
  assert(bot:message { client_id = client_id, message = text, buttons = buttons })
end

-- Moves the client's order, or says why it does not go that way. When the platform cannot be reached it
-- raises, so the host tries the event again.
local function move(client_id, state)
  local moved, err = orders:move(client_id, state)
  if moved then return true end
  if err.kind == "transition" or err.kind == "state" or err.kind == "api" then return false, err.message end
  error(err)
end

local function menu()
  local buttons = {}
  for name in pairs(prices) do buttons[#buttons + 1] = name end
  table.sort(buttons)
  for i, name in ipairs(buttons) do
    buttons[i] = { type = "reply", text = "order " .. name, line = 0, index_in_line = i - 1 }
  end
  return buttons
end

host.on("message", { text = { "hello", "hi" } }, function(event)
  say(event.client_id, ("Hello %s! What may it be?"):format(event.client.name or "there"), menu())
end)

host.on("message", { pattern = "^[Oo]rder (%w+)$" }, function(event)
  local item = event.captures[1]:lower()
  local price = prices[item]
  if not price then
    return say(event.client_id, ("We have no %s. We have tea, coffee and honey."):format(item), menu())
  end
  -- The order is made once, however often this handler has to be tried.
  local order_id = host.once("order:" .. event.id, function()
    local order = assert(bot:create_order {
      client_id = event.client_id, name = item, budget = price, state_id = orders:id("new"),
    })
    return order.order_id
  end)
  assert(bot:save_variables {
    client_id = event.client_id,
    variables = { ["client.last_item"] = item, ["client.waits_since"] = math.floor(event.accepted_at) },
  })
  say(event.client_id, ("Order %d: %s for %d €. Say yes to confirm."):format(order_id, item, price))
end)

host.on("message", { text = "yes" }, function(event)
  if not move(event.client_id, "confirmed") then
    return say(event.client_id, "There is nothing to confirm. What may it be?", menu())
  end
  say(event.client_id, "Confirmed. Pay here: https://pay.example.com/" .. event.client_id)
end)

-- What nobody above took. The platform's own blocks may answer it, so only a note is made.
host.on("message", function(event)
  host.kv.incr("unanswered")
  host.log.info("left to the blocks", { text = event.text })
end)

-- The payment provider calls POST /hook/payment with {"id": …, "customer": {"id": …}, "amount": …}.
host.hook("payment", {
  secret = os.getenv "PAYMENT_SECRET" or "shop-payment-secret",
  key = "customer.id",
  dedupe = "id",
}, function(request)
  local payment = request.json
  local customer = type(payment) == "table" and payment.customer
  local client_id = type(customer) == "table" and customer.id
  if not client_id then
    return { status = 400, json = { error = "customer.id is missing" } }
  end
  local moved, why = move(client_id, "paid")
  if not moved then
    return { status = 409, json = { error = why } }
  end
  say(client_id, ("Thank you, %s € arrived. We pack your parcel."):format(payment.amount))
  host.after("2s", "ship", { client_id = client_id }, { key = client_id })
  return { status = 200, json = { status = "paid" } }
end)

host.job("ship", function(args)
  assert(orders:move(args.client_id, "shipped"))
  say(args.client_id, "Your parcel is on its way.")
end)

-- Reminds who ordered and did not confirm. `reminded` keeps it to once an order.
local function remind(after)
  local waiting = assert(bot:find_clients { q = { last_item = { _in = { "tea", "coffee", "honey" } } } })
  local reminded = 0
  for _, client_id in ipairs(waiting.client_ids) do
    local state = orders:state(client_id)
    local variables = assert(bot:get_variables { client_id = client_id })
    local since = tonumber(variables.waits_since)
    if state == "new" and since and os.time() - since >= after and not variables.reminded then
      assert(bot:save_variables { client_id = client_id, variables = { ["client.reminded"] = since } })
      say(client_id, ("Your %s is still waiting. Say yes to confirm."):format(variables.last_item))
      reminded = reminded + 1
    end
  end
  if reminded > 0 then host.log.info("reminded", { clients = reminded }) end
end

host.every(os.getenv "SHOP_REMIND_EVERY" or "15m", { name = "remind" }, function()
  remind(tonumber(os.getenv "SHOP_REMIND_AFTER" or 3600))
end)

host.cron("0 9 * * MON-FRI", { name = "morning", timezone = "Europe/Oslo" }, function()
  local found = assert(bot:find_clients { q = { last_item = { _in = { "tea", "coffee", "honey" } } } })
  host.log.info("good morning", { customers = #found.client_ids })
end)
