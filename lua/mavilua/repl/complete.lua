--- Completion: what the word before the cursor may become. Runs no code of the user's: tables are read
-- without their metamethods.
-- @internal mavilua.repl.complete
local help = require "mavilua.repl.help"
local scan = require "mavilua.repl.scan"

local complete = {}

local keywords = {
  "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local", "nil", "not",
  "or", "repeat", "return", "then", "true", "until", "while",
}

local DEEPEST = 8 -- tables behind __index

local function starts(name, prefix)
  return type(name) == "string" and name:sub(1, #prefix) == prefix
end

-- Adds the names with that beginning, each once. `suffix(name)`: what goes behind it when it is the only one.
local function offer(found, names, prefix, suffix)
  for _, name in ipairs(names) do
    if starts(name, prefix) and not found[name] and name:find "^[%a_][%w_]*$" then
      found[name] = true
      found[#found + 1] = { name = name, suffix = suffix and suffix(name) or "" }
    end
  end
end

local function is_client(value)
  local meta = type(value) == "table" and getmetatable(value)
  return type(meta) == "table" and rawget(meta, "__name") == "mavilua.client"
end

-- What a name behind `value` is, without its metamethods.
local function field(value, name)
  for _ = 1, DEEPEST do
    if type(value) ~= "table" then return nil end
    local found = rawget(value, name)
    local meta = getmetatable(value)
    if found ~= nil or type(meta) ~= "table" then return found end
    value = rawget(meta, "__index")
  end
end

local function names_in(value, functions)
  local names = {}
  for _ = 1, DEEPEST do
    if type(value) ~= "table" then break end
    for name, item in next, value do
      if type(name) == "string" and (not functions or type(item) == "function") then names[#names + 1] = name end
    end
    local meta = getmetatable(value)
    value = type(meta) == "table" and rawget(meta, "__index")
  end
  return names
end

local function call_suffix(name)
  local row = help.row(name)
  return row and (#row.params > 0 and "{" or "{}") or "("
end

-- The value of "a.b.c"; nil: it has none.
local function resolve(path)
  local value = _G
  for name in path:gmatch "[^.]+" do value = field(value, name) end
  return value
end

local function members(found, path, separator, prefix)
  local value = resolve(path)
  if is_client(value) then return offer(found, separator == ":" and help.methods() or {}, prefix, call_suffix) end
  if type(value) == "string" then value = string end
  offer(found, names_in(value, separator == ":"), prefix)
end

-- The action that the bracket at `place` gives its parameters to: bot:action{, bot:action({,
-- bot:call("action", {, bot:each("action", {. Second: the bracket is of an item of its list.
local function action_at(tokens, place)
  local function at(back) return tokens[place - back] or {} end
  if at(1).text == "(" and at(1).kind == "sign" then place = place - 1 end
  if at(1).kind == "name" and at(2).text == ":" then return help.row(at(1).text) end
  if at(1).text == "," and at(2).kind == "string" and at(3).text == "(" then
    return help.row(at(2).text:sub(2, -2))
  end
end

-- The parameters that may be named at the end of `tokens`, less those that are there.
local function params_at(tokens)
  local stack = scan.open(tokens)
  local place, outer = stack[#stack], stack[#stack - 1]
  local last = tokens[#tokens]
  if not place or tokens[place].text ~= "{" or not last.text:find "^[{,;]$" then return nil end
  local row = action_at(tokens, place)
  local params = row and row.params
  if not row and outer and tokens[outer].text == "{" then
    row = action_at(tokens, outer)
    params = row and row.items
  end
  if not params then return nil end
  local given, names = {}, {}
  for i = place + 1, #tokens - 1 do
    if tokens[i].kind == "name" and tokens[i + 1].text == "=" then given[tokens[i].text] = true end
  end
  for _, param in ipairs(params) do
    if not given[param.name] then names[#names + 1] = param.name end
  end
  return names
end

local function find(text, prefix)
  local found = {}
  local before = text:sub(1, #text - #prefix)
  if before:find "^%s*help%s+$" then
    offer(found, help.topics(), prefix)
    return found
  end
  local tokens = scan.tokens(before)
  if not tokens then return found end -- in a string or a comment
  local path, separator = before:match "([%a_][%w_.]*)%s*([.:])%s*$"
  if path then
    members(found, path, separator, prefix)
    return found
  end
  if before:find "[.:]%s*$" and not before:find "%.%.%s*$" then return found end
  offer(found, params_at(tokens) or {}, prefix, function() return " = " end)
  if #found == 0 and prefix ~= "" then
    offer(found, names_in(_G), prefix)
    offer(found, keywords, prefix)
    offer(found, { "help" }, prefix)
  end
  return found
end

local function common(found)
  local shared = found[1].name
  for _, item in ipairs(found) do
    while not starts(item.name, shared) do shared = shared:sub(1, -2) end
  end
  return shared
end

--- Completes the word at the end of a text.
-- @param text string: all that was typed up to the cursor
-- @return {insert = what goes behind the cursor, names = list of what it could be, sorted, when several}
function complete.at(text)
  local prefix = text:match "[%a_][%w_]*$" or ""
  if prefix == "" and text:match "[^\n]*$":find "^%s*$" and not params_at(scan.tokens(text) or {}) then
    return { insert = "  ", names = {} }
  end
  local found = find(text, prefix)
  if #found == 0 then return { insert = "", names = {} } end
  if #found == 1 then
    return { insert = found[1].name:sub(#prefix + 1) .. found[1].suffix, names = {} }
  end
  local names = {}
  for i, item in ipairs(found) do names[i] = item.name end
  table.sort(names)
  return { insert = common(found):sub(#prefix + 1), names = names }
end

return complete
