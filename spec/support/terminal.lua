--- Runs the program on a terminal of its own (util-linux's `script`), types, and reads the screen.
local process = require "spec.support.process"

local terminal = {}
terminal.__index = terminal

--- Starts the program.
-- @param args list of arguments; args.env: table of variables; args.columns: of the terminal, 100 by default
function terminal.start(args)
  local self = setmetatable({ folder = process.folder(), mark = 1 }, terminal)
  self.keeper = process.at_end(function() self:stop() end)
  local words = { process.quote(process.bin) }
  for _, arg in ipairs(args) do words[#words + 1] = process.quote(arg) end
  local line = ("echo $$ >pid; stty cols %d rows 40; exec %s"):format(args.columns or 100, table.concat(words, " "))
  local env = { "TERM=xterm" }
  for name, value in pairs(args.env or {}) do env[#env + 1] = name .. "=" .. process.quote(value) end
  assert(os.execute("mkfifo " .. self.folder .. "/keys"))
  os.execute(("(cd %s; env %s script -qefc %s screen <keys >/dev/null; echo $? >status) 2>/dev/null &"):format(
    self.folder, table.concat(env, " "), process.quote(line)))
  self.keys = assert(io.open(self.folder .. "/keys", "r+"))
  return self
end

--- Types: "\r" is Enter, "\t" Tab, "\3" Ctrl-C.
function terminal:type(text)
  self.keys:write(text)
  self.keys:flush()
end

--- Everything that was sent to the terminal, with what steers it.
function terminal:raw()
  return process.read(self.folder .. "/screen")
end

--- The text of it.
function terminal:text()
  return (self:raw():gsub("\27%[[%d;?]*[%a@]", ""):gsub("\27[%(%)=>][B0]?", ""):gsub("[\r\a]", ""))
end

-- Ends the program when it was in vain, and shows what it wrote.
local function await(self, condition, what)
  local ok, value = pcall(process.await, condition, what, 60)
  if ok then return value end
  local shown = self:raw():gsub("\r\n", "\n"):gsub("[%c\127]", function(byte)
    return byte ~= "\n" and ("\\x%02x"):format(byte:byte()) or nil
  end)
  self:stop()
  error(("%s; the screen:\n%s\n"):format(tostring(value):gsub("^%S+:%d+: ", ""), shown), 3)
end

--- Waits until `text` is written behind what was awaited before, and returns what stands between.
function terminal:await(text)
  local found = await(self, function()
    local first, last = self:text():find(text, self.mark, true)
    if not first then return self:status() and { ended = true } end
    local between = self:text():sub(self.mark, first - 1)
    self.mark = last + 1
    return { between = between }
  end, ("%q on the screen"):format(text))
  if found.ended then error(("ended before it wrote %q:\n%s"):format(text, self:text()), 2) end
  return found.between
end

--- Types a line and waits for what it prints.
function terminal:enter(line, expected)
  self:type(line .. "\r")
  return self:await(expected)
end

function terminal:status()
  return tonumber(process.read(self.folder .. "/status"):match "%d+")
end

--- Waits for the end. @return exit status
function terminal:wait()
  await(self, function() return self:status() end, "the program's end")
  self.keys:close()
  return self:status()
end

--- Kills it, with what it has started, if it has not ended.
function terminal:stop()
  local pid = process.read(self.folder .. "/pid"):match "%d+"
  if pid and not self:status() then os.execute(("kill -KILL -%d 2>/dev/null"):format(pid)) end
end

return terminal
