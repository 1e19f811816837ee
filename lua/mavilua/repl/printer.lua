--- Values for people: records in lines, lists of records as tables, long lists cut.
-- @internal mavilua.repl.printer
local core = require "mavilua.core"
local grid = require "mavilua.repl.grid"
local scalar = require "mavilua.repl.scalar"
local shape = require "mavilua.repl.shape"

local printer = {}
printer.__index = printer

local MANY = 20 -- a list up to this length is shown whole
local SHOWN = 12 -- of a longer one
local MOST_FIELDS = 100
local DEEPEST = 8
local INDENT = 2
local NARROWEST = 24 -- columns that nested values get at least

-- The elements that are shown, and how many are not.
local function head_of(list)
  local _, length = shape.is_list(list)
  local count = length > MANY and SHOWN or length
  local head = {}
  for i = 1, count do head[i] = rawget(list, i) end
  return head, length - count
end

local function are_records(list)
  for _, value in ipairs(list) do
    if not scalar.has_parts(value) or shape.is_list(value) then return false end
  end
  return true
end

local function any_has_parts(parts)
  for _, value in next, parts do
    if scalar.has_parts(value) then return true end
  end
  return false
end

-- Text that may be shown, at most so many columns wide.
function printer:show(text, columns)
  return core.plain(self.redact(text), columns)
end

function printer:put(level, text)
  self.out[#self.out + 1] = (" "):rep(level * INDENT) .. text
end

function printer:room(level)
  return math.max(NARROWEST, self.columns - level * INDENT)
end

-- Scalars one after the other, as many lines as they need.
function printer:put_flow(list, level)
  local room, current, width = self:room(level), {}, 0
  for i, value in ipairs(list) do
    local text, taken = self:show(scalar.line(value) .. (i < #list and "," or ""), room)
    if #current > 0 and width + 1 + taken > room then
      self:put(level, table.concat(current, " "))
      current, width = {}, 0
    end
    width = width + taken + (#current > 0 and 1 or 0)
    current[#current + 1] = text
  end
  if #current > 0 then self:put(level, table.concat(current, " ")) end
end

function printer:put_list(list, level)
  local head, more = head_of(list)
  if are_records(head) then
    for _, line in ipairs(grid.lines(function(...) return self:show(...) end, head, self:room(level))) do
      self:put(level, line)
    end
  elseif any_has_parts(head) then
    for i, value in ipairs(head) do self:put_field(("[%d]"):format(i), 0, value, level) end
  else
    self:put_flow(head, level)
  end
  if more > 0 then self:put(level, ("… %d more"):format(more)) end
end

-- A field with its value beside it, or below when that has parts and is long.
function printer:put_field(name, width, value, level)
  local label, taken = self:show(name, self:room(level))
  local room = self:room(level) - math.max(width, taken) - 2
  local gap = (" "):rep(math.max(0, width - taken) + 2)
  if not scalar.has_parts(value) then
    return self:put(level, label .. gap .. self:show(scalar.line(value), math.max(NARROWEST, room)))
  end
  local text, columns = self:show(scalar.line(value), 0)
  if columns <= room and not any_has_parts(value) then return self:put(level, label .. gap .. text) end
  self:put(level, label .. ":")
  self:put_value(value, level + 1)
end

function printer:put_record(record, level)
  local keys, width = shape.keys(record), 0
  for i = 1, math.min(#keys, MOST_FIELDS) do
    if not scalar.has_parts(rawget(record, keys[i])) then
      local _, taken = self:show(scalar.key(keys[i]), 0)
      width = math.max(width, math.min(taken, NARROWEST))
    end
  end
  for i = 1, math.min(#keys, MOST_FIELDS) do
    self:put_field(scalar.key(keys[i]), width, rawget(record, keys[i]), level)
  end
  if #keys > MOST_FIELDS then self:put(level, ("… %d more"):format(#keys - MOST_FIELDS)) end
end

function printer:put_value(value, level)
  if self.seen[value] or level > DEEPEST then return self:put(level, "{…}") end
  self.seen[value] = true
  if shape.is_list(value) then self:put_list(value, level) else self:put_record(value, level) end
  self.seen[value] = nil
end

--- Text of several lines that may be shown; tabs stay, as line ends do.
-- @param text string
-- @return string
function printer.lines(text)
  return (text:gsub("[^\t]+", function(piece) return (core.plain(piece, 0, true)) end))
end

--- Makes the text of a value.
-- @param value anything
-- @param options table: `columns` of the terminal, `redact` function(text) -> text without secrets
-- @return string, lines without a line end behind the last
function printer.text(value, options)
  if type(value) == "string" then return printer.lines(options.redact(value)) end
  local self = setmetatable({ out = {}, seen = {}, columns = options.columns, redact = options.redact }, printer)
  if scalar.has_parts(value) then
    self:put_value(value, 0)
  else
    self:put(0, (self:show(scalar.line(value), 0)))
  end
  return table.concat(self.out, "\n")
end

return printer
