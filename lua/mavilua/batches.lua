--- Calls an action with a list of any length, in parts that the action's row allows.
-- @module mavilua.batches
local core = require "mavilua.core"
local errors = require "mavilua.errors"

local batches = {}

local DEFAULT_SIZE = 100 -- elements, where no limit is documented

local option_rules = {
  params = { type = "table", what = "a table of the action's further parameters" },
  param = { type = "string", what = "the name of the parameter that takes the list" },
  size = { type = "number", what = "a whole number, 1 or more", least = 1, whole = true },
  progress = { type = "function", what = "a function(done, total)" },
  timeout = { type = "number", what = "seconds, more than 0", least = 0, above = true },
  retries = { type = "number", what = "a whole number, 0 or more", least = 0, whole = true },
}

local function takes_list(param)
  return param.type == "id list" or param.type == "items" or (param.type == "string list" and param.required)
end

local function find_param(row, wanted)
  local names = {}
  for _, param in ipairs(row.params) do
    if wanted and param.name == wanted then return param end
    if not wanted and takes_list(param) then return param end
    names[#names + 1] = param.name
  end
  if wanted then
    errors.misuse("in_batches: %s has no parameter \"%s\"%s", row.name, wanted,
      errors.did_you_mean(wanted, names))
  end
  errors.misuse("in_batches: %s takes no list", row.name)
end

local function find_row(rows, action)
  local row = rows[action]
  if row then return row end
  local names = {}
  for name in pairs(rows) do names[#names + 1] = name end
  errors.misuse("in_batches: unknown action \"%s\"%s", tostring(action), errors.did_you_mean(action, names))
end

local function find_size(row, param, wanted)
  local limit = param.limit and param.limit > 0 and param.limit or nil
  if wanted and limit and wanted > limit then
    errors.misuse("in_batches: %s takes at most %d %s at once, size is %d", row.name, limit, param.name,
      wanted)
  end
  return wanted or limit or DEFAULT_SIZE
end

local function part_params(row, param, part, further)
  if row.bare_array then return part end
  local params = {}
  for name, value in pairs(further or {}) do params[name] = value end
  params[param.name] = part
  return params
end

local function is_list(value)
  return type(value) == "table" and (core.is_array(value) or #value > 0)
end

local function append(to, from)
  for _, value in ipairs(from) do to[#to + 1] = value end
end

-- Lists of the answers become one list, numbers one sum; of all else the last one stays.
local function merge(whole, answer)
  if is_list(answer) then
    append(whole, answer)
    return
  end
  for name, value in pairs(answer) do
    local before = whole[name]
    if is_list(value) then
      if type(before) ~= "table" then before = core.array {} end
      append(before, value)
      whole[name] = before
    elseif type(value) == "number" and type(before) == "number" then
      whole[name] = before + value
    else
      whole[name] = value
    end
  end
end

local function slice(list, first, last)
  local part = {}
  for i = first, last do part[#part + 1] = list[i] end
  return core.array(part)
end

local function empty_result(row, param)
  local whole = { status = "success" }
  if row.bare_array then whole[param.name] = core.array {} end
  return whole
end

local function stopped(err, done, whole)
  err.done, err.partial = done, whole
  return nil, err, done
end

local function check(rows, action, list, options)
  local row = find_row(rows, action)
  if type(list) ~= "table" then
    errors.misuse("in_batches: the list for %s takes a table, got %s", action, type(list))
  end
  options = errors.check_options("in_batches", options, option_rules)
  local param = find_param(row, options.param)
  if options.params and options.params[param.name] ~= nil then
    errors.misuse("in_batches: \"%s\" is what the list is for; take it out of params", param.name)
  end
  return row, options, param, find_size(row, param, options.size)
end

--- Calls an action with one part of a list after the other and stops at the first failure.
--
--     local result, err, done = bot:in_batches("delete_clients", ids, { progress = print })
--
-- @param bot a client
-- @param rows the action table by name
-- @param action string, an action that takes a list
-- @param list array of any length
-- @param options table or nil: `params` (the action's further parameters), `size` (elements a call; the
--   documented limit, 100 where there is none), `progress` (function(done, total), called before the first
--   and after each call), `param` (which parameter takes the list, when there are several), `timeout` and
--   `retries` of each call
-- @return the answers merged: lists joined, numbers added, else the last one's; or nil, an `err` with `done`
--   (how many elements are done) and `partial` (the answers until then, merged), and `done` once more
function batches.run(bot, rows, action, list, options)
  local row, chosen, param, size = check(rows, action, list, options)
  local total, whole = #list, empty_result(row, param)
  local call_options = { timeout = chosen.timeout, retries = chosen.retries }
  local progress = chosen.progress or function() end
  progress(0, total)
  for first = 1, total, size do
    local last = math.min(first + size - 1, total)
    local params = part_params(row, param, slice(list, first, last), chosen.params)
    local answer, err = bot:call(action, params, call_options)
    if not answer then return stopped(err, first - 1, whole) end
    if first == 1 and is_list(answer) then whole = core.array {} end
    merge(whole, answer)
    progress(last, total)
  end
  return whole
end

return batches
