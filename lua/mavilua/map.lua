--- Runs calls side by side.
-- @module mavilua.map
local errors = require "mavilua.errors"
local protect = require "mavilua.protect"
local runtime = require "mavilua.runtime"

local map = {}

local rules = {
  concurrency = { type = "number", what = "a whole number, 1 or more", least = 1, whole = true },
  stop_on_error = { type = "boolean", what = "true or false" },
}

local DEFAULT_CONCURRENCY = 32

local function keep(work, index, ok, result, problem)
  if not ok then
    result, problem = nil, errors.locate(result, work.fn)
  end
  work.results[index] = result
  if result == nil and problem ~= nil then
    work.errors[index] = problem
    work.failed = true
  end
end

-- One of the tasks that take items until none is left; a task an item would cost a coroutine each.
local function runner(work)
  while work.taken < work.count and not (work.failed and work.stop_on_error) do
    work.taken = work.taken + 1
    local index = work.taken
    keep(work, index, protect(work.fn, work.items[index], index))
  end
end

local function check(items, fn)
  if type(items) ~= "table" then
    errors.misuse("mavilua.map: the first argument takes a list, got %s", type(items))
  end
  if type(fn) ~= "function" then
    errors.misuse("mavilua.map: the second argument takes a function(item, index), got %s", type(fn))
  end
end

--- Calls a function for each item of a list, several at a time; API calls in it wait side by side. Works
-- in plain scripts and inside handlers.
--
--     local variables, failed = mavilua.map(ids, function(id)
--       return bot:get_variables { client_id = id }
--     end, { concurrency = 8 })
--
-- @param items list
-- @param fn function(item, index) -> result; or nil and an error; an error it raises is that item's
-- @param options table or nil: `concurrency` (most items under way, 32), `stop_on_error` (take no
--   further item after one failed; false)
-- @return results in the order of the items (results[i] is nil where item i failed), errors by index
--   (empty when all went well)
function map.run(items, fn, options)
  check(items, fn)
  options = errors.check_options("mavilua.map", options, rules)
  runtime.check("mavilua.map")
  local work = {
    items = items, fn = fn, count = #items, taken = 0, results = {}, errors = {},
    stop_on_error = options.stop_on_error,
  }
  local tasks = {}
  for i = 1, math.min(options.concurrency or DEFAULT_CONCURRENCY, work.count) do
    tasks[i] = runtime.spawn(runner, work)
  end
  for _, task in ipairs(tasks) do
    local ok, problem = runtime.join(task)
    if not ok then error(problem, 0) end
  end
  return work.results, work.errors
end

return map
