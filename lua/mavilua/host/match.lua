--- Which events a handler takes: {text =}, {contains =}, {pattern =}, {client_type =}, {group =},
-- all that are given must hold; a string is {text =}; a function decides alone.
-- @internal mavilua.host.match

local check = require "mavilua.host.check"
local text = require "mavilua.host.text"

local match = {}

-- Not as methods: those are the script's to replace, and no handler is watched yet where they are called.
local find, find_captures = string.find, string.match

local function list_of(value)
  return type(value) == "table" and value or { value }
end

-- A list of strings or numbers; what they are is told when they are not.
local function scalars(what, value)
  local list = list_of(value)
  for _, item in ipairs(list) do
    if type(item) ~= "string" and type(item) ~= "number" then
      check.misuse(("%s must be a string, a number or a list of them, not %s"):format(what, check.show(item)))
    end
  end
  if #list == 0 then
    check.misuse(what .. " must not be an empty list")
  end
  return list
end

-- Each part: value -> predicate(event, folded text), label or nil.
local parts = {}

function parts.text(value)
  local list = scalars("match.text", value)
  local wanted = {}
  for _, item in ipairs(list) do
    wanted[text.fold(tostring(item))] = true
  end
  return function(_, folded)
    return wanted[folded]
  end, tostring(list[1])
end

function parts.contains(value)
  local list = scalars("match.contains", value)
  local wanted = {}
  for i, item in ipairs(list) do
    wanted[i] = text.lower(tostring(item))
  end
  return function(_, folded)
    for _, word in ipairs(wanted) do
      if find(folded, word, 1, true) then
        return true
      end
    end
    return false
  end, "*" .. tostring(list[1]) .. "*"
end

function parts.pattern(value)
  check.value("match.pattern", value, "string")
  local good, problem = pcall(string.find, "", value)
  if not good then
    check.misuse("match.pattern: " .. tostring(problem))
  end
  return function(event)
    local captures = { find_captures(event.text, value) }
    event.captures = captures[1] ~= nil and captures or event.captures
    return captures[1] ~= nil
  end, "~" .. value
end

-- A member of the event's client, compared as text: ids come as numbers and as strings.
local function client_part(name)
  return function(value)
    local wanted = {}
    for _, item in ipairs(scalars("match." .. name, value)) do
      wanted[tostring(item)] = true
    end
    return function(event)
      local own = event.client ~= nil and event.client[name]
      local kind = type(own)
      return kind ~= "table" and wanted[kind == "string" and own or tostring(own)]
    end
  end
end

parts.client_type = client_part "client_type"
parts.group = client_part "group"

local order = { "client_type", "group", "text", "contains", "pattern" }

local function all_of(predicates)
  return function(event, folded)
    for _, predicate in ipairs(predicates) do
      if not predicate(event, folded) then
        return false
      end
    end
    return true
  end
end

local function of_table(given)
  for name in pairs(given) do
    if not parts[name] then
      check.misuse(("host.on: unknown match %s%s (known: %s)"):format(check.show(name),
        check.hint(tostring(name), order), table.concat(order, ", ")))
    end
  end
  local predicates, label = {}, nil
  for _, name in ipairs(order) do
    if given[name] ~= nil then
      local predicate, word = parts[name](given[name])
      predicates[#predicates + 1] = predicate
      label = word or label
    end
  end
  return all_of(predicates), label
end

--- `given` -> predicate(event, folded), a label for the handler's name or nil.
function match.compile(given)
  if given == nil then
    return function()
      return true
    end
  elseif type(given) == "function" then
    return given
  elseif type(given) == "string" then
    return of_table { text = given }
  elseif type(given) == "table" then
    return of_table(given)
  end
  return check.misuse(("host.on: the match must be a table such as {text = \"/start\"}, a string "
    .. "or a function, not %s"):format(check.show(given)))
end

--- How it is shown to people and programs.
function match.show(given)
  if type(given) == "function" then
    return "function"
  end
  return type(given) == "string" and { text = given } or given
end

return match
