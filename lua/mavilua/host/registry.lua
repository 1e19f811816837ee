--- What the scripts of one VM registered: handlers, hooks, schedules, jobs.
-- @internal mavilua.host.registry

local check = require "mavilua.host.check"
local duration = require "mavilua.host.duration"
local event = require "mavilua.host.event"
local match = require "mavilua.host.match"

local registry = {}
registry.__index = registry

-- Options that every handler takes; they reach the host as the policy of its events.
local policy_rows = {
  name = "string", attempts = "count", max_age = "duration", timeout = "duration",
  concurrency = "count",
  on_fail = { "block", "park", "skip" },
}

local function with_policy(rows)
  local all = {}
  for name, kind in pairs(policy_rows) do
    all[name] = kind
  end
  for name, kind in pairs(rows) do
    all[name] = kind
  end
  return all
end

local on_rows = with_policy {}
local job_rows = with_policy {}
job_rows.name = nil
local hook_rows = with_policy {
  secret = "string", key = "string", dedupe = "path or function", signature = { "standard", "sha256" },
  signature_header = "string", signature_prefix = "string", timestamp_header = "string", tolerance = "duration",
}
hook_rows.name = nil
-- What the host needs to know of a hook.
local hook_fields = { "secret", "key", "dedupe", "signature", "signature_header", "signature_prefix",
  "timestamp_header", "tolerance", "name", "file", "line", "policy" }
local every_rows = with_policy {
  overlap = { "skip", "queue", "cancel", "allow" },
  missed = { "one", "all", "skip" },
  jitter = "duration", expect = "duration",
}
local cron_rows = with_policy { timezone = "string" }
for name, kind in pairs(every_rows) do
  cron_rows[name] = kind
end

local reconcile_rows = { bot = "client", name = "string", automatic = "boolean", sent = "boolean",
  all_clients = "boolean" }

-- A walk outlives an API that is down for days: its links are tried every hour in the end.
local reconcile_policy = { attempts = 100, timeout = 900 }

--- An empty registry. `check_policy(options)` gives nil, or what is wrong with a handler's options.
function registry.new(check_policy)
  return setmetatable({
    check_policy = check_policy,
    handlers = {}, hooks = {}, schedules = {}, jobs = {}, reports = {}, -- lists, in order of registration
    names = {}, -- "kind name" to the place where it was registered
    by_name = { hook = {}, schedule = {}, job = {}, report = {} },
    reconciles = {}, -- the jobs of host.reconcile, in order
  }, registry)
end

local function base_name(file)
  return file:match("[^/]*$")
end

-- What of the options is the policy; nil when nothing is. Its ranges are the host's to know.
function registry:policy_of(what, options)
  local policy
  for _, name in ipairs { "attempts", "max_age", "on_fail", "timeout", "concurrency" } do
    if options[name] ~= nil then
      policy = policy or {}
      policy[name] = options[name]
    end
  end
  local problem = policy and self.check_policy(policy)
  if problem then
    check.misuse(("%s: %s"):format(what, problem))
  end
  return policy
end

-- Takes a name, or tells who has it.
function registry:claim(kind, name)
  local file, line = check.place()
  local key = kind .. " " .. name
  if self.names[key] then
    check.misuse(("there is a %s named '%s' already, registered at %s"):format(kind, name, self.names[key]))
  end
  self.names[key] = ("%s:%d"):format(base_name(file), line)
  return file, line
end

-- "message:/start@shop.lua:12"; a second one of the same line gets "#2".
function registry:handler_name(kind, label)
  local file, line = check.place()
  local name = ("%s%s@%s:%d"):format(kind, label and ":" .. label or "", base_name(file), line)
  local unique, count = name, 1
  while self.names["handler " .. unique] do
    count = count + 1
    unique = ("%s#%d"):format(name, count)
  end
  return unique
end

local function need_function(what, fn)
  check.value(what .. ": the handler", fn, "function")
end

-- (what, options or nil, fn) in either order of the two: host.every("1m", fn) leaves options out.
local function split(what, options, fn)
  if fn == nil and type(options) == "function" then
    options, fn = nil, options
  end
  need_function(what, fn)
  return options, fn
end

--- host.on
function registry:on(kind, ...)
  if type(kind) ~= "string" or kind == "" then
    check.misuse("host.on: the kind must be a string, not " .. check.show(kind))
  end
  local known = false
  for _, name in ipairs(event.kinds) do
    known = known or name == kind
  end
  if not known then
    check.misuse(("host.on: unknown kind %s%s (known: %s)"):format(check.show(kind),
      check.hint(kind, event.kinds), table.concat(event.kinds, ", ")))
  end
  local given, fn, options = ...
  if type(given) == "function" and type(fn) ~= "function" then
    given, fn, options = nil, given, fn
  end
  need_function("host.on", fn)
  local predicate, label = match.compile(given)
  options = check.options("host.on", options, on_rows)
  local policy = self:policy_of("host.on", options)
  local name = options.name or self:handler_name(kind, label)
  local file, line = self:claim("handler", name)
  self.handlers[#self.handlers + 1] = {
    name = name, event = kind, match = match.show(given), file = file, line = line,
    options = options, policy = policy, fn = fn,
    matches = given ~= nil and predicate or nil, -- nil: takes all
    by_script = type(given) == "function",
  }
end

-- One hook, schedule or job; `entry` gets what all have.
function registry:add(what, kind, list, entry, options, fn)
  entry.policy = self:policy_of(what, options)
  entry.file, entry.line = self:claim(kind, entry.name)
  entry.fn = fn
  entry.handler = kind .. ":" .. entry.name
  list[#list + 1] = entry
  self.by_name[kind][entry.name] = entry
end

--- host.hook
function registry:hook(name, options, fn)
  options, fn = split("host.hook", options, fn)
  check.value("host.hook: the name", name, "string")
  if name:find("[^%w_.~-]") then
    check.misuse(("host.hook: the name becomes part of the address /hook/<name>, so it may have "
      .. "letters, digits and -._~ only, not %s"):format(check.show(name)))
  end
  options = check.options("host.hook", options, hook_rows)
  local entry = {}
  for _, field in ipairs(hook_fields) do
    entry[field] = options[field]
  end
  entry.name = name
  if type(entry.dedupe) == "function" then -- a worker's business: intake runs no Lua
    entry.dedupe, entry.identify = nil, entry.dedupe
  end
  self:add("host.hook", "hook", self.hooks, entry, options, fn)
end

function registry:schedule(what, kind, expression, options, fn, rows)
  options = check.options(what, options, rows)
  local file = check.place()
  self:add(what, "schedule", self.schedules, {
    name = options.name or ("%s %s"):format(base_name(file), expression),
    kind = kind, expression = expression, timezone = options.timezone,
    overlap = options.overlap, missed = options.missed, jitter = options.jitter, expect = options.expect,
  }, options, fn)
end

--- host.cron; the expression itself is checked by the host when the scripts are loaded.
function registry:cron(expression, options, fn)
  options, fn = split("host.cron", options, fn)
  check.value("host.cron: the expression", expression, "string")
  self:schedule("host.cron", "cron", expression, options, fn, cron_rows)
end

--- host.every
function registry:every(interval, options, fn)
  options, fn = split("host.every", options, fn)
  local seconds = duration.parse(interval)
  if not seconds or seconds < 1 then
    check.misuse(("host.every: the interval must be %s, at least one second, not %s"):format(
      duration.expected, check.show(interval)))
  end
  if type(interval) == "number" then
    interval = ("%.14g"):format(interval)
  end
  self:schedule("host.every", "every", interval, options, fn, every_rows)
end

--- host.job
function registry:job(name, fn, options)
  if type(name) ~= "string" or name == "" then
    check.misuse("host.job: the name must be a string that is not empty, not " .. check.show(name))
  end
  need_function("host.job", fn)
  options = check.options("host.job", options, job_rows)
  self:add("host.job", "job", self.jobs, { name = name }, options, fn)
end

--- host.on_dead
function registry:on_dead(fn, options)
  need_function("host.on_dead", fn)
  options = check.options("host.on_dead", options, job_rows)
  self:add("host.on_dead", "report", self.reports, { name = "on_dead" }, options, fn)
end

--- The job of a name; raises with the nearest known one.
function registry:find_job(what, name)
  if type(name) ~= "string" or not self.by_name.job[name] then
    local known = check.names(self.by_name.job)
    check.misuse(("%s: there is no job named %s%s (register it with host.job)"):format(
      what, check.show(name), check.hint(tostring(name), known)))
  end
  return self.by_name.job[name]
end

--- host.reconcile while a script is loaded; `run(entry, args, job)` is the job.
function registry:reconcile(options, run)
  options = check.options("host.reconcile", options, reconcile_rows)
  if not options.bot then
    check.misuse("host.reconcile: bot is missing: the client whose messages are looked for, as in "
      .. "host.reconcile{ bot = bot }")
  end
  local entry = {
    name = "host.reconcile" .. (options.name and ":" .. options.name or ""), bot = options.bot,
    automatic = options.automatic ~= false, sent = options.sent, all_clients = options.all_clients,
  }
  self:add("host.reconcile", "job", self.jobs, entry, reconcile_policy, function(args, job)
    return run(entry, args, job)
  end)
  self.reconciles[#self.reconciles + 1] = entry
end

--- The registered walk of a client and a name; either may be nil.
function registry:find_reconcile(bot, name)
  for _, entry in ipairs(self.reconciles) do
    if (bot == nil or entry.bot == bot) and (name == nil or entry.name == "host.reconcile:" .. name) then
      return entry
    end
  end
  check.misuse("host.reconcile: " .. (#self.reconciles == 0 and "no client is" or "this client or name is not")
    .. " registered for it: write host.reconcile{ bot = bot } at the top of the script, too; a walk goes on after a "
    .. "restart, and then its client must be known")
end

-- The fields of a list's entries that are told outside.
local function export(list, fields)
  local out = {}
  for i, entry in ipairs(list) do
    out[i] = {}
    for _, field in ipairs(fields) do
      out[i][field] = entry[field]
    end
  end
  return out
end

--- Everything as data, without the functions.
function registry:definitions()
  return {
    handlers = export(self.handlers, { "name", "event", "match", "file", "line", "options" }),
    hooks = export(self.hooks, hook_fields),
    schedules = export(self.schedules, { "name", "kind", "expression", "timezone", "overlap",
      "missed", "jitter", "expect", "file", "line", "policy" }),
    jobs = export(self.jobs, { "name", "file", "line", "policy", "automatic" }),
    reports = export(self.reports, { "name", "file", "line", "policy" }),
  }
end

return registry
