--- HTTP requests to other services. They wait as API calls do: in the host and in `mavilua.map` without
-- holding the thread. Redirects are not followed, nothing is repeated, certificates are verified.
-- @module mavilua.http
local core = require "mavilua.core"
local errors = require "mavilua.errors"
local runtime = require "mavilua.runtime"
local url = require "mavilua.url"

local http = {}

local rules = {
  method = { type = "string", what = "a method such as \"GET\"" },
  url = { type = "string", what = "an address that starts with http:// or https://" },
  query = { type = "table", what = "a table name = value" },
  headers = { type = "table", what = "a table name = value" },
  json = { type = "table string number boolean userdata", what = "a value to send as JSON" },
  form = { type = "table", what = "a table name = value" },
  body = { type = "string", what = "the body's bytes" },
  timeout = { type = "number", what = "seconds, more than 0", least = 0, above = true },
  connect_timeout = { type = "number", what = "seconds, more than 0", least = 0, above = true },
  max_reply = { type = "number", what = "bytes, more than 0", least = 0, above = true, whole = true },
  verify = { type = "boolean", what = "true or false" },
  ca_file = { type = "string", what = "the path of a PEM file" },
  transport = { type = "function", what = "a function(request) -> reply or nil, err" },
}

local Reply = {} -- what every reply can

--- Reads a reply's body as JSON.
-- @return the value, or nil and a message
function Reply:json()
  return core.decode(self.body)
end

local reply_meta = { __index = Reply, __name = "mavilua.reply" }

local function check_headers(given)
  local headers, names = {}, {}
  for name, value in pairs(given or {}) do
    if type(name) ~= "string" or not name:find("^[%w!#$%%&'*+.^_`|~-]+$") then
      errors.misuse("mavilua.http: header name %s has characters that no header may have",
        ("%q"):format(tostring(name)))
    end
    if type(value) ~= "string" and type(value) ~= "number" or tostring(value):find("[\r\n%z]") then
      errors.misuse("mavilua.http: header \"%s\" takes one line of text", name)
    end
    headers[name] = tostring(value)
    names[name:lower()] = true
  end
  return headers, names
end

local function body_of(request)
  local count = 0
  for _, name in ipairs { "json", "form", "body" } do
    if request[name] ~= nil then count = count + 1 end
  end
  if count > 1 then errors.misuse("mavilua.http: give one of json, form and body") end
  if request.json ~= nil then
    local text, message = core.encode(request.json)
    if not text then errors.misuse("mavilua.http: json: %s", message) end
    return text, "application/json"
  end
  if request.form then return url.query(request.form), "application/x-www-form-urlencoded" end
  return request.body
end

local function address_of(request)
  local address = request.url
  if not address or not url.origin(address) or address:find("[%s%c]") then
    errors.misuse("mavilua.http: url takes an address that starts with http:// or https:// and has no blanks")
  end
  if not request.query then return address end
  return address .. (address:find("?", 1, true) and "&" or "?") .. url.query(request.query)
end

local function prepare(request)
  local headers, present = check_headers(request.headers)
  local body, content_type = body_of(request)
  local method = request.method or (body and "POST" or "GET")
  if not method:find("^%a+$") then errors.misuse("mavilua.http: method takes a word such as \"GET\"") end
  if content_type and not present["content-type"] then headers["Content-Type"] = content_type end
  if not present["user-agent"] then headers["User-Agent"] = "mavilua/" .. core.version end
  return {
    method = method:upper(), url = address_of(request), headers = headers, body = body,
    timeout = request.timeout or 30, connect_timeout = request.connect_timeout or 5,
    max_reply = request.max_reply, verify = request.verify ~= false, ca_file = request.ca_file,
    once = method:upper() ~= "GET" and method:upper() ~= "HEAD",
  }
end

--- Sends a request.
--
--     local reply, err = mavilua.http.request { url = "https://pay.example.com/refund", json = { id = 7 } }
--     if reply and reply.ok then local answer = reply:json() end
--
-- @param request table: `url`; `method` (GET, or POST with a body); `query` (table added to the url);
--   `headers` (table); one of `json` (any value), `form` (table), `body` (bytes); `timeout` (seconds, 30),
--   `connect_timeout` (seconds, 5), `max_reply` (bytes, 64 MiB), `verify` (true), `ca_file`, `transport`
-- @return a reply whatever its status: `status`, `ok` (status 200 to 299), `headers` (names in lower case),
--   `body`, `seconds`, `reply:json()`; or nil and an `err`, kind "network", "timeout", "certificate" or
--   "decode", with `sent` (false: no byte reached the other side). `err` names the host only, for paths and
--   queries hold secrets.
function http.request(request)
  if type(request) ~= "table" then errors.misuse("mavilua.http: takes a table, got %s", type(request)) end
  errors.check_options("mavilua.http", request, rules)
  runtime.check_trust("mavilua.http", request)
  local prepared = prepare(request)
  if not request.transport then runtime.check("mavilua.http") end
  local reply, problem = (request.transport or runtime.send)(prepared)
  if not reply then
    if type(problem) ~= "table" then problem = { message = tostring(problem) } end
    return nil, errors.new {
      kind = problem.kind or "network", action = url.origin(prepared.url), message = problem.message,
      sent = problem.sent ~= false, attempts = 1, retryable = problem.sent == false and problem.kind ~= "certificate",
    }
  end
  reply.ok = reply.status >= 200 and reply.status < 300
  reply.headers, reply.body = reply.headers or {}, reply.body or ""
  return setmetatable(reply, reply_meta)
end

local function with(method, address, options)
  local request = {}
  for name, value in pairs(options or {}) do request[name] = value end
  request.method, request.url = method, address
  return http.request(request)
end

--- Gets an address.
-- @param address string
-- @param options table or nil, as of `http.request`
-- @return as `http.request`
function http.get(address, options)
  return with("GET", address, options)
end

--- Posts to an address.
-- @param address string
-- @param options table with `json`, `form` or `body`, as of `http.request`
-- @return as `http.request`
function http.post(address, options)
  return with("POST", address, options)
end

return http
