local support = require "spec.support.sandbox"

local MIDNIGHT = 1767225600 -- 2026-01-01 00:00:00 UTC, 03:00 in Moscow

describe("a send that is put off", function()
  local box, id
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("POST", "reset")
    box:control("POST", "clock", { mode = "virtual", now = MIDNIGHT })
    id = box:client("1")
  end)

  -- The seconds after MIDNIGHT at which what was put off comes; nil: at once.
  local function due()
    local list = box:control("GET", "timeline").timeline
    return list[1] and list[1].at - MIDNIGHT
  end

  local function put_off(fields)
    local body = { client_id = id, message = "x" }
    for name, value in pairs(fields) do body[name] = value end
    local answer, status = box:call("message", body)
    return status == 200 and answer == "ok" and due() or status, answer
  end

  it("comes after time_shift seconds", function()
    assert.equal(90, put_off { time_shift = 90 })
    assert.same({}, box:talk(id))
    box:control("POST", "clock", { advance = 89 })
    assert.same({}, box:talk(id))
    box:control("POST", "clock", { advance = 1 })
    assert.same({ "< x" }, box:talk(id))
  end)

  it("comes at send_time in Moscow", function()
    assert.equal(60, put_off { send_time = "2026-01-01 03:01:00" })
  end)

  for zone, cases in pairs {
    UTC = { ["2026-01-01 03:01:00"] = 3 * 3600 + 60 },
    ["America/New_York"] = { ["2025-12-31 19:00:30"] = 30 },
    -- The clock went from 02:00 to 03:00 on 2026-03-29 and from 03:00 to 02:00 on 2026-10-25.
    ["Europe/Oslo"] = {
      ["2026-07-01 12:00:00"] = 181 * 86400 + 10 * 3600,
      ["2026-03-29 02:30:00"] = 87 * 86400 + 3600,
      ["2026-10-25 02:30:00"] = 297 * 86400 + 1800,
      ["2028-02-29 00:00:00"] = 789 * 86400 - 3600,
    },
  } do
    it("comes at send_time in " .. zone, function()
      for text, seconds in pairs(cases) do
        box:control("POST", "reset")
        id = box:client("1")
        box:control("POST", "settings", { timezone = zone })
        assert.equal(seconds, put_off { send_time = text })
      end
    end)
  end

  it("follows time_shift if both are given", function()
    assert.equal(90, put_off { time_shift = 90, send_time = "2027-01-01 00:00:00" })
    put_off { time_shift = 0, send_time = "2027-01-01 00:00:00" }
    assert.same({ "< x" }, box:talk(id))
  end)

  it("comes at once when the moment is past", function()
    put_off { send_time = "2020-01-01 00:00:00" }
    put_off { time_shift = "0" }
    assert.is_nil(due())
    assert.equal(2, #box:talk(id))
  end)

  it("takes forms and queries, too", function()
    assert.equal("ok", (box:call("message", nil, { form = { client_id = id, message = "x", time_shift = 30 } })))
    assert.equal(30, due())
    box:control("POST", "reset")
    id = box:client("1")
    assert.equal("ok", (box:call("message", nil, { method = "GET",
      query = { client_id = id, message = "x", send_time = "2026-01-01 03:00:10" } })))
    assert.equal(10, due())
  end)

  it("is refused when there is no such time", function()
    for _, wrong in ipairs { { send_time = "2026-02-30 00:00:00" }, { send_time = "2026-13-01 00:00:00" },
      { send_time = "2026-01-01 24:00:00" }, { send_time = "tomorrow" }, { time_shift = "soon" },
      { send_time = "2026-01-01" }, { time_shift = 4e9 }, { time_shift = 9e18 },
      { time_shift = -5 } } do
      local status, answer = put_off(wrong)
      assert.equal(400, status)
      assert.matches("time", answer.message)
    end
    assert.is_nil(due())
  end)

  it("refuses a time zone that there is not", function()
    for _, wrong in ipairs { "Europe/Olso", "../../etc/passwd", "", 5, "Moscow time" } do
      assert.equal(400, (select(2, box:control("POST", "settings", { timezone = wrong }))))
    end
  end)

  it("does then what it would have done", function()
    box:call("callback", { client_id = id, message = "/start", colour = "red", time_shift = 60 })
    box:call("message", { client_id = id, message_id = box:call("get_messages").messages[1].id,
      send_time = "2026-01-01 03:02:00" })
    assert.is_nil(box:call("get_variables", { client_id = id }).colour)
    assert.equal(2, box:control("POST", "clock", { advance = 3600 }).fired)
    assert.equal("red", box:call("get_variables", { client_id = id }).colour)
    local talk = box:control("GET", "messages?client_id=" .. id).messages
    assert.same({ MIDNIGHT + 60, true, 3 },
      { talk[1].created_at, talk[1].client_replica, talk[1].message_from_outside })
    assert.equal(MIDNIGHT + 120, talk[#talk].created_at)
    assert.is_truthy(talk[#talk].message_id)
  end)

  it("goes with its client", function()
    put_off { time_shift = 60 }
    box:control("POST", "seed", {})
    assert.is_nil(due())
    assert.equal(0, box:control("POST", "clock", { advance = 3600 }).fired)
  end)

  it("keeps the order of those due together", function()
    for i = 1, 20 do box:call("message", { client_id = id, message = tostring(i), time_shift = 60 }) end
    box:control("POST", "clock", { advance = 60 })
    local expected = {}
    for i = 1, 20 do expected[i] = "< " .. i end
    assert.same(expected, box:talk(id))
  end)
end)
