--- JSON for people and for pipes: names in order, so that the same answer is the same text.
-- @internal mavilua.cli.json
local core = require "mavilua.core"

local write

local function is_list(value)
  return core.is_array(value) or #value > 0
end

local function write_list(out, list, indent)
  for i = 1, #list do
    out[#out + 1] = (i > 1 and "," or "") .. (indent or "")
    write(out, list[i], indent and indent .. "  ")
  end
end

local function write_object(out, object, indent)
  local names = {}
  for name in pairs(object) do names[#names + 1] = name end
  table.sort(names)
  for i, name in ipairs(names) do
    out[#out + 1] = (i > 1 and "," or "") .. (indent or "") .. core.encode(name) .. (indent and ": " or ":")
    write(out, object[name], indent and indent .. "  ")
  end
end

-- `indent`: a line end and the blanks of the members inside this value; nil: all on one line.
function write(out, value, indent)
  if type(value) ~= "table" then
    out[#out + 1] = assert(core.encode(value))
    return
  end
  local list = is_list(value)
  out[#out + 1] = list and "[" or "{"
  if list then write_list(out, value, indent) else write_object(out, value, indent) end
  if indent and next(value) ~= nil then out[#out + 1] = indent:sub(1, -3) end
  out[#out + 1] = list and "]" or "}"
end

--- Makes JSON text.
-- @param value what mavilua.decode gives
-- @param pretty boolean: a member a line
-- @return string
return function(value, pretty)
  local out = {}
  write(out, value, pretty and "\n  " or nil)
  return table.concat(out)
end
