--- One value in one line.
-- @internal mavilua.repl.scalar
local core = require "mavilua.core"
local shape = require "mavilua.repl.shape"

local scalar = {}

local DEEPEST = 4 -- tables inside each other in one line
local LONGEST = 2000 -- bytes of a line before it is cut for a terminal

local words = { ["true"] = true, ["false"] = true, ["nil"] = true, ["null"] = true }

-- Whether a string would be taken for something else without quotes.
local function is_mistakable(text)
  return text == "" or words[text] or tonumber(text) ~= nil or text:find "^%s" ~= nil or text:find "%s$" ~= nil
    or text:find '^"' ~= nil
end

--- A string without quotes unless it reads as something else.
-- @param text string
-- @return string
function scalar.bare(text)
  return is_mistakable(text) and '"' .. text .. '"' or text
end

--- The text that a table gives of itself.
-- @param value table
-- @return string, or nil when it gives none
function scalar.own_text(value)
  local meta = getmetatable(value)
  if type(meta) ~= "table" or type(rawget(meta, "__tostring")) ~= "function" then return nil end
  local ok, text = pcall(tostring, value)
  return ok and text or "(a table whose __tostring fails)"
end

local function key_text(key)
  if type(key) == "string" then return key:find "^[%a_][%w_]*$" and key or ("[%q]"):format(key) end
  return ("[%s]"):format(tostring(key))
end

local line

local function table_line(value, depth, seen)
  if next(value) == nil then return "{}" end
  if seen[value] or depth > DEEPEST then return "{…}" end
  seen[value] = true
  local list, parts, length = shape.is_list(value), {}, 0
  for _, key in ipairs(shape.keys(value)) do
    local text = line(rawget(value, key), depth + 1, seen)
    parts[#parts + 1] = list and text or ("%s = %s"):format(key_text(key), text)
    length = length + #parts[#parts]
    if length > LONGEST then break end
  end
  seen[value] = nil
  return "{" .. table.concat(parts, ", ") .. "}"
end

function line(value, depth, seen)
  local kind = type(value)
  if kind == "string" then return depth > 0 and '"' .. value .. '"' or scalar.bare(value) end
  if value == core.null then return "null" end
  if kind ~= "table" then return tostring(value) end
  return scalar.own_text(value) or table_line(value, depth, seen)
end

--- Any value in one line; tables as Lua writes them. Still with what may steer a terminal.
-- @param value anything
-- @return string
function scalar.line(value)
  return line(value, 0, {})
end

--- Whether a value is shown in parts: a table that has no text of its own.
-- @param value anything
-- @return boolean
function scalar.has_parts(value)
  return type(value) == "table" and next(value) ~= nil and not scalar.own_text(value)
end

--- A key as it stands before its value.
-- @param key anything
-- @return string
function scalar.key(key)
  if key == "" then return '""' end
  return type(key) == "string" and key or key_text(key)
end

return scalar
