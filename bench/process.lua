--- Starts, asks and ends the programs that are measured.
local mavilua = require "mavilua"

local process = {}
local running = {} -- pids of what was started and not stopped
local folder

local function quote(word) return "'" .. tostring(word):gsub("'", "'\\''") .. "'" end

--- Where files go, and the pids, for whoever cleans up.
function process.use(path) folder = path end

function process.read(path)
  local file = io.open(path, "rb")
  if not file then return "" end
  local text = file:read "a"
  file:close()
  return text
end

--- Writes a file and returns its path.
function process.write(path, text)
  local file <close> = assert(io.open(path, "wb"))
  file:write(text)
  return path
end

--- Copies a file of the peers, with what stands between @ and @ filled in.
function process.fill(from, to, values)
  return process.write(to, (process.read(from):gsub("@(%l+)@", values)))
end

local function note_pids()
  local list = {}
  for pid in pairs(running) do list[#list + 1] = pid end
  process.write(folder .. "/pids", table.concat(list, "\n") .. "\n")
end

local function line_of(args)
  local words = { "env" }
  for name, value in pairs(args.env or {}) do words[#words + 1] = name .. "=" .. quote(value) end
  table.sort(words, function(a, b) return a == "env" or b ~= "env" and a < b end)
  for _, word in ipairs(args) do words[#words + 1] = quote(word) end
  return table.concat(words, " ")
end

--- Runs a program to its end. @return what it printed; raises when it fails
function process.output(args)
  local errors = folder .. "/errors"
  local pipe = assert(io.popen(line_of(args) .. " 2>" .. quote(errors)))
  local text = pipe:read "a"
  if not pipe:close() then error(("%s failed: %s%s"):format(args[1]:match "[^/]+$", process.read(errors), text), 0) end
  return text
end

--- Whether a condition comes true in time; asks it every few milliseconds.
function process.await(condition, what, seconds)
  local deadline = mavilua.now() + (seconds or 120)
  repeat
    local value = condition()
    if value then return value end
    mavilua.sleep(0.004)
  until mavilua.now() > deadline
  error("waited in vain for " .. what, 0)
end

local methods = {}
methods.__index = methods

local count = 0

--- Starts a server.
-- @param args list of words; env; ready: pattern of the line that tells it is ready (none: it prints none)
-- @return an object: pid, ready (what the pattern captured), took (seconds until that line)
function process.start(args)
  count = count + 1
  local log = ("%s/log.%d"):format(folder, count)
  local line = [[sh -c 'echo $$; exec "$@"' sh ]] .. line_of(args) .. " 2>" .. quote(log)
  local begun = mavilua.now()
  local self = setmetatable({ pipe = assert(io.popen(line)), log = log }, methods)
  self.pid = assert(tonumber(self.pipe:read "l"))
  running[self.pid] = true
  note_pids()
  if args.ready then self.ready = self:line(args.ready) end
  self.took = mavilua.now() - begun
  return self
end

--- Waits for a line of its output. @return what the pattern captured
function methods:line(pattern)
  for line in self.pipe:lines() do
    local found = { line:match(pattern) }
    if found[1] then return found end
  end
  error("ended before it was ready:\n" .. process.read(self.log), 0)
end

--- Waits until it answers at a URL, for servers that print no line.
function methods:answers(url)
  process.await(function()
    if not os.execute(("kill -0 %d 2>/dev/null"):format(self.pid)) then
      error("ended before it was ready:\n" .. process.read(self.log), 0)
    end
    return mavilua.http.get(url, { timeout = 1 })
  end, url, 20)
end

--- Ends it and waits for that.
function methods:stop(signal)
  if not running[self.pid] then return end
  os.execute(("kill -%s %d 2>/dev/null"):format(signal or "TERM", self.pid))
  self.pipe:read "a"
  self.pipe:close()
  running[self.pid] = nil
  note_pids()
  os.remove(self.log)
end

--- Resident memory in KiB.
function methods:memory()
  return tonumber(process.read(("/proc/%d/status"):format(self.pid)):match "VmRSS:%s+(%d+)")
end

--- A port that nobody listens on.
function process.free_port(build)
  return process.output { build .. "/bench/free_port" }:match "%d+"
end

return process
