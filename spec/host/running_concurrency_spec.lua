local process = require "spec.support.process"
local support = require "spec.support.bot"

-- The most runs that were between "begin" and "end" at once.
local function most_at_once(lines)
  local now, most = 0, 0
  for _, line in ipairs(lines) do
    if line:find "^begin" then now = now + 1 elseif line:find "^end" then now = now - 1 end
    most = math.max(most, now)
  end
  return most
end

local function range(count)
  local list = {}
  for i = 1, count do list[i] = i end
  return list
end

describe("concurrency per handler", function()
  after_each(support.cleanup)

  it("holds over all workers, and is used", function()
    local bot = support.start([[
      host.on("message", function()
        trace "begin"
        host.sleep(0.05)
        trace "end"
      end, { concurrency = 3 })
    ]], { workers = 3 })
    support.together(range(40), 20, function(i) return bot:message(i, i, "x") end)
    bot:await_summary("done", 40)
    assert.equal(3, most_at_once(bot:lines()))
    bot:stop()
  end)

  it("leaves the places of others alone, and costs what waits no attempt", function()
    local bot = support.start([[
      host.on("message", { text = "limited" }, function(event)
        trace("begin", event.attempt)
        while not io.open(TRACE .. ".gate") do host.sleep(0.01) end
        trace "end"
      end, { concurrency = 2 })
      host.on("message", function(event) trace("other", event.client_id) end)
    ]], { workers = 2, args = { "--concurrency", "4" } })
    support.together(range(100), 20, function(i) return bot:message(i, i, "limited") end)
    process.await(function() return most_at_once(bot:lines()) == 2 end, "two runs")
    for i = 201, 220 do
      bot:message(i, i, "free")
      bot:await("other " .. i)
    end
    process.write(bot.trace_path .. ".gate", "")
    bot:await_summary("done", 120)
    local begins = 0
    for _, line in ipairs(bot:lines()) do
      if line:find "^begin" then
        assert.equal("begin 1", line)
        begins = begins + 1
      end
    end
    assert.equal(100, begins)
    bot:stop()
  end)

  it("keeps the order of each client", function()
    local bot = support.start [[
      host.on("message", function(event)
        trace(event.client_id, event.text)
        host.sleep(0.002)
      end, { concurrency = 1 })
    ]]
    support.together(range(6), 6, function(client)
      for n = 1, 8 do assert.equal(200, bot:message(client * 100 + n, client, tostring(n))) end
      return true
    end)
    bot:await_summary("done", 48)
    local last = {}
    for _, line in ipairs(bot:lines()) do
      local client, n = line:match "(%d+) (%d+)"
      assert.equal((last[client] or 0) + 1, tonumber(n))
      last[client] = tonumber(n)
    end
    bot:stop()
  end)

  it("does not count the time in the line as time of the run", function()
    local bot = support.start [[
      host.on("message", function(event)
        host.sleep(0.4)
        trace("end", event.client_id)
      end, { concurrency = 1, timeout = 0.7, attempts = 1 })
    ]]
    for i = 1, 4 do bot:message(i, i, "x") end
    bot:await_summary("done", 4)
    bot:stop()
  end)

  it("gives the place of a run that failed or was cut off to the next; one in the line can be cancelled", function()
    local bot = support.start [[
      host.on("message", { text = "cancel me" }, function(event)
        trace("cancel", event.id)
        host.sleep(60)
      end, { name = "h", concurrency = 1 })
      host.on("message", function(event)
        trace(event.text)
        if event.text == "fail" then error "no" end
        if event.text == "long" then host.sleep(60) end
      end, { name = "g", concurrency = 1, attempts = 1, timeout = 0.2 })
    ]]
    for i = 1, 4 do bot:message(i, i, "cancel me") end
    local first = process.await(function()
      local line = bot:lines()[1]
      return line and tonumber(line:match "cancel (%d+)")
    end, "a run")
    local function cancelled(count)
      local function enough() return #bot:ask("/api/events?state=cancelled").events == count end
      process.await(enough, count .. " cancelled")
    end
    local events = bot:ask("/api/events").events
    for _, event in ipairs(events) do
      if event.id ~= first and event.key ~= "4" then bot:ask("/api/events/" .. event.id .. "/cancel", "POST") end
    end
    cancelled(first == events[1].id and 3 or 2)
    bot:ask("/api/events/" .. first .. "/cancel", "POST")
    bot:await("cancel " .. events[1].id)
    bot:ask("/api/events/" .. events[1].id .. "/cancel", "POST")
    cancelled(4)
    for i, text in ipairs { "fail", "long", "fine" } do bot:message(10 + i, 10 + i, text) end
    bot:await "fine"
    bot:await_summary("running", 0)
    bot:stop()
  end)

  it("makes the sender of a hook wait in the line, too", function()
    local bot = support.start [[
      host.hook("h", { concurrency = 1 }, function(request)
        host.sleep(0.1)
        return { json = { body = request.body } }
      end)
    ]]
    local replies = support.together(range(8), 8, function(i) return bot:post("/hook/h", tostring(i)) end)
    for i = 1, 8 do assert.same({ 200, tostring(i) }, { replies[i].status, replies[i]:json().body }) end
    bot:stop()
  end)
end)

describe("concurrency of all handlers of a worker", function()
  after_each(support.cleanup)

  it("is --concurrency", function()
    local bot = support.start([[
      host.on("message", function() trace "begin" host.sleep(0.05) trace "end" end)
    ]], { workers = 2, args = { "--concurrency", "3" } })
    support.together(range(40), 20, function(i) return bot:message(i, i, "x") end)
    bot:await_summary("done", 40)
    assert.equal(6, most_at_once(bot:lines()))
    bot:stop()
  end)
end)
