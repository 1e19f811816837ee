-- The script that is tortured. What ran goes to a file, a line at a time:
--   B life event attempt client n act   a run begins       E life event   it has ended well
--   X life event   it fails by intention                   O life event   the inside of host.once
--   U life event   host.once does not know                 A life event sent|ambiguous   an API call
--   J life event   a job                                   M life planned attempt   a moment of a schedule
local mavilua = require "mavilua"
local host = require "mavilua.host"

local LIFE = os.getenv "MAVILUA_TORTURE_LIFE"
local SENT_TO = tonumber(os.getenv "MAVILUA_TORTURE_CLIENT")
local bot = mavilua.client { timeout = 0.3, connect_timeout = 0.3, retries = 1 }
local file = assert(io.open(os.getenv "MAVILUA_TORTURE_TRACE", "a"))
file:setvbuf("full", 4096)

-- One write of a whole line, at the file's end.
local function trace(kind, ...)
  file:write(table.concat({ kind, LIFE, ... }, " "), "\n")
  file:flush()
end

local function fail(event, why)
  trace("X", event.id)
  error(why)
end

local function send(event)
  local sent, err = bot:message { client_id = SENT_TO, message = "torture " .. event.id }
  if not sent and err.kind ~= "ambiguous" then fail(event, "the API: " .. err.kind) end
  trace("A", event.id, sent and "sent" or "ambiguous")
  return true
end

-- Once, even if the host was killed in between: then nobody knows, and it is left at that.
local function once(event, fn)
  local ok, err = pcall(host.once, "once:" .. event.id, fn)
  if ok then return end
  if type(err) ~= "table" or not err.ambiguous then error(err, 0) end
  trace("U", event.id)
end

local acts = {
  plain = function() end,
  slow = function(event) host.sleep((event.id % 30) / 1000) end,
  fail = function(event) if event.attempt == 1 then fail(event, "asked to fail") end end,
  eat = function(event)
    local eaten = {}
    while event.attempt == 1 do eaten[#eaten + 1] = ("x"):rep(1 << 20) .. #eaten end
  end,
  once = function(event)
    once(event, function() trace("O", event.id) return event.id end)
    if event.attempt == 1 then fail(event, "after once") end
  end,
  job = function(event)
    host.after(event.id % 3, "job", { event = event.id }, { key = event.key, id = "j:" .. event.id })
  end,
  api = function(event) once(event, function() return send(event) end) end,
}

host.on("message", function(event)
  local n, act = event.text:match "^(%d+) (%a+)$"
  trace("B", event.id, event.attempt, event.client_id, n, act)
  host.kv.incr("n:" .. event.client_id)
  acts[act](event)
  trace("E", event.id)
end, { name = "message", attempts = 40 })

host.job("job", function(args) trace("J", args.event) end)

host.every("1s", { name = "tick", missed = "all" }, function(moment)
  trace("M", moment.planned, moment.attempt)
end)
