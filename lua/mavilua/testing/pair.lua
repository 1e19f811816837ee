--- Starts a host with a sandbox beside it: inside the program when `mavilua run` runs the tests, as a
-- program of its own otherwise.
-- @internal mavilua.testing.pair
local core = require "mavilua.core"

local pair = {}

local function read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "*a"
  file:close()
  return text
end

local function write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local function quote(word)
  return "'" .. tostring(word):gsub("'", "'\\''") .. "'"
end

-- ---- inside the program ----------------------------------------------------------------------------

local function start_inside(ask, options)
  local started, problem = ask("start", options)
  if not started then return nil, problem end
  return {
    sandbox = started.sandbox, host = started.host, admin = started.admin,
    stop = function() return ask("stop", { id = started.id }) end,
  }
end

-- ---- as a program of its own -----------------------------------------------------------------------

local function program() return os.getenv "MAVILUA_BIN" or "mavilua" end

local function command_line(options)
  local words = { quote(program()), "serve", "--sandbox", "--config", "/dev/null", "--log-level", "info" }
  local function add(flag, value)
    if value then words[#words + 1] = flag .. " " .. quote(value) end
  end
  for _, flag in ipairs { "--listen", "--admin", "--sandbox-listen" } do add(flag, "127.0.0.1:0") end
  add("--db", options.db)
  add("--workers", options.workers or 1)
  add("--sandbox-seed", options.seed)
  add("--sandbox-clock", options.now)
  words[#words + 1] = quote(options.script)
  return "echo $$; exec " .. table.concat(words, " ") .. " 2>" .. quote(options.log)
end

-- The next line that has the pattern in it; nil when the program ended first.
local function await_line(pipe, pattern)
  for line in pipe:lines() do
    local first, second = line:match(pattern)
    if first then return first, second end
  end
end

local function start_outside(options)
  local pipe = assert(io.popen(command_line(options)))
  local pid = pipe:read "*l"
  local sandbox = await_line(pipe, "sandbox ready at (%S+)")
  local host, admin = await_line(pipe, "host ready at (%S+) %(admin (%S+)%)")
  if not host then
    pipe:close()
    return nil, ("%s did not start (MAVILUA_BIN may name another program):\n%s"):format(program(), read(options.log))
  end
  return {
    sandbox = sandbox, host = host, admin = admin,
    stop = function()
      os.execute("kill -TERM " .. pid .. " 2>/dev/null")
      pipe:close()
      return true
    end,
  }
end

-- ---- both ------------------------------------------------------------------------------------------

local function temporary(files, suffix)
  local path = os.tmpname()
  files[#files + 1] = path
  if suffix then
    path = path .. suffix
    files[#files + 1] = path
  end
  return path
end

--- Starts one.
-- @param options table: `script` (path) or `source` (Lua text), `seed` (path or table), `now` (text or
--   nil), `workers`
-- @return table: `sandbox`, `host`, `admin` (addresses), `stop()`, `log()`; or nil and what was wrong
function pair.start(options)
  local files = {}
  local log = temporary(files)
  local given = { db = ":memory:", log = log, now = options.now, workers = options.workers }
  given.script = options.source and write(temporary(files, ".lua"), options.source) or options.script
  given.seed = type(options.seed) == "table" and write(temporary(files), assert(core.encode(options.seed)))
    or options.seed
  local inside, ask = pcall(require, "mavilua.program")
  local started, problem
  if inside then started, problem = start_inside(ask, given) else started, problem = start_outside(given) end
  local stop = started and started.stop
  local function clean()
    for _, path in ipairs(files) do os.remove(path) end
  end
  if not started then
    clean()
    return nil, problem
  end
  function started.log() return read(log) end
  function started.stop()
    stop()
    clean()
  end
  return started
end

return pair
