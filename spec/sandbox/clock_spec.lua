local process = require "spec.support.process"
local support = require "spec.support.sandbox"

local MIDNIGHT = 1767225600 -- 2026-01-01 00:00:00 UTC

describe("the sandbox's clock", function()
  local box, id
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "reset")
    box:control("POST", "clock", { mode = "virtual", now = MIDNIGHT })
    id = box:client("1")
  end)

  local function clock(body)
    local answer, status = box:control("POST", "clock", body)
    assert.equal(200, status, answer.message)
    return answer
  end

  it("is the machine's until it is made virtual", function()
    local before = clock { mode = "real" }
    assert.equal("real", before.mode)
    assert.is_true(math.abs(os.time() - before.now) < 60)
    assert.equal(409, (select(2, box:control("POST", "clock", { advance = 5 }))))
    assert.equal(409, (select(2, box:control("POST", "clock", { now = 5 }))))
    assert.same({ mode = "virtual", now = 5, fired = 0 }, clock { mode = "virtual", now = 5 })
    assert.same({ mode = "virtual", now = 5 }, (box:control("GET", "clock")))
    assert.equal(6.5, clock({ advance = 1.5 }).now)
    assert.equal(7, clock({ advance = "0.5" }).now)
    assert.equal(2, clock({ now = 2 }).now)
    assert.equal(12, clock({ mode = "virtual", now = 10, advance = 2 }).now)
  end)

  it("stops where it is when no time is given", function()
    clock { mode = "real" }
    local stopped = clock { mode = "virtual" }
    assert.is_true(math.abs(os.time() - stopped.now) < 60)
    assert.equal(stopped.now, box:control("GET", "clock").now)
  end)

  it("refuses what is no time", function()
    for _, wrong in ipairs { { mode = "fast" }, { mode = 5 }, { advance = -1 }, { advance = "x" }, {},
      { now = "today" }, { now = -1 }, { now = 1e12 }, { mode = "real", now = 5 }, { advance = 1e300 },
      { advance = 253402300799 }, { mode = "real", advance = 5 } } do
      local answer, status = box:control("POST", "clock", wrong)
      assert.equal(400, status)
      assert.is_string(answer.message)
    end
    assert.equal(MIDNIGHT, box:control("GET", "clock").now)
  end)

  it("gives its time to all that is made", function()
    box:says(id, "hello")
    assert.equal(MIDNIGHT, box:call("get_clients").clients[1].created_at)
    local entries = box:control("GET", "journal").entries
    assert.equal(MIDNIGHT, entries[#entries].at)
    clock { advance = 3600 }
    box:call("message", { client_id = id, message = "later" })
    local talk = box:control("GET", "messages?client_id=" .. id).messages
    assert.equal(MIDNIGHT, talk[1].created_at)
    assert.equal(MIDNIGHT + 3600, talk[#talk].created_at)
  end)

  it("carries out a year of sends in order, and fast", function()
    local ids = {}
    for i = 1, 20 do ids[i] = box:client("many " .. i) end
    local at, count = {}, 10000
    local random = 12345
    for i = 1, count do
      random = (random * 1103515245 + 12345) % 2147483648
      at[i] = random % (365 * 86400) + 1
    end
    local started = os.time()
    for i = 1, count do
      box:call("message", { client_id = ids[i % 20 + 1], message = tostring(at[i]), time_shift = at[i] })
    end
    local loaded = os.time()
    local answer = clock { advance = 366 * 86400 }
    assert.equal(count, answer.fired)
    assert.equal(MIDNIGHT + 366 * 86400, answer.now)
    assert.is_true(os.time() - loaded <= 10 * process.patience, os.time() - started)
    table.sort(at)
    local last_id, seen = {}, 0
    for _, one in ipairs(ids) do
      local last = 0
      for _, message in ipairs(box:control("GET", "messages?client_id=" .. one).messages) do
        assert.equal(tonumber(message.text), message.created_at - MIDNIGHT)
        assert.is_true(message.created_at >= last)
        last = message.created_at
        last_id[#last_id + 1] = { message.id, message.created_at }
        seen = seen + 1
      end
    end
    assert.equal(count, seen)
    table.sort(last_id, function(a, b) return a[1] < b[1] end)
    for i = 1, count do assert.equal(at[i], last_id[i][2] - MIDNIGHT) end
  end)

  it("goes forward even when it is set, and leaps back", function()
    box:call("message", { client_id = id, message = "a", time_shift = 100 })
    box:call("message", { client_id = id, message = "b", time_shift = 50 })
    assert.equal(0, clock({ now = MIDNIGHT + 49.999 }).fired)
    assert.equal(1, clock({ now = MIDNIGHT + 50 }).fired)
    assert.equal(0, clock({ now = MIDNIGHT }).fired)
    assert.equal(1, clock({ now = MIDNIGHT + 1000 }).fired)
    assert.same({ "< b", "< a" }, box:talk(id))
  end)

  it("tells what is put off", function()
    box:call("message", { client_id = id, message = "a", time_shift = 100 })
    box:call("callback", { client_id = id, message = "b", time_shift = 50, city = "Oslo" })
    local list = box:control("GET", "timeline").timeline
    assert.equal(2, #list)
    assert.same({ MIDNIGHT + 50, id, "b", { city = "Oslo" }, true },
      { list[1].at, list[1].client_id, list[1].text, list[1].variables, list[1].input })
    assert.same({ MIDNIGHT + 100, "a", false }, { list[2].at, list[2].text, list[2].input })
    clock { advance = 50 }
    assert.equal(1, #box:control("GET", "timeline").timeline)
  end)

  it("is not held up by a long way", function()
    for i = 1, 500 do box:call("message", { client_id = id, message = "m", time_shift = i }) end
    clock { advance = 499 }
    assert.equal(1, clock({ advance = 1 }).fired)
  end)
end)

describe("a sandbox on a file", function()
  it("keeps its clock and what is put off", function()
    local path = process.folder() .. "/sandbox.db"
    local box = support.start { "--db", path }
    box:control("POST", "clock", { mode = "virtual", now = MIDNIGHT })
    local id = box:client("1")
    box:call("message", { client_id = id, message = "a", time_shift = 100 })
    box:call("callback", { client_id = id, message = "b", time_shift = 200 })
    box.server:kill()
    box = support.start { "--db", path }
    assert.same({ mode = "virtual", now = MIDNIGHT }, (box:control("GET", "clock")))
    assert.equal(2, #box:control("GET", "timeline").timeline)
    assert.equal(1, box:control("POST", "clock", { advance = 150 }).fired)
    box:stop()
    box = support.start { "--db", path }
    assert.equal(MIDNIGHT + 150, box:control("GET", "clock").now)
    -- The machine's time is behind the second one's moment, and it comes at once.
    box:control("POST", "clock", { mode = "real" })
    process.await(function() return #box:talk(id) == 2 end, "the second message")
    assert.same({ "< a", "> b" }, box:talk(id))
    box:stop()
  end)

  it("sends by the machine's time as well", function()
    local box = support.start()
    local id = box:client("1")
    box:call("message", { client_id = id, message = "far", time_shift = 5000 })
    box:call("message", { client_id = id, message = "near", time_shift = 1 })
    assert.same({}, box:talk(id))
    process.await(function() return #box:talk(id) == 1 end, "the message")
    assert.same({ "< near" }, box:talk(id))
    box:stop()
  end)
end)
