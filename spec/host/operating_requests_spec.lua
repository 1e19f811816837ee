-- Operating: what the admin listener is asked, in pages, with filters, and what it says of a wrong request.
local http = require "mavilua.http"
local json = require "cjson"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local SCRIPT = [[
  host.on("message", { text = "bad" }, function() error("oops \27[31mred\27[0m") end, { name = "bad", attempts = 1 })
  host.on("message", { text = "again" }, function() error("not yet") end, { name = "again" })
  host.on("message", function(event) trace("ran", event.id, event.attempt) end, { name = "good" })
  host.hook("pay", { secret = "pay-secret-16-bytes" }, function() end)
  host.job("later", function() end)
]]

local function ask(bot, method, path, body)
  local reply = assert(http.request { url = bot.admin .. path, method = method, body = body })
  return reply:json(), reply.status
end

describe("the admin listener's requests", function()
  local bot

  setup(function()
    bot = support.start(SCRIPT .. [[
      for i = 1, 7 do host.every(i .. "h", { name = "every" .. i }, function() end) end ]])
    for i = 1, 3 do bot:message(i, i, "again") end
    for i = 4, 8 do bot:message(i, 100, "good") end
    bot:await_summary("done", 5)
    process.await(function() return #bot:ask("/api/keys/blocked").keys == 3 end, "blocked keys")
  end)

  teardown(function() bot:stop() end)

  -- Every page of a list by its cursor.
  local function collect(path, member)
    local all, cursor, pages = {}, nil, 0
    repeat
      local page = bot:ask(path .. (cursor and "&cursor=" .. cursor or ""))
      for _, row in ipairs(page[member]) do all[#all + 1] = row end
      cursor, pages = page.cursor, pages + 1
    until not cursor
    return all, pages
  end

  it("page by a cursor", function()
    for _, case in ipairs { { "/api/events?limit=3", "events", 8 }, { "/api/keys/blocked?limit=2", "keys", 3 },
      { "/api/schedules?limit=3", "schedules", 7 } } do
      local rows, pages = collect(case[1], case[2])
      assert.equal(case[3], #rows)
      assert.is_true(pages > 1)
      local seen = {}
      for _, row in ipairs(rows) do
        local id = row.id or row.key or row.name
        assert.is_nil(seen[id])
        seen[id] = true
      end
    end
    local handlers = collect("/api/handlers?limit=2", "handlers")
    local schedules = collect("/api/handlers?limit=2", "schedules")
    assert.same({ 3, 7 }, { #handlers, #schedules })
    assert.same({ "every1", 5 }, { schedules[1].name, #bot:ask("/api/schedules").schedules[1].next })
  end)

  it("say what is wrong with a parameter", function()
    for path, text in pairs {
      ["/api/events?stat=dead"] = 'unknown parameter "stat"; did you mean "state"?',
      ["/api/events?state=ded"] = '"ded" is not a state; did you mean "dead"?',
      ["/api/events?limit=0"] = "limit takes a whole number from 1 to 1000",
      ["/api/events?limit=x"] = 'limit takes a whole number from 1 to 1000, not "x"',
      ["/api/events?cursor=-1"] = "cursor takes a whole number of 0 or more",
      ["/api/events?since=soon"] = "since: takes a time such as",
      ["/api/keys/blocked?key=1"] = 'unknown parameter "key"',
      ["/api/schedules?limit=many"] = "limit takes",
      ["/api/handlers?page=1"] = "unknown parameter",
      ["/api/events/x"] = '"x" is not an event\'s id',
      ["/api/events/%FF"] = '"(not UTF-8)" is not an event\'s id',
      ["/api/events?state=%FF"] = "is not UTF-8",
      ["/api/events?%FF=1"] = "is not UTF-8",
      ["/api/events?key=100%00x"] = "key takes a text without NUL",
      ["/api/schedules?limit=%FF"] = "is not UTF-8",
      ["/api/why?schedule=every1"] = "needs the parameters schedule and time",
      ["/api/why?schedule=%FF&time=1"] = "is not UTF-8",
    } do
      local answer, status = ask(bot, "GET", path)
      assert.same({ path, 400 }, { path, status })
      assert.truthy(answer.error:find(text, 1, true), answer.error)
    end
    assert.equal(405, select(2, ask(bot, "DELETE", "/api/events")))
    assert.equal(404, select(2, ask(bot, "GET", "/api/event")))
  end)

  it("choose by time", function()
    local newest = bot:ask("/api/events?limit=1").events[1]
    assert.equal(8, #bot:ask("/api/events?since=1h").events)
    assert.equal(0, #bot:ask("/api/events?until=1h").events)
    assert.equal(8, #bot:ask("/api/events?since=2020-01-01").events)
    assert.equal(0, #bot:ask("/api/events?until=2020-01-01T00:00:00Z").events)
    assert.is_true(#bot:ask("/api/events?since=" .. newest.accepted_at).events >= 1)
  end)

  it("change many only where the body says which", function()
    for _, verb in ipairs { "cancel", "replay" } do
      for path, body in pairs { [""] = "", ["?key=no-such"] = "", ["?key=1&dry_run=1"] = "{}" } do
        local problem, status = ask(bot, "POST", "/api/events/" .. verb .. path, body)
        assert.same({ verb .. path, 400 }, { verb .. path, status })
        assert.truthy(problem.error:find("say in the body", 1, true), problem.error)
      end
    end
    for body, text in pairs { ['{"key":"1\\u0000x"}'] = "key takes a text without NUL",
      ['{"since":9223372036854775807}'] = "since takes a time",
      ['{"until":-9223372036854775808}'] = "until takes a time",
      ['{"since":1.5}'] = "since takes a time", ['{"key":7}'] = "key takes a text" } do
      local problem, status = ask(bot, "POST", "/api/events/cancel", body)
      assert.same({ body, 400 }, { body, status })
      assert.truthy(problem.error:find(text, 1, true), problem.error)
    end
    assert.equal(3, #bot:ask("/api/events?state=retryable").events)
    assert.equal(3, ask(bot, "POST", "/api/events/cancel", '{"dry_run":true}').matched)
  end)

  it("replay many, in small transactions", function()
    local answer = ask(bot, "POST", "/api/events/replay", '{"state":"done","key":"100","dry_run":true}')
    assert.same({ 5, "done" }, { answer.matched, answer.state })
    local replayed, after = 0, 0
    repeat
      answer = ask(bot, "POST", "/api/events/replay",
        json.encode { state = "done", key = "100", limit = 2, last = answer.last, after = after })
      replayed, after = replayed + answer.replayed, answer.cursor
    until not after or after == json.null
    assert.equal(5, replayed)
    bot:await_summary("done", 10)
    for body, text in pairs { ["["] = "the body", ['{"state":"running"}'] = "only what has ended",
      ["[]"] = "JSON object", ['{"limit":"many"}'] = "limit takes", ['{"dry_run":7}'] = "dry_run takes" } do
      local problem, status = ask(bot, "POST", "/api/events/replay", body)
      assert.same({ body, 400 }, { body, status })
      assert.truthy(problem.error:find(text, 1, true), problem.error)
    end
  end)
end)
