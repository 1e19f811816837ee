--- The states of a pipeline and which leads to which: names, numbers and their order.
-- @internal mavilua.states
local errors = require "mavilua.errors"

local states = {}
states.__index = states

local function names_of(by_name)
  local names = {}
  for name in pairs(by_name) do names[#names + 1] = name end
  table.sort(names)
  return names
end

--- `"a", "b"` of a list of names, or "nowhere".
-- @param names list
-- @return string
function states.listed(names)
  if #names == 0 then return "nowhere" end
  return '"' .. table.concat(names, '", "') .. '"'
end

local function is_id(id)
  return type(id) == "number" and id % 1 == 0 or type(id) == "string" and id:find("^%d+$") ~= nil
end

-- Numbers and their strings are one id.
local function key_of(id)
  return type(id) == "number" and ("%d"):format(id) or tostring(id)
end

local function add(self, name, id)
  if type(name) ~= "string" or not is_id(id) then
    errors.misuse("mavilua.pipeline: states takes name = number, or a list of {name = …, id = …}; "
      .. "got %s = %s", tostring(name), tostring(id))
  end
  local key = key_of(id)
  local other = self.by_id[key]
  if other or self.by_name[name] then
    errors.misuse("mavilua.pipeline: state \"%s\" (%s) is there twice", other or name, key)
  end
  self.by_name[name], self.by_id[key] = id, name
end

local function read_states(self, given)
  if #given == 0 then
    for name, id in pairs(given) do add(self, name, id) end
  else
    self.order = {}
    for i, state in ipairs(given) do
      if type(state) ~= "table" then
        errors.misuse("mavilua.pipeline: states[%d] takes {name = …, id = …}, got %s", i, type(state))
      end
      local name = state.name or state[1]
      add(self, name, state.id or state[2])
      self.order[i] = name
    end
  end
  if next(self.by_name) == nil then errors.misuse("mavilua.pipeline: needs states, name = number") end
end

local function check_name(self, where, name)
  if self.by_name[name] then return end
  errors.misuse("%s: unknown state \"%s\"%s", where, tostring(name),
    errors.did_you_mean(name, names_of(self.by_name)))
end

local function read_transitions(self, given)
  if not given then return end
  self.transitions = {}
  for from, list in pairs(given) do
    check_name(self, "mavilua.pipeline: transitions", from)
    if type(list) == "string" then list = { list } end
    if type(list) ~= "table" then
      errors.misuse("mavilua.pipeline: transitions.%s takes a list of names, got %s", from, type(list))
    end
    self.transitions[from] = list
    for _, to in ipairs(list) do check_name(self, "mavilua.pipeline: transitions." .. from, to) end
  end
end

--- Makes the graph of a pipeline's options; raises what is wrong with them.
-- @param options table: `states`, `transitions`
-- @return the graph
function states.new(options)
  local self = setmetatable({ by_name = {}, by_id = {} }, states)
  read_states(self, options.states or {})
  read_transitions(self, options.transitions)
  return self
end

--- Checks a table of functions by state name.
-- @param graph the graph
-- @param where string for messages: "guard"
-- @param given table or nil
-- @return the table, or an empty one
function states.functions(graph, where, given)
  for name, fn in pairs(given or {}) do
    check_name(graph, "mavilua.pipeline: " .. where, name)
    if type(fn) ~= "function" then
      errors.misuse("mavilua.pipeline: %s.%s takes a function(ctx), got %s", where, name, type(fn))
    end
  end
  return given or {}
end

--- The number of a state; raises for an unknown name.
function states:id(name)
  check_name(self, "pipeline", name)
  return self.by_name[name]
end

--- The name of a state's number, or nil.
function states:name(id)
  return self.by_id[key_of(id)]
end

--- The names of the states that a state leads to, sorted unless the transitions list them.
function states:allowed(from)
  check_name(self, "pipeline", from)
  local list = {}
  for _, to in ipairs(self.transitions and self.transitions[from] or {}) do list[#list + 1] = to end
  if self.transitions then return list end
  for _, name in ipairs(self.order or names_of(self.by_name)) do
    if name ~= from then list[#list + 1] = name end
  end
  return list
end

--- Whether a state leads to another.
function states:leads(from, to)
  for _, name in ipairs(self:allowed(from)) do
    if name == to then return true end
  end
  return false
end

local function following_in_order(self, from)
  for i, name in ipairs(self.order) do
    if name == from then return self.order[i + 1] end
  end
end

--- The state that follows in the funnel, or nil after the last; raises when that is not known.
function states:following(from)
  if self.order then return following_in_order(self, from) end
  local list = self.transitions and self:allowed(from) or {}
  if not self.transitions or #list > 1 then
    errors.misuse("next: which state follows \"%s\" is not known: give states as a list in the funnel's "
      .. "order", from)
  end
  return list[1]
end

return states
