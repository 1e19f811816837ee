local mavilua = require "mavilua"
local pace = require "mavilua.pace"
local scripted = require "spec.support.scripted"

local MIDNIGHT = 1790035200 -- a moment with nothing left over when divided by a day's seconds

describe("pace: rate", function()
  it("spaces calls evenly", function()
    local runtime = scripted.runtime()
    local at = {}
    local bot = mavilua.client { api_key = "key-of-spec", rate = 4, runtime = runtime, transport = function()
      at[#at + 1] = runtime.now()
      return { status = 200, body = "ok" }
    end }
    for _ = 1, 5 do bot:get_messages() end
    assert.same({ 0, 0.25, 0.5, 0.75, 1 }, at)
  end)

  it("does not save up what was not used", function()
    local runtime = scripted.runtime()
    local paced = pace.new({ rate = 1 }, runtime)
    paced:wait()
    runtime.at = 100
    paced:wait()
    paced:wait()
    assert.equal(101, runtime.at)
  end)

  it("does not count save_variables, which the platform does not limit", function()
    local runtime = scripted.runtime()
    local bot = mavilua.client { api_key = "key-of-spec", rate = 1, daily_quota = 1, runtime = runtime,
      transport = scripted.transport { status = "success" } }
    for _ = 1, 5 do assert(bot:save_variables { client_id = 1, variables = { a = 1 } }) end
    assert.equal(0, runtime.at)
    assert.equal(0, (bot:quota()))
  end)

  it("counts retries", function()
    local runtime = scripted.runtime()
    local bot = mavilua.client { api_key = "key-of-spec", rate = 0.01, runtime = runtime,
      transport = scripted.transport(503, 503, { status = "success" }) }
    assert(bot:get_messages())
    assert.is_true(runtime.at >= 200)
  end)

  it("takes turns among concurrent tasks, in the order they asked", function()
    local order, at = {}, {}
    local bot = mavilua.client { api_key = "key-of-spec", rate = 100, transport = function(request)
      order[#order + 1] = tonumber(request.url:match("client_id=(%d+)"))
      at[#at + 1] = mavilua.now()
      return { status = 200, body = '{"status":"success"}' }
    end }
    local _, errors = mavilua.map({ 1, 2, 3, 4, 5, 6 }, function(id)
      return bot:get_history { client_id = id }
    end)
    assert.is_nil(next(errors))
    assert.same({ 1, 2, 3, 4, 5, 6 }, order)
    assert.is_true(at[6] - at[1] >= 0.04)
  end)

  it("holds all back when the server has too many", function()
    local runtime = scripted.runtime()
    local paced = pace.new({ rate = 10 }, runtime)
    paced:hold(5)
    paced:wait()
    assert.equal(5, runtime.at)
    paced:wait()
    assert.is_true(math.abs(runtime.at - 5.1) < 1e-9)
  end)
end)

describe("pace: daily quota", function()
  local function new(options, ...)
    local runtime = scripted.runtime(options.start or MIDNIGHT + 3600 * 20)
    local transport, requests = scripted.transport(...)
    return mavilua.client { api_key = "key-of-spec", daily_quota = options.quota, retries = options.retries,
      transport = transport, runtime = runtime }, requests, runtime
  end

  it("refuses calls beyond it without sending, and tells when it renews", function()
    local bot, requests = new({ quota = 2 }, { status = "success" })
    assert(bot:get_messages())
    assert(bot:get_messages())
    local result, err = bot:get_messages()
    assert.is_nil(result)
    assert.equal("quota", err.kind)
    assert.equal("get_messages", err.action)
    assert.equal(0, err.attempts)
    assert.is_false(err.sent)
    assert.equal(4 * 3600, err.retry_after)
    assert.matches("daily quota of 2 calls is used up; it renews at 2026-09-23 00:00 UTC, in 4 h 0 min",
      err.message, 1, true)
    assert.equal(2, #requests)
  end)

  it("renews at midnight UTC", function()
    local bot, _, runtime = new({ quota = 1, start = MIDNIGHT + 86399 }, { status = "success" })
    assert(bot:get_messages())
    assert.is_nil(bot:get_messages())
    runtime.at = 1
    assert(bot:get_messages())
    assert.same({ 1, 0 }, { bot:quota() })
  end)

  it("counts every attempt", function()
    local bot, requests = new({ quota = 2, retries = 5 }, 503)
    local _, err = bot:get_messages()
    assert.equal("quota", err.kind)
    assert.equal(2, err.attempts)
    assert.equal(2, #requests)
  end)

  it("tells what is used and left", function()
    local bot = new({ quota = 5 }, { status = "success" })
    assert.same({ 0, 5 }, { bot:quota() })
    bot:get_messages()
    assert.same({ 1, 4 }, { bot:quota() })
    bot = new({}, { status = "success" })
    bot:get_messages()
    assert.same({ 1, math.huge }, { bot:quota() })
  end)

  it("of nothing allows nothing", function()
    local bot, requests = new({ quota = 0 }, { status = "success" })
    assert.equal("quota", select(2, bot:get_messages()).kind)
    assert.equal(0, #requests)
  end)
end)
