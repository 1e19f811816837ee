--- mavilua.host over a stand-in for the program: registers and runs events without one.
local stand_in = {}

-- The functions of mavilua.host.native over tables.
local function native_of(state)
  return {
    globals = {}, guard = function(handler) return handler end,
    install = function(dispatch, definitions) state.dispatch, state.definitions = dispatch, definitions end,
    running = function() return state.arrived ~= nil end,
    arrived = function()
      local e = {}
      for name, value in pairs(state.arrived) do e[name] = value end
      e.json = nil
      return e, state.arrived.json
    end,
    watch = function() state.watched = true end,
    event = function() return state.event end,
    begin = function(handler, policy, event)
      state.handler, state.policy, state.event = handler, policy, event
    end,
    check_policy = function() end, checking = function() return false end,
    clock = function() end,
    timeout = function(seconds) state.timeout = seconds end,
    now = function() return 1700000000000 end,
    log = function(level, message, fields) state.log = { level, message, fields } return true end,
    kv_get = function(key) return state.store[key] end,
    kv_set = function(key, value, ttl) state.store[key], state.ttl = value, ttl return true end,
    kv_delete = function(key) state.store[key] = nil return true end,
    kv_add = function(key, _, sum) state.store[key] = sum return true end,
    job = function(...) state.job = { n = select("#", ...), ... } return true end,
    once_get = function(key)
      local kept = state.once[key]
      if kept then return true, table.unpack(kept, 1, kept.n) end
      return false
    end,
    once_set = function(key, ...)
      state.once[key] = { n = select("#", ...), ... }
      state.begun[key] = nil
      return true
    end,
    once_state = function(key, standing)
      state.begun[key] = standing or state.begun[key]
      return state.begun[key]
    end,
    once_cut = function() return false end,
    once_caught = function(problem) return problem end,
    ask = function(question)
      state.question = question
      return state.answer or { state = "begun" }
    end,
  }
end

--- A fresh mavilua.host and the state of its stand-in; `run(arrived)` runs one event.
function stand_in.new()
  local state = { store = {}, once = {}, begun = {} }
  local kept = { package.loaded["mavilua.host"], package.loaded["mavilua.host.native"] }
  local globals = { os = {}, io = {}, debug = {}, xpcall = xpcall }
  package.loaded["mavilua.host"] = nil
  package.loaded["mavilua.host.native"] = native_of(state)
  package.loaded["mavilua.host.native"].globals = globals
  local host = require "mavilua.host"
  package.loaded["mavilua.host"], package.loaded["mavilua.host.native"] = kept[1], kept[2]
  state.globals = globals
  function state.run(arrived)
    state.arrived, state.handler, state.policy, state.event = arrived, nil, nil, nil
    local results = table.pack(pcall(state.dispatch))
    state.arrived = nil
    return table.unpack(results, 2, results.n)
  end
  function state.message(text, fields)
    local json = { is_input = 1, message = text, client = { id = 7 } }
    for name, value in pairs(fields or {}) do json[name] = value end
    return state.run { id = 1, attempt = 1, source = "webhook", json = json }
  end
  return host, state
end

return stand_in
