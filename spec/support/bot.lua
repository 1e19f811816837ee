--- A host with a script for a spec: started as users start it, asked over HTTP.
local core = require "mavilua.core"
local http = require "mavilua.http"
local map = require "mavilua.map"
local ports = require "spec.support.ports"
local process = require "spec.support.process"

local support = {}

support.secret = "a-secret-for-specs"

-- What every script of a spec begins with: `trace` appends a line to a file that the spec reads.
local prelude = [[
local host = require "mavilua.host"
local TRACE = %q
local function trace(...)
  local words = {}
  for i = 1, select("#", ...) do words[i] = tostring((select(i, ...))) end
  local file = assert(io.open(TRACE, "a"))
  file:write(table.concat(words, " "), "\n")
  file:close()
end
local _ = host, trace
]]

local bot = {}
bot.__index = bot

local started = {}

--- Ends what a spec left running; for after_each.
function support.cleanup()
  while #started > 0 do table.remove(started):kill() end
end

--- A folder with a script; not started yet.
-- @param script Lua text; `host` and `trace(…)` are there
-- @param options table or nil: `workers`, `args` (list), `env` (table), `before` (for the shell, such as a limit),
--   `same_port` (after a restart it listens where it did)
function support.new(script, options)
  local self = setmetatable({ folder = process.folder(), options = options or {} }, bot)
  self.path, self.trace_path = self.folder .. "/bot.lua", self.folder .. "/trace"
  self:script(script)
  return self
end

--- The same, started.
function support.start(script, options)
  return support.new(script, options):start()
end

--- Writes another script in the place of the old one.
function bot:script(text)
  process.write(self.path .. ".new", prelude:format(self.trace_path) .. text)
  assert(os.rename(self.path .. ".new", self.path))
end

function bot:start()
  self.port = self.port or self.options.same_port and ports.free() or 0
  local args = { "serve", "--listen", "127.0.0.1:" .. self.port, "--admin", "127.0.0.1:0",
    "--db", self.folder .. "/bot.db", "--workers", tostring(self.options.workers or 2) }
  for _, arg in ipairs(self.options.args or {}) do args[#args + 1] = arg end
  args[#args + 1] = self.path
  if self.options.before then
    args = { "-c", self.options.before .. '; exec "$@"', "sh", process.bin, table.unpack(args) }
    args.bin = "sh"
  end
  args.lines = self.options.lines
  args.env = { MAVILUA_WEBHOOK_SECRET = support.secret, MAVILUA_API_KEY = "0123456789abcdef0123456789abcdef" }
  for name, value in pairs(self.options.env or {}) do args.env[name] = value end
  self.process = process.start(args)
  started[#started + 1] = self.process
  self.url, self.admin = self.process.url, self.process.admin
  return self
end

--- Stops it. @return its exit status, 0; any other, as that of a sanitizer, is an error
function bot:stop()
  local status = self.process:stop()
  if status ~= 0 then error(("it ended with %s:\n%s"):format(status, self.process:log()), 2) end
  return status
end

function bot:kill()
  return self.process:kill()
end

--- Posts to the host. @return reply, or nil and err
function bot:post(path, body, options)
  options = options or {}
  options.url, options.body, options.method = self.url .. path, body, options.method or "POST"
  return http.request(options)
end

--- A platform webhook's body.
function support.message(id, client, text)
  return ('{"id":%d,"client":{"id":%d,"recepient":"5","client_type":1,"name":"Ada","group":"g"},'
    .. '"message":"%s","attachments":[],"message_id":null,"project_id":1,"is_input":1,"delivered":1}')
    :format(id, client, text)
end

--- A client writes. @return the status, or nil and err
function bot:message(id, client, text)
  local reply, err = self:post("/webhook/" .. support.secret, support.message(id, client, text))
  if not reply then return nil, err end
  return reply.status
end

--- Posts many, `concurrency` at once. @return list of what `fn(item)` gave
function support.together(items, concurrency, fn)
  return map.run(items, fn, { concurrency = concurrency })
end

--- What the admin answers, decoded, and the reply.
function bot:ask(path, method)
  local reply = assert(http.request { url = self.admin .. path, method = method or "GET" })
  return reply:json(), reply
end

--- Lines the script traced so far.
function bot:lines()
  local lines = {}
  for line in process.read(self.trace_path):gmatch("[^\n]+") do lines[#lines + 1] = line end
  return lines
end

--- Whether a line was traced.
function bot:has(line)
  return ("\n" .. process.read(self.trace_path)):find("\n" .. line .. "\n", 1, true) ~= nil
end

function bot:await(line, seconds)
  return process.await(function() return self:has(line) end, "the line '" .. line .. "'", seconds)
end

--- Waits until a number of the summary has a value.
function bot:await_summary(name, value, seconds)
  return process.await(function() return self:ask("/api/summary")[name] == value end,
    ("%s = %s"):format(name, value), seconds)
end

-- Until nothing waits and nothing runs, at one and the same moment.
function bot:await_idle(seconds)
  return process.await(function()
    local summary = self:ask "/api/summary"
    return summary.waiting == 0 and summary.running == 0
  end, "nothing waiting, nothing running", seconds)
end

support.now = core.now

return support
