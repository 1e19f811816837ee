local mavilua = require "mavilua"
local scripted = require "spec.support.scripted"

local function new(script, options)
  local transport, requests = scripted.transport(table.unpack(script))
  local runtime = scripted.runtime()
  local whole = { api_key = "key-of-spec", transport = transport, runtime = runtime }
  for name, value in pairs(options or {}) do whole[name] = value end
  return mavilua.client(whole), requests, runtime
end

local network_unsent = { fail = { kind = "network", message = "refused", sent = false } }
local network_sent = { fail = { kind = "network", message = "connection reset", sent = true } }
local timeout_sent = { fail = { kind = "timeout", message = "no answer", sent = true } }

describe("retry", function()
  it("repeats reads and idempotent writes on network errors, timeouts, 408, 429 and 5xx", function()
    local failures = { network_unsent, network_sent, timeout_sent, 408, 429, 500, 502, 503, 504 }
    for _, failure in ipairs(failures) do
      local bot, requests = new { failure, failure, { status = "success" } }
      assert(bot:get_messages())
      assert.equal(3, #requests)
      bot, requests = new { failure, { status = "success" } }
      assert(bot:set_order_state { client_id = 1, state_id = 2 })
      assert.equal(2, #requests)
    end
  end)

  it("does not repeat what another attempt cannot better", function()
    for _, status in ipairs { 302, 400, 401, 403, 404, 501 } do
      local bot, requests = new { status }
      local _, err = bot:get_messages()
      assert.equal("http", err.kind)
      assert.equal(status, err.status)
      assert.is_false(err.retryable)
      assert.equal(1, #requests)
    end
    local bot, requests = new { { status = "fail", message = "no" } }
    local _, err = bot:find_clients { q = { a = 1 } }
    assert.equal("api", err.kind)
    assert.equal(1, #requests)
  end)

  it("never repeats a message that may have been sent, and tells so", function()
    for _, failure in ipairs { network_sent, timeout_sent, 500, 502, 503, 504 } do
      local bot, requests = new { failure, { status = "success" } }
      local _, err = bot:message { client_id = 1, message = "x" }
      assert.equal("ambiguous", err.kind)
      assert.is_false(err.retryable)
      assert.matches("nobody knows whether it was done", err.message)
      assert.equal(1, err.attempts)
      assert.equal(1, #requests)
    end
  end)

  it("repeats a message of which no byte was sent, or that a 429 refused", function()
    for _, failure in ipairs { network_unsent, 429 } do
      local bot, requests = new { failure, { status = "success" } }
      assert(bot:message { client_id = 1, message = "x" })
      assert.equal(2, #requests)
    end
  end)

  it("takes a transport that does not say whether it sent for one that did", function()
    local bot, requests = new { { fail = "broken" } }
    local _, err = bot:message { client_id = 1, message = "x" }
    assert.equal("ambiguous", err.kind)
    assert.matches("broken", err.message)
    assert.equal(1, #requests)
  end)

  it("goes by the parameters where the class depends on them", function()
    local bot, requests = new { 503, { status = "success" } }
    assert(bot:assign_to_user { client_id = 1, email = "a@b.c" })
    assert.equal(2, #requests)
    bot, requests = new { 503, { status = "success" } }
    local _, err = bot:assign_to_user { client_id = 1 }
    assert.equal("ambiguous", err.kind)
    assert.equal(1, #requests)
  end)

  it("counts its attempts and stops after the allowed ones", function()
    local bot, requests = new({ 503 }, { retries = 4 })
    local _, err = bot:get_messages()
    assert.equal(5, err.attempts)
    assert.equal(5, #requests)
    assert.is_true(err.retryable)
    assert.matches("http 503, after 5 attempts", tostring(err), 1, true)
    bot, requests = new({ 503 }, { retries = 0 })
    _, err = bot:get_messages()
    assert.equal(1, err.attempts)
    assert.equal(1, #requests)
  end)

  it("waits longer each time, at random, at most 30 seconds", function()
    local bot, _, runtime = new({ 503 }, { retries = 12 })
    bot:get_messages()
    assert.equal(12, #runtime.slept)
    for i, seconds in ipairs(runtime.slept) do
      assert.is_true(seconds >= 0 and seconds <= math.min(30, 0.5 * 2 ^ (i - 1)))
    end
  end)

  it("waits at least as long as Retry-After asks", function()
    local bot, _, runtime = new {
      { status = 429, headers = { ["retry-after"] = "7" }, body = "" }, { status = "success" } }
    assert(bot:get_messages())
    assert.is_true(runtime.slept[1] >= 7)
  end)

  it("gives the error back when Retry-After asks for more than it may wait", function()
    local bot, requests, runtime = new {
      { status = 503, headers = { ["retry-after"] = "600" }, body = "" }, { status = "success" } }
    local _, err = bot:get_messages()
    assert.equal(600, err.retry_after)
    assert.is_true(err.retryable)
    assert.same({ 1, 0 }, { #requests, #runtime.slept })
  end)

  it("tells on_retry before each wait", function()
    local events = {}
    local bot = new({ network_unsent, 503, { status = "success" } },
      { on_retry = function(event) events[#events + 1] = event end })
    assert(bot:get_messages())
    assert.same({ "network", "http" }, { events[1].kind, events[2].kind })
    assert.same({ 1, 2 }, { events[1].attempt, events[2].attempt })
    assert.equal(503, events[2].status)
    assert.is_number(events[1].delay)
  end)
end)
