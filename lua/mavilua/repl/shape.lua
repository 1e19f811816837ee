--- In which order people read the fields of a record: as the documents of the platform have them.
-- @internal mavilua.repl.shape
local core = require "mavilua.core"

local shape = {}

-- The names in an answer of the action table, "{id: integer, name?: string}" -> {id = 1, name = 2}.
local function names_of(answer)
  local places, count = {}, 0
  for name in answer:gmatch "([%a_][%w_]*)%??:" do
    if not places[name] then
      count = count + 1
      places[name] = count
    end
  end
  return places
end

local answers = {}
for _, row in ipairs(core.actions()) do answers[#answers + 1] = names_of(row.answer) end

-- The answer that has most of the record's fields.
local function nearest(names)
  local best, most = {}, 0
  for _, places in ipairs(answers) do
    local common = 0
    for _, name in ipairs(names) do common = common + (places[name] and 1 or 0) end
    if common > most then best, most = places, common end
  end
  return best
end

local function is_before(a, b)
  local kind_a, kind_b = type(a), type(b)
  if kind_a ~= kind_b then return kind_a == "number" or kind_b ~= "number" and kind_a < kind_b end
  if kind_a == "number" or kind_a == "string" then return a < b end
  return tostring(a) < tostring(b)
end

--- Sorts keys: those of a known answer first and as it has them, the others by name.
-- @param keys list, changed in place
-- @return the same list
function shape.sort(keys)
  local places = nearest(keys)
  table.sort(keys, function(a, b)
    local place_a, place_b = places[a], places[b]
    if place_a and place_b then return place_a < place_b end
    if place_a or place_b then return place_a ~= nil end
    return is_before(a, b)
  end)
  return keys
end

--- The keys of a table in that order.
-- @param record table
-- @return list
function shape.keys(record)
  local keys = {}
  for key in next, record do keys[#keys + 1] = key end
  return shape.sort(keys)
end

--- Whether a table is a list: only the keys 1..n. Asks no metamethod.
-- @param value table
-- @return boolean, n
function shape.is_list(value)
  local count, last = 0, 0
  for key in next, value do
    if type(key) ~= "number" or key < 1 or key % 1 ~= 0 then return false, 0 end
    count, last = count + 1, math.max(last, key)
  end
  return count == last and (count > 0 or core.is_array(value)), count
end

return shape
