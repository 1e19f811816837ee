--- Arguments of the host's functions: what is wrong is told at the line of the script that called.
-- @internal mavilua.host.check

local duration = require "mavilua.host.duration"
local errors = require "mavilua.errors"

local check = {}

--- Raises `message` at the line of the script that called the host's function.
function check.misuse(message)
  errors.misuse("%s", message)
end

--- "; did you mean "x"?" for the nearest of `names` (a list), or "".
check.hint = errors.did_you_mean

-- Sources of our own: "=mavilua.…" inside the program, "@…/mavilua/host….lua" from the source tree.
local function is_own(info)
  return info.what == "C" or info.source:find("^=mavilua%.") or info.source:find("mavilua/host/?[%w_]*%.lua$")
end

--- Where the script called: its file as it was given, and the line.
function check.place()
  local level = 2
  local info = debug.getinfo(level, "Sl")
  while info and is_own(info) do
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
  if not info then
    return "?", 0
  end
  return (info.source:gsub("^[@=]", "")), info.currentline
end

--- The keys of a table as a sorted list.
function check.names(map)
  local names = {}
  for name in pairs(map) do
    names[#names + 1] = tostring(name)
  end
  table.sort(names)
  return names
end

--- How a value is shown in an error: short, strings quoted.
function check.show(value)
  if type(value) == "string" then
    return ("%q"):format(#value > 40 and value:sub(1, 37) .. "..." or value)
  end
  local kind = type(value)
  return (kind == "number" or kind == "boolean" or kind == "nil") and tostring(value) or "a " .. kind
end

local function integer(value)
  return type(value) == "number" and value == math.floor(value) and value > -2 ^ 53 and value < 2 ^ 53
end

-- Kinds of option: value -> what is kept, or nil and what was expected.
local kinds = {}

function kinds.string(value)
  if type(value) == "string" and value ~= "" and not value:find("\0", 1, true) then
    return value -- C would read it up to a NUL only: a secret shorter than it looks
  end
  return nil, "a string that is not empty and without NUL"
end

function kinds.duration(value)
  local seconds = duration.parse(value)
  if seconds then
    return seconds
  end
  return nil, duration.expected
end

function kinds.count(value)
  if integer(value) and value >= 1 then
    return value
  end
  return nil, "a whole number of 1 or more"
end

-- Ids have 64 bits: an integer of Lua 5.4 is taken with all of them, a double as far as it is exact.
local function digits(value)
  local text = type(value) == "number" and tostring(value)
  if text and text:find("^%-?%d+$") then
    return text
  end
  return integer(value) and ("%.0f"):format(value) or nil
end

function kinds.id(value)
  if type(value) == "string" and value ~= "" and not value:find("%c") then
    return value
  end
  local text = digits(value)
  if text then
    return text
  end
  return nil, "a string or a whole number"
end

kinds["function"] = function(value)
  if type(value) == "function" then
    return value
  end
  return nil, "a function"
end

function kinds.boolean(value)
  if type(value) == "boolean" then
    return value
  end
  return nil, "true or false"
end

function kinds.client(value)
  local made_by = type(value) == "table" and getmetatable(value)
  if type(made_by) == "table" and made_by.__name == "mavilua.client" then
    return value
  end
  return nil, "a client of mavilua.client"
end

-- Kept as it is: who takes it looks closer.
function kinds.any(value)
  return value
end

function kinds.ids(value)
  local list = type(value) == "table" and {}
  for i, id in ipairs(list and value or {}) do
    list[i] = kinds.id(id)
  end
  if list and #list > 0 and #list == #value then
    return value
  end
  return nil, "a list of ids"
end

kinds["path or function"] = function(value)
  if type(value) == "function" or kinds.string(value) then
    return value
  end
  return nil, "a path such as \"payment.id\", or a function"
end

local function choice(value, names)
  for _, name in ipairs(names) do
    if value == name then
      return value
    end
  end
  return nil, "one of '" .. table.concat(names, "', '") .. "'"
end

--- One value of a kind ("string", "duration", "count", "id", "ids", "function", "boolean", "client",
-- "any", or a list of the words that may stand there); raises what `what` must be otherwise.
function check.value(what, value, kind)
  local kept, expected
  if type(kind) == "table" then
    kept, expected = choice(value, kind)
  else
    kept, expected = kinds[kind](value)
  end
  if kept == nil then
    check.misuse(("%s must be %s, not %s"):format(what, expected, check.show(value)))
  end
  return kept
end

--- A table of options checked against `rows` (name to kind); returns a new one. nil is empty.
function check.options(what, given, rows)
  if given ~= nil and type(given) ~= "table" then
    check.misuse(("%s: the options must be a table, not %s"):format(what, check.show(given)))
  end
  local kept = {}
  for name, value in pairs(given or {}) do
    if not rows[name] then
      local known = check.names(rows)
      check.misuse(("%s: unknown option %s%s (known: %s)"):format(
        what, check.show(name), check.hint(tostring(name), known), table.concat(known, ", ")))
    end
    kept[name] = check.value(("%s: option '%s'"):format(what, name), value, rows[name])
  end
  return kept
end

return check
