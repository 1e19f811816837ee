--- Takes an address apart for the client inside nginx.
-- @internal mavilua.resty.address
local address = {}

local PORTS = { http = 80, https = 443 }

local function is_host(text)
  return text:find("^[%w._-]+$") ~= nil or text:find("^%[[%x:.]+%]$") ~= nil
end

-- "user:password" as the header Authorization has it.
local function credentials(text)
  if not text then return nil end
  local plain = text:gsub("%%(%x%x)", function(hex) return string.char(tonumber(hex, 16)) end)
  return "Basic " .. ngx.encode_base64(plain)
end

local function split_authority(authority)
  local user, rest = authority:match("^(.*)@(.*)$")
  local place = rest or authority
  local host, port = place:match("^(%[[^%]]*%]):?(%d*)$")
  if not host then host, port = place:match("^([^:]*):?(%d*)$") end
  return host, port, credentials(user)
end

-- What may not stand in a request line as it is; blanks and controls are refused before.
local function escape_high(text)
  return (text:gsub("[\128-\255]", function(char) return ("%%%02X"):format(char:byte()) end))
end

--- Takes an address apart.
-- @param text string, e.g. "https://example.com/path?query"
-- @return table: `scheme`, `host` (an IPv6 address in brackets), `port`, `target` (path and query), `name` (what the
--   header Host says), `shown` ("host:port", for errors), `literal` (the host is an address), `credentials` (the
--   header Authorization, or nil); or nil and a message that tells nothing of path and query
function address.parse(text)
  local scheme, authority, target = text:match("^(%a+)://([^/?#\\]+)([^#]*)")
  scheme = scheme and scheme:lower()
  local default = PORTS[scheme]
  if not default then return nil, "only http:// and https:// are spoken" end
  if text:find("[%c ]") then return nil, "the address is malformed" end
  local host, port, basic = split_authority(authority)
  local number = port == "" and default or tonumber(port)
  if not host or not is_host(host) or not number or number < 1 or number > 65535 then
    return nil, "the address is malformed"
  end
  host = host:lower()
  if target:sub(1, 1) ~= "/" then target = "/" .. target end
  return {
    scheme = scheme, host = host, port = number, target = escape_high(target),
    name = number == default and host or host .. ":" .. number,
    shown = host .. ":" .. number,
    literal = host:find("^%[") ~= nil or host:find("^%d+%.%d+%.%d+%.%d+$") ~= nil,
    credentials = basic,
  }
end

return address
