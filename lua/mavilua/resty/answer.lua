--- Reads an HTTP/1.1 answer, strictly: whatever could be read in two ways is refused.
-- @internal mavilua.resty.answer
local reader = require "mavilua.resty.reader"

local answer = {}

local MAX_HEAD = 65536  -- bytes of status line and headers; of trailers; of a chunk's line
local MAX_INTERIM = 16  -- answers 100 to 199 before the real one

local DEFAULT_MAX_REPLY = 64 * 1024 * 1024

local NOT_HTTP = "the answer is not HTTP"

-- What went wrong, as the caller's `fail` wants it: kind, words.
local function refuse(words)
  error({ kind = "decode", words = words }, 0)
end

local function broken(source, problem, within)
  if problem == "timeout" then error({ kind = "timeout" }, 0) end
  if problem ~= "closed" then
    error({ kind = "network", words = "the connection broke while receiving: " .. problem, lost = true }, 0)
  end
  if source.received == 0 then
    error({ kind = "network", words = "the connection was closed without an answer", lost = true }, 0)
  end
  refuse(("the answer was cut off after %d bytes%s"):format(within or source.received, within and "" or " of headers"))
end

-- A line of the head, within what is left of its room.
local function head_line(source, room)
  local line, problem = source:line(room.left)
  if not line then
    if problem == "long" then refuse("the answer's headers are too long") end
    if problem == "broken" then refuse(NOT_HTTP) end
    broken(source, problem)
  end
  room.left = room.left - #line - 2
  if room.left < 0 then refuse("the answer's headers are too long") end
  return line
end

local function add_header(headers, line)
  local name, value = line:match("^([%w!#$%%&'*+.^_`|~-]+):[ \t]*(.-)[ \t]*$")
  if not name or value:find("[%z\1-\8\11-\31\127]") then refuse(NOT_HTTP) end
  name = name:lower()
  headers[name] = headers[name] and headers[name] .. ", " .. value or value
end

local function read_headers(source, room)
  local headers = {}
  while true do
    local line = head_line(source, room)
    if line == "" then return headers end
    add_header(headers, line)
  end
end

local function read_status(source, room)
  local line = head_line(source, room)
  local minor, status = line:match("^HTTP/1%.([01]) ([1-9]%d%d)$")
  if not minor then minor, status = line:match("^HTTP/1%.([01]) ([1-9]%d%d) [^%z\1-\8\11-\31\127]*$") end
  if not minor then refuse(NOT_HTTP) end
  return tonumber(status), tonumber(minor)
end

-- The head of the final answer, those of interim ones skipped.
local function read_head(source)
  for _ = 1, MAX_INTERIM do
    local room = { left = MAX_HEAD }
    local status, minor = read_status(source, room)
    local headers = read_headers(source, room)
    if status == 101 then refuse("the answer changes the protocol, which nobody asked for") end
    if status >= 200 then return status, minor, headers end
  end
  refuse("the answer does not come to its point: too many of status 1xx")
end

local function too_long(limit)
  refuse(("the answer is too long: more than %d bytes"):format(limit))
end

-- One number, however often it is said.
local function sized(headers)
  local text = headers["content-length"]
  if not text then return nil end
  local first
  for part in (text .. ","):gmatch("[ \t]*(.-)[ \t]*,") do
    if not part:find("^%d+$") or #part > 15 or first and part ~= first then
      refuse("the answer's Content-Length is none")
    end
    first = part
  end
  return tonumber(first)
end

local function read_sized(source, length, limit, into)
  if length > limit then too_long(limit) end
  local ok, problem = source:take(length, into)
  if not ok then broken(source, problem, into.length) end
end

local function chunk_line(source, into)
  local line, problem = source:line(MAX_HEAD)
  if line then return line end
  if problem == "long" or problem == "broken" then refuse("the answer's chunks are broken") end
  broken(source, problem, into.length)
end

local function read_chunked(source, limit, into)
  while true do
    local digits = (chunk_line(source, into) .. ";"):match("^(%x+)[ \t]*;")
    if not digits or #digits > 12 then refuse("the answer's chunks are broken") end
    local length = tonumber(digits, 16)
    if length == 0 then break end
    if into.length + length > limit then too_long(limit) end
    local ok, problem = source:take(length, into)
    if not ok then broken(source, problem, into.length) end
    if chunk_line(source, into) ~= "" then refuse("the answer's chunks are broken") end
  end
  read_headers(source, { left = MAX_HEAD }) -- trailers: nobody needs them
end

local function read_to_end(source, limit, into)
  local ok, problem = source:take_all(limit, into)
  if not ok then
    if problem == "long" then too_long(limit) end
    broken(source, problem, into.length)
  end
end

local function check_coding(headers)
  local coding = headers["content-encoding"]
  if coding and coding:lower() ~= "identity" and coding ~= "" then
    refuse("the answer is compressed, which nobody asked for")
  end
end

-- Reads the body; whether its end was told, so that the connection may be used again.
local function read_body(source, status, headers, request, into)
  local limit = request.max_reply or DEFAULT_MAX_REPLY
  local transfer, length = headers["transfer-encoding"], sized(headers)
  if request.method == "HEAD" or status == 204 or status == 304 then return true end
  if transfer and length then refuse("the answer tells its length in two ways") end
  if transfer then
    if transfer:lower() ~= "chunked" then refuse("the answer's Transfer-Encoding is not chunked") end
    read_chunked(source, limit, into)
    return true
  end
  if length then
    read_sized(source, length, limit, into)
    return true
  end
  read_to_end(source, limit, into)
  return false
end

local function says_close(headers)
  return ("," .. (headers.connection or ""):lower():gsub("[ \t]", "") .. ","):find(",close,", 1, true) ~= nil
end

--- Reads an answer; raises {kind, words, lost} when it cannot be. `lost`: the connection broke.
-- @param source a reader
-- @param request table: `method`, `max_reply` (bytes, 64 MiB)
-- @return status, headers (names in small letters, repeated ones joined), body, whether the connection may be
--   used again
function answer.read(source, request)
  local status, minor, headers = read_head(source)
  local into = reader.sink()
  local told = read_body(source, status, headers, request, into)
  check_coding(headers)
  local again = told and minor == 1 and not says_close(headers) and not source:has_rest()
  return status, headers, into:text(), again
end

return answer
