--- Addresses: escaping, and what of them may be shown.
-- @internal mavilua.url
local url = {}

local function hex(char)
  return ("%%%02X"):format(char:byte())
end

--- Percent-encodes everything but letters, digits and `-._~`.
-- @param text string or number
-- @return string
function url.escape(text)
  return (tostring(text):gsub("[^%w%-%._~]", hex))
end

--- Makes "a=1&b=2" of a table, names sorted.
-- @param fields table name -> string, number or boolean
-- @return string
function url.query(fields)
  local parts = {}
  for name, value in pairs(fields) do parts[#parts + 1] = url.escape(name) .. "=" .. url.escape(value) end
  table.sort(parts)
  return table.concat(parts, "&")
end

--- Scheme, host and port of an address: what errors show of it, for paths and queries hold secrets.
-- @param text string
-- @return string "https://host:port", or nil when it is no http address
function url.origin(text)
  local scheme, authority = tostring(text):match("^(%a+)://([^/?#%s%c]+)")
  if not scheme then return nil end
  scheme = scheme:lower()
  if scheme ~= "http" and scheme ~= "https" then return nil end
  return scheme .. "://" .. authority:gsub("^.*@", "")
end

return url
