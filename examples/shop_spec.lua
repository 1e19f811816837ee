-- The shop's own tests: host, sandbox and clock stand inside the test.
--
--   mavilua run "$(command -v busted)" examples/shop_spec.lua

local testing = require "mavilua.testing"

local folder = debug.getinfo(1, "S").source:match "^@(.*)/" or "."
local secret = { secret = os.getenv "PAYMENT_SECRET" or "shop-payment-secret" }

describe("the shop", function()
  local t
  before_each(function() t = testing.start { script = folder .. "/shop.lua", now = "2026-01-05 08:30" } end)
  after_each(function() t:stop() end)

  local function order(who, item)
    t:client_says(who, "order " .. item)
    t:assert_said(who, testing.pattern("^Order %d+: " .. item .. " for %d+ €%. Say yes to confirm%.$"))
    t:client_says(who, "yes")
    t:assert_said(who, testing.pattern "^Confirmed%. Pay here: ")
  end

  it("greets, and shows what there is", function()
    t:client_says("Ada", "  HELLO ")
    t:assert_said("Ada", "Hello Ada! What may it be?")
    local talk = t:conversation "Ada"
    local texts = {}
    for i, button in ipairs(talk[#talk].buttons) do texts[i] = button.text end
    assert.same({ "order coffee", "order honey", "order tea" }, texts)
  end)

  it("has no cake", function()
    t:client_says("Ada", "order cake")
    t:assert_said("Ada", "We have no cake. We have tea, coffee and honey.")
    t:assert_order_state("Ada", nil)
  end)

  it("takes an order through its states", function()
    order("Ada", "tea")
    t:assert_order_state("Ada", "Confirmed")
    t:assert_variables("Ada", { last_item = "tea" })
    assert.equal(200, t:pay_hook("Ada", 12, secret).status)
    t:assert_order_state("Ada", "Paid")
    t:assert_said("Ada", "Thank you, 12 € arrived. We pack your parcel.")
    t:advance "2s"
    t:assert_said("Ada", "Your parcel is on its way.")
    t:assert_order_state("Ada", "Shipped")
  end)

  it("takes a payment once, and none that is too early", function()
    t:client_says("Ada", "order honey")
    assert.equal(409, t:pay_hook("Ada", 9, secret).status)
    t:client_says("Ada", "yes")
    local once = { secret = secret.secret, id = "p-1" }
    t:pay_hook("Ada", 9, once)
    t:pay_hook("Ada", 9, once)
    local thanks = 0
    for _, text in ipairs(t:bot_said "Ada") do
      if text:find "^Thank you" then thanks = thanks + 1 end
    end
    assert.equal(1, thanks)
  end)

  it("reminds once who did not confirm", function()
    t:client_says("Bram", "order coffee")
    t:assert_said("Bram", testing.pattern "^Order")
    t:advance "59m"
    t:assert_said("Bram", {})
    t:advance "16m"
    t:assert_said("Bram", "Your coffee is still waiting. Say yes to confirm.")
    t:advance "1d"
    t:assert_said("Bram", {})
  end)

  it("serves many at once, each in order", function()
    for _, who in ipairs { "Ada", "Bram", "Chiara" } do
      t:client_says(who, "hi")
      t:client_says(who, "order tea")
    end
    for _, who in ipairs { "Ada", "Bram", "Chiara" } do
      t:assert_said(who, { ("Hello %s! What may it be?"):format(who), testing.pattern "^Order %d+: tea" })
    end
  end)
end)
