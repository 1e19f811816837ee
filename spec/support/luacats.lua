--- Reads a file of stubs as a language server does: its classes, aliases and functions, with every type
-- parsed. What is no such annotation raises, with the line.
local luacats = {}

local builtin = {}
for word in ("any nil boolean string number integer function table lightuserdata self"):gmatch "%a+" do
  builtin[word] = true
end

-- ---- types -------------------------------------------------------------------------------------------

local reader = {}
reader.__index = reader

function reader:fail(what)
  error(("%s: %s expected at \"%s\""):format(self.place, what, self.text:sub(self.at, self.at + 30)), 0)
end

function reader:take(pattern)
  local first, last = self.text:find("^%s*" .. pattern, self.at)
  if not first then return nil end
  self.at = last + 1
  return self.text:sub(first, last):match "^%s*(.*)$"
end

function reader:list(close, read)
  if self:take(close) then return end
  repeat read(self) until not self:take ","
  if not self:take(close) then self:fail(close) end
end

function reader:parameter()
  local name = self:take "[%a_][%w_]*" or self:take "%.%.%." or self:fail "a parameter's name"
  self:take "%?"
  if not self:take ":" then self:fail(": behind " .. name) end
  self:type()
end

function reader:fun()
  self:list("%)", reader.parameter)
  if self:take ":" then
    repeat self:type() until not self:take ","
  end
end

function reader:member()
  if self:take "%[" then
    self:type()
    if not self:take "%]" then self:fail "]" end
  elseif not self:take "[%a_][%w_]*" then
    self:fail "a member's name"
  end
  self:take "%?"
  if not self:take ":" then self:fail ":" end
  self:type()
end

function reader:one()
  if self:take "fun%(" then
    self:fun()
    return { kind = "fun" }
  elseif self:take "%(" then
    local inner = self:type()
    if not self:take "%)" then self:fail ")" end
    return inner
  elseif self:take "{" then
    self:list("}", reader.member)
    return { kind = "literal" }
  end
  local text = self:take '"[^"]*"' or self:take "%-?%d+"
  if text then return { kind = "constant", text = text } end
  local name = self:take "[%a_][%w_.]*" or self:fail "a type"
  self.names[#self.names + 1] = { name = name, place = self.place }
  if self.text:sub(self.at, self.at) == "<" then
    self.at = self.at + 1
    self:list(">", reader.type)
  end
  return { kind = "name", name = name }
end

--- A type: {kind = "union", of = list}, {kind = "list", of = type}, or one; `optional` behind a "?".
function reader:type()
  local of = {}
  repeat
    local one = self:one()
    while true do
      local next_two = self.text:sub(self.at, self.at + 1)
      if next_two == "[]" then
        one, self.at = { kind = "list", of = one }, self.at + 2
      elseif next_two:sub(1, 1) == "?" then
        one.optional, self.at = true, self.at + 1
      else
        break
      end
    end
    of[#of + 1] = one
  until not self:take "|"
  return #of == 1 and of[1] or { kind = "union", of = of }
end

-- ---- annotations -------------------------------------------------------------------------------------

local function declare(into, name, value, place)
  assert(not into[name], place .. ": " .. name .. " is declared twice")
  into[name] = value
  return value
end

local tags = {}

function tags.meta(file, r) file.module = r:take "[%w_.]+" end

function tags.class(file, r)
  local name = r:take "[%a_][%w_.]*" or r:fail "a class's name"
  local class = file.classes[name] or { name = name, parents = {}, fields = {}, order = {} }
  file.classes[name], file.class = class, class
  if r:take ":" then
    repeat
      local parent = r:type()
      class.parents[#class.parents + 1] = parent.name
    until not r:take ","
  end
end

function tags.field(file, r)
  local class = assert(file.class, r.place .. ": a field without a class")
  local name
  if r:take "%[" then
    r:type()
    name = r:take "%]" and "[]" or r:fail "]"
  else
    name = r:take "[%a_][%w_]*" or r:fail "a field's name"
  end
  local optional = r:take "%?" ~= nil
  local kind = r:type()
  declare(class.fields, name, { optional = optional or kind.optional, type = kind }, r.place)
  class.order[#class.order + 1] = name
end

function tags.alias(file, r)
  local name = r:take "[%a_][%w_.]*" or r:fail "an alias's name"
  file.alias = declare(file.aliases, name, { kind = "union", of = {} }, r.place)
  if r.text:find("%S", r.at) then file.alias.of[1] = r:type() end
end

function tags.generic(file, r)
  repeat
    file.generics[r:take "%a+" or r:fail "a name"] = true
    if r:take ":" then r:type() end
  until not r:take ","
end

function tags.param(file, r)
  local name = r:take "[%a_][%w_]*" or r:take "%.%.%." or r:fail "a parameter's name"
  local optional = r:take "%?" ~= nil
  file.params[#file.params + 1] = { name = name, optional = optional, type = r:type() }
end

tags["return"] = function(file, r)
  file.returns[#file.returns + 1] = r:type()
end

function tags.overload(file, r)
  if not r:take "fun%(" then r:fail "fun(" end
  r:fun()
  file.overloads = file.overloads + 1
end

local function forget(file)
  file.params, file.returns, file.generics, file.overloads = {}, {}, {}, 0
end

local function annotation(file, line, place)
  local r = setmetatable({ text = line, at = 1, names = {}, place = place }, reader)
  local tag = r:take "@%l+"
  if tag then
    assert(tags[tag:sub(2)], place .. ": unknown annotation " .. tag)(file, r)
  elseif r:take "|" then
    file.alias.of[#file.alias.of + 1] = r:type()
  end
  for _, used in ipairs(r.names) do
    if not file.generics[used.name] then file.names[#file.names + 1] = used end
  end
end

local function names_of(list)
  local names = {}
  for name in list:gmatch "[%w_.]+" do names[#names + 1] = name end
  return names
end

local function declaration(file, line, place)
  local owner, name, list = line:match "^function ([%w_]+)[.:]([%w_]+)%(([^)]*)%) end$"
  if not owner then return end
  local names = names_of(list)
  assert(#names == #file.params, place .. ": as many @param as parameters")
  for i, param in ipairs(file.params) do
    assert(param.name == names[i], place .. ": @param " .. param.name .. " is not the function's")
  end
  declare(file.functions, owner .. "." .. name,
    { params = file.params, returns = file.returns, method = line:find ":" ~= nil }, place)
end

--- Reads the file into `file`, a table of what was read before (or nil).
function luacats.read(path, file)
  file = file or { classes = {}, aliases = {}, functions = {}, names = {} }
  file.class, file.alias = nil, nil
  forget(file)
  local number = 0
  for line in io.lines(path) do
    number = number + 1
    local place = path .. ":" .. number
    local note = line:match "^%-%-%-(.*)$"
    if note then
      annotation(file, note, place)
    else
      declaration(file, line, place)
      forget(file)
      if line == "" then file.class, file.alias = nil, nil end
    end
  end
  return file
end

--- The names that are used as types and are none.
function luacats.unknown(file)
  local unknown = {}
  for _, used in ipairs(file.names) do
    if not (builtin[used.name] or file.classes[used.name] or file.aliases[used.name]) then
      unknown[#unknown + 1] = used.place .. ": " .. used.name
    end
  end
  return unknown
end

--- All fields of a class, inherited ones too: name -> {optional, type}.
function luacats.fields(file, name)
  local class = assert(file.classes[name], name)
  local all = {}
  for _, parent in ipairs(class.parents) do
    for field, row in pairs(luacats.fields(file, parent)) do all[field] = row end
  end
  for field, row in pairs(class.fields) do all[field] = row end
  return all
end

return luacats
