local mavilua = require "mavilua"
local core = require "mavilua.core"
local scripted = require "spec.support.scripted"

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = i end
  return list
end

local function new(...)
  local transport, requests = scripted.transport(...)
  return mavilua.client { api_key = "key-of-spec", transport = transport, retries = 0 }, requests
end

local function raises(fn)
  local ok, message = pcall(fn)
  assert.is_false(ok)
  assert.matches("^[^\n]*batches_spec.lua:%d+: in_batches: ", message)
  return message
end

describe("in_batches", function()
  it("splits by the action's limit and tells progress", function()
    local bot, requests = new { status = "success" }
    local told = {}
    local result = assert(bot:in_batches("delete_clients", numbers(1201), {
      progress = function(done, total) told[#told + 1] = done .. "/" .. total end,
    }))
    assert.equal("success", result.status)
    local sizes = {}
    for i, request in ipairs(requests) do sizes[i] = #core.decode(request.body).client_ids end
    assert.same({ 500, 500, 201 }, sizes)
    assert.same({ "0/1201", "500/1201", "1000/1201", "1201/1201" }, told)
    assert.equal(1201, core.decode(requests[3].body).client_ids[201])
  end)

  it("takes a smaller size and refuses one over the limit", function()
    local bot, requests = new { status = "success" }
    assert(bot:in_batches("delete_clients", numbers(10), { size = 4 }))
    assert.equal(3, #requests)
    local message = raises(function() bot:in_batches("delete_clients", numbers(10), { size = 501 }) end)
    assert.matches("at most 500 client_ids at once, size is 501", message, 1, true)
  end)

  it("sends further parameters with each part", function()
    local bot, requests = new { status = "success" }
    assert(bot:in_batches("add_to_list", numbers(150), { params = { list_id = 7 } }))
    assert.equal(2, #requests)
    for _, request in ipairs(requests) do assert.equal(7, core.decode(request.body).list_id) end
  end)

  it("merges lists and sums, and keeps the order", function()
    local bot = new(function(request)
      local items = core.decode(request.body)
      for _, item in ipairs(items) do item.id = item.platform_id * 10 end
      return { status = 200, body = core.encode { status = "success", items = items } }
    end)
    local items = {}
    for i = 1, 250 do items[i] = { platform_id = i, group_id = "g", client_type = 1 } end
    local loaded = assert(bot:in_batches("load_clients", items))
    assert.equal(250, #loaded.items)
    assert.equal(2500, loaded.items[250].id)
    bot = new({ status = "success", callback_sended = 300 }, { status = "success", callback_sended = 2 })
    local sent = assert(bot:in_batches("send_callback_by_platform_id", numbers(400), {
      params = { callback_text = "x" } }))
    assert.equal(302, sent.callback_sended)
  end)

  it("joins answers that are lists themselves", function()
    local bot = new(function(request)
      local rows = core.array {}
      for i, id in ipairs(core.decode(request.body).platform_ids) do rows[i] = { id = tonumber(id) } end
      return { status = 200, body = core.encode(rows) }
    end)
    local ids = {}
    for i = 1, 120 do ids[i] = tostring(i) end
    local rows = assert(bot:in_batches("find_client_id_by_platform_id", ids))
    assert.equal(120, #rows)
    assert.equal(120, rows[120].id)
  end)

  it("stops at the first failure and tells how far it came", function()
    local bot, requests = new({ status = "success" }, { status = "success" }, 503)
    local result, err, done = bot:in_batches("delete_clients", numbers(2000))
    assert.is_nil(result)
    assert.equal("http", err.kind)
    assert.same({ 1000, 1000 }, { done, err.done })
    assert.equal("success", err.partial.status)
    assert.equal(3, #requests)
  end)

  it("tells ambiguity of a part that may have been sent", function()
    local late = { fail = { kind = "timeout", message = "late" } }
    local bot = new({ status = "success", callback_sended = 300 }, late)
    local _, err, done = bot:in_batches("send_callback_by_platform_id", numbers(900), {
      params = { callback_text = "x" } })
    assert.equal("ambiguous", err.kind)
    assert.equal(300, done)
  end)

  it("calls nothing for an empty list", function()
    local bot, requests = new { status = "success" }
    assert.same({ status = "success" }, (bot:in_batches("delete_clients", {})))
    assert.equal(0, #bot:in_batches("load_clients", {}).items)
    assert.equal(0, #requests)
  end)

  it("raises misuse at the caller's line", function()
    local bot = new { status = "success" }
    assert.matches('did you mean "delete_clients"', raises(function()
      bot:in_batches("delete_client", {})
    end), 1, true)
    assert.matches("takes no list", raises(function() bot:in_batches("get_history", {}) end), 1, true)
    assert.matches("takes a table, got number", raises(function()
      bot:in_batches("delete_clients", 5)
    end), 1, true)
    assert.matches('did you mean "progress"', raises(function()
      bot:in_batches("delete_clients", {}, { progres = print })
    end), 1, true)
    assert.matches("take it out of params", raises(function()
      bot:in_batches("add_to_list", { 1 }, { params = { list_id = 1, clients = {} } })
    end), 1, true)
    local ok, message = pcall(function() bot:in_batches("add_to_list", { 1 }) end)
    assert.is_false(ok)
    assert.matches("batches_spec.lua:%d+: add_to_list: .*list_id", message)
  end)
end)
