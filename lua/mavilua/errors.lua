--- What a failed call gives, and how misuse is told.
-- Failures of the world are returned (`nil, err`); misuse raises a string at the caller's line.
-- @module mavilua.errors
local core = require "mavilua.core"

local errors = {}

local BODY_CAP = 2048 -- bytes of an answer that an error carries

--- A failed call. Its fields, those that do not apply are nil:
-- `kind` (string: network, timeout, certificate, http, api, ambiguous, decode, quota; of pipelines also state,
-- transition, guard, conflict), `action` (string), `status` (HTTP status), `code` (the platform's word, e.g.
-- "client_not_found"), `message` (string), `attempts` (how often the request was sent or tried),
-- `retryable` (boolean: the same call may be made again without doing anything twice, and may then
-- succeed), `retry_after` (seconds), `body` (the answer's beginning, at most 2 KiB), `sent` (boolean).
-- @type err
local failure = {}
failure.__index = failure
failure.__name = "mavilua.error"

local function details(err)
  local list = { err.kind }
  if err.status and err.status ~= 0 then list[1] = ("%s %d"):format(err.kind, err.status) end
  if err.code and err.code ~= err.message then list[#list + 1] = err.code end
  if (err.attempts or 0) > 1 then list[#list + 1] = ("after %d attempts"):format(err.attempts) end
  return table.concat(list, ", ")
end

function failure.__tostring(err)
  local what = ("%s (%s)"):format(err.message or "failed", details(err))
  return err.action and err.action .. ": " .. what or what
end

function failure.__concat(left, right)
  return tostring(left) .. tostring(right)
end

--- Makes a failure of its fields.
-- @param fields table, see `err`; it becomes the failure
-- @return the failure
function errors.new(fields)
  return setmetatable(fields, failure)
end

--- Whether a value is a failure made by this module.
-- @param value anything
-- @return boolean
function errors.is(value)
  return type(value) == "table" and getmetatable(value) == failure
end

--- The beginning of an answer's body as errors carry it.
-- @param body string or nil
-- @return string or nil
function errors.cap(body)
  if not body or body == "" then return nil end
  if #body <= BODY_CAP then return body end
  return body:sub(1, BODY_CAP) .. "..."
end

-- "@lua/mavilua/" or "@mavilua." or whatever the loader names this module's files by.
local own = debug and debug.getinfo(1, "S").source:gsub("errors[%.a-z]*$", "")

local function is_own(info)
  return info.what == "C" or info.what == "tail" or info.source:sub(1, #own) == own
end

local unlocated -- the last message of a misuse that has no line on the stack, see errors.locate

-- "script.lua:12: ", the first line up the stack that is not this module's; "" when there is none.
local function position()
  if not debug then return "" end
  local level = 3
  local info = debug.getinfo(level, "Sl")
  while info and is_own(info) do
    level = level + 1
    info = debug.getinfo(level, "Sl")
  end
  if not info or info.currentline <= 0 then return "" end
  return ("%s:%d: "):format(info.short_src, info.currentline)
end

--- Raises a message at the line of the caller's script that led here, however deep in this module.
-- @param message string, may have the placeholders of string.format
-- @param ... their values
function errors.misuse(message, ...)
  if select("#", ...) > 0 then message = message:format(...) end
  local where = position()
  if where == "" then unlocated = message end
  error(where .. message, 0)
end

--- Gives a misuse without a position the one of the function it came from: a misuse in a tail call
-- (`return bot:message{…}`) has no line left on a task's stack.
-- @param message the error value
-- @param fn the function that raised it
-- @return the error value; of a misuse without a position, with one
function errors.locate(message, fn)
  if not debug or message == nil or message ~= unlocated then return message end
  local info = debug.getinfo(fn, "S")
  if info.what == "C" then return message end
  return ("%s:%d: %s"):format(info.short_src, info.linedefined, message)
end

--- `did you mean "limit"?` with a leading separator, or "" when no name is near.
-- @param name the mistyped name
-- @param names list of known names
-- @return string
function errors.did_you_mean(name, names)
  local near = core.nearest(tostring(name), names)
  return near and ('; did you mean "%s"?'):format(near) or ""
end

local function described(value)
  return type(value) == "string" and ('"%s"'):format(value) or tostring(value)
end

local function sorted_keys(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = name end
  table.sort(names)
  return names
end

local function check_option(where, name, value, rule)
  local kind = type(value)
  if not (" " .. rule.type .. " "):find(" " .. kind .. " ", 1, true) then
    errors.misuse("%s: option \"%s\" takes %s, got %s", where, name, rule.what, kind)
  end
  local least = rule.least
  local low = kind == "number" and least and (value < least or (rule.above and value == least))
  if kind == "number" and (value ~= value or low or rule.whole and value % 1 ~= 0) then
    errors.misuse("%s: option \"%s\" takes %s, got %s", where, name, rule.what, tostring(value))
  end
end

--- Checks an options table against rules and raises what is wrong with it.
-- @param where what is called, for the message: "mavilua.client"
-- @param options table or nil
-- @param rules name -> {type = "number" or "string table" …, what = "seconds, more than 0", least = lowest
--   number, above = the lowest itself is refused, whole = whole numbers only}
-- @return options, or an empty table
function errors.check_options(where, options, rules)
  if options == nil then return {} end
  if type(options) ~= "table" then
    errors.misuse("%s: takes a table of options, got %s", where, type(options))
  end
  for name, value in pairs(options) do
    local rule = rules[name]
    if not rule then
      local known = sorted_keys(rules)
      errors.misuse("%s: unknown option %s%s", where, described(name), errors.did_you_mean(name, known))
    end
    check_option(where, name, value, rule)
  end
  return options
end

return errors
