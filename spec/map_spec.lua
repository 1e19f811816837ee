local mavilua = require "mavilua"
local core = require "mavilua.core"
local fake_server = require "spec.support.fake_server"

local function numbers(count)
  local list = {}
  for i = 1, count do list[i] = i end
  return list
end

describe("map", function()
  it("keeps the order of the items whatever ends first", function()
    local results, errors = mavilua.map({ 0.03, 0.01, 0.02 }, function(seconds, index)
      mavilua.sleep(seconds)
      return index .. ":" .. seconds
    end)
    assert.same({ "1:0.03", "2:0.01", "3:0.02" }, results)
    assert.same({}, errors)
  end)

  it("gives each item's failure in its place: returned or raised", function()
    local results, errors = mavilua.map(numbers(4), function(i)
      if i == 2 then return nil, "returned" end
      if i == 3 then error({ code = 3 }) end
      if i == 4 then error("raised", 0) end
      return i
    end)
    assert.same({ 1 }, results)
    assert.equal("returned", errors[2])
    assert.equal(3, errors[3].code)
    assert.equal("raised", errors[4])
  end)

  it("takes a function that returns nothing, or false, for success", function()
    local results, errors = mavilua.map(numbers(3), function(i) if i == 2 then return false end end)
    assert.same({}, errors)
    assert.is_false(results[2])
    assert.is_nil(results[1])
  end)

  it("has no more under way than it may", function()
    local under_way, most = 0, 0
    mavilua.map(numbers(40), function()
      under_way = under_way + 1
      most = math.max(most, under_way)
      mavilua.sleep(0.001)
      under_way = under_way - 1
    end, { concurrency = 7 })
    assert.equal(7, most)
  end)

  it("takes no further item after a failure when told so", function()
    local started = 0
    local _, errors = mavilua.map(numbers(100), function(i)
      started = started + 1
      mavilua.sleep(0.001)
      if i == 3 then error("enough", 0) end
    end, { concurrency = 2, stop_on_error = true })
    assert.is_truthy(errors[3])
    assert.is_true(started <= 5)
  end)

  it("works inside itself and inside tasks", function()
    local results = mavilua.map({ 1, 2 }, function(i)
      return (mavilua.map({ 10, 20 }, function(j)
        mavilua.sleep(0.001)
        return i * j
      end))
    end)
    assert.same({ { 10, 20 }, { 20, 40 } }, results)
    local task = core.spawn(function()
      return mavilua.map({ 1, 2 }, function(i) mavilua.sleep(0.001) return i + 1 end)
    end)
    local ok, inner = core.join(task)
    assert.is_true(ok)
    assert.same({ 2, 3 }, inner)
  end)

  it("does nothing for an empty list", function()
    local results, errors = mavilua.map({}, error)
    assert.same({ {}, {} }, { results, errors })
  end)

  it("raises misuse at the caller's line", function()
    for _, arguments in ipairs { { 5, print }, { {}, 5 }, { {}, print, { concurency = 3 } },
      { {}, print, { concurrency = 0 } } } do
      local ok, message = pcall(function() mavilua.map(table.unpack(arguments)) end)
      assert.is_false(ok)
      assert.matches("map_spec.lua:%d+: mavilua.map: ", message)
    end
  end)

  describe("on sockets", function()
    local fake
    setup(function() fake = fake_server.start() end)
    teardown(function() fake:stop() end)

    it("waits for 200 calls of 300 ms side by side", function()
      local address = fake:url { delay = 0.3 }
      local bot = mavilua.client { api_key = "key-of-spec", base_url = address }
      local start = mavilua.now()
      local results, errors = mavilua.map(numbers(200), function(id)
        return bot:get_history { client_id = id }
      end, { concurrency = 200 })
      local seconds = mavilua.now() - start
      assert.same({}, errors)
      for i = 1, 200 do assert.matches("client_id=" .. i .. "$", results[i].request.path) end
      -- One after the other takes 200 * 0.3 seconds; an eighth of that leaves room for a slow machine.
      assert.is_true(seconds < 200 * 0.3 / 8, "took " .. seconds)
      assert.equal(200, #fake:requests(address))
    end)

    it("goes on with the others while one call fails", function()
      local good = mavilua.client { api_key = "key-of-spec", base_url = fake:url { delay = 0.05 } }
      local bad = mavilua.client { api_key = "key-of-spec", base_url = fake.closed_url, retries = 0 }
      local results, errors = mavilua.map({ good, bad, good }, function(bot) return bot:get_messages() end)
      assert.is_truthy(results[1] and results[3])
      assert.equal("network", errors[2].kind)
    end)
  end)
end)
