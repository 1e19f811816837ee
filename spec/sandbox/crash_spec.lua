-- A sandbox on a file is killed while many write to it: what was answered with success is there afterwards, and
-- what was not is there as a whole or not at all.
local core = require "mavilua.core"
local http = require "mavilua.http"
local map = require "mavilua.map"
local process = require "spec.support.process"
local raw = require "spec.support.raw"
local support = require "spec.support.sandbox"

local NOW = 1700000000
local BOT = "tea_corner_bot"

describe("a sandbox that is killed", function()
  local box, file

  local function start()
    box = support.start { "--db", file }
  end

  local function restart()
    box.server:kill()
    start()
  end

  before_each(function()
    file = process.folder() .. "/box.db"
    start()
  end)
  after_each(function() box:stop() end)

  -- nil when the connection broke: whether it was done is then not known.
  local function ask(path, body)
    local reply = http.request { url = box.url .. path, json = body }
    if not reply then return nil end
    assert(reply.status == 200, path .. ": " .. reply.status .. " " .. reply.body)
    return reply:json() or reply.body
  end

  local function count_of(list, value)
    local count = 0
    for _, one in ipairs(list) do
      if one == value then count = count + 1 end
    end
    return count
  end

  -- ---- what a writer does, and what must be there of it ------------------------------------------

  -- By name: write(w, n) gives what was answered, or nil; check(w, n, answer), later, of one of them.
  local kinds = {}

  kinds.variables = {
    write = function(w, n)
      w.tried = n
      local done = ask("/api/sandbox/save_variables", { client_id = w.id,
        variables = { ["client.a"] = n, ["client.b"] = n, c = n, d = n } })
      if done then w.saved = n end
      return done
    end,
    check = function(w)
      local now = box:call("get_variables", { client_id = w.id })
      local a = tonumber(now.a) or 0
      assert.is_true(a >= (w.saved or 0) and a <= w.tried, ("%d of %s to %d"):format(a, w.saved, w.tried))
      assert.equal(now.a, now.b)
      local held = 0
      for _, id in ipairs(w.orders) do
        local result = box:call("get_order_vars", { client_id = w.id, order_id = id }).result
        assert.equal(result.c, result.d)
        held = math.max(held, result.c or 0)
      end
      assert.is_true(held == a, ("%d in the client, %d in the order"):format(a, held))
    end,
  }

  kinds.message = {
    write = function(w, n) return ask("/api/sandbox/message", { client_id = w.id, message = "sent " .. n }) end,
    check = function(w, n, answer)
      local count = count_of(w.talk, "< sent " .. n)
      assert.is_true(count == 1 or count == 0 and not answer, count .. " times sent " .. n)
    end,
  }

  kinds.later = {
    write = function(w, n)
      return ask("/api/sandbox/message", { client_id = w.id, message = "later " .. n, time_shift = 3600 + n })
    end,
    check = function(w, n, answer)
      local count = 0
      for _, one in ipairs(w.timeline) do
        if one.client_id == w.id and one.text == "later " .. n then
          count = count + 1
          assert.equal(NOW + 3600 + n, one.at)
        end
      end
      assert.is_true(count == 1 or count == 0 and not answer, count .. " times later " .. n)
    end,
  }

  -- The client's words, the block's answer, its variable and the order's move are one.
  kinds.block = {
    write = function(w, n)
      ask("/api/sandbox/create_order", { client_id = w.id, state_id = 1001, name = "block " .. n })
      return ask("/api/sandbox/callback", { client_id = w.id, message = "payment_received", mark = n })
    end,
    check = function(w)
      local asked, answered = count_of(w.talk, "> payment_received"),
        count_of(w.talk, "< Thank you, your payment has arrived.")
      assert.equal(asked, answered)
      local paid = 0
      for _, id in ipairs(w.orders) do
        local is_paid = box:call("get_order_state", { client_id = w.id, order_id = id }).state_id == 1003
        local variables = box:call("get_order_vars", { client_id = w.id, order_id = id }).result
        assert.equal(is_paid, variables.paid == true, "order " .. id)
        if is_paid then paid = paid + 1 end
      end
      assert.is_true(paid <= asked, paid .. " paid, asked " .. asked)
    end,
  }

  kinds.order = {
    write = function(w, n)
      local made = ask("/api/sandbox/create_order", { client_id = w.id, name = "n" .. n })
      if not made then return nil end
      local set = ask("/api/sandbox/set_order_vars", { client_id = w.id, order_id = made.order_id,
        variables = { n = n, again = n } })
      return { id = made.order_id, set = set ~= nil }
    end,
    check = function(w, n, answer)
      if not answer then return end
      assert.equal(1, count_of(w.orders, answer.id), "order " .. n)
      local result = box:call("get_order_vars", { client_id = w.id, order_id = answer.id }).result
      assert.equal(result.n, result.again)
      assert.is_true(result.n == n or not answer.set, "variables of order " .. n)
    end,
  }

  kinds.clients = {
    write = function(w, n)
      local items = {}
      for i = 1, 60 do
        items[i] = { platform_id = ("%d-%d-%d"):format(w.number, n, i), group_id = BOT, client_type = 1 }
      end
      return ask("/api/sandbox/load_clients", items)
    end,
    check = function(w, n, answer)
      local ids, there = {}, {}
      for i = 1, 60 do ids[i] = ("%d-%d-%d"):format(w.number, n, i) end
      for _, one in ipairs(box:call("find_client_id_by_platform_id", { platform_ids = ids })) do
        there[one.platform_id] = one.id
        there[#there + 1] = one.id
      end
      assert.is_true(#there == 60 or #there == 0 and not answer, #there .. " clients of 60")
      for _, item in ipairs(answer and answer.items or {}) do assert.equal(item.id, there[item.platform_id]) end
    end,
  }

  kinds.broadcast = {
    write = function(w, n)
      return ask("/api/sandbox/broadcast", { clients = w.circle, message = "all " .. n, shift = 0 })
    end,
    check = function(w, n, answer)
      local counts = {}
      for i, id in ipairs(w.circle) do counts[i] = count_of(box:talk(id), "< all " .. n) end
      for _, count in ipairs(counts) do assert.equal(counts[1], count, "all " .. n) end
      assert.is_true(counts[1] == 1 or counts[1] == 0 and not answer, counts[1] .. " times all " .. n)
    end,
  }

  local names = { "variables", "message", "later", "block", "order", "clients", "broadcast" }

  -- ---- the writers ---------------------------------------------------------------------------------

  local function writers(count)
    local list = {}
    for number = 1, count do
      local items = {}
      for i = 1, 5 do
        items[i] = { platform_id = ("w%d-%d"):format(number, i), group_id = BOT, client_type = 1 }
      end
      local made = box:call("load_clients", items).items
      local circle = {}
      for i = 2, 5 do circle[i - 1] = made[i].id end
      list[number] = { number = number, id = made[1].id, circle = circle, done = {} }
    end
    return list
  end

  it("has kept what it answered with success, and nothing half done", function()
    box:control("POST", "clock", { mode = "virtual", now = NOW })
    local WRITERS, STEPS, KILLS = 8, 42, 4
    local list, steps, kills = writers(WRITERS), 0, 0
    local _, problems = map.run(list, function(w)
      for n = 1, STEPS do
        local kind = names[(n + w.number) % #names + 1]
        w.done[n] = { kind = kind, answer = kinds[kind].write(w, n) }
        steps = steps + 1
        if steps >= (kills + 1) * WRITERS * STEPS / KILLS then
          kills = kills + 1
          restart()
        end
      end
      return true
    end, { concurrency = WRITERS })
    assert.same({}, problems)
    assert.equal(KILLS, kills)

    assert.equal(NOW, box:control("GET", "clock").now)
    local timeline, answered = box:control("GET", "timeline").timeline, 0
    for _, w in ipairs(list) do
      w.timeline, w.talk = timeline, box:talk(w.id)
      w.orders = box:call("get_orders", { client_id = w.id }).order_id
      for n, one in ipairs(w.done) do
        kinds[one.kind].check(w, n, one.answer)
        if one.answer then answered = answered + 1 end
      end
    end
    assert.is_true(answered > WRITERS * STEPS / 2, answered .. " were answered")
  end)

  it("fires what is put off exactly once, though it ends in the middle of a leap of the clock", function()
    local COUNT = 300
    box:control("POST", "clock", { mode = "virtual", now = NOW })
    local id, sent = box:client("1"), {}
    for n = 1, COUNT do sent[n] = { client_id = id, message = "later " .. n, time_shift = n * 1000 } end
    map.run(sent, function(params) return box:call("message", params) end, { concurrency = 16 })
    for kill = 1, 3 do
      local leap = raw.send(box.url, "POST", "/_sandbox/clock", '{"advance":2000000}')
      process.await(function() return #box:talk(id) >= 1 end, "the first of them")
      restart()
      leap:close()
      local fired, left = box:talk(id), box:control("GET", "timeline").timeline
      assert.equal(COUNT, #fired + #left)
      for n, text in ipairs(fired) do assert.equal("< later " .. n, text) end
      local now = box:control("GET", "clock").now
      assert.is_true(now >= NOW + #fired * 1000, ("%d fired at %d, kill %d"):format(#fired, now, kill))
    end
    box:control("POST", "clock", { advance = 2000000 })
    assert.equal(COUNT, #box:talk(id))
    assert.same({}, box:control("GET", "timeline").timeline)
  end)

  local function seed(letter)
    local clients = {}
    for i = 1, 400 do
      clients[i] = { client_type = 1, group_id = "bot", platform_id = letter .. i, name = letter,
        variables = { letter = letter, n = i }, orders = { { state = "New" } } }
    end
    return { project = { id = 5, name = letter }, clients = clients,
      channels = { { client_type = 1, group_id = "bot", name = "bot" } },
      funnels = { { name = letter, states = { { name = "New" } } } } }
  end

  local function assert_whole(letters)
    local name = box:control("GET", "projects").projects[1].name
    assert.matches("^[" .. letters .. "]$", name)
    assert.equal(name, box:control("GET", "funnels").funnels[1].name)
    local clients = box:call("get_clients", { limit = 500 }).clients
    assert.equal(400, #clients)
    for _, client in ipairs(clients) do assert.equal(name, client.name) end
    assert.equal(400, #box:call("find_all_client_id_by_var", { var = "letter", val = name }).client_ids)
  end

  it("has the old state or the new one when it ends while a seed or a snapshot is put in", function()
    local seeds = { A = core.encode(seed "A"), B = core.encode(seed "B") }
    assert.equal(200, select(2, box:control("POST", "seed", seed "A")))
    local _, _, snapshot = box:control("GET", "snapshot")
    for i = 0, 7 do
      local call
      if i % 4 == 3 then
        call = raw.send(box.url, "PUT", "/_sandbox/snapshot", snapshot.body)
      else
        call = raw.send(box.url, "POST", "/_sandbox/seed", i % 2 == 0 and seeds.B or seeds.A)
      end
      core.sleep(i * 0.004)
      restart()
      call:close()
      assert_whole "AB"
    end
  end)

  it("gives messages ids in a row, over thousands, also behind what was undone, and greater ones afterwards", function()
    local function says() return select(2, box:says({ platform_id = "ids", group = BOT }, "x")) end
    local items, ids = {}, {}
    for i = 1, 2500 do items[i] = { platform_id = "many" .. i, group_id = BOT, client_type = 1 } end
    for i, item in ipairs(ask("/api/sandbox/load_clients", items).items) do ids[i] = item.id end
    local first = says()
    assert.equal("ok", ask("/api/sandbox/broadcast", { clients = ids, message = "all", shift = 0 }))
    assert.equal(first + 2501, says())
    local wrong = { clients = { { platform_id = "a", group = BOT, messages = { { from = "client", text = "a" } } },
      { platform_id = "b", group = BOT, messages = { { from = "nobody" } } } } }
    assert.equal(400, select(2, box:control("POST", "seed", wrong)))
    assert.equal(first + 2502, says())
    assert.equal(first + 2502, box:control("GET", "messages").last)
    restart()
    assert.is_true(says() > first + 2502)
  end)
end)
