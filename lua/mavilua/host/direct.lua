--- mavilua.host without a host behind it: handlers run at once, in the program that has the webhook. For
-- `mavilua run` and for nginx, so that one bot file runs there and under `mavilua serve`.
--
-- Nothing is stored: there is one attempt, and what needs a store or another attempt (`host.kv`, `host.once`,
-- jobs, schedules, hooks) says so where the script calls it.
-- @internal mavilua.host.direct

local core = require "mavilua.core"
local errors = require "mavilua.errors"

local direct = {}
direct.__index = direct

-- What works under `mavilua serve` alone.
local refused = { "hook", "cron", "every", "job", "on_dead", "reconcile", "after", "at", "once", "retry" }
local refused_kv = { "get", "set", "delete", "incr" }

-- nginx and scripts keep the globals that they have.
local function untouched()
  return { os = {}, io = {}, debug = {}, xpcall = xpcall }
end

-- What mavilua.host asks of the program.
local function native_of(self)
  local function run() return self.options.context().mavilua_run end
  return {
    globals = untouched(),
    guard = function(handler) return handler end,
    install = function(dispatch, definitions) self.dispatch, self.definitions = dispatch, definitions end,
    running = function() return run() ~= nil end,
    arrived = function() return run().arrived, run().json end,
    watch = function() end,
    event = function() return run() and run().event end,
    begin = function(handler, _, event)
      run().handler, run().event = handler, event
    end,
    check_policy = function() end,
    checking = function() return false end,
    timeout = function() end,
    clock = function() end,
    now = function() return self.options.time() * 1000 end,
    sleep = self.options.sleep,
    log = function(level, message, fields) return self.options.log(level, message, fields) end,
    called = function() end,
    retried = function() end,
    -- Runs of a handler at once are not counted here.
    ask = function() return {} end,
    limit = function(host) self:limit(host) end,
  }
end

--- Replaces what needs a store; called by mavilua.host when it is whole.
function direct:limit(host)
  local function refuse(list, prefix, name)
    list[name] = function()
      errors.misuse("%s%s works under `mavilua serve` only: %s stores nothing and tries nothing again",
        prefix, name, self.options.where)
    end
  end
  for _, name in ipairs(refused) do refuse(host, "host.", name) end
  for _, name in ipairs(refused_kv) do refuse(host.kv, "host.kv.", name) end
end

--- Makes `require "mavilua.host"` work from here on.
-- @param options table: `where` (for messages), `context()` (a table of what runs now, its own for each run that
--   may overlap with others), `log(level, message, fields)`, `sleep(seconds)`, `time()` (unix seconds)
-- @return an object with `handle`; its `native` is for mavilua.host
function direct.new(options)
  local self = setmetatable({ options = options, count = 0 }, direct)
  self.native = native_of(self)
  return self
end

--- How many handlers the scripts registered.
function direct:handlers()
  return self.definitions and #self.definitions().handlers or 0
end

--- An id as text, with all its digits.
function direct.text_of_id(id)
  if type(id) == "number" and id == math.floor(id) then return ("%.0f"):format(id) end
  return tostring(id)
end

--- The ordering key of a webhook: its client's id, as text; nil when it has none.
function direct.key_of(webhook)
  local client = webhook.client
  return type(client) == "table" and client.id ~= nil and direct.text_of_id(client.id) or nil
end

--- Reads a webhook's body. @return table, or nil and why it is none
function direct.read(body)
  local webhook, problem = core.decode_lenient(body)
  if webhook == nil then return nil, problem or "it is null" end
  if type(webhook) ~= "table" or core.is_array(webhook) then return nil, "it is not a JSON object" end
  return webhook
end

-- Where this module's files come from: "=mavilua." inside the program, else a folder.
local own = debug.getinfo(1, "S").source:match "^(.*)host[./]direct"

-- The lines of the script that were under way, innermost first, as "\n\tbot.lua:12".
local function lines_of_script()
  local lines, level = {}, 3
  local info = debug.getinfo(level, "Sl")
  while info do
    if info.currentline > 0 and info.source:sub(1, #own) ~= own then
      lines[#lines + 1] = ("\n\t%s:%d"):format(info.short_src, info.currentline)
    end
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
  return table.concat(lines)
end

local function told(problem)
  return { text = tostring(problem), trace = lines_of_script() }
end

--- Runs the handler of a webhook, here and now.
-- @param webhook table, as of `direct.read`
-- @return table: `verdict` ("done", "cancelled", "dead", "failed"), `reason`, `trace`, `handler` (its name, nil if
--   none took the webhook)
function direct:handle(webhook)
  self.count = self.count + 1
  local now = self.options.time()
  local run = { arrived = {
    id = webhook.id or self.count, attempt = 1, source = "webhook", key = direct.key_of(webhook),
    accepted_at = math.floor(now), due_at = math.floor(now),
  }, json = webhook }
  local context = self.options.context()
  context.mavilua_run = run
  local ok, verdict, reason = xpcall(self.dispatch, told)
  context.mavilua_run = nil
  if ok then return { verdict = verdict, reason = reason, handler = run.handler } end
  return { verdict = "failed", reason = verdict.text, trace = verdict.trace, handler = run.handler }
end

return direct
