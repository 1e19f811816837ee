-- docs/host.md, Operating it: what GET /metrics tells.
local http = require "mavilua.http"
local openmetrics = require "spec.support.openmetrics"
local socket = require "socket"
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("metrics", function()
  local bot

  local function read()
    local _, reply = bot:ask "/metrics"
    return openmetrics.read(reply.body), reply
  end

  local function value(name, labels, suffix)
    return openmetrics.value(read(), name, labels, suffix)
  end

  local function await(expected, name, labels, suffix)
    process.await(function() return value(name, labels, suffix) == expected end,
      ("%s%s = %s; last: %s"):format(name, suffix or "", expected, value(name, labels, suffix)))
  end

  setup(function()
    bot = support.start([[
      local mavilua = require "mavilua"
      local replies = { { status = 503, body = "" }, { status = 200, body = '{"status":"success"}' } }
      local client = mavilua.client { api_key = "sandbox", runtime = { sleep = function() end },
        transport = function() return table.remove(replies, 1) or { status = 404, body = "" } end }
      host.on("message", { text = "call" }, function()
        client:call("get_clients", {})
        client:call("made_up_" .. "25554", {})
      end, { name = "caller" })
      host.on("message", { text = "bad" }, function(event)
        if event.attempt < 2 then return host.retry(0) end
      end, { name = "bad" })
      host.on("message", function() end, { name = "good \"quoted\" \\ one" })
      host.hook("pay", { dedupe = "id" }, function() end)
      host.every("1s", { name = "tick" }, function() end)
      host.every("1s", { name = "slow" }, function() host.sleep(2.5) end)
    ]])
    bot:message(1, 4711, "hello")
    bot:message(2, 4711, "bad")
    bot:message(3, 4711, "call")
  end)

  teardown(function() bot:stop() end)

  it("are valid OpenMetrics, each family with its type and help", function()
    local families, reply = read()
    assert.equal("application/openmetrics-text; version=1.0.0; charset=utf-8", reply.headers["content-type"])
    local count = 0
    for name, family in pairs(families) do
      count = count + 1
      assert.is_string(family.help, name)
      assert.match("^mavilua_", name)
    end
    assert.is_true(count >= 20)
    assert.equal("seconds", families.mavilua_ack_seconds.unit)
    assert.equal("bytes", families.mavilua_lua_bytes.unit)
  end)

  it("count what was accepted, by source", function()
    await(3, "mavilua_events_accepted", { source = "webhook" })
  end)

  it("count duplicates, by source", function()
    bot:message(1, 4711, "hello")
    await(1, "mavilua_events_duplicate", { source = "webhook" })
    bot:post("/hook/pay", '{"id":1}')
    bot:post("/hook/pay", '{"id":1}')
    await(1, "mavilua_events_duplicate", { source = "hook" })
  end)

  it("count what was refused, by reason", function()
    bot:post("/webhook/wrong", "{}")
    await(1, "mavilua_requests_refused", { reason = "not_found" })
    bot:post("/webhook/" .. support.secret, "{")
    await(1, "mavilua_requests_refused", { reason = "malformed" })
    bot:post("/webhook/" .. support.secret, nil, { method = "PUT" })
    await(1, "mavilua_requests_refused", { reason = "method" })
    http.request { url = bot.url .. "/hook/pay", body = ("x"):rep(1100000) }
    await(1, "mavilua_requests_refused", { reason = "too_large" })
  end)

  it("count connections that a limit closed", function()
    local few = support.start("host.on('message', print)", { args = { "--per-address", "2" } })
    finally(function() few:stop() end)
    local host, port = few.url:match "//([%d.]+):(%d+)"
    local open = {}
    local function refused()
      local families = openmetrics.read(select(2, few:ask "/metrics").body)
      return openmetrics.value(families, "mavilua_requests_refused", { reason = "connections" }) or 0
    end
    for i = 1, 5 do open[i] = assert(socket.connect(host, tonumber(port))) end
    process.await(function() return refused() == 3 end, "three refused connections")
    for _, each in ipairs(open) do each:close() end
  end)

  it("count bodies that come too slowly", function()
    local slow = support.start("host.on('message', print)", { args = { "--idle-timeout", "1" } })
    finally(function() slow:stop() end)
    local host, port = slow.url:match "//([%d.]+):(%d+)"
    local sender = assert(socket.connect(host, tonumber(port)))
    assert(sender:send("POST /webhook/x HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{"))
    process.await(function()
      local families = openmetrics.read(select(2, slow:ask "/metrics").body)
      return openmetrics.value(families, "mavilua_requests_refused", { reason = "too_slow" }) == 1
    end, "a slow body that was given up")
    sender:close()
  end)

  it("measure acknowledgements and commits, with the size of their batches", function()
    local families = read()
    assert.is_true(openmetrics.value(families, "mavilua_ack_seconds", nil, "_count") >= 3)
    local commits = openmetrics.value(families, "mavilua_commit_seconds", nil, "_count")
    assert.is_true(commits >= 3)
    assert.equal(commits, openmetrics.value(families, "mavilua_commit_operations", nil, "_count"))
    assert.is_true(openmetrics.value(families, "mavilua_commit_operations", nil, "_sum") >= 3)
  end)

  it("tell the depth by state and the age of the oldest", function()
    local families = read()
    for _, state in ipairs { "available", "running", "retryable", "done", "dead", "skipped", "cancelled" } do
      assert.is_number(openmetrics.value(families, "mavilua_events", { state = state }), state)
    end
    assert.is_number(openmetrics.value(families, "mavilua_oldest_waiting_seconds"))
  end)

  it("count runs by handler and outcome, with time and attempts", function()
    await(1, "mavilua_runs", { handler = 'good "quoted" \\ one', outcome = "done" })
    await(1, "mavilua_runs", { handler = "bad", outcome = "retryable" })
    await(1, "mavilua_runs", { handler = "bad", outcome = "done" })
    await(2, "mavilua_run_seconds", { handler = "bad" }, "_count")
    await(1, "mavilua_event_attempts", { handler = "bad" }, "_count")
    await(2, "mavilua_event_attempts", { handler = "bad" }, "_sum")
  end)

  it("name an event's handler \"none\" when no handler took it", function()
    bot:post("/webhook/" .. support.secret, '{"id":30,"client":{"id":30},"message":"x","is_input":0}')
    await(1, "mavilua_runs", { handler = "none", outcome = "done" })
    await(1, "mavilua_run_seconds", { handler = "none" }, "_count")
    for name, family in pairs(read()) do
      for _, sample in ipairs(family.samples) do assert.not_equal("", sample.labels.handler, name) end
    end
  end)

  it("count skipped moments by schedule and reason, and tell the last success", function()
    process.await(function()
      return (value("mavilua_moments_skipped", { schedule = "slow", reason = "overlap" }) or 0) >= 1
    end, "a skipped moment")
    process.await(function()
      return (value("mavilua_schedule_success_timestamp_seconds", { schedule = "tick" }) or 0) > os.time() - 60
    end, "a success")
  end)

  it("count calls of the API by action and outcome, retries, and the quota used", function()
    await(1, "mavilua_api_calls", { action = "get_clients", outcome = "http" })
    await(1, "mavilua_api_calls", { action = "get_clients", outcome = "ok" })
    await(1, "mavilua_api_retries", { action = "get_clients" })
    await(1, "mavilua_api_calls", { action = "other" })
    await(3, "mavilua_api_quota_used")
  end)

  it("tell the Lua memory and the runs of each worker", function()
    for _, worker in ipairs { "0", "1" } do
      assert.is_true(value("mavilua_lua_bytes", { worker = worker }) > 10000)
      assert.is_number(value("mavilua_running", { worker = worker }))
    end
  end)

  it("are never labelled by client", function()
    for name, family in pairs(read()) do
      for _, sample in ipairs(family.samples) do
        for label, text in pairs(sample.labels) do
          assert.is_true(text ~= "4711" and not text:find "25554", name .. " " .. label)
        end
      end
    end
  end)
end)
