--- One link of a walk, over a client of tables: what the platform's answers make of it.
local reconcile = require "mavilua.host.reconcile"

describe("mavilua.host.reconcile", function()
  local NOW = 1790000000 -- 2026-09-21 14:13:20 UTC
  local DAY = 86400

  local function message(id, at, fields)
    local row = { id = id, client_replica = true, created_at = at, text = "m" .. id, delivered = true }
    for name, value in pairs(fields or {}) do row[name] = value end
    return row
  end

  local function day_of(text)
    local day, month, year = text:match("^(%d+)%.(%d+)%.(%d+)$")
    return reconcile.seconds(("%s-%s-%s 00:00:00"):format(year, month, day)) / DAY
  end

  -- The platform: clients, and the messages of each, oldest first.
  local function platform(clients, histories)
    local bot = { calls = {} }
    local function count(name) bot.calls[name] = (bot.calls[name] or 0) + 1 end
    function bot.get_clients(_, params)
      count("get_clients")
      local page = {}
      for i = params.offset + 1, math.min(#clients, params.offset + params.limit) do page[#page + 1] = clients[i] end
      return { clients = page }
    end
    function bot.get_history(_, params)
      count("get_history")
      local of_client = histories[params.client_id]
      if of_client.kind then return nil, of_client end
      local from, to, rows = day_of(params.start_date), day_of(params.stop_date), {}
      for i = #of_client, 1, -1 do
        local day = math.floor((reconcile.seconds(of_client[i].created_at) or NOW) / DAY)
        if day >= from and day <= to and #rows < params.limit then rows[#rows + 1] = of_client[i] end
      end
      return { result = rows }
    end
    function bot.get_variables() return { city = "Oslo" } end
    return bot
  end

  local function walk_over(bot, known)
    local walk = { bot = bot, logged = {}, fed_ids = {}, bodies = {}, dues = {} }
    function walk.log(_, text) walk.logged[#walk.logged + 1] = text end
    function walk.last() return walk.told end
    function walk.known(id) return known and known[id] or false end
    function walk.webhook(id, key, body, due)
      walk.fed_ids[#walk.fed_ids + 1] = tonumber(id)
      walk.bodies[#walk.bodies + 1], walk.key = body, key
      walk.dues[#walk.dues + 1] = due
    end
    function walk.now() return NOW end
    function walk.next(args) walk.continued = args end
    function walk.progress(state) walk.state = state end
    function walk.retry(seconds, reason) return { "retry", seconds, reason } end
    return walk
  end

  local function run(walk, args)
    return reconcile.run({ name = "host.reconcile" }, args, walk)
  end

  local active = { id = 7, platform_id = "70", name = "Ada", updated_at = NOW }

  it("reads times in all their forms", function()
    assert.equal(1788949547.198713, reconcile.seconds("2026-09-09 10:25:47.198713"))
    assert.equal(1788949547, reconcile.seconds("1788949547"))
    assert.equal(1788949547, reconcile.seconds(1788949547))
    assert.equal(951782400, reconcile.seconds("2000-02-29T00:00:00Z"))
    for _, wrong in ipairs { "", "soon", "2026-09-09", true } do assert.is_nil(reconcile.seconds(wrong)) end
    assert.is_nil(reconcile.seconds(nil))
  end)

  it("feeds what is missing as a webhook would have brought it, oldest first", function()
    local walk = walk_over(platform({ active }, { [7] = {
      message(1, NOW - 9000), message(2, NOW - 500),
      message(3, "2026-09-21 14:10:00.5", { attachments = { "http://a/b" } }),
      message(4, NOW - 100, { client_replica = false }), message(5, NOW - 50), message(6, "soon"),
    } }), { ["2"] = true })
    run(walk, { since = NOW - 600 })
    assert.same({ 3, 5 }, walk.fed_ids)
    assert.equal("7", walk.key)
    local body = walk.bodies[1]
    assert.same({ 3, "m3", 1, 1, true }, { body.id, body.message, body.is_input, body.delivered, body.reconciled })
    assert.same({ 7, "70", "Ada", "Oslo" },
      { body.client.id, body.client.recepient, body.client.name, body.client.variables.city })
    assert.equal("http://a/b", body.attachments[1].attachment_url)
    assert.equal(1789999800500, walk.dues[1])
    assert.equal("done", walk.state)
    assert.is_nil(walk.continued)
  end)

  it("takes what was sent when it is asked to", function()
    local walk = walk_over(platform({ active }, { [7] = { message(4, NOW - 100, { client_replica = false }) } }))
    run(walk, { since = NOW - 600, sent = true })
    assert.same({ 4 }, walk.fed_ids)
    assert.equal(0, walk.bodies[1].is_input)
  end)

  it("looks before a gap too, as far as the host remembers", function()
    local function fed(since)
      local walk = walk_over(platform({ active }, { [7] = { message(1, since - 60), message(2, since + 60) } }))
      run(walk, { since = since, why = "down" })
      return walk.fed_ids
    end
    assert.same({ 1, 2 }, fed(NOW - 600))
    assert.same({ 2 }, fed(NOW - 8 * DAY))
  end)

  it("asks for more than one answer holds in halves, and tells of a day that is too full", function()
    local rows = {}
    for i = 1, 3000 do rows[i] = message(i, NOW - 5 * DAY + i * 100) end
    for i = 3001, 5500 do rows[i] = message(i, NOW - 10000 + i) end
    local walk = walk_over(platform({ active }, { [7] = rows }))
    run(walk, { since = NOW - 6 * DAY })
    assert.equal(3000 + 2000, #walk.fed_ids)
    for i = 2, #walk.fed_ids do assert.is_true(walk.fed_ids[i] > walk.fed_ids[i - 1]) end
    assert.matches("more than 2000 messages on 21.09.2026", table.concat(walk.logged, "\n"), 1, true)
  end)

  it("asks only those that changed since, unless told otherwise", function()
    local clients, histories = {}, {}
    for i = 1, 1200 do
      clients[i] = { id = i, updated_at = i <= 1190 and NOW - DAY or NOW }
      histories[i] = {}
    end
    clients[1191].updated_at, clients[1192].updated_at = "2026-09-21 03:00:00.1", nil
    local bot = platform(clients, histories)
    run(walk_over(bot), { since = NOW - 600 })
    assert.same({ get_clients = 3, get_history = 10 }, bot.calls)
    bot.calls = {}
    run(walk_over(bot), { since = NOW - 600, all_clients = true })
    assert.equal(1200, bot.calls.get_history)
  end)

  it("ends a link after many messages, and the next goes on where it ended", function()
    local clients, histories = {}, {}
    for i = 1, 4 do
      clients[i], histories[i] = { id = i, updated_at = NOW }, {}
      for n = 1, 300 do histories[i][n] = message(i * 1000 + n, NOW - 300 + n) end
    end
    local walk = walk_over(platform(clients, histories))
    run(walk, { since = NOW - 600 })
    assert.equal(600, #walk.fed_ids)
    assert.equal("under way", walk.state)
    local args
    args, walk.continued = walk.continued, nil
    run(walk, args)
    assert.equal(1200, #walk.fed_ids)
    assert.equal(4001, walk.fed_ids[901])
    assert.equal(4, args.walked)
    assert.is_nil(walk.continued)
    assert.equal("done", walk.state)
  end)

  it("leaves out a client that is gone, and fails when the API does", function()
    local gone = { kind = "api", status = 404, retryable = false }
    local clients = { { id = 1, updated_at = NOW }, active }
    local walk = walk_over(platform(clients, { [1] = gone, [7] = { message(5, NOW) } }))
    local args = { since = NOW - 600 }
    run(walk, args)
    assert.same({ 5 }, walk.fed_ids)
    assert.equal(1, args.left_out)

    for _, err in ipairs { { kind = "http", status = 502, retryable = true }, { kind = "api", status = 401 } } do
      walk = walk_over(platform(clients, { [1] = err, [7] = {} }))
      local ok, raised = pcall(run, walk, { since = NOW - 600 })
      assert.is_false(ok)
      assert.equal(err, raised)
    end
  end)

  it("does nothing when a walk that began after it was asked for had no less to look for", function()
    local function calls(told, why)
      local bot = platform({ active }, { [7] = {} })
      local walk = walk_over(bot)
      walk.told, walk.asked_at = told, NOW - 100
      run(walk, { since = NOW - 600, why = why })
      return bot.calls.get_history or 0
    end
    assert.equal(0, calls({ state = "done", since = NOW - 700, begun_at = NOW - 50 }, "down"))
    assert.equal(1, calls({ state = "done", since = NOW - 500, begun_at = NOW - 50 }, "down"))
    assert.equal(1, calls({ state = "done", since = NOW - 700, begun_at = NOW - 100 }, "down"))
    assert.equal(1, calls({ state = "done", since = NOW - 700, begun_at = NOW - 50 }))
    assert.equal(1, calls({ state = "under way", since = NOW - 700, begun_at = NOW - 50 }, "down"))
    assert.equal(1, calls(nil, "down"))
  end)

  it("waits for the quota's renewal", function()
    local walk = walk_over(platform({ active }, { [7] = { kind = "quota", retry_after = 3600 } }))
    assert.same({ "retry", 3600 }, { table.unpack(run(walk, { since = NOW - 600 }), 1, 2) })
  end)
end)
