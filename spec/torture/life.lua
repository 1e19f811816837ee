--- A host under torture: started again and again on the same database and the same port.
local core = require "mavilua.core"
local http = require "mavilua.http"
local ports = require "spec.support.ports"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local life = {}
life.__index = life

local API_KEY = "sandbox"

--- @param folder for all files; @param world from spec.torture.world; @param sandbox url; @param client of it
function life.new(folder, world, sandbox, client)
  local self = setmetatable({ folder = folder, world = world, number = 0, version = 0 }, life)
  self.db, self.script, self.log = folder .. "/db/bot.db", folder .. "/bot.lua", folder .. "/log"
  self.trace = folder .. "/trace"
  assert(os.execute("mkdir " .. process.quote(folder .. "/db")))
  self.port = ports.free()
  self.url = ("http://127.0.0.1:%d/webhook/%s"):format(self.port, support.secret)
  self.env = { MAVILUA_WEBHOOK_SECRET = support.secret, MAVILUA_API_KEY = API_KEY, MAVILUA_BASE_URL = sandbox,
    MAVILUA_TORTURE_TRACE = self.trace, MAVILUA_TORTURE_CLIENT = client }
  self.text = process.read "spec/torture/bot.lua"
  self:write(self.text)
  return self
end

--- Puts a script in the place of the old one.
function life:write(text)
  process.write(self.script .. ".new", text)
  assert(os.rename(self.script .. ".new", self.script))
end

local function command(self)
  local words = { "exec env" }
  local function set(name, value) words[#words + 1] = name .. "=" .. process.quote(value) end
  for name, value in pairs(self.env) do set(name, value) end
  for name, value in pairs(self.world and self.world:env() or {}) do set(name, value) end
  set("MAVILUA_TORTURE_LIFE", self.number)
  for _, word in ipairs { process.bin, "serve", "--listen", "127.0.0.1:" .. self.port, "--admin", "127.0.0.1:0",
    "--db", self.db, "--workers", "2", self.script } do
    words[#words + 1] = process.quote(word)
  end
  return ("echo $$; %s 2>>%s"):format(table.concat(words, " "), process.quote(self.log))
end

--- Starts it; it is not ready yet.
function life:begin()
  self.number = self.number + 1
  self.pipe = assert(io.popen(command(self)))
  self.pid = assert(tonumber(self.pipe:read "l"))
end

--- Waits for its ready line. @return whether it came; if not, it has ended
function life:ready()
  local line = self.pipe:read "l"
  self.admin = line and line:match "admin (http[^%s)]+)"
  if not self.admin then self:wait() end
  return self.admin ~= nil
end

function life:signal(name)
  os.execute(("kill -%s %d 2>/dev/null"):format(name, self.pid))
end

--- @return how it ended: "signal" or "exit", and the number
function life:wait()
  self.pipe:read "a"
  local _, how, code = self.pipe:close()
  self.pipe = nil
  return how, code
end

--- @return nil if it was alive until then, or how it had ended
function life:kill()
  self:signal "KILL"
  local how, code = self:wait()
  if how ~= "signal" or code ~= 9 then return how .. " " .. code end
end

--- What the admin answers, or nil.
function life:ask(path, method)
  local reply = http.request { url = self.admin .. path, method = method or "GET" }
  return reply and reply.status == 200 and reply:json() or nil
end

--- What SQLite says to a query: rows as lists of texts.
function life:rows(sql)
  local pipe = assert(io.popen(("sqlite3 -readonly -cmd '.timeout 10000' %s %s"):format(process.quote(self.db),
    process.quote(sql))))
  local rows = {}
  for line in pipe:lines() do
    local row = {}
    for word in (line .. "|"):gmatch "([^|]*)|" do row[#row + 1] = word end
    rows[#rows + 1] = row
  end
  assert(pipe:close(), "sqlite3 failed: " .. sql)
  return rows
end

function life:count(sql)
  return tonumber(self:rows(sql)[1][1])
end

--- Events of webhooks and jobs that are not final.
function life:unfinished()
  return self:count "SELECT count(*) FROM events WHERE state < 3 AND source IN (0, 3)"
end

--- Resident memory (KiB), descriptors, threads.
function life:resources()
  local status = process.read(("/proc/%d/status"):format(self.pid))
  local pipe = assert(io.popen(("ls /proc/%d/fd | wc -l"):format(self.pid)))
  local fds = pipe:read "n"
  pipe:close()
  return { memory = tonumber(status:match "VmRSS:%s+(%d+)"), threads = tonumber(status:match "Threads:%s+(%d+)"),
    fds = fds }
end

life.now = core.now

return life
