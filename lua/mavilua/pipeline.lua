--- Order states by name, with allowed moves, guards and hooks; over get_order_state, set_order_state and
-- move_order_to_next_state. The platform knows states by number only and allows every move.
-- @module mavilua.pipeline
local errors = require "mavilua.errors"
local states = require "mavilua.states"

local pipeline = {}

local Pipeline = {} -- what every pipeline can
local shop_meta = { __index = Pipeline, __name = "mavilua.pipeline" }

local option_rules = {
  bot = { type = "table", what = "a client" },
  states = { type = "table", what = "name = number, or a list of {name = …, id = …} in the funnel's order" },
  transitions = { type = "table", what = "from = list of names" },
  guard = { type = "table", what = "name = function(ctx) -> ok, reason" },
  on = { type = "table", what = "{enter = {name = fn}, leave = {name = fn}}" },
}

local hook_rules = {
  enter = { type = "table", what = "name = function(ctx)" },
  leave = { type = "table", what = "name = function(ctx)" },
}

local move_rules = {
  order_id = { type = "number string", what = "the id of an order" },
  data = { type = "table string number boolean function userdata", what = "anything, for guards and hooks" },
  verify = { type = "boolean", what = "true or false" },
}

local function refusal(kind, message, more)
  local err = errors.new { kind = kind, message = message, retryable = kind == "conflict", attempts = 0 }
  for name, value in pairs(more or {}) do err[name] = value end
  return nil, err
end

--- Makes a pipeline.
--
--     local shop = mavilua.pipeline {
--       bot = bot,
--       states = { { name = "new", id = 36 }, { name = "confirmed", id = 37 }, { name = "lost", id = 40 } },
--       transitions = { new = { "confirmed", "lost" }, confirmed = { "lost" } },
--       guard = { confirmed = function(ctx) return ctx.data.paid, "nothing is paid" end },
--       on = { enter = { confirmed = function(ctx) … end } },
--     }
--
-- Guards and hooks get a table: client_id, order_id (nil: the current order), from, to (names), bot, data.
-- @param options table: `bot` (client); `states` (name = number, or a list in the funnel's order);
--   `transitions` (from = list of names; a state without a list leads nowhere; without the table every move
--   between named states is allowed); `guard` (name = function(ctx) -> true, or false and a reason: asked
--   before an order enters that state); `on` ({leave = {name = fn}, enter = {name = fn}}: called after the
--   platform moved the order, in this order; what they raise goes to the caller, the order stays moved)
-- @return the pipeline
function pipeline.new(options)
  options = errors.check_options("mavilua.pipeline", options, option_rules)
  if not options.bot then errors.misuse("mavilua.pipeline: needs bot, a client") end
  local graph = states.new(options)
  local on = errors.check_options("mavilua.pipeline: on", options.on, hook_rules)
  return setmetatable({
    bot = options.bot,
    graph = graph,
    guards = graph:functions("guard", options.guard),
    enter = graph:functions("on.enter", on.enter),
    leave = graph:functions("on.leave", on.leave),
  }, shop_meta)
end

--- The number of a state.
-- @param name string
-- @return integer, raises for an unknown name
function Pipeline:id(name)
  return self.graph:id(name)
end

--- The name of a state.
-- @param id integer or string
-- @return string, or nil when the pipeline does not name it
function Pipeline:name(id)
  return self.graph:name(id)
end

--- Which states an order may enter from a state.
-- @param from string
-- @return list of names
function Pipeline:allowed(from)
  return self.graph:allowed(from)
end

--- The state of a client's order.
-- @param client_id integer or string
-- @param order_id integer, string or nil: the current order
-- @return name, number; or nil and an `err` (kind "state" with `state_id`: not named by this pipeline)
function Pipeline:state(client_id, order_id)
  local answer, err = self.bot:get_order_state { client_id = client_id, order_id = order_id }
  if not answer then return nil, err end
  local name = self.graph:name(answer.state_id)
  if name then return name, answer.state_id end
  return refusal("state", ("the order of client %s is in state %s, which this pipeline does not name")
    :format(tostring(client_id), tostring(answer.state_id)), { state_id = answer.state_id })
end

local function context(self, client_id, from, to, options)
  return {
    client_id = client_id, order_id = options.order_id, from = from, to = to,
    bot = self.bot, data = options.data,
  }
end

-- true, or nil and why this move may not be.
local function may_move(self, ctx)
  if not self.graph:leads(ctx.from, ctx.to) then
    local allowed = self.graph:allowed(ctx.from)
    return refusal("transition", ("the order of client %s cannot go from \"%s\" to \"%s\"; from \"%s\" it "
      .. "can go to %s"):format(tostring(ctx.client_id), ctx.from, ctx.to, ctx.from, states.listed(allowed)),
      { allowed = allowed })
  end
  local guard = self.guards[ctx.to]
  if not guard then return true end
  local ok, reason = guard(ctx)
  if ok then return true end
  return refusal("guard", ("the order of client %s may not go from \"%s\" to \"%s\": %s")
    :format(tostring(ctx.client_id), ctx.from, ctx.to, tostring(reason or "the guard says no")))
end

local function conflict(ctx, now)
  return refusal("conflict", ("the order of client %s was to go from \"%s\" to \"%s\", but is in \"%s\": "
    .. "somebody else moved it"):format(tostring(ctx.client_id), ctx.from, ctx.to, now), { state = now })
end

-- A guard may take long: is the order still where it was?
local function still_there(self, ctx)
  if not self.guards[ctx.to] then return true end
  local now, err = self:state(ctx.client_id, ctx.order_id)
  if not now then return nil, err end
  if now == ctx.from or now == ctx.to then return now end
  return conflict(ctx, now)
end

local function verified(self, ctx, options)
  if options.verify == false then return true end
  local now, err = self:state(ctx.client_id, ctx.order_id)
  if not now then return nil, err end
  if now == ctx.to then return true end
  return conflict(ctx, now)
end

local function run_hooks(self, ctx)
  if self.leave[ctx.from] then self.leave[ctx.from](ctx) end
  if self.enter[ctx.to] then self.enter[ctx.to](ctx) end
end

local function moved(from, to)
  return { from = from, to = to, changed = from ~= to }
end

-- set_order_state knows the current order only.
local function is_current(self, client_id, order_id)
  if order_id == nil then return true end
  local answer, err = self.bot:get_current_order_id { client_id = client_id }
  if not answer then return nil, err end
  if tostring(answer.order_id) == tostring(order_id) then return true end
  return refusal("conflict", ("order %s is not the current order of client %s, which is %s; the platform "
    .. "sets the state of the current order only")
    :format(tostring(order_id), tostring(client_id), tostring(answer.order_id)))
end

local function set(self, ctx)
  local current, err = is_current(self, ctx.client_id, ctx.order_id)
  if not current then return nil, err end
  return self.bot:set_order_state { client_id = ctx.client_id, state_id = self.graph:id(ctx.to) }
end

-- Moves by `act(self, ctx)` under all the rules.
local function transfer(self, ctx, options, act)
  local ok, err = may_move(self, ctx)
  if not ok then return nil, err end
  ok, err = still_there(self, ctx)
  if not ok then return nil, err end
  if ok == ctx.to then return moved(ctx.to, ctx.to) end
  ok, err = act(self, ctx)
  if not ok then return nil, err end
  ok, err = verified(self, ctx, options)
  if not ok then return nil, err end
  run_hooks(self, ctx)
  return moved(ctx.from, ctx.to)
end

--- Moves a client's order to a state. Moving it to where it is succeeds without a change, so it may be
-- repeated; hooks run only for a move that happened.
-- @param client_id integer or string
-- @param to name of the state
-- @param options table or nil: `order_id` (must be the client's current order), `data` (for guards and
--   hooks), `verify` (read the state again after the move, true)
-- @return {from, to, changed}; or nil and an `err` of a call, or of kind "state" (the order is in a state
--   without a name here), "transition" (with `allowed`, a list of names), "guard", "conflict" (somebody else
--   moved it)
function Pipeline:move(client_id, to, options)
  options = errors.check_options("move", options, move_rules)
  self.graph:id(to)
  local from, err = self:state(client_id, options.order_id)
  if not from then return nil, err end
  if from == to then return moved(from, to) end
  return transfer(self, context(self, client_id, from, to, options), options, set)
end

-- Nobody knows whether an ambiguous step was done: the order's state tells.
local function step(self, ctx)
  local params = { client_id = ctx.client_id, order_id = ctx.order_id }
  local answer, err = self.bot:move_order_to_next_state(params)
  if answer then return answer end
  if err.kind == "ambiguous" and self:state(ctx.client_id, ctx.order_id) == ctx.to then return true end
  return nil, err
end

--- Moves a client's order to the next state of its funnel, under the same rules as `move`.
-- The next state is the following one of a `states` list; with `states` by name it is the only
-- transition there is.
-- @param client_id integer or string
-- @param options table or nil: `order_id` (nil: the current order), `data`, `verify`
-- @return {from, to, changed}, changed = false in the last state; or nil and an `err`, as `move`
function Pipeline:next(client_id, options)
  options = errors.check_options("next", options, move_rules)
  local from, err = self:state(client_id, options.order_id)
  if not from then return nil, err end
  local to = self.graph:following(from)
  if not to then return moved(from, from) end
  return transfer(self, context(self, client_id, from, to, options), options, step)
end

--- Whether a client's order may enter a state now: the transition is allowed and the guard agrees.
-- @param client_id integer or string
-- @param to name of the state
-- @param options table or nil: `order_id`, `data`
-- @return true; false and the `err` that `move` would give; nil and an `err` when the state cannot be read
function Pipeline:can(client_id, to, options)
  options = errors.check_options("can", options, move_rules)
  self.graph:id(to)
  local from, err = self:state(client_id, options.order_id)
  if not from then return nil, err end
  if from == to then return true end
  local ok, why = may_move(self, context(self, client_id, from, to, options))
  if ok then return true end
  return false, why
end

return pipeline
