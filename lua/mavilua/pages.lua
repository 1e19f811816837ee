--- Walks actions that answer page by page.
-- The platform has no cursor and no total. Lists move while they are walked: newest first, a new client
-- shifts all others back, so rows come twice; a deleted one shifts them forward, so a row may be missed.
-- Rows that came are remembered by id and given once. `reverse = true` (oldest first) moves least.
-- @module mavilua.pages
local core = require "mavilua.core"
local errors = require "mavilua.errors"

local pages = {}

local REMEMBERED = 5000 -- ids; at least as many, at most twice: memory stays bounded on any list
local FRUITLESS = 5     -- pages in a row without a new row, after which the server is not believed

-- How a page follows another. `short`: the end is a page shorter than `size`, as documented; else
-- it is an empty page, for the size is not documented.
local paged = {
  get_clients = {
    rows = "clients", cursor = "offset", size_param = "limit", size = 500, short = true,
    after = function(position, count) return (position or 0) + count end,
  },
  -- Nobody documents whether page 0 or page 1 is the first: the first is asked for without a number, and
  -- what comes again with number 1 is skipped.
  subscribers = {
    cursor = "page",
    after = function(position) return (position or 0) + 1 end,
  },
}

local function copy(from)
  local to = {}
  for name, value in pairs(from or {}) do to[name] = value end
  return to
end

local function new_memory()
  return { young = {}, old = {}, count = 0 }
end

-- Whether the id is new; remembers it.
local function is_new(memory, id)
  if id == nil then return true end
  if memory.young[id] or memory.old[id] then return false end
  memory.young[id] = true
  memory.count = memory.count + 1
  if memory.count >= REMEMBERED then
    memory.old, memory.young, memory.count = memory.young, {}, 0
  end
  return true
end

local function is_last(how, params, count)
  if count == 0 then return true end
  local size = how.size_param and tonumber(params[how.size_param]) or how.size
  return how.short and count < size
end

local function rows_of(walk, answer)
  local rows = answer
  if walk.how.rows then rows = answer[walk.how.rows] end
  if type(rows) == "table" then return rows end
  error(errors.new {
    kind = "decode", action = walk.action, attempts = 1, retryable = false,
    message = ("the answer has no list \"%s\""):format(walk.how.rows or "of rows"),
  }, 0)
end

local function count_fruitless(walk, found)
  walk.fruitless = found and 0 or walk.fruitless + 1
  if walk.fruitless < FRUITLESS then return end
  error(errors.new {
    kind = "decode", action = walk.action, attempts = walk.fruitless, retryable = false,
    message = ("%d pages in a row brought nothing new: the server seems to ignore \"%s\""):format(FRUITLESS,
      walk.how.cursor),
  }, 0)
end

-- Fetches the next page into walk.rows.
local function turn(walk)
  local params = copy(walk.params)
  params[walk.how.cursor] = walk.position
  local answer, err = walk.bot:call(walk.action, params, walk.options)
  if not answer then error(err, 0) end
  local rows = rows_of(walk, answer)
  walk.base, walk.index, walk.rows, walk.found = walk.position, 0, rows, false
  walk.done = is_last(walk.how, params, #rows)
  walk.position = walk.how.after(walk.position, #rows)
end

local function next_row(walk)
  while walk.index < #walk.rows do
    walk.index = walk.index + 1
    local row = walk.rows[walk.index]
    if is_new(walk.memory, type(row) == "table" and row.id or nil) then
      walk.found = true
      return row, walk.how.short and walk.how.after(walk.base, walk.index) or walk.base
    end
  end
end

local function step(walk)
  while true do
    local row, position = next_row(walk)
    if row ~= nil then return row, position end
    if walk.done then return nil end
    if walk.started then count_fruitless(walk, walk.found) end
    walk.started = true
    turn(walk)
  end
end

local function check(action, params)
  local how = paged[action]
  if not how then
    local names = {}
    for name in pairs(paged) do names[#names + 1] = name end
    table.sort(names)
    errors.misuse("each: \"%s\" is not paged; takes one of %s", tostring(action), table.concat(names, ", "))
  end
  if params ~= nil and type(params) ~= "table" then
    errors.misuse("each: the parameters of %s take a table, got %s", action, type(params))
  end
  local ok, message = core.prepare(action, params or {}, true)
  if not ok then errors.misuse("%s", message) end
  return how
end

--- Walks all rows, fetching pages as they are needed.
--
--     for client, position in bot:each("get_clients", { list = 5 }) do … end
--
-- A failed call raises its `err` object: a loop has no other way to tell an end from a failure; catch it
-- with pcall. To go on later give the last `position` as `offset` (get_clients) or `page` (subscribers).
-- @param bot a client
-- @param action "get_clients" or "subscribers"
-- @param params table of the action's parameters or nil; `limit` is the size of a page
-- @param options table or nil: `timeout` and `retries` of each call
-- @return iterator: row, position
function pages.each(bot, action, params, options)
  local how = check(action, params)
  local walk = {
    bot = bot, action = action, params = params, options = options, how = how,
    position = params and tonumber(params[how.cursor]), rows = {}, index = 0, fruitless = 0,
    memory = new_memory(),
  }
  return step, walk
end

return pages
