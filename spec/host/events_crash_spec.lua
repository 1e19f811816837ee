local support = require "spec.support.bot"
local process = require "spec.support.process"

describe("a crash", function()
  after_each(support.cleanup)

  -- As the platform: each message once, an answer or none. The next of a client goes out after it.
  -- Gives what was acknowledged, by client and number.
  local function send_through_kills(bot, CLIENTS, EACH)
    local acknowledged, clients, sent, kills = {}, {}, 0, 0
    for client = 1, CLIENTS do
      clients[client] = client
      acknowledged[client] = {}
    end
    support.together(clients, CLIENTS, function(client)
      for n = 1, EACH do
        local status = bot:message(client * 1000 + n, client, tostring(n))
        acknowledged[client][n] = status == 200
        sent = sent + 1
        if sent >= (kills + 1) * CLIENTS * EACH / 4 and kills < 3 then
          kills = kills + 1
          bot:kill()
          bot:start()
        end
      end
      return true
    end)
    assert.equal(3, kills)
    return acknowledged
  end

  -- Every acknowledged one ran, first runs in order per client. Gives how many there are.
  local function check_handled(bot, acknowledged)
    local count, first_seen, last_new = 0, {}, {}
    for _, line in ipairs(bot:lines()) do
      local client, n = line:match("^(%d+) (%d+)$")
      client, n = tonumber(client), tonumber(n)
      first_seen[client] = first_seen[client] or {}
      if not first_seen[client][n] then
        first_seen[client][n] = true
        local last = last_new[client] or 0
        assert.is_true(n > last, ("client %d: %d after %d"):format(client, n, last))
        last_new[client] = n
      end
    end
    for client, numbers in pairs(acknowledged) do
      for n, yes in pairs(numbers) do
        if yes then
          count = count + 1
          local ran = first_seen[client] and first_seen[client][n]
          assert.is_true(ran, ("client %d: %d was lost"):format(client, n))
        end
      end
    end
    local summary = bot:ask("/api/summary")
    assert.equal(0, summary.lost)
    assert.equal(0, summary.dead)
    return count
  end

  it("loses nothing of 2,000 webhooks when the host is killed three times", function()
    local bot = support.start([[
      host.on("message", function(event)
        host.sleep(0.001)
        trace(event.client_id, event.text)
      end)
    ]])
    local acknowledged = send_through_kills(bot, 40, 50)
    bot:await_idle(60)
    local count = check_handled(bot, acknowledged)
    assert.is_true(count > 1000, "only " .. count .. " were acknowledged")
    bot:stop()
  end)

  it("gives up none of the events that were running in each of three kills", function()
    local bot = support.new [[
      host.on("message", function(event)
        local gate
        repeat
          gate = io.open(TRACE .. ".gate")
          if not gate then host.sleep(0.01) end
        until gate
        gate:close()
        trace(event.client_id, 1)
      end)
    ]]
    local CLIENTS = 30
    local clients, acknowledged = {}, {}
    for client = 1, CLIENTS do
      clients[client] = client
      acknowledged[client] = { true }
    end
    bot:start()
    support.together(clients, CLIENTS, function(client)
      assert.equal(200, bot:message(client, client, "slow"))
      return true
    end)
    for kill = 1, 3 do
      -- after the second kill they are suspects, and run one at a time
      bot:await_summary("running", kill < 3 and CLIENTS or 1)
      bot:kill()
      bot:start()
    end
    process.write(bot.trace_path .. ".gate", "")
    bot:await_summary("done", CLIENTS)
    assert.equal(CLIENTS, check_handled(bot, acknowledged))
    bot:stop()
  end)

  it("makes a running event run again at once, and the second time alone quarantines it", function()
    local bot = support.start [[
      host.on("message", function(event) trace("began", event.attempt) host.sleep(30) end)
    ]]
    bot:message(1, 1, "x")
    bot:await("began 1")
    bot:kill()
    bot:start()
    bot:await("began 2")
    bot:kill()
    bot:start()
    local event = process.await(function()
      return bot:ask("/api/events?state=dead").events[1]
    end, "quarantine")
    assert.match("poison", event.reason)
    bot:stop()
  end)

  it("keeps values and jobs that were committed, and no others", function()
    local script = [[
      host.on("message", { text = "good" }, function()
        host.kv.set("kept", "yes")
        host.after(0.5, "job", { from = "before" })
        trace("good")
      end)
      host.on("message", { text = "hangs" }, function(event)
        if event.attempt > 1 then return end
        host.kv.set("lost", "yes")
        trace("hangs")
        host.sleep(30)
      end)
      host.on("message", function() trace("kept", host.kv.get("kept"), "lost", host.kv.get("lost")) end)
      host.job("job", function(args) trace("job", args.from) end)
    ]]
    local bot = support.start(script)
    bot:message(1, 1, "good")
    bot:message(2, 2, "hangs")
    bot:await("hangs")
    bot:await_summary("done", 1)
    bot:kill()
    bot:start()
    bot:message(3, 3, "look")
    bot:await("kept yes lost nil")
    bot:await("job before")
    bot:stop()
  end)
end)
