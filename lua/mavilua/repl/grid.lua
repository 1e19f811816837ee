--- A list of records as an aligned table.
-- @internal mavilua.repl.grid
local scalar = require "mavilua.repl.scalar"
local shape = require "mavilua.repl.shape"

local grid = {}

local WIDEST = 32 -- columns of the terminal that one field may take
local GAP = 2

local function fields_of(rows)
  local fields, seen = {}, {}
  for _, row in ipairs(rows) do
    for name in next, row do
      if not seen[name] then fields[#fields + 1] = name end
      seen[name] = true
    end
  end
  return shape.sort(fields)
end

-- A field's cells: {head, texts, widths, width, right}.
local function measure(show, rows, name)
  local column = { texts = {}, widths = {}, right = true }
  column.head, column.width = show(scalar.key(name), WIDEST)
  column.head_width = column.width
  for i, row in ipairs(rows) do
    local value = rawget(row, name)
    local text, width = show(value == nil and "" or scalar.line(value), WIDEST)
    column.texts[i], column.widths[i] = text, width
    column.right = column.right and (value == nil or type(value) == "number")
    if width > column.width then column.width = width end
  end
  return column
end

local function padded(text, width, column)
  local blanks = (" "):rep(column.width - width)
  return column.right and blanks .. text or text .. blanks
end

-- Puts a line together from the columns; `cell(column)` gives text and width.
local function join(columns, cell)
  local parts = {}
  for i, column in ipairs(columns) do
    local text, width = cell(column)
    parts[i] = padded(text, width, column)
  end
  return (table.concat(parts, (" "):rep(GAP)):gsub("%s+$", ""))
end

local function fitting(show, rows, most)
  local columns, hidden, used = {}, {}, 0
  for _, name in ipairs(fields_of(rows)) do
    local column = measure(show, rows, name)
    local need = column.width + (#columns > 0 and GAP or 0)
    if #columns == 0 or used + need <= most then
      columns[#columns + 1] = column
      used = used + need
    else
      hidden[#hidden + 1] = scalar.key(name)
    end
  end
  return columns, hidden
end

--- Lays records out.
-- @param show function(text, columns) -> safe text, columns taken
-- @param rows list of tables
-- @param most columns of the terminal
-- @return list of lines
function grid.lines(show, rows, most)
  local columns, hidden = fitting(show, rows, most)
  local lines = { join(columns, function(column) return column.head, column.head_width end) }
  for i = 1, #rows do
    lines[#lines + 1] = join(columns, function(column) return column.texts[i], column.widths[i] end)
  end
  if #hidden > 0 then lines[#lines + 1] = show("not shown: " .. table.concat(hidden, ", "), most) end
  return lines
end

return grid
