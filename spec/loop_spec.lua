local core = require "mavilua.core"

local function elapsed(fn, ...)
  local start = core.now()
  fn(...)
  return core.now() - start
end

describe("sleep", function()
  it("outside of a task blocks for its time", function()
    local seconds = elapsed(core.sleep, 0.03)
    assert.is_true(seconds > 0.029 and seconds < 1)
    assert.equal(0, select("#", core.sleep(0)))
    core.sleep(-5)
  end)

  it("refuses what is no time, at the caller's line", function()
    local ok, message = pcall(function() core.sleep("soon") end)
    assert.is_false(ok)
    assert.match("^[^:]*loop_spec%.lua:%d+: sleep takes a number of seconds, not string", message)
    assert.has_error(function() core.sleep(0 / 0) end)
    assert.has_error(function() core.sleep() end)
  end)
end)

describe("tasks", function()
  it("run side by side", function()
    local tasks = {}
    local seconds = elapsed(function()
      for i = 1, 300 do
        tasks[i] = core.spawn(function(n) core.sleep(0.1) return n * 2 end, i)
      end
      for i = 1, 300 do assert.same({ true, i * 2 }, { core.join(tasks[i]) }) end
    end)
    assert.is_true(seconds < 2)
  end)

  it("wake in the order of their times, and equal times in the order of asking", function()
    local order, tasks = {}, {}
    for i, seconds in ipairs { 0.03, 0.01, 0.02, 0.01 } do
      tasks[i] = core.spawn(function() core.sleep(seconds) order[#order + 1] = i end)
    end
    for _, task in ipairs(tasks) do core.join(task) end
    assert.same({ 2, 4, 3, 1 }, order)
  end)

  it("give all their results, nil too, and as often as asked", function()
    local task = core.spawn(function(...) return ... end, nil, 1, nil)
    assert.equal(4, select("#", core.join(task)))
    assert.equal(4, select("#", core.join(task)))
    assert.equal(1, (select(3, core.join(task))))
    assert.same({ true }, { core.join(core.spawn(function() end)) })
    local many = core.spawn(function() return table.unpack({}, 1, 5000) end)
    assert.equal(5001, select("#", core.join(many)))
  end)

  it("that fail give false, the error and a traceback", function()
    local function deep() error("oh no") end
    local task = core.spawn(function() core.sleep(0) deep() end)
    local ok, message, trace = core.join(task)
    assert.is_false(ok)
    assert.match("loop_spec%.lua:%d+: oh no", message)
    assert.match("stack traceback:.*loop_spec%.lua:%d+: in [^\n]*deep", message)
    assert.match("stack traceback:", trace)
  end)

  it("keep an error that is a table", function()
    local err = { kind = "api" }
    local ok, got, trace = core.join(core.spawn(function() error(err) end))
    assert.is_false(ok)
    assert.equal(err, got)
    assert.is_string(trace)
  end)

  it("wait inside pcall, in iterators and in each other", function()
    local task = core.spawn(function()
      local ok, message = pcall(function() core.sleep(0.001) error("x", 0) end)
      assert(not ok and message == "x")
      local sum = 0
      for i in (function(_, last) core.sleep(0) if (last or 0) < 3 then return (last or 0) + 1 end end) do
        sum = sum + i
      end
      local inner = core.spawn(function() core.sleep(0.001) return "inner" end)
      return sum, select(2, core.join(inner))
    end)
    assert.same({ true, 6, "inner" }, { core.join(task) })
  end)

  it("are collected when nobody holds them", function()
    local function round()
      for _ = 1, 200 do core.join(core.spawn(function() core.sleep(0) return ("x"):rep(1000) end)) end
      collectgarbage() collectgarbage()
      return collectgarbage "count"
    end
    round()
    local before = round()
    assert.is_true(round() - before < 50)
  end)

  it("survive the collector while they wait", function()
    local task = core.spawn(function() local t = { "kept" } core.sleep(0.02) return t[1] end)
    core.sleep(0)
    collectgarbage() collectgarbage()
    assert.same({ true, "kept" }, { core.join(task) })
  end)

  it("know which of them runs", function()
    assert.is_nil(core.current())
    local task
    task = core.spawn(function() core.sleep(0) return core.current() == task end)
    assert.same({ true, true }, { core.join(task) })
    assert.match("^mavilua%.task: ", tostring(task))
  end)

  it("cannot join what will never end", function()
    local ok, message = core.join(core.spawn(function() return core.join(core.current()) end))
    assert.is_false(ok)
    assert.match("cannot join itself", message)
    local a, b
    a = core.spawn(function() return core.join(b) end)
    b = core.spawn(function() return core.join(a) end)
    local _, inner, inner_message = core.join(a)
    assert.is_false(inner)
    assert.match("wait for ever", inner_message)
  end)

  it("a waiting call that is no task's is refused with words", function()
    assert.has_error(function() core.join({}) end)
    assert.has_error(function() core.join(io.stdout) end)
    assert.has_error(function() core.cancel(io.stdout) end)
    assert.has_error(function() core.spawn(5) end)
  end)
end)

describe("a coroutine of the script's own", function()
  it("waits, too, without disturbing its owner", function()
    local function inner()
      local generator = coroutine.wrap(function()
        for i = 1, 3 do core.sleep(0.002) coroutine.yield(i) end
      end)
      return generator() + generator() + generator()
    end
    assert.equal(6, inner())
    assert.same({ true, 6 }, { core.join(core.spawn(inner)) })
  end)

  it("may be many, all waiting at once", function()
    local tasks = {}
    for i = 1, 100 do
      tasks[i] = core.spawn(function()
        return coroutine.wrap(function() core.sleep(0.001) return i end)()
      end)
    end
    for i = 1, 100 do assert.same({ true, i }, { core.join(tasks[i]) }) end
  end)

  it("may join in it", function()
    local task = core.spawn(function()
      local other = core.spawn(function() core.sleep(0.002) return 7 end)
      return coroutine.wrap(function() return select(2, core.join(other)) end)()
    end)
    assert.same({ true, 7 }, { core.join(task) })
  end)

  it("a yield that nobody takes ends the task with an explanation", function()
    local ok, message = core.join(core.spawn(function() coroutine.yield(1) end))
    assert.is_false(ok)
    assert.match("coroutine%.yield outside of a coroutine of your own", message)
  end)

  it("resuming or closing a task's coroutine from outside fails that task only", function()
    local co
    local task = core.spawn(function() co = coroutine.running() core.sleep(0.005) return 1 end)
    core.sleep(0)
    assert.is_false((coroutine.resume(co, "nonsense")))
    local ok, message = core.join(task)
    assert.is_false(ok)
    assert.match("resumed or closed by the script", message)
    if not coroutine.close then return end
    task = core.spawn(function() co = coroutine.running() core.sleep(0.005) end)
    core.sleep(0)
    coroutine.close(co)
    assert.is_false((core.join(task)))
    task = core.spawn(function() co = coroutine.running() return 1, 2 end)
    core.join(task)
    coroutine.close(co)
    assert.has_error(function() core.join(task) end)
  end)
end)

describe("where no yield is possible", function()
  it("a wait in a task blocks", function()
    local task = core.spawn(function()
      local list = { 3, 1, 2 }
      table.sort(list, function(a, b) core.sleep(0.001) return a < b end)
      local text = ("abc"):gsub(".", function(c) core.sleep(0) return c:upper() end)
      local object = setmetatable({}, { __index = function(_, k) core.sleep(0) return k end })
      return list[1], text, object.name
    end)
    assert.same({ true, 1, "ABC", "name" }, { core.join(task) })
  end)

  it("a join there runs what it waits for", function()
    local function inside_sort(depth)
      if depth == 0 then core.sleep(0.001) return 1 end
      local result
      table.sort({ 1, 2 }, function()
        result = select(2, core.join(core.spawn(inside_sort, depth - 1)))
        return false
      end)
      return result
    end
    assert.same({ true, 1 }, { core.join(core.spawn(inside_sort, 5)) })
    local ok, result = core.join(core.spawn(inside_sort, 60))
    assert.is_true(ok)
    assert.match("nested more than", result)
  end)
end)

describe("cancel", function()
  it("raises its reason in a task that waits", function()
    local seen
    local task = core.spawn(function()
      local ok, message = pcall(core.sleep, 100)
      seen = { ok, message }
      return "went on"
    end)
    core.sleep(0)
    core.cancel(task, "no longer wanted")
    assert.same({ true, "went on" }, { core.join(task) })
    assert.same({ false, "no longer wanted" }, seen)
  end)

  it("ends it with the reason when that is not caught", function()
    local task = core.spawn(function() core.sleep(100) end)
    core.sleep(0)
    core.cancel(task, "out of time")
    local ok, message = core.join(task)
    assert.same({ false, "out of time" }, { ok, message })
  end)

  it("cannot be outlived by pcall", function()
    local rounds = 0
    local task = core.spawn(function()
      while true do pcall(core.sleep, 0.001) rounds = rounds + 1 end
    end)
    core.sleep(0)
    core.cancel(task, "enough")
    local ok, message = core.join(task)
    assert.same({ false, "enough" }, { ok, message })
    assert.equal(1, rounds)
  end)

  it("closes what is to be closed, where Lua has such", function()
    if _VERSION ~= "Lua 5.4" then return end
    local closed = false
    local open = load [[
      local core, note = ...
      local _ <close> = setmetatable({}, { __close = note })
      core.sleep(60)
    ]]
    local task = core.spawn(function() open(core, function() closed = true end) end)
    core.sleep(0)
    core.cancel(task, "enough")
    assert.is_false((core.join(task)))
    assert.is_true(closed)
  end)

  it("before the first run means no run", function()
    local ran = false
    local task = core.spawn(function() ran = true end)
    core.cancel(task)
    local ok, message = core.join(task)
    assert.same({ false, "cancelled" }, { ok, message })
    assert.is_false(ran)
  end)

  it("reaches one that runs at its next wait", function()
    local task = core.spawn(function() core.cancel(core.current(), "self") core.sleep(0) end)
    local ok, message = core.join(task)
    assert.same({ false, "self" }, { ok, message })
  end)

  it("goes down to subtasks, and a task's end takes them along", function()
    local child, grandchild
    local parent = core.spawn(function()
      child = core.spawn(function()
        grandchild = core.spawn(core.sleep, 100)
        core.join(grandchild)
      end)
      core.join(child)
    end)
    core.sleep(0) core.sleep(0) core.sleep(0)
    core.cancel(parent, "all of it")
    for _, task in ipairs { parent, child, grandchild } do
      local ok, message = core.join(task)
      assert.same({ false, "all of it" }, { ok, message })
    end
    local left
    local short = core.spawn(function() left = core.spawn(core.sleep, 100) return "done" end)
    assert.same({ true, "done" }, { core.join(short) })
    local ok, message = core.join(left)
    assert.is_false(ok)
    assert.match("task that spawned it ended", message)
  end)

  it("of an ended task changes nothing", function()
    local task = core.spawn(function() return 1 end)
    core.join(task)
    core.cancel(task)
    assert.same({ true, 1 }, { core.join(task) })
  end)

  it("frees who blocks where no yield is possible", function()
    local task = core.spawn(function()
      local long = core.spawn(core.sleep, 100)
      table.sort({ 2, 1 }, function() core.join(long) return false end)
    end)
    core.spawn(function() core.cancel(task, "stop") end)
    local ok, message = core.join(task)
    assert.is_false(ok)
    assert.match("stop", message)
  end)
end)

describe("time", function()
  it("goes on", function()
    local now, wall = core.now(), core.time()
    core.sleep(0.01)
    assert.is_true(core.now() - now > 0.009)
    assert.is_true(math.abs(wall - os.time()) < 5)
  end)
end)
