--- mavilua: the HTTP API of Mavibot and Salebot as Lua functions.
--
--     local mavilua = require "mavilua"
--     local bot = mavilua.client { api_key = key }
--     local found, err = bot:find_clients { q = { city = "Oslo" } }
--     if not found then print(err) end
--
-- In a plain script calls block. Inside `mavilua.map`, in the host and in nginx they wait without holding
-- the thread. Failures are returned as `nil, err`; misuse raises at the caller's line.
-- @module mavilua
local core = require "mavilua.core"
local client = require "mavilua.client"
local errors = require "mavilua.errors"
local http = require "mavilua.http"
local map = require "mavilua.map"
local pipeline = require "mavilua.pipeline"
local runtime = require "mavilua.runtime"

-- Where lua-cjson marks its arrays, both libraries use one mark, so tables pass freely between them.
local has_cjson, cjson = pcall(require, "cjson")
if has_cjson and type(cjson) == "table" and type(cjson.array_mt) == "table" then
  core.use_array_mark(cjson.array_mt)
end

local mavilua = {}

--- The version, e.g. "0.1.0".
mavilua.version = core.version

--- JSON's null; equal to `cjson.null`. It is true in conditions: compare with it.
mavilua.null = core.null

--- Makes a client; see client.lua.
-- @function client
-- @param options table
-- @return the client
mavilua.client = client.new

--- Runs a function over a list, many calls side by side; see map.lua.
-- @function map
mavilua.map = map.run

--- Order states by name, with allowed moves, guards and hooks; see pipeline.lua.
-- @function pipeline
mavilua.pipeline = pipeline.new

--- HTTP requests to other services; see http.lua.
mavilua.http = http

--- Marks a table as a JSON array, so that an empty one is sent as `[]`.
-- @function array
-- @param list table with keys 1..n, or nothing
-- @return the same table
function mavilua.array(list)
  if list == nil then return core.array {} end
  if type(list) ~= "table" or getmetatable(list) ~= nil and not core.is_array(list) then
    local what = type(list) == "table" and "one with a metatable" or type(list)
    errors.misuse("mavilua.array: takes a plain table, got %s", what)
  end
  return core.array(list)
end

--- Whether a table carries the array mark.
-- @function is_array
-- @param value anything
-- @return boolean
mavilua.is_array = core.is_array

--- Makes JSON text of a value, exactly: integers of 64 bits stay digit for digit.
-- @function encode
-- @param value anything JSON can hold
-- @return string, or nil and a message that names the part that cannot be sent
mavilua.encode = core.encode

--- Reads JSON text. Null members of objects are absent unless `keep_null`; nulls in arrays are
-- mavilua.null; an integer that the VM cannot hold exactly is its decimal string.
-- @function decode
-- @param text string
-- @param keep_null boolean or nil
-- @return the value, or nil and a message
mavilua.decode = core.decode

--- The action table: a list of {name, method, permission, retry, params, rules, answer, doc, source}.
-- @function actions
-- @return list of tables, the caller's own copy
mavilua.actions = core.actions

--- Waits; inside a task the others go on meanwhile.
-- @function sleep
-- @param seconds number
mavilua.sleep = runtime.sleep

--- A clock for measuring: seconds since some moment, never going back.
-- @function now
-- @return number
mavilua.now = runtime.now

--- The time of day.
-- @function time
-- @return Unix seconds with fractions
mavilua.time = runtime.time

return mavilua
