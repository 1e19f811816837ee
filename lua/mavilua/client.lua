--- The client: one method for each action of the platform's HTTP API.
-- Methods are made from the action table; `mavilua.actions()` lists it.
-- @module mavilua.client
local core = require "mavilua.core"
local batches = require "mavilua.batches"
local call = require "mavilua.call"
local errors = require "mavilua.errors"
local pace = require "mavilua.pace"
local pages = require "mavilua.pages"
local runtime = require "mavilua.runtime"
local secret = require "mavilua.secret"
local url = require "mavilua.url"

local DEFAULT_BASE_URL = "https://chatter.mavibot.ai"

local rules = {
  api_key = { type = "string", what = "the project's API key" },
  base_url = { type = "string", what = "an address such as \"" .. DEFAULT_BASE_URL .. "\"" },
  timeout = { type = "number", what = "seconds, more than 0", least = 0, above = true },
  connect_timeout = { type = "number", what = "seconds, more than 0", least = 0, above = true },
  retries = { type = "number", what = "a whole number, 0 or more", least = 0, whole = true },
  max_retry_wait = { type = "number", what = "seconds, 0 or more", least = 0 },
  rate = { type = "number", what = "calls a second, more than 0", least = 0, above = true },
  daily_quota = { type = "number", what = "a whole number of calls, 0 or more", least = 0, whole = true },
  quota_dict = { type = "string", what = "the name of a lua_shared_dict of nginx" },
  verify = { type = "boolean", what = "true or false" },
  ca_file = { type = "string", what = "the path of a PEM file" },
  keep_null = { type = "boolean", what = "true or false" },
  transport = { type = "function", what = "a function(request) -> reply or nil, err" },
  runtime = { type = "table", what = "a table with any of sleep, now, time" },
  trace = { type = "function", what = "a function(event)" },
  on_retry = { type = "function", what = "a function(event)" },
}

local call_rules = { timeout = rules.timeout, retries = rules.retries }

-- The secrets live here and not in the client, so that dumping a client shows none of them.
local states = setmetatable({}, { __mode = "k" })

local Client = {} -- what every client can
local rows, action_names = {}, {}

local client = {}

local run = call.run

local function check(bot, name)
  local state = states[bot]
  if not state then
    errors.misuse("%s: called without its client; write bot:%s{...} with a colon, not bot.%s{...} with a dot",
      name, name, name)
  end
  return state
end

local function check_call(name, params, options)
  if params ~= nil and type(params) ~= "table" then
    errors.misuse("%s: takes a table of parameters, got %s; write bot:%s{name = value}", name, type(params),
      name)
  end
  if options ~= nil then errors.check_options(name, options, call_rules) end
  return params or {}
end

local function add_method(row)
  local name = row.name
  rows[name] = row
  action_names[#action_names + 1] = name
  Client[name] = function(bot, params, options)
    local state = states[bot] or check(bot, name)
    if options ~= nil or type(params) ~= "table" then params = check_call(name, params, options) end
    return run(state, name, params, options)
  end
end

for _, row in ipairs(core.actions()) do add_method(row) end

--- Calls an action by its name, also one that the table does not know: that is sent as POST with a JSON
-- body, without checks, and never repeated once it may have arrived.
-- @param name string, the action
-- @param params table of parameters
-- @param options table or nil: `timeout` (seconds) and `retries` for this call
-- @return result (table), or nil and an `err`
function Client:call(name, params, options)
  local state = check(self, "call")
  if type(name) ~= "string" or not name:find("^[%w_]+$") then
    errors.misuse("call: the action's name takes letters, digits and underscores, got %s",
      type(name) == "string" and ("%q"):format(name) or type(name))
  end
  return run(state, name, check_call(name, params, options), options)
end

--- How many calls were made since 00:00 UTC, and how many the `daily_quota` leaves.
-- @return calls used, calls left (math.huge without a quota)
function Client:quota()
  return check(self, "quota").pace:quota()
end

--- Walks the rows of a paged action; see pages.lua.
-- @param action "get_clients" or "subscribers"
-- @param params table of the action's parameters, or nil
-- @param options table or nil: `timeout`, `retries` of each call
-- @return an iterator: row, position to go on from
function Client:each(action, params, options)
  check(self, "each")
  if options ~= nil then errors.check_options("each", options, call_rules) end
  return pages.each(self, action, params, options)
end

--- Calls an action with a long list, in parts; see batches.lua.
-- @param action string, e.g. "delete_clients"
-- @param list array of ids or items
-- @param options table or nil: `params`, `size`, `progress`, `param`
-- @return merged result, or nil, an `err` and how many elements are done
function Client:in_batches(action, list, options)
  check(self, "in_batches")
  return batches.run(self, rows, action, list, options)
end

local function unknown_method(name)
  local near = core.nearest(name, action_names)
  errors.misuse("the client has no action \"%s\"; %sbot:call(\"%s\", {...}) calls what mavilua does not know",
    name, near and ("did you mean \"%s\"? "):format(near) or "", name)
end

setmetatable(Client, { __index = function(_, name)
  if type(name) ~= "string" or not name:find("^%a[%w_]*$") then return nil end
  return unknown_method(name)
end })

local metatable = { __name = "mavilua.client", __index = Client }

function metatable.__tostring(bot)
  return ("mavilua.client (%s)"):format(states[bot].base_url)
end

-- What the host or the environment offers; an empty variable counts as unset.
local function default(name, variable)
  local given = package.loaded["mavilua.defaults"]
  local value = given and given[name] or os.getenv(variable)
  if value == "" then return nil end
  return value
end

-- The key in the file that MAVILUA_API_KEY_FILE names, without the line end behind it.
local function key_of_file()
  local path = os.getenv "MAVILUA_API_KEY_FILE"
  if not path or path == "" then return nil end
  local file, problem = io.open(path, "rb")
  if not file then errors.misuse("mavilua.client: MAVILUA_API_KEY_FILE: %s", problem) end
  local text = file:read "*a" or ""
  file:close()
  return (text:gsub("[\r\n]+$", ""))
end

local function find_key(options)
  local key = options.api_key or default("api_key", "MAVILUA_API_KEY") or key_of_file()
  if not key then
    errors.misuse("mavilua.client: no API key: give api_key = \"...\", set MAVILUA_API_KEY or MAVILUA_API_KEY_FILE%s; "
      .. "keys are made in the project's settings, under Integrations > API key",
      runtime.in_nginx and " (nginx keeps a variable only if nginx.conf says so: env MAVILUA_API_KEY;)" or "")
  end
  if key == "" or key:find("[%s%c]") then
    errors.misuse("mavilua.client: the API key is empty or has blanks or line ends in it: copy it again from "
      .. "the project's settings, under Integrations > API key")
  end
  return key
end

local function find_base_url(options)
  local base = options.base_url or default("base_url", "MAVILUA_BASE_URL") or DEFAULT_BASE_URL
  if not url.origin(base) or base:find("[?#%s%c]") or base:find("@", 1, true) then
    errors.misuse("mavilua.client: base_url takes an address such as \"%s\", got \"%s\"", DEFAULT_BASE_URL,
      (base:gsub("//.*@", "//[redacted]@")))
  end
  return (base:gsub("/+$", ""))
end

-- nginx takes its file of trust from its own configuration alone.
local function default_ca_file()
  return not runtime.in_nginx and default("ca_file", "MAVILUA_CA_FILE") or nil
end

local function with_defaults(options)
  local whole = { timeout = 30, connect_timeout = 5, retries = 2, max_retry_wait = 60 }
  for name, value in pairs(options) do whole[name] = value end
  whole.ca_file = whole.ca_file or default_ca_file()
  whole.api_key = nil
  return whole
end

-- What nginx has for all its workers, or in another place.
local function nginx_parts(options, key, base_url)
  runtime.check_trust("mavilua.client", options)
  return runtime.in_nginx and options.quota_dict and runtime.quota(options.quota_dict, key, base_url)
end

local function known(name)
  return rows[name] ~= nil
end

-- Neither the tariff's quota nor the platform's pace counts what a row calls unlimited.
local function counts(name)
  return not (rows[name] and rows[name].unlimited)
end

--- Makes a client.
-- @param options table, all optional:
--   `api_key` (string; else MAVILUA_API_KEY, else what the file holds that MAVILUA_API_KEY_FILE names),
--   `base_url` (string; else MAVILUA_BASE_URL, else https://chatter.mavibot.ai), `timeout`
--   (seconds for one attempt, 30), `connect_timeout` (seconds, 5), `retries` (most repeats of a failed call that may
--   be repeated, 2), `max_retry_wait` (seconds that a
--   server's Retry-After may ask for, 60; when it asks for more the error is returned), `rate` (calls a
--   second) and `daily_quota` (calls a UTC day), not limited unless set; save_variables counts in neither,
--   `quota_dict` (in nginx: the lua_shared_dict that counts the day's calls for all workers; not used elsewhere),
--   `verify` (check the server's certificate, true), `ca_file` (PEM file of further trust; else MAVILUA_CA_FILE),
--   `keep_null` (nulls in objects become mavilua.null instead of being absent), `transport`
--   (function({action, method, url, headers, body, timeout, connect_timeout, verify, ca_file, once}) ->
--   {status, headers = {lowercase = value}, body}, or nil and {kind, message, sent}: sends in the place of
--   libcurl), `runtime` ({sleep, now, time}: in the place of the system's clock), `trace` (function(event):
--   told of every request, reply, failure and retry, without the key), `on_retry` (function(event):
--   before each repeat; event has action, attempt, delay, kind, status, message)
-- @return the client: `bot:action{...}` for each action of the table, `bot:call`, `bot:each`,
--   `bot:in_batches`, `bot:quota`
function client.new(options)
  options = errors.check_options("mavilua.client", options, rules)
  local key, base_url = find_key(options), find_base_url(options)
  local bot = setmetatable({}, metatable)
  local complete, count = runtime.complete(options.runtime), nginx_parts(options, key, base_url)
  local whole, prefix = with_defaults(options), ("%s/api/%s/"):format(base_url, url.escape(key))
  local caller = call.caller(whole, prefix)
  states[bot] = {
    options = whole,
    caller = caller,
    base_url = base_url,
    prefix = prefix,
    redact = secret.redactor(key),
    runtime = complete,
    pace = pace.new(options, complete, count or call.count(caller)),
    transport = options.transport,
    known = known,
    counts = counts,
  }
  return bot
end

return client
