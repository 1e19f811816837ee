--- Starts the real program for a spec, waits for its ready line, and stops it.
local process = {}

process.bin = os.getenv("MAVILUA_BIN") or "build/release/mavilua"

--- A value that calls `fn` when it is collected; 5.1 does that for userdata only.
function process.at_end(fn)
  if not newproxy then return setmetatable({}, { __gc = fn }) end
  local proxy = newproxy(true)
  getmetatable(proxy).__gc = fn
  return proxy
end

--- A word for the shell.
function process.quote(text)
  return "'" .. tostring(text):gsub("'", "'\\''") .. "'"
end

--- Reads a whole file; "" when it is not there.
function process.read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read("*a")
  file:close()
  return text
end

--- Ticks of processor time that a process has used, 100 a second: fields 14 and 15 of its stat, 12 and 13 behind
-- its name.
function process.ticks(pid)
  local fields = {}
  for field in process.read("/proc/" .. pid .. "/stat"):match "%) (.*)":gmatch "%S+" do fields[#fields + 1] = field end
  return fields[12] + fields[13]
end

--- Writes a file and returns its path.
function process.write(path, text)
  local file = assert(io.open(path, "wb"))
  file:write(text)
  file:close()
  return path
end

local folders = {}
-- kept so that it is collected at the end
folders.keeper = process.at_end(function()
  for _, path in ipairs(folders) do os.execute("rm -rf " .. process.quote(path)) end
end)

--- A fresh folder, removed when the interpreter ends.
function process.folder()
  local pipe = assert(io.popen("mktemp -d"))
  local path = pipe:read("*l")
  pipe:close()
  folders[#folders + 1] = path
  return path
end

local function command_line(args, env, redirect)
  local words = {}
  for name, value in pairs(env or {}) do words[#words + 1] = name .. "=" .. process.quote(value) end
  table.sort(words)
  table.insert(words, 1, "env")
  for _, arg in ipairs(args) do words[#words + 1] = process.quote(arg) end
  return table.concat(words, " ") .. (redirect or "")
end

-- As the shell has it: not every Lua tells how a command ended.
local function status_of(folder)
  return tonumber(process.read(folder .. "/status"):match("%d+"))
end

--- Runs the program to its end.
-- @param args list of arguments; args.env: table of variables; args.stdin: text for standard input;
--   args.bin: another program
-- @return exit status (128 + n when ended by signal n), standard output, standard error
function process.run(args)
  local folder = process.folder()
  local input = process.write(folder .. "/in", args.stdin or "")
  local line = command_line({ args.bin or process.bin, table.unpack(args) }, args.env,
    (" <%s >%s/out 2>%s/err; echo $? >%s/status"):format(input, folder, folder, folder))
  os.execute(line)
  return status_of(folder), process.read(folder .. "/out"), process.read(folder .. "/err")
end

-- How many times slower a build with sanitizers may be.
process.patience = ({ asan = 4, tsan = 8 })[os.getenv "MAVILUA_MODE"] or 1

-- tools/lanes.sh stops a file after 600 seconds, and then nobody learns what was awaited. So one wait may take
-- 180 seconds, and all that are in vain 240; each that then follows is given 10.
local LONGEST, IN_VAIN, LEAST = 180, 240, 10
local in_vain = 0

--- Waits until `condition()` gives something true, and returns that.
-- @param seconds the longest it may take, 20 by default; with sanitizers more
function process.await(condition, what, seconds)
  local core = require "mavilua.core"
  local limit = math.min((seconds or 20) * process.patience, LONGEST, math.max(IN_VAIN - in_vain, LEAST))
  local deadline = core.now() + limit
  repeat
    local value = condition()
    if value then return value end
    core.sleep(0.01)
  until core.now() > deadline
  in_vain = in_vain + limit
  error("waited in vain for " .. (what or "a condition"), 2)
end

local running = {}
running.__index = running

local function ended_early(self, args)
  local status = self:wait()
  error(("%s %s ended with %s before it was ready:\n%s"):format(process.bin, args[1], status, self:log()), 3)
end

--- Starts a server of the program.
-- @param args list of arguments; args.env; args.bin; args.ready: pattern of the line to wait for,
--   " ready at (%S+)" by default; args.lines: how many such lines to await, 1 by default
-- @return an object: pid, url (of the last ready line), urls (of all), ready (the last line), admin
function process.start(args)
  local folder = process.folder()
  local line = [[sh -c 'echo $$; exec "$@"' sh ]]
    .. command_line({ args.bin or process.bin, table.unpack(args) }, args.env,
      (" 2>%s/err; echo $? >%s/status"):format(folder, folder))
  local self = setmetatable({ pipe = assert(io.popen(line)), folder = folder, urls = {} }, running)
  -- One that a failed spec did not stop: its pipe is collected right after it, and would wait for its end for ever.
  self.keeper = process.at_end(function()
    if self.pipe then self:signal("KILL") end
  end)
  self.pid = assert(tonumber(self.pipe:read("*l")))
  for _ = 1, args.lines or 1 do
    repeat
      self.ready = self.pipe:read("*l")
      if not self.ready then ended_early(self, args) end
      self.url = self.ready:match(args.ready or " ready at (%S+)")
    until self.url
    self.urls[#self.urls + 1] = self.url
  end
  self.admin = self.ready:match("admin (http[^%s)]+)")
  return self
end

--- What it wrote to standard error so far.
function running:log()
  return process.read(self.folder .. "/err")
end

function running:signal(name)
  os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid))
end

--- Waits for its end. @return exit status (128 + n when ended by signal n), the rest of its output
function running:wait()
  if not self.pipe then return self.status, "" end
  local rest = self.pipe:read("*a")
  self.pipe:close()
  self.pipe = nil
  self.status = status_of(self.folder)
  return self.status, rest
end

--- Stops it (TERM) and waits. @return exit status, the rest of its output
function running:stop()
  if self.pipe then self:signal("TERM") end
  return self:wait()
end

--- Kills it (KILL) and waits.
function running:kill()
  if self.pipe then self:signal("KILL") end
  return self:wait()
end

return process
