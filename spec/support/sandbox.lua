--- A sandbox for specs: started once a file, asked as any program would ask it.
local core = require "mavilua.core"
local http = require "mavilua.http"
local process = require "spec.support.process"

local sandbox = {}
local running = {}
running.__index = running

--- Starts one on a free port. @param args list of further arguments of `mavilua sandbox`
function sandbox.start(args)
  local line = { "sandbox", "--listen", "127.0.0.1:0", table.unpack(args or {}) }
  local server = process.start(line)
  return setmetatable({ server = server, url = server.url }, running)
end

--- Stops it; a sanitizer's complaint is in its exit status.
function running:stop()
  local status = self.server:stop()
  assert(status == 0, self.server:log())
end

local function decoded(reply)
  local value = reply:json()
  if value == nil then value = reply.body end
  return value
end

--- Calls an action.
-- @param params table sent as JSON; nil: no body
-- @param options table or nil: `method`, `query` (table), `form` (table), `body` (text), `headers`, `key`
-- @return the answer (decoded, or the text), its status
function running:call(action, params, options)
  options = options or {}
  local reply = assert(http.request {
    url = ("%s/api/%s/%s"):format(self.url, options.key or "sandbox", action),
    method = options.method, query = options.query, form = options.form, body = options.body,
    headers = options.headers, json = params,
  })
  return decoded(reply), reply.status, reply
end

--- The control API. @return the answer, its status
function running:control(method, path, body)
  local reply = assert(http.request { url = self.url .. "/_sandbox/" .. path, method = method, json = body })
  return decoded(reply), reply.status, reply
end

--- A client writes. @return client id, message id
function running:says(who, text, attachments)
  local body = type(who) == "table" and who or { client_id = who }
  body.message, body.attachments = text, attachments
  local answer, status = self:control("POST", "messages", body)
  assert(status == 200, answer.message)
  return answer.client_id, answer.message_id
end

--- The texts of a conversation, oldest first, as "> from the client" and "< from the bot".
function running:talk(client_id)
  local texts = {}
  for i, message in ipairs(self:control("GET", "messages?client_id=" .. client_id).messages) do
    texts[i] = (message.client_replica and "> " or "< ") .. tostring(message.text)
  end
  return texts
end

--- Loads one client. @return its id
function running:client(platform_id, group_id, client_type)
  local answer = self:call("load_clients", {
    { platform_id = platform_id, group_id = group_id or "tea_corner_bot", client_type = client_type or 1 },
  })
  return answer.items[1].id
end

--- The journal's webhooks of a client, once there are `count` of them. @return entries, the answer's text
function running:webhooks(client_id, count)
  local mine, text
  process.await(function()
    local answer, _, reply = self:control("GET", "journal?kind=webhook&limit=10000")
    mine, text = {}, reply.body
    for _, entry in ipairs(answer.entries) do
      if entry.client_id == client_id then mine[#mine + 1] = entry end
    end
    return #mine >= count
  end, count .. " webhooks of client " .. client_id)
  return mine, text
end

sandbox.null = core.null
sandbox.array = core.array
return sandbox
