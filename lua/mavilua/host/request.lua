--- Custom hooks: the request as its handler sees it, and the reply as the host sends it.
-- @internal mavilua.host.request

local request = {}

local function decode(s)
  return (s:gsub("+", " "):gsub("%%(%x%x)", function(hex)
    return string.char(tonumber(hex, 16))
  end))
end

--- "a=1&b=2" to a table; of a name that occurs twice the last value stays.
function request.form(s)
  local form = {}
  for pair in s:gmatch("[^&]+") do
    local name, value = pair:match("^([^=]*)=?(.*)$")
    form[decode(name)] = decode(value)
  end
  return form
end

local function lower_names(headers)
  local out = {}
  for name, value in pairs(type(headers) == "table" and headers or {}) do
    out[tostring(name):lower()] = value
  end
  return out
end

--- The request of an event as it came.
function request.of(arrived)
  local meta = arrived.meta or {}
  local headers = lower_names(meta.headers)
  local content_type = tostring(headers["content-type"] or meta.content_type or ""):lower()
  local is_form = content_type:find("application/x-www-form-urlencoded", 1, true)
  return {
    id = arrived.id, attempt = arrived.attempt, key = arrived.key, name = arrived.name,
    source = "hook", kind = "hook", accepted_at = arrived.accepted_at, due_at = arrived.due_at,
    method = meta.method or "POST", path = meta.path or "/hook/" .. tostring(arrived.name),
    query = type(meta.query) == "string" and request.form(meta.query) or meta.query or {},
    headers = headers, body = arrived.body, json = arrived.json,
    form = is_form and request.form(arrived.body) or nil,
  }
end

local known = { status = true, json = true, body = true, headers = true }

local function check_status(status)
  if status ~= nil and (type(status) ~= "number" or status ~= math.floor(status)
    or status < 200 or status > 599) then
    error("a hook's reply: status must be a whole number from 200 to 599, not " .. tostring(status), 0)
  end
end

local function check_headers(headers)
  if headers ~= nil and type(headers) ~= "table" then
    error("a hook's reply: headers must be a table of name = value, not a " .. type(headers), 0)
  end
  local out
  for name, value in pairs(headers or {}) do
    local plain = type(value) == "string" or type(value) == "number"
    if type(name) ~= "string" or name:find("[^%w!#$%%&'*+.^_`|~-]") or not plain
      or tostring(value):find("[%c]") then
      error(("a hook's reply: the header %s cannot be sent"):format(tostring(name)), 0)
    end
    out = out or {}
    out[name] = tostring(value)
  end
  return out
end

--- What a handler returned, checked: nil, a string (the body) or {status, json or body, headers}.
function request.reply(value)
  if value == nil then
    return nil
  elseif type(value) == "string" then
    return { body = value }
  elseif type(value) ~= "table" then
    error("a hook's handler returns nothing, a string or a table {status =, json = or body =, "
      .. "headers =}, not a " .. type(value), 0)
  end
  for name in pairs(value) do
    if not known[name] then
      error(("a hook's reply: unknown field '%s' (known: status, json, body, headers)"):format(
        tostring(name)), 0)
    end
  end
  check_status(value.status)
  if value.body ~= nil and type(value.body) ~= "string" then
    error("a hook's reply: body must be a string (a table goes into json), not a " .. type(value.body), 0)
  end
  if value.body ~= nil and value.json ~= nil then
    error("a hook's reply has either json or body, not both", 0)
  end
  return { status = value.status, json = value.json, body = value.body,
    headers = check_headers(value.headers) }
end

return request
