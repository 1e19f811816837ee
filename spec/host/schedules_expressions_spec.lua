-- docs/host.md, Schedules: what an expression may hold, and which are refused when the script is loaded.
local process = require "spec.support.process"

local function next_of(expression, count, from)
  local status, out, problem = process.run { "next", "-n", tostring(count), "-z", "UTC", "--from",
    from or "2026-01-01 00:00:01", "--", expression }
  assert.equal(0, status, problem)
  local list = {}
  for line in out:gmatch "[^\n]+" do list[#list + 1] = line:match "(%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d)" end
  return list
end

local function day(...)
  local list = {}
  for i, text in ipairs { ... } do list[i] = text .. " 00:00:00" end
  return list
end

describe("an expression", function()
  it("has 5 fields, or 6 with seconds first", function()
    assert.same({ "2026-01-01 09:30:00", "2026-01-02 09:30:00" }, next_of("30 9 * * *", 2))
    assert.same({ "2026-01-01 00:00:10", "2026-01-01 00:00:40" }, next_of("10/30 * * * * *", 2))
  end)

  it("has names, ranges, steps and lists", function()
    assert.same(day("2026-01-02", "2026-01-05", "2026-01-07"), next_of("0 0 * JAN,jul Mon-Fri/2", 3))
    assert.same({ "2026-01-01 00:05:00", "2026-01-01 00:20:00", "2026-01-01 00:21:00" }, next_of("5,20-21 * * * *", 3))
    assert.same({ "2026-01-01 00:00:00", "2026-01-01 06:00:00" }, next_of("0 */6 * * *", 2, "2025-12-31 23:59"))
  end)

  it("has L: the last day, the last such weekday", function()
    assert.same(day("2026-01-31", "2026-02-28", "2026-03-31"), next_of("0 0 L * *", 3))
    assert.same(day("2026-01-30", "2026-02-27"), next_of("0 0 * * FRIL", 2))
    assert.same(day("2026-01-30", "2026-02-27"), next_of("0 0 * * 5L", 2))
  end)

  it("has W: the nearest weekday, without leaving the month", function()
    assert.same(day("2026-01-15", "2026-02-16", "2026-03-16"), next_of("0 0 15W * *", 3))
    assert.same(day("2026-02-02", "2026-03-02"), next_of("0 0 1W * *", 2, "2026-01-31"))
    assert.same(day("2026-01-30", "2026-02-27"), next_of("0 0 LW * *", 2))
  end)

  it("has #: the n-th such weekday", function()
    assert.same(day("2026-01-12", "2026-02-09"), next_of("0 0 * * MON#2", 2))
    assert.same(day("2026-01-30", "2026-05-29"), next_of("0 0 * * 5#5", 2))
  end)

  it("has ?: this field says nothing", function()
    assert.same(day("2026-01-05", "2026-01-12"), next_of("0 0 ? * MON", 2))
    assert.same(day("2026-01-13", "2026-02-13"), next_of("0 0 13 * ?", 2))
  end)

  it("may be @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually", function()
    for word, expected in pairs { ["@hourly"] = "2026-01-01 01:00:00", ["@daily"] = "2026-01-02 00:00:00",
      ["@midnight"] = "2026-01-02 00:00:00", ["@weekly"] = "2026-01-04 00:00:00",
      ["@monthly"] = "2026-02-01 00:00:00", ["@yearly"] = "2027-01-01 00:00:00",
      ["@annually"] = "2027-01-01 00:00:00" } do
      assert.same({ expected }, next_of(word, 1), word)
    end
  end)

  it("of host.every is an interval aligned to the epoch", function()
    assert.same({ "2026-01-01 00:15:00", "2026-01-01 00:30:00" }, next_of("15m", 2))
    for _, moment in ipairs(next_of("7h", 3)) do
      local days, hour = moment:match "^2026%-01%-(%d+) (%d+):00:00$"
      assert.equal(0, ((20453 + days) * 24 + hour) % 7) -- 20454 days from 1970 to 2026
    end
  end)
end)

describe("a script", function()
  local function refused(text)
    local problem
    local path = process.write(process.folder() .. "/bot.lua", 'local host = require "mavilua.host"\n' .. text)
    for _, command in ipairs { "check", "serve" } do
      local args = { command, path, env = { MAVILUA_WEBHOOK_SECRET = "0123456789abcdef" } }
      if command == "serve" then
        for _, arg in ipairs { "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", ":memory:" } do
          args[#args + 1] = arg
        end
      end
      local status, _, words = process.run(args)
      assert.is_true(status > 0)
      problem = words
    end
    return problem
  end

  it("with an expression that can never fire is not loaded", function()
    for _, never in ipairs { "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 31W 2 *" } do
      assert.match("bot.lua:2: schedule .*it can never fire", refused(("host.cron(%q, print)"):format(never)))
    end
  end)

  it("whose times daylight saving skips, each of them, is not loaded", function()
    -- The last Sunday of March, where it is the fifth, has no hour 2 in Oslo.
    assert.match("bot.lua:2: schedule .*it can never fire in Europe/Oslo",
      refused 'host.cron("* 2 * 3 0#5", { timezone = "Europe/Oslo" }, print)')
    assert.equal(64, (process.run { "next", "--timezone", "Europe/Oslo", "* 2 * 3 0#5" }))
    assert.equal(0, (process.run { "next", "--timezone", "Europe/Oslo", "0 2 * 3 0#5" })) -- right after the jump
  end)

  it("with a bad expression is not loaded, and is told the field and what it takes", function()
    assert.match('bot.lua:2: .*hour field: "24" is out of range; it takes 0%-23',
      refused 'host.cron("0 24 * * *", print)')
  end)

  it("with a name that is taken is not loaded", function()
    assert.match("bot.lua:3: there is a schedule named 'a' already, registered at bot.lua:2",
      refused 'host.every("1m", { name = "a" }, print)\nhost.cron("@daily", { name = "a" }, print)', 1, true)
  end)

  it("that names no schedule has them named by file and expression", function()
    local path = process.write(process.folder() .. "/shop.lua",
      'local host = require "mavilua.host"\nhost.cron("0 9 * * MON-FRI", print)\nhost.every("15m", print)')
    local _, out = process.run { "check", path }
    assert.match("shop.lua 0 9 * * MON-FRI: cron 0 9 * * MON-FRI", out, 1, true)
    assert.match("shop.lua 15m: every 15m", out, 1, true)
    assert.match("there is a schedule named 'bot.lua 15m' already, registered at bot.lua:2",
      refused 'host.every("15m", print)\nhost.every("15m", print)', 1, true)
  end)
end)
