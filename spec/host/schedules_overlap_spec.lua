-- docs/host.md, Schedules: `overlap`, when the run of the moment before is not finished.
local clocked = require "spec.support.clocked"
local process = require "spec.support.process"
local support = require "spec.support.bot"

-- The first run of each schedule waits until the spec lets it go.
local script = [[
  local function slow(m)
    trace(m.name, "begins", m.planned %% 3600 // 60)
    while m.planned %% 3600 == 0 and not host.kv.get "go" do host.sleep(0.01) end
    trace(m.name, "ends", m.planned %% 3600 // 60)
  end
  host.every("10m", { name = "run", OVERLAP }, slow)
  host.hook("go", function() host.kv.set("go", true) end)
]]

describe("overlap", function()
  after_each(support.cleanup)

  local function start(overlap)
    local text = script:gsub("%%%%", "%%"):gsub("OVERLAP", overlap and ("overlap = %q"):format(overlap) or "")
    local host = clocked.start(text, "2026-01-05 08:59:59")
    host.idle = function() end
    host:advance(1)
    host.bot:await "run begins 0"
    return host
  end

  local function states(host)
    local list = {}
    for i, row in ipairs(host:rows "run") do list[i] = row[1]:sub(15) .. " " .. row[2] end
    return table.concat(list, ", ")
  end

  local function await_states(host, expected)
    process.await(function() return states(host) == expected end, expected .. "; last: " .. states(host))
  end

  local function go(host)
    assert.equal(200, host.bot:post("/hook/go", "{}").status)
  end

  it("skip, the default: the moment does not run, and its row says why", function()
    for _, overlap in ipairs { false, "skip" } do
      local host = start(overlap)
      host:advance(600)
      await_states(host, "10 skipped, 00 running")
      assert.equal("overlap: the run of an earlier moment is not finished", host:rows "run"[1][3])
      go(host)
      host.bot:await "run ends 0"
      await_states(host, "10 skipped, 00 done")
      host:advance(600)
      host.bot:await "run ends 20"
      assert.same({ "run begins 0", "run ends 0", "run begins 20", "run ends 20" }, host.bot:lines())
      host:stop()
    end
  end)

  it("queue: it runs when the one before has ended", function()
    local host = start "queue"
    host:advance(600)
    host:advance(600)
    await_states(host, "20 available, 10 available, 00 running")
    go(host)
    host.bot:await "run ends 20"
    assert.same({ "run begins 0", "run ends 0", "run begins 10", "run ends 10", "run begins 20", "run ends 20" },
      host.bot:lines())
    host:stop()
  end)

  it("cancel: the run before is stopped, and then it begins", function()
    local host = start "cancel"
    host:advance(600)
    host.bot:await "run ends 10"
    assert.same({ "run begins 0", "run begins 10", "run ends 10" }, host.bot:lines())
    await_states(host, "10 done, 00 cancelled")
    assert.equal("superseded by the schedule's next moment", host:rows "run"[2][3])
    host:stop()
  end)

  it("allow: both run", function()
    local host = start "allow"
    host:advance(600)
    host.bot:await "run ends 10"
    go(host)
    host.bot:await "run ends 0"
    await_states(host, "10 done, 00 done")
    host:stop()
  end)
end)

describe("jitter", function()
  after_each(support.cleanup)

  it("is stable: always the same for a name, and never longer than it says", function()
    local jittered = [[
      for i = 1, 8 do host.every("1h", { name = "job " .. i, jitter = "30m" }, function() end) end
      host.every("1h", { name = "sharp" }, function() end)
    ]]
    local late = {}
    for _, at in ipairs { "2026-01-05 08:59", "2026-01-07 10:59" } do
      local host = clocked.start(jittered, at)
      host:advance(60)
      for _, event in ipairs(host.bot:ask("/api/events").events) do
        local minute, second = event.due_at:match "T%d+:(%d+):([%d.]+)Z"
        local seconds = minute * 60 + second
        assert.is_true(seconds < 1800)
        assert.equal(late[event.name] or seconds, seconds)
        late[event.name] = seconds
      end
      host:stop()
    end
    assert.equal(0, late.sharp)
    local different = {}
    for _, seconds in pairs(late) do different[seconds] = true end
    local count = 0
    for _ in pairs(different) do count = count + 1 end
    assert.is_true(count >= 8)
  end)
end)
