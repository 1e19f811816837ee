local mavilua = require "mavilua"
local core = require "mavilua.core"
local scripted = require "spec.support.scripted"

-- A list of clients that a test may change while it is walked; newest first.
local function server(count)
  local list = {}
  for i = 1, count do list[i] = { id = count + 1 - i } end
  local offsets = {}
  local function transport(request)
    local offset = tonumber(request.url:match("offset=(%d+)") or 0)
    local limit = tonumber(request.url:match("limit=(%d+)") or 500)
    offsets[#offsets + 1] = offset
    local page = core.array {}
    for i = offset + 1, math.min(offset + limit, #list) do page[#page + 1] = list[i] end
    return { status = 200, body = core.encode { status = "success", clients = page } }
  end
  return mavilua.client { api_key = "key-of-spec", transport = transport }, list, offsets
end

local function ids_of(bot, params)
  local ids = {}
  for client in bot:each("get_clients", params) do ids[#ids + 1] = client.id end
  return ids
end

describe("each: get_clients", function()
  it("walks all pages and stops on a short one", function()
    local bot, _, offsets = server(1234)
    local ids = ids_of(bot)
    assert.equal(1234, #ids)
    assert.same({ 1234, 1 }, { ids[1], ids[1234] })
    assert.same({ 0, 500, 1000 }, offsets)
  end)

  it("asks once more when the last page is full", function()
    local bot, _, offsets = server(20)
    assert.equal(20, #ids_of(bot, { limit = 10 }))
    assert.same({ 0, 10, 20 }, offsets)
  end)

  it("gives nothing for an empty list", function()
    local bot, _, offsets = server(0)
    assert.equal(0, #ids_of(bot))
    assert.equal(1, #offsets)
  end)

  it("gives each id once when the list grows while it is walked", function()
    local bot, list = server(25)
    local ids = {}
    for client in bot:each("get_clients", { limit = 10 }) do
      ids[#ids + 1] = client.id
      if #ids == 5 or #ids == 15 then
        for _ = 1, 3 do table.insert(list, 1, { id = 1000 + #list }) end
      end
    end
    local seen = {}
    for _, id in ipairs(ids) do
      assert.is_nil(seen[id])
      seen[id] = true
    end
    for id = 1, 25 do assert.is_true(seen[id]) end
  end)

  it("goes on from a position", function()
    local bot = server(25)
    local stopped, first
    for client, position in bot:each("get_clients", { limit = 10 }) do
      first, stopped = client.id, position
      if position == 13 then break end
    end
    local rest = ids_of(bot, { limit = 10, offset = stopped })
    assert.equal(12, #rest)
    assert.equal(first - 1, rest[1])
  end)

  it("fetches a page when it is needed, not before", function()
    local bot, _, offsets = server(100)
    local step, walk = bot:each("get_clients", { limit = 10 })
    assert.equal(0, #offsets)
    for _ = 1, 10 do step(walk) end
    assert.equal(1, #offsets)
  end)

  it("leaves the caller's parameters alone", function()
    local params = { limit = 10 }
    ids_of(server(25), params)
    assert.same({ limit = 10 }, params)
  end)

  it("raises the failure of a call as its error object", function()
    local transport = scripted.transport({ status = "success", clients = { { id = 1 }, { id = 2 } } }, 403)
    local bot = mavilua.client { api_key = "key-of-spec", transport = transport }
    local count = 0
    local ok, err = pcall(function()
      for _ in bot:each("get_clients", { limit = 2 }) do count = count + 1 end
    end)
    assert.is_false(ok)
    assert.equal(403, err.status)
    assert.equal("get_clients", err.action)
    assert.equal(2, count)
  end)

  it("does not go round for ever when the server ignores the offset", function()
    local same = { status = "success", clients = { { id = 1 }, { id = 2 } } }
    local transport, requests = scripted.transport(same)
    local bot = mavilua.client { api_key = "key-of-spec", transport = transport }
    local ok, err = pcall(ids_of, bot, { limit = 2 })
    assert.is_false(ok)
    assert.matches('seems to ignore "offset"', tostring(err), 1, true)
    assert.is_true(#requests < 10)
  end)

  it("raises misuse at the caller's line before any call", function()
    local bot, _, offsets = server(1)
    local ok, message = pcall(function() bot:each("get_clients", { limt = 3 }) end)
    assert.is_false(ok)
    assert.matches('pages_spec.lua:%d+: get_clients: unknown parameter "limt"; did you mean "limit"', message)
    ok, message = pcall(function() bot:each("get_history", { client_id = 3 }) end)
    assert.is_false(ok)
    assert.matches('"get_history" is not paged; takes one of get_clients, subscribers', message, 1, true)
    assert.equal(0, #offsets)
  end)

  it("keeps its memory bounded on a long list", function()
    local bot = server(30000)
    local count, most = 0, 0
    for _ in bot:each("get_clients") do
      count = count + 1
      if count == 12000 then collectgarbage() most = collectgarbage "count" end
    end
    collectgarbage()
    assert.equal(30000, count)
    assert.is_true(collectgarbage "count" - most < 1500)
  end)
end)

describe("each: subscribers", function()
  local function subscribers(first_page, pages)
    local asked = {}
    local function transport(request)
      local page = core.decode(request.body or "{}").page
      asked[#asked + 1] = page or "none"
      local rows = pages[(page or first_page) - first_page + 1] or {}
      return { status = 200, body = core.encode(core.array(rows)) }
    end
    local ids = {}
    local bot = mavilua.client { api_key = "key-of-spec", transport = transport }
    for row in bot:each("subscribers", { tag = "x" }) do ids[#ids + 1] = row.id end
    return ids, asked
  end

  it("walks until an empty page, whether pages count from 0 or from 1", function()
    local pages = function() return { { { id = 1 }, { id = 2 } }, { { id = 3 } }, { { id = 4 } } } end
    local ids, asked = subscribers(1, pages())
    assert.same({ 1, 2, 3, 4 }, ids)
    assert.same({ "none", 1, 2, 3, 4 }, asked)
    ids = subscribers(0, pages())
    assert.same({ 1, 2, 3, 4 }, ids)
  end)
end)
