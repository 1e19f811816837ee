local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("on_fail: what the later events of a key do while the first one fails", function()
  local bot

  setup(function()
    bot = support.start [[
      local function gate() return io.open(TRACE .. ".gate") end
      for _, mode in ipairs { "block", "park", "skip" } do
        host.hook(mode, { key = "key", on_fail = mode }, function(request)
          trace(mode, request.json.n, request.attempt)
          if request.json.n == 1 then
            if mode == "skip" then error "never" end
            if not gate() then return host.retry(0.2, "not yet") end
          end
        end)
      end
      host.hook("default", { key = "key" }, function(request)
        trace("default", request.json.n, request.attempt)
        if request.json.n == 1 and not gate() then return host.retry(0.2, "not yet") end
      end)
    ]]
  end)

  teardown(function() bot:stop() end)

  local function send(mode)
    support.together({ 1, 2, 3 }, 1, function(n)
      return bot:post("/hook/" .. mode, ('{"key":"%s","n":%d}'):format(mode, n))
    end)
  end

  -- Numbers in the order of their first runs.
  local function first_runs(mode)
    local order, seen = {}, {}
    for _, line in ipairs(bot:lines()) do
      local n = line:match("^" .. mode .. " (%d) ")
      if n and not seen[n] then
        seen[n] = true
        order[#order + 1] = n
      end
    end
    return table.concat(order, " ")
  end

  it("block (the default): they wait; blocked keys can be listed", function()
    for _, mode in ipairs { "block", "default" } do
      process.write(bot.trace_path .. ".gate", "")
      os.remove(bot.trace_path .. ".gate")
      bot:post("/hook/" .. mode, ('{"key":"%s","n":1}'):format(mode))
      -- their senders wait for an answer that comes when the first is through
      local replies = support.together({ 2, 3, 4 }, 3, function(n)
        if n < 4 then return bot:post("/hook/" .. mode, ('{"key":"%s","n":%d}'):format(mode, n)) end
        local blocked = process.await(function()
          for _, each in ipairs(bot:ask("/api/keys/blocked").keys) do
            if each.key == mode and each.waiting == 2 then return each end
          end
        end, "the blocked key")
        assert.equal("not yet", blocked.reason)
        assert.equal("1", first_runs(mode))
        process.write(bot.trace_path .. ".gate", "")
        return true
      end)
      assert.equal(200, replies[1].status)
      assert.equal(200, replies[2].status)
      assert.equal("1", first_runs(mode):sub(1, 1))
      assert.equal(3, #first_runs(mode):gsub(" ", ""))
    end
    assert.same({}, bot:ask("/api/keys/blocked").keys)
  end)

  it("park: they go on, and it is tried beside them", function()
    os.remove(bot.trace_path .. ".gate")
    send "park"
    assert.equal("1 2 3", first_runs "park")
    process.write(bot.trace_path .. ".gate", "")
    bot:await_idle()
    local last
    for _, line in ipairs(bot:lines()) do last = line:match "^park (.*)" or last end
    assert.match("^1 [2-9]", last)
  end)

  it("skip: it is given up at the first error, as skipped, and they go on", function()
    send "skip"
    assert.equal("1 2 3", first_runs "skip")
    local skipped = bot:ask("/api/events?state=skipped").events
    assert.equal(1, #skipped)
    assert.equal(1, skipped[1].attempt)
    assert.match("never", skipped[1].reason, 1, true)
  end)
end)

describe("The ordering key of jobs is an option", function()
  after_each(support.cleanup)

  it("jobs of one key run one after another, in the order in which they were started", function()
    local bot = support.start([[
      host.on("message", function()
        for n = 1, 5 do host.after(0, "job", n, { key = "one" }) end
      end)
      host.job("job", function(n)
        trace("begin", n)
        host.sleep(0.02)
        trace("end", n)
      end)
    ]], { workers = 3 })
    bot:message(1, 1, "x")
    bot:await "end 5"
    local expected = {}
    for n = 1, 5 do
      expected[#expected + 1] = "begin " .. n
      expected[#expected + 1] = "end " .. n
    end
    assert.same(expected, bot:lines())
    bot:stop()
  end)
end)
