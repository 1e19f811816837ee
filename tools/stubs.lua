-- Prints library/mavilua/actions.d.lua from the action table: `mavilua run tools/stubs.lua`. What the
-- editor is told of each action: its parameters, its answer, its method of the client.
local mavilua = require "mavilua"

local out = {}
local function put(format, ...) out[#out + 1] = select("#", ...) > 0 and format:format(...) or format end

local function put_alias(name, kinds)
  put("---@alias %s", name)
  for _, kind in ipairs(kinds) do put("---| %s", kind) end
  put ""
end

-- ---- the notation of answers (csrc/api/action.h) as types ------------------------------------------

local words = { integer = "integer", string = "string", boolean = "boolean", number = "number", any = "any" }
local reader = {}
reader.__index = reader

function reader:take(text)
  local blank = self.text:match("^%s*", self.at)
  if self.text:sub(self.at + #blank, self.at + #blank + #text - 1) ~= text then return false end
  self.at = self.at + #blank + #text
  return true
end

function reader:match(pattern)
  local first, last, found = self.text:find("^%s*" .. pattern, self.at)
  if first then self.at = last + 1 end
  return found
end

-- {name: type, …} becomes a class of its own, told before the one it stands in.
function reader:object(name)
  if self:take "}" then return "table<string, any>" end
  local lines = { "---@class " .. name }
  repeat
    local member = assert(self:match "([%w_]+)", self.text)
    local optional = self:take "?"
    assert(self:take ":", self.text)
    local kind, may_be_null = self:choice(name .. "." .. member)
    lines[#lines + 1] = ("---@field %s%s %s"):format(member, (optional or may_be_null) and "?" or "", kind)
  until not self:take ","
  assert(self:take "}", self.text)
  for _, line in ipairs(lines) do put("%s", line) end
  put ""
  return name
end

function reader:one(name)
  if self:take "{" then return self:object(name) end
  if self:take "[" then
    local kind = self:choice(name)
    assert(self:take "]", self.text)
    return (kind:find("|", 1, true) and "(%s)[]" or "%s[]"):format(kind)
  end
  local text = self:match "'([^']*)'"
  if text then return text:find("*", 1, true) and "string" or '"' .. text .. '"' end
  local word = self:match "(%l+)"
  return word == "null" and "nil" or assert(words[word], self.text)
end

-- The type, and whether null may stand there, which is absent in Lua.
function reader:choice(name)
  local kinds, null = {}, false
  repeat
    local kind = self:one(name)
    if kind == "nil" then null = true else kinds[#kinds + 1] = kind end
  until not self:take "|"
  return table.concat(kinds, "|"), null
end

local function answer_type(action)
  if action.answer == "ok" then return "mavilua.Done" end
  return (setmetatable({ text = action.answer, at = 1 }, reader):choice("mavilua.answer." .. action.name))
end

-- ---- parameters ------------------------------------------------------------------------------------

local types = {
  id = "mavilua.id", integer = "integer|string", number = "number|string", string = "string|number",
  boolean = "mavilua.flag", scalar = "string|number|boolean", ["id list"] = "mavilua.id[]",
  ["string list"] = "(string|number)[]", object = "table<string, any>",
  conditions = "table<string, mavilua.condition>", buttons = "mavilua.Buttons|mavilua.Button[]", date = "string",
  ["date and time"] = "string",
}

local function param_type(action, param)
  if param.type == "items" then return ("mavilua.item.%s[]"):format(action.name) end
  if param.type ~= "choice" then return assert(types[param.type], param.type) end
  local choices = {}
  for i, word in ipairs(param.choices) do choices[i] = '"' .. word .. '"' end
  return table.concat(choices, "|")
end

local notes = { date = "dd.mm.yyyy", ["date and time"] = "yyyy-mm-dd hh:mm:ss" }

local function param_doc(param)
  local doc = param.doc
  if param.limit then doc = ("%s; at most %d"):format(doc, param.limit) end
  if notes[param.type] and not doc:find(notes[param.type], 1, true) then doc = doc .. "; " .. notes[param.type] end
  return doc
end

local function put_field(action, param, required)
  put("---@field %s%s %s %s", param.name, required and "" or "?", param_type(action, param), param_doc(param))
end

local function put_class(name, action, params)
  put("---@class %s", name)
  for _, param in ipairs(params) do put_field(action, param, param.required) end
  if action.extras ~= "refused" and params == action.params then
    put("---@field [string] any %s", action.extras == "variables" and "saved as variables of the client"
      or "name = value, a condition of the search")
  end
  put ""
end

-- The same with what one way to call it needs; all required ones stand here again, for language servers
-- that do not look for missing fields in what a class inherits.
local function put_way(name, base, action, needed)
  put("---@class %s: %s", name, base)
  for _, param in ipairs(action.params) do
    if param.required or needed[param.name] then put_field(action, param, true) end
  end
  put ""
end

-- Every way to satisfy the rules "at least one of", "exactly one of": lists of the names it needs.
local function alternatives(action)
  local ways = { {} }
  for _, rule in ipairs(action.rules) do
    if rule.kind == "any" or rule.kind == "one" then
      local more = {}
      for _, way in ipairs(ways) do
        for _, name in ipairs(rule.names) do
          local longer = { name }
          for i, before in ipairs(way) do table.insert(longer, i, before) end
          more[#more + 1] = longer
        end
      end
      ways = more
    end
  end
  return ways
end

-- The names of a way and what these need besides.
local function needed_by(action, way)
  local needed = {}
  for _, name in ipairs(way) do needed[name] = true end
  for _, rule in ipairs(action.rules) do
    if rule.kind == "needs" and needed[rule.names[1]] then
      for _, name in ipairs(rule.names) do needed[name] = true end
    end
  end
  return needed
end

-- Declares the classes of the parameters; their type, and whether they may be left out.
local function put_params(action)
  local name, ways, optional = "mavilua.params." .. action.name, alternatives(action), action.extras ~= "conditions"
  if action.items then put_class("mavilua.item." .. action.name, action, action.items) end
  for _, param in ipairs(action.params) do optional = optional and not param.required end
  if #ways == 1 then
    put_class(name, action, action.params)
    return action.bare_array and name .. "|mavilua.item." .. action.name .. "[]" or name, optional
  end
  put_class(name .. ".all", action, action.params)
  local names = {}
  for i, way in ipairs(ways) do
    names[i] = name .. ".by." .. table.concat(way, ".")
    put_way(names[i], name .. ".all", action, needed_by(action, way))
  end
  put_alias(name, names)
  return name, false
end

-- ---- methods ---------------------------------------------------------------------------------------

local permissions = {
  R = "read clients", W = "change clients", X = "delete clients", CR = "read CRM", CW = "change CRM",
}
local classes = {
  safe = "repeated after a failure", idempotent = "repeated after a failure",
  once = "repeated only if nothing was sent",
}
local rules = {
  any = "At least one of %s.", one = "Exactly one of %s.", all = "%s: all or none.",
  needs = "%s needs %s.", forbids = "%s does not go with %s.",
}

local function quoted(names, first)
  local list = {}
  for i = first or 1, #names do list[#list + 1] = "`" .. names[i] .. "`" end
  return table.concat(list, ", ")
end

local function rule_text(rule)
  if rule.kind == "needs" or rule.kind == "forbids" then
    return rules[rule.kind]:format("`" .. rule.names[1] .. "`", quoted(rule.names, 2))
  end
  return rules[rule.kind]:format(quoted(rule.names))
end

local function put_action(action)
  local params, optional = put_params(action)
  local answer = answer_type(action)
  put("---%s", action.doc)
  put "---"
  put("---The key needs %s (%s); %s%s.", action.permission, permissions[action.permission], classes[action.retry],
    action.idempotent_if and (", or `%s` is given"):format(action.idempotent_if) or "")
  for _, rule in ipairs(action.rules) do put("---%s", rule_text(rule)) end
  put("---@param params%s %s", optional and "?" or "", params)
  put "---@param options? mavilua.CallOptions"
  put("---@return %s? answer", answer)
  put "---@return mavilua.Error? err"
  put("function Client:%s(params, options) end", action.name)
  put ""
end

local actions = mavilua.actions()
put [[
---@meta _
-- The actions of the platform's API as the editor's language server knows them. Made from the action table
-- by `make docs`; do not edit.

---@class mavilua.Client
local Client = {}
]]
local names = {}
for i, action in ipairs(actions) do names[i] = '"' .. action.name .. '"' end
put_alias("mavilua.action", names)
for _, action in ipairs(actions) do put_action(action) end
io.write((table.concat(out, "\n"):gsub("\n+$", "\n")))
