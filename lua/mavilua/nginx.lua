--- Bots inside nginx (lua-nginx-module, OpenResty): a bot file with handlers of `host.on`, fed by a location.
--
--     init_by_lua_block {
--         bot = require("mavilua.nginx").load { script = "/etc/mavilua/bot.lua", secret_file = …, api_key_file = … }
--     }
--     location /webhook/ { content_by_lua_block { bot:webhook() } }
--
-- The answer comes when the handler has returned: 200 is handled, 500 failed. Nothing is stored and nothing is tried
-- again; what is under way when nginx dies is lost. For that there is `mavilua serve` behind nginx.
-- @module mavilua.nginx

if type(ngx) ~= "table" or type(ngx.get_phase) ~= "function" then
  error("mavilua.nginx is for nginx with Lua; elsewhere a bot runs under `mavilua serve`", 0)
end

local bit = require "bit"
local core = require "mavilua.core"
local direct = require "mavilua.host.direct"
local errors = require "mavilua.errors"
local ffi = require "ffi"
local runtime = require "mavilua.runtime"
local turns = require "mavilua.nginx.turns"
require "ngx.errlog" -- declares what write_log calls

local nginx = {}

local bot = {}
bot.__index = bot

local REMEMBERED = 7 * 86400 -- seconds, as the host does
local PATIENCE = 60 -- seconds that a message waits for the earlier ones of its client

---- logging ---------------------------------------------------------------------------------------------------

local levels = { debug = ngx.DEBUG, info = ngx.INFO, warn = ngx.WARN, error = ngx.ERR }

-- Makes the function that writes into the error log of nginx.conf, without the request: ngx.log would write its path,
-- which holds the secret. What comes from outside makes no line of its own there.
local function log_to_nginx(secrets)
  return function(level, message, fields)
    local text = "mavilua: " .. message
    if fields and next(fields) ~= nil then
      local json, problem = core.encode(fields)
      if not json then return nil, problem end
      text = text .. " " .. json
    end
    for _, secret in ipairs(secrets) do text = core.redact(text, secret) end
    text = core.plain(core.hide_tokens(text))
    ffi.C.ngx_http_lua_ffi_raw_log(nil, levels[level], text, #text)
    return true
  end
end

---- options ---------------------------------------------------------------------------------------------------

local rules = {}
for _, name in ipairs { "script", "secret", "secret_file", "api_key", "api_key_file", "base_url", "dedupe" } do
  rules[name] = { type = "string", what = "a text" }
end

-- The option itself, or the text of the file that `<name>_file` names.
local function secret_of(options, name)
  local path = options[name .. "_file"]
  if not path then return options[name] end
  local file, problem = io.open(path, "rb")
  if not file then errors.misuse("mavilua.nginx: %s_file: %s", name, problem) end
  local text = (file:read "*a" or ""):gsub("%s+$", "")
  file:close()
  if text == "" then errors.misuse("mavilua.nginx: %s_file: %s is empty", name, path) end
  return text
end

local function check(options)
  options = errors.check_options("mavilua.nginx.load", options, rules)
  if not options.script then errors.misuse "mavilua.nginx.load: script is missing: the path of the bot's file" end
  local secret = secret_of(options, "secret")
  if not secret then
    errors.misuse("mavilua.nginx.load: secret_file is missing: a file with the secret that stands in the webhook's "
      .. "address, /webhook/<secret>")
  end
  if #secret < 16 or #secret > 64 or secret:find "[^%w._~-]" then
    errors.misuse("mavilua.nginx.load: the webhook's secret stands in an address: it must be 16 to 64 letters, digits "
      .. "and -._~; `openssl rand -hex 16` makes one")
  end
  local seen = options.dedupe and ngx.shared[options.dedupe]
  if options.dedupe and not seen then
    errors.misuse("mavilua.nginx.load: dedupe: there is no lua_shared_dict %s; declare it in the configuration",
      options.dedupe)
  end
  return options, secret, seen
end

---- loading ---------------------------------------------------------------------------------------------------

-- A phase without requests has no ngx.ctx; nothing runs there.
local nowhere = {}
local function context()
  local phase = ngx.get_phase()
  return (phase == "init" or phase == "init_worker") and nowhere or ngx.ctx
end

-- Modules beside the script are found as the host finds them.
local function look_beside(path)
  local folder = path:match "^(.*)/"
  if folder then package.path = ("%s/?.lua;%s/?/init.lua;%s"):format(folder, folder, package.path) end
end

-- nginx's functions, but for those that end the request: it would end without the handler's, and the next message of
-- the client would wait for what does not come.
local function ngx_of_script()
  local own = {}
  for _, name in ipairs { "exit", "exec", "redirect" } do
    own[name] = function()
      errors.misuse("ngx.%s: the answer to a webhook is not the handler's to give; return, or raise an error", name)
    end
  end
  return setmetatable(own, { __index = ngx, __newindex = ngx })
end

-- Runs the file in globals of its own, over nginx's: its print is a log line, as under the host.
local function run(path, log)
  local chunk, problem = loadfile(path)
  if not chunk then error("mavilua.nginx: " .. problem, 0) end
  local function print(...)
    local words = { ... }
    for i = 1, select("#", ...) do words[i] = tostring(words[i]) end
    log("info", table.concat(words, "\t"))
  end
  setfenv(chunk, setmetatable({ print = print, ngx = ngx_of_script() }, { __index = _G }))
  chunk()
end

--- Loads a bot file. For init_by_lua*: an error in the file keeps nginx from starting, or from reloading.
--
-- One bot for each nginx: the handlers of a second one replace those of the first in `mavilua.host`.
-- @param options table: `script` (path); `secret_file` or `secret` (of the webhook's address); `api_key_file` or
--   `api_key`, `base_url` (what `mavilua.client {}` takes then); `dedupe` (the name of a lua_shared_dict: message ids
--   are remembered there for 7 days)
-- @return an object with `webhook()`; an error of the file is raised
function nginx.load(options)
  local secret, seen
  options, secret, seen = check(options)
  local key = secret_of(options, "api_key")
  local defaults = package.loaded["mavilua.defaults"] or {}
  defaults.api_key, defaults.base_url = key or defaults.api_key, options.base_url or defaults.base_url
  package.loaded["mavilua.defaults"] = defaults
  local log = log_to_nginx { secret, key }
  local runner = direct.new {
    where = "nginx", context = context, log = log, sleep = runtime.sleep, time = runtime.time,
  }
  package.loaded["mavilua.host.native"], package.loaded["mavilua.host"] = runner.native, nil
  look_beside(options.script)
  run(options.script, log)
  if runner:handlers() == 0 then
    error(("mavilua.nginx: %s registers no handler; host.on does"):format(options.script), 0)
  end
  return setmetatable({
    runner = runner, log = log, secret = ngx.sha1_bin(secret), seen = seen, turns = turns.new(PATIENCE),
  }, bot)
end

---- a webhook -------------------------------------------------------------------------------------------------

-- In constant time: of equal length by the digests, and every byte is looked at.
local function is_same(digest, given)
  given = ngx.sha1_bin(given)
  local difference = 0
  for i = 1, #digest do difference = bit.bor(difference, bit.bxor(digest:byte(i), given:byte(i))) end
  return difference == 0
end

local function answer(status, text)
  ngx.status = status
  ngx.header["Content-Type"] = "application/json"
  ngx.header["Content-Length"] = #text
  ngx.print(text)
  return ngx.exit(ngx.OK)
end

-- Of more than client_body_buffer_size nginx makes a file.
local function body_of_request()
  ngx.req.read_body()
  local path = ngx.req.get_body_file()
  if not path then return ngx.req.get_body_data() or "" end
  local file = io.open(path, "rb")
  if not file then return nil end
  local body = file:read "*a"
  file:close()
  return body
end

-- Whether another of the same id was here before. Without a dictionary: nobody knows.
local function is_duplicate(self, webhook)
  if not self.seen or webhook.id == nil then return false end
  local added, problem = self.seen:add(direct.text_of_id(webhook.id), true, REMEMBERED)
  return not added and problem == "exists"
end

-- One that has not run may come again.
local function forget(self, webhook)
  if self.seen and webhook.id ~= nil then self.seen:delete(direct.text_of_id(webhook.id)) end
end

local function failed(self, result)
  self.log("error", ("%s: %s%s"):format(result.handler or "no handler", result.reason or "the handler gave it up",
    result.trace or ""))
end

local function handle(self, webhook)
  local key = direct.key_of(webhook)
  if not key then return self.runner:handle(webhook) end
  return self.turns:run(key, self.runner.handle, self.runner, webhook)
end

--- Handles the webhook of the request that runs, and answers: 200 handled (or a duplicate), 400 no webhook, 404 a wrong
-- secret or method, 500 the handler failed, 503 the client's earlier messages take too long. For content_by_lua*, in a
-- location below /webhook/.
function bot:webhook()
  local given = ngx.var.uri:match "/([^/]*)$"
  if ngx.req.get_method() ~= "POST" or not is_same(self.secret, given) then return ngx.exit(404) end
  ngx.on_abort(function() end) -- with lua_check_client_abort on: what has begun goes on when its sender has gone
  local body = body_of_request()
  if not body then return answer(503, '{"status":"fail","message":"the body cannot be read"}') end
  local webhook, problem = direct.read(body)
  if not webhook then
    return answer(400, core.encode { status = "fail", message = "this is no webhook: " .. problem })
  end
  if is_duplicate(self, webhook) then return answer(200, '{"status":"success"}') end
  local result = handle(self, webhook)
  if not result then
    forget(self, webhook)
    return answer(503, '{"status":"fail","message":"earlier messages of the client take too long"}')
  end
  if result.verdict == "done" or result.verdict == "cancelled" then return answer(200, '{"status":"success"}') end
  failed(self, result)
  return answer(500, '{"status":"fail","message":"the handler failed"}')
end

return nginx
