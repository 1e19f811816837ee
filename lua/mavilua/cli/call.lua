--- `mavilua call`: one action of the API, its answer as JSON on standard output.
-- @internal mavilua.cli.call
local core = require "mavilua.core"
local client = require "mavilua.client"
local json = require "mavilua.cli.json"

-- Exit statuses, as sysexits.h has them.
local USAGE, NO_INPUT, UNAVAILABLE, SOFTWARE, TEMPORARY, CONFIG = 64, 66, 69, 70, 75, 78

local statuses = { network = UNAVAILABLE, timeout = UNAVAILABLE, certificate = UNAVAILABLE, quota = TEMPORARY }

local function fail(status, format, ...)
  local text = select("#", ...) > 0 and format:format(...) or format
  io.stderr:write("mavilua call: ", (text:gsub("[\r\n]+", " ")), "\n")
  os.exit(status)
end

-- The parameters' text: given as it is, as @FILE, or as - for standard input.
local function read(source)
  if source == "-" then return io.read("*a") end
  if source:sub(1, 1) ~= "@" then return source end
  local file, reason = io.open(source:sub(2), "rb")
  if not file then fail(NO_INPUT, "%s", reason) end
  local text
  text, reason = file:read("*a")
  file:close()
  if not text then fail(NO_INPUT, "%s: %s", source:sub(2), reason) end
  return text
end

local function parameters(source)
  if not source then return {} end
  local params, reason = core.decode(read(source), true)
  if reason then fail(USAGE, "the parameters are not JSON: %s", reason) end
  if type(params) ~= "table" then
    fail(USAGE, "the parameters have to be a JSON object, such as '{\"limit\":5}'")
  end
  return params
end

local function check_action(name, any)
  local names = {}
  for _, row in ipairs(core.actions()) do
    if row.name == name then return end
    names[#names + 1] = row.name
  end
  if any then return end
  local near = core.nearest(name, names)
  fail(USAGE, "unknown action \"%s\"; %s--any sends it all the same", name,
    near and ("did you mean \"%s\"? "):format(near) or "")
end

local function check_key()
  local key, path = os.getenv "MAVILUA_API_KEY", os.getenv "MAVILUA_API_KEY_FILE"
  if key and key ~= "" then return end
  if path and path ~= "" then
    local file, problem = io.open(path)
    if not file then fail(NO_INPUT, "MAVILUA_API_KEY_FILE: %s", problem) end
    file:close()
    return
  end
  fail(CONFIG, "no API key: set MAVILUA_API_KEY (or MAVILUA_API_KEY_FILE) to the key of the project's settings "
    .. "(Integrations > API key), or to \"sandbox\" for a sandbox")
end

-- Misuse is raised with a place in this file before it, which tells the user nothing.
local function protected(fn, ...)
  local results = { pcall(fn, ...) }
  if not results[1] then fail(USAGE, (tostring(results[2]):gsub("^[^:\n]+:%d+: ", ""))) end
  return results[2], results[3]
end

--- Runs the command.
-- @param style "pretty" or "compact"
-- @param any "any": an action that the table does not know is sent as it is
-- @param base_url string; "": the environment's or the preset one
-- @param ca_file string; "": none
-- @param action string
-- @param source string or nil: JSON, @FILE or -
return function(style, any, base_url, ca_file, action, source)
  check_action(action, any == "any")
  local params = parameters(source)
  check_key()
  local bot = protected(client.new, {
    base_url = base_url ~= "" and base_url or nil, ca_file = ca_file ~= "" and ca_file or nil, keep_null = true })
  local result, err = protected(bot.call, bot, action, params)
  if result == nil then fail(statuses[err.kind] or SOFTWARE, tostring(err)) end
  io.write(json(result, style == "pretty"), "\n")
end
