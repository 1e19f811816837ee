--- One good call of each of the platform's actions, and the ways in which it may be written: by GET and by POST,
-- with a query, a JSON body of any Content-Type or a form, with ids as integers and as texts.
local assert = require "luassert"
local core = require "mavilua.core"
local url = require "mavilua.url"

local cases = {}

-- ---- the project -----------------------------------------------------------------------------------

local permissions = { "R", "W", "X", "CR", "CW" }

local function keys()
  local list = { { key = "sandbox", permissions = permissions } }
  for i, only in ipairs(permissions) do
    local others = { table.unpack(permissions) }
    table.remove(others, i)
    list[#list + 1] = { key = "only-" .. only, permissions = { only } }
    list[#list + 1] = { key = "without-" .. only, permissions = others }
  end
  return list
end

cases.TELEGRAM, cases.VK, cases.OK, cases.WHATSAPP, cases.MAIL, cases.CHAT = 100, 101, 102, 103, 104, 105
cases.ORDER, cases.LIST = 500, 12

--- The seed that the calls are made upon. The bot answers "hello" with "Hi!".
function cases.seed()
  return {
    project = { id = 77, name = "Shop" },
    keys = keys(),
    settings = { instagram_followers = { shop = { "ada" } }, whatsapp_numbers = { "+47 990 000 001" } },
    managers = { { id = 1, email = "eva@example.com" }, { id = 2, email = "max@example.com" } },
    channels = {
      { id = 1, client_type = 1, group_id = "shop_bot", name = "shop_bot" },
      { id = 2, client_type = 0, group_id = 143414131, name = "Shop" },
      { id = 3, client_type = 8, group_id = 9001, name = "Shop" },
      { id = 4, client_type = 6, group_id = "wa==", name = "Shop", status = 1 },
      { id = 5, client_type = 14, group_id = "shop@example.com", name = "Shop" },
      { id = 6, client_type = 5, group_id = 4021, name = "shop.example" },
    },
    funnels = { { id = 10, name = "Sales", states = { { id = 11, name = "New" }, { id = 12, name = "Paid" },
      { id = 13, name = "Done", outcome = "won" }, { id = 14, name = "Lost", outcome = "lost" } } } },
    blocks = { { id = 390, condition = "hello", answer = "Hi!", description = "greets" } },
    clients = {
      { id = 100, client_type = 1, group_id = "shop_bot", platform_id = "5001", name = "Ada", tag = "spring",
        created_at = 1600000000, variables = { city = "Oslo", stage = "new", phone = "4790000000",
        email = "ada@example.com" },
        orders = { { id = 500, state = "New", name = "tea", variables = { size = "2" } } },
        messages = { { from = "client", text = "first", at = 1600000001 },
          { from = "bot", text = "second", at = 1600000002 } } },
      { id = 101, client_type = 0, group_id = 143414131, platform_id = 146467928, created_at = 1600000100,
        variables = { city = "Oslo" } },
      { id = 102, client_type = 8, group_id = 9001, platform_id = 55, created_at = 1600000200 },
      { id = 103, client_type = 6, group_id = "wa==", platform_id = "4799000000", created_at = 1600000300 },
      { id = 104, client_type = 14, group_id = "shop@example.com", platform_id = "bob@example.com",
        created_at = 1600000400 },
      { id = 105, client_type = 5, group_id = 4021, platform_id = "abc", created_at = 1600000500 },
    },
    lists = { { id = 12, name = "News", clients = { 100, 101 } } },
  }
end

-- ---- what is asked of the outcome ------------------------------------------------------------------

local function same(expected)
  return function(call) assert.same(expected, call.answer, call.what) end
end

local success = same { status = "success" }

-- The client's conversation ends so.
local function talked(client, ...)
  local ending = { ... }
  return function(call)
    assert.equal("ok", call.answer, call.what)
    local talk = call.box:talk(client)
    assert.same(ending, { table.unpack(talk, #talk - #ending + 1) }, call.what)
  end
end

-- The bot was launched, and the further field is a variable.
local function launched(client)
  local check = talked(client, "> hello", "< Hi!")
  return function(call)
    check(call)
    local variables = call.box:call("get_variables", { client_id = client })
    assert.equal("12", tostring(variables.amount), call.what)
  end
end

-- Of the list, ascending.
local function members(box)
  local ids = {}
  for i, client in ipairs(box:call("get_clients", { list = 12 }).clients) do ids[i] = client.id end
  table.sort(ids)
  return ids
end

local function variable(box, client, name)
  return tostring(box:call("get_variables", { client_id = client })[name])
end

-- ---- the calls -------------------------------------------------------------------------------------

-- Each: its parameters; `ids`: which of them are ids, to be written as integers and as texts (a member of items as
-- "items.group_id"); `check(call)`: call has box, answer, status, what.
cases.good = {
  callback = { { client_id = 100, message = "hello", amount = 12 }, ids = { "client_id" }, check = launched(100) },
  vk_callback = { { user_id = 146467928, group_id = 143414131, message = "hello", amount = 12 },
    ids = { "user_id", "group_id" }, check = launched(101) },
  ok_callback = { { user_id = 55, group_id = 9001, name = "Olga", message = "hello", amount = 12 },
    ids = { "user_id", "group_id" }, check = launched(102) },
  tg_callback = { { user_id = 5001, group_id = "shop_bot", message = "hello", amount = 12 }, ids = { "user_id" },
    check = launched(100) },
  whatsapp_callback = { { phone = 4799000000, bot_id = 4, name = "Wes", message = "hello", amount = 12 },
    ids = { "phone", "bot_id" }, check = launched(103) },
  email_callback = { { email = "bob@example.com", email_id_bot = "shop@example.com", name = "Bob",
    message = "hello", amount = 12 }, check = launched(104) },
  send_callback_by_platform_id = { { platform_ids = { 5001, 55, 404 }, callback_text = "hello" },
    ids = { "platform_ids" }, check = function(call)
      assert.same({ status = "success", callback_sended = 2 }, call.answer, call.what)
      assert.equal("< Hi!", call.box:talk(102)[2], call.what)
    end },
  message = { { client_id = 100, message = "x" }, ids = { "client_id" }, check = talked(100, "< x") },
  whatsapp_message = { { phone = 4799000000, whatsapp_bot_id = 4, message = "x" },
    ids = { "phone", "whatsapp_bot_id" }, check = talked(103, "< x") },
  broadcast = { { clients = { 101, 102, 404 }, message = "x", shift = 0 }, ids = { "clients" },
    check = function(call)
      talked(101, "< x")(call)
      talked(102, "< x")(call)
    end },
  get_history = { { client_id = 100, limit = 1 }, ids = { "client_id", "limit" }, check = function(call)
    assert.equal("success", call.answer.status, call.what)
    assert.equal(1, #call.answer.result, call.what)
    assert.equal("second", call.answer.result[1].text, call.what)
  end },
  clear_history = { { client_id = 100 }, ids = { "client_id" }, check = function(call)
    success(call)
    assert.same({}, call.box:talk(100), call.what)
  end },
  assign_to_user = { { client_id = 100, email = "max@example.com" }, ids = { "client_id" }, check = function(call)
    success(call)
    assert.equal("max@example.com", call.box:control("GET", "clients?client_id=100").client.manager, call.what)
  end },
  load_clients = { { items = { { platform_id = 5001, group_id = "shop_bot", client_type = 1 },
    { platform_id = 7001, group_id = 143414131, client_type = 0 } } },
    ids = { "items.platform_id", "items.group_id", "items.client_type" }, check = function(call)
      assert.equal("success", call.answer.status, call.what)
      assert.equal(100, call.answer.items[1].id, call.what)
      assert.equal("success", call.answer.items[2].status, call.what)
      assert.same(call.sent.items[2].platform_id, call.answer.items[2].platform_id, call.what)
      local found = call.box:call("find_client_id_by_platform_id", { platform_ids = { "7001" } })
      assert.equal(call.answer.items[2].id, found[1].id, call.what)
    end },
  add_to_list = { { list_id = 12, clients = { 105, 100 } }, ids = { "list_id", "clients" }, check = function(call)
    success(call)
    assert.same({ 100, 101, 105 }, members(call.box), call.what)
  end },
  remove_from_list = { { list_id = 12, clients = { 100, 105 } }, ids = { "list_id", "clients" },
    check = function(call)
      success(call)
      assert.same({ 101 }, members(call.box), call.what)
    end },
  get_clients = { { offset = 1, limit = 2, reverse = true }, ids = { "offset", "limit" }, check = function(call)
    assert.equal(2, #call.answer.clients, call.what)
    assert.equal(101, call.answer.clients[1].id, call.what)
    assert.equal("143414131", call.answer.clients[1].group, call.what)
  end },
  delete_clients = { { client_ids = { 100, 105, 404 } }, ids = { "client_ids" }, check = function(call)
    success(call)
    assert.equal(4, #call.box:call("get_clients").clients, call.what)
  end },
  subscribers = { { page = 1, client_type = 0, group = 143414131 }, ids = { "page", "client_type", "group" },
    check = same { { id = 101, created_at = 1600000100, tg_id = "146467928", group = "143414131",
      variables = { city = "Oslo" } } } },
  save_variables = { { client_id = 100, variables = { ["client.city"] = "Bergen", size = "3" } },
    ids = { "client_id" }, check = function(call)
      assert.equal("ok", call.answer, call.what)
      assert.equal("Bergen", variable(call.box, 100, "city"), call.what)
      assert.equal("3", variable(call.box, 100, "size"), call.what)
    end },
  get_variables = { { client_id = 100 }, ids = { "client_id" }, check = function(call)
    assert.equal("Oslo", call.answer.city, call.what)
    assert.equal("2", call.answer.size, call.what)
    assert.equal(1, call.answer.client_type, call.what)
  end },
  find_client_id_by_platform_id = { { platform_ids = { 5001, 404 }, group_id = "shop_bot" },
    ids = { "platform_ids" }, check = function(call)
      assert.equal(1, #call.answer, call.what)
      assert.equal(100, call.answer[1].id, call.what)
      assert.equal("5001", call.answer[1].platform_id, call.what)
    end },
  online_chat_client_id = { { recipient = "abc" }, check = same { client_id = 105 } },
  whatsapp_client_id = { { phone = 4799000000, group_id = 4 }, ids = { "phone", "group_id" },
    check = same { client_id = 103 } },
  find_client_id_by_phone = { { phone = 4799000000 }, ids = { "phone" },
    check = same { status = "success", client_id = 103 } },
  find_client_id_by_email = { { email = "ada@example.com" }, check = same { status = "success", client_id = 100 } },
  find_client_id_by_var = { { var = "city", val = "Oslo", group_id = 143414131 }, ids = { "group_id" },
    check = same { status = "success", client_id = 101 } },
  find_latest_client_id_by_var = { { var = "size", val = 2 }, ids = { "val" },
    check = same { status = "success", client_id = 100 } },
  find_all_client_id_by_var = { { var = "city", val = "Oslo" },
    check = same { status = "success", client_ids = { 100, 101 } } },
  find_all_client_id_by_several_vars = { { city = "Oslo", stage = "new" },
    check = same { status = "success", client_ids = { 100 } } },
  find_clients = { { q = { city = "Oslo", stage = "new" }, include_all = false },
    check = same { status = "success", client_ids = { 100, 101 } } },
  get_current_order_id = { { client_id = 100 }, ids = { "client_id" },
    check = same { status = "success", order_id = 500 } },
  get_orders = { { client_id = 100, order_status = 0 }, ids = { "client_id", "order_status" },
    check = same { status = "success", order_id = { 500 } } },
  move_order_to_next_state = { { client_id = 100, order_id = 500 }, ids = { "client_id", "order_id" },
    check = same { status = "success", state_id = 12 } },
  get_order_vars = { { client_id = 100, order_id = 500, variables = { "size", "none" } },
    ids = { "client_id", "order_id" }, check = same { status = "success", result = { size = "2" } } },
  set_order_vars = { { client_id = 100, order_id = 500, variables = { size = "4" } },
    ids = { "client_id", "order_id" }, check = function(call)
      success(call)
      assert.equal("4", variable(call.box, 100, "size"), call.what)
    end },
  create_order = { { client_id = 100, name = "honey", budget = 9, state_id = 12 },
    ids = { "client_id", "state_id", "budget" }, check = function(call)
      assert.equal("success", call.answer.status, call.what)
      assert.same({ 500, call.answer.order_id }, call.box:call("get_orders", { client_id = 100 }).order_id)
      assert.equal(12, call.box:call("get_order_state", { client_id = 100 }).state_id, call.what)
    end },
  set_order_state = { { client_id = 100, state_id = 13 }, ids = { "client_id", "state_id" }, check = function(call)
    success(call)
    assert.same({ 500 }, call.box:call("get_orders", { client_id = 100, order_status = 1 }).order_id, call.what)
  end },
  get_order_state = { { client_id = 100, order_id = 500 }, ids = { "client_id", "order_id" },
    check = same { status = "success", state_id = 11 } },
  check_insta_subscription = { { user_name = "Ada", login = "shop" }, check = function(call)
    assert.equal("Ada", call.answer.username, call.what)
    assert.is_true(call.answer.is_follower, call.what)
    assert.equal(200, call.answer.status, call.what)
    assert.matches("^%d+$", call.answer.account_id)
  end },
  check_whatsapp = { { phone = 47990000001 }, ids = { "phone" }, check = same { status = "success", exists = true } },
  connected_channels = { {}, check = function(call)
    assert.equal(77, call.answer.project_id, call.what)
    assert.same({ { id = 2, group = "Shop", group_id = 143414131 } }, call.answer.vkontakte, call.what)
  end },
  get_messages = { {}, check = same { status = "success", messages = {
    { id = 390, condition = "hello", answer = "Hi!", message_type = 0, description = "greets" } } } },
}

-- ---- what is refused ---------------------------------------------------------------------------------

local unknown = { status = "client_not_found" }
local empty = { status = "success", client_ids = {} }

--- What each action answers when it cannot do what it is asked for, or there is nothing: a list of { changes of the
-- good call's parameters (cases.NONE takes one away), status, the whole answer or a part of its message;
-- only: in the one way in which it can be said }.
cases.NONE = {}
local NONE = cases.NONE

local content = { { { message = NONE }, 400, "message" },
  { { attachment_url = "http://x.example/a" }, 400, "attachment_type" },
  { { attachment_url = "http://x.example/a", attachment_type = "pdf" }, 400, "attachment_type" },
  { { message_id = 404 }, 404, "404" } }
local timed = { { { send_time = "2026-02-30 10:00:00" }, 400, "send_time" },
  { { time_shift = 3700000000 }, 400, "time_shift" },
  { { time_shift = -5 }, 400, 'Parameter "time_shift" takes an integer, 0 or more' } }

cases.failures = {
  callback = { { { client_id = 404 }, 404, unknown }, { { client_id = NONE }, 400, "client_id" },
    { { client_id = NONE, client_phone = "1" }, 404, unknown },
    { { client_id = NONE, client_email = "no@example.com" }, 404, unknown } },
  vk_callback = { { { user_id = 404 }, 404, unknown }, { { group_id = 404 }, 404, unknown } },
  ok_callback = { { { user_id = 404 }, 404, unknown }, { { group_id = 404 }, 404, unknown } },
  tg_callback = { { { user_id = 404 }, 404, unknown }, { { group_id = "other_bot" }, 404, unknown } },
  whatsapp_callback = { { { phone = "none" }, 400, "phone" }, { { bot_id = 404 }, 404, "404" },
    { { bot_id = 1 }, 404, "1" } },
  email_callback = { { { email_id_bot = "no@example.com" }, 404, "no@example.com" } },
  send_callback_by_platform_id = { { { platform_ids = { 404 } }, 200, { status = "success", callback_sended = 0 } },
    { { group_id = "other_bot" }, 200, { status = "success", callback_sended = 0 } } },
  message = { { { client_id = 404 }, 404, unknown } },
  whatsapp_message = { { { phone = "none" }, 400, "phone" }, { { whatsapp_bot_id = 404 }, 404, "404" } },
  broadcast = { { { list = 12 }, 400, "list" }, { { clients = NONE, platform_ids = { 5001 } }, 400, "group_id" },
    { { clients = NONE, list = 404 }, 404, "404" }, { { clients = NONE }, 200, "ok" },
    { { clients = { 404 } }, 200, "ok" },
    { { shift = -1 }, 400, "shift" } },
  get_history = { { { client_id = 404 }, 404, unknown }, { { start_date = "01.01.2026" }, 400, "stop_date" },
    { { stop_date = "01.01.2026" }, 400, "start_date" },
    { { start_date = "30.02.2026", stop_date = "01.03.2026" }, 400, "start_date" } },
  clear_history = { { { client_id = 404 }, 404, unknown } },
  assign_to_user = { { { client_id = 404 }, 404, unknown }, { { email = "no@example.com" }, 404, "no@example.com" } },
  load_clients = { { { items = { { platform_id = 1, group_id = "b" } } }, 400, "client_type" },
    { { items = { { group_id = "b", client_type = 1 } } }, 400, "platform_id" },
    { { items = { { platform_id = 1, client_type = 1 } } }, 400, "group_id" } },
  add_to_list = { { { list_id = 404 }, 404, "404" }, { { clients = { 404 } }, 200, { status = "success" } } },
  remove_from_list = { { { list_id = 404 }, 404, "404" }, { { clients = { 404 } }, 200, { status = "success" } } },
  get_clients = { { { list = 404, reverse = NONE }, 404, "404" }, { { list = 12 }, 400, "reverse" } },
  delete_clients = { { { client_ids = { 404 } }, 200, { status = "success" } } },
  subscribers = { { { group = "other_bot" }, 200, {} }, { { page = 2 }, 200, {} }, { { tag = "no" }, 200, {} } },
  save_variables = { { { client_id = 404 }, 404, unknown }, { { client_id = NONE }, 400, "client_id" },
    { { client_id = NONE, clients = { 100, 404 } }, 404, unknown } },
  get_variables = { { { client_id = 404 }, 404, unknown } },
  find_client_id_by_platform_id = { { { platform_ids = { 404 } }, 200, {} }, { { group_id = "other_bot" }, 200, {} } },
  online_chat_client_id = { { { recipient = NONE }, 400, 'Parameter "recipient" required' } },
  whatsapp_client_id = { { { phone = 4700000000 }, 404, unknown }, { { phone = "none" }, 400, "phone" },
    { { group_id = 1 }, 404, unknown } },
  find_client_id_by_phone = { { { phone = 4700000000 }, 404, unknown } },
  find_client_id_by_email = { { { email = "no@example.com" }, 404, unknown } },
  find_client_id_by_var = { { { val = "no" }, 404, unknown }, { { var = "no" }, 404, unknown },
    { { group_id = "other_bot" }, 404, unknown } },
  find_latest_client_id_by_var = { { { val = "no" }, 404, unknown } },
  find_all_client_id_by_var = { { { val = "no" }, 200, empty } },
  find_all_client_id_by_several_vars = { { { city = "no" }, 200, empty },
    { { city = NONE, stage = NONE }, 400, "" }, { { c = 1, d = 2 }, 400, "3" } },
  find_clients = { { { q = NONE }, 200, { status = "fail", message = 'Parameter "q" required' } },
    { { q = { city = { _like = "O" } } }, 200, { status = "fail", message = "Error in parameter format" } },
    { { q = { city = 5 } }, 200, { status = "fail", message = "Something went wrong" },
      only = "POST with JSON" },
    { { q = { city = "no" } }, 200, empty } },
  get_current_order_id = { { { client_id = 404 }, 200, unknown },
    { { client_id = 101 }, 200, { status = "order not found" } } },
  get_orders = { { { client_id = 404 }, 200, unknown },
    { { order_status = 3 }, 400, 'Parameter "order_status" takes an integer from 0 to 2' },
    { { order_status = 2 }, 200, { status = "success", order_id = {} } } },
  move_order_to_next_state = { { { client_id = 404 }, 200, unknown },
    { { order_id = 404 }, 200, { status = "order 404 not found" } } },
  get_order_vars = { { { client_id = 404 }, 200, unknown },
    { { order_id = 404 }, 200, { status = "order 404 not found" } } },
  set_order_vars = { { { client_id = 404 }, 200, unknown },
    { { order_id = 12345 }, 200, { status = "order 12345 not found" } } },
  create_order = { { { client_id = 404 }, 200, unknown }, { { client_id = NONE }, 400, "client_id" } },
  set_order_state = { { { client_id = 404 }, 200, unknown },
    { { state_id = 404 }, 200, { status = "fail", message = "State 404 not found" } } },
  get_order_state = { { { client_id = 404 }, 200, unknown },
    { { order_id = 404 }, 200, { status = "order not found" } },
    { { client_id = 101, order_id = NONE }, 200, { status = "order not found" } } },
  check_insta_subscription = { { { login = "other" }, 404, "other" } },
  check_whatsapp = { { { phone = 47990000002 }, 200, { status = "success", exists = false } } },
  connected_channels = {},
  get_messages = {},
}

for _, name in ipairs { "message", "whatsapp_message", "broadcast" } do
  for _, row in ipairs(content) do table.insert(cases.failures[name], row) end
end
for _, name in ipairs { "callback", "vk_callback", "ok_callback", "tg_callback", "whatsapp_callback", "email_callback",
  "send_callback_by_platform_id", "message", "whatsapp_message", "broadcast" } do
  for _, row in ipairs(timed) do table.insert(cases.failures[name], row) end
end

-- ---- how a call may be written ---------------------------------------------------------------------

local function copy(value)
  if type(value) ~= "table" then return value end
  local out = {}
  for k, v in pairs(value) do out[k] = copy(v) end
  return out
end

local function as_text(value)
  if type(value) == "table" then
    for k, v in pairs(value) do value[k] = as_text(v) end
    return value
  end
  return tostring(value)
end

-- The parameters with the named ids as texts.
local function with_texts(params, ids)
  local out = copy(params)
  for _, id in ipairs(ids or {}) do
    local item = id:match "^items%.(.*)"
    for _, object in ipairs(item and out.items or { out }) do
      local name = item or id
      object[name] = as_text(object[name])
    end
  end
  return out
end

local function encode(out, name, value)
  if type(value) ~= "table" then
    out[#out + 1] = url.escape(name) .. "=" .. url.escape(tostring(value))
    return
  end
  for k, v in pairs(value) do
    local index = type(k) == "number" and (type(v) == "table" and k - 1 or "") or k
    encode(out, name .. "[" .. index .. "]", v)
  end
end

--- Parameters as a query or a form, with brackets for what is nested.
function cases.form(params)
  local out = {}
  for name, value in pairs(params) do encode(out, name, value) end
  return table.concat(out, "&")
end

-- The JSON of a call: the bare array where the action takes one.
local function json(params)
  return assert(core.encode(params.items or params))
end

local form = "application/x-www-form-urlencoded"
local ways = {
  ["GET with a query"] = function(action, params) return action .. "?" .. cases.form(params), { method = "GET" } end,
  ["POST with a query"] = function(action, params)
    return action .. "?" .. cases.form(params), { method = "POST", body = "" }
  end,
  ["POST with JSON"] = function(action, params)
    return action, { method = "POST", body = json(params), headers = { ["Content-Type"] = "application/json" } }
  end,
  ["POST with JSON as text/plain"] = function(action, params)
    return action, { method = "POST", body = json(params), headers = { ["Content-Type"] = "text/plain" } }
  end,
  ["POST with JSON as a form"] = function(action, params)
    return action, { method = "POST", body = json(params), headers = { ["Content-Type"] = form } }
  end,
  ["POST with a form"] = function(action, params)
    return action, { method = "POST", body = cases.form(params), headers = { ["Content-Type"] = form } }
  end,
  ["GET with JSON"] = function(action, params)
    return action, { method = "GET", body = json(params), headers = { ["Content-Type"] = "application/json" } }
  end,
}

--- Makes the good call of an action in every way, each upon a fresh seed, and checks what came of it.
function cases.try(box, action)
  local case = assert(cases.good[action], "no case of " .. action)
  for written, params in pairs { ["ids as integers"] = case[1], ["ids as texts"] = with_texts(case[1], case.ids) } do
    for how, write in pairs(ways) do
      assert(select(2, box:control("POST", "seed", cases.seed())) == 200)
      local path, options = write(action, params)
      local answer, status, reply = box:call(path, nil, options)
      local what = ("%s, %s, %s: %s"):format(action, how, written, reply.body)
      assert.equal(200, status, what)
      local sent = (how:find "query" or how == "POST with a form") and as_text(copy(params)) or params
      case.check { box = box, answer = answer, status = status, sent = sent, what = what }
    end
  end
end

local body_kinds = { "GET with a query", "POST with JSON", "POST with a form" }

--- Makes the calls of an action that fail, each in both methods and both kinds of body.
function cases.try_failures(box, action)
  assert(select(2, box:control("POST", "seed", cases.seed())) == 200)
  for _, failure in ipairs(assert(cases.failures[action], "no failures of " .. action)) do
    local params = cases.params(action)
    for name, value in pairs(failure[1]) do params[name] = value ~= NONE and copy(value) or nil end
    for _, how in ipairs(failure.only and { failure.only } or body_kinds) do
      local path, options = ways[how](action, params)
      local answer, status, reply = box:call(path, nil, options)
      local what = ("%s, %s, %s: %s"):format(action, how, core.encode(params), reply.body)
      assert.equal(failure[2], status, what)
      if type(failure[3]) == "table" or status == 200 then
        assert.same(failure[3], answer, what)
      else
        assert.equal("fail", answer.status, what)
        assert.matches(failure[3], answer.message, 1, true, what)
      end
    end
  end
end

--- The parameters of the good call, to be changed. @return a copy
function cases.params(action)
  return copy(cases.good[action][1])
end

return cases
