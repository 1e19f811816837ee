--- What befalls the host beside the kills. Each row: `name`, `against` (the promise it tries), `begin(at)`,
-- and `finish(at)` unless it passes by itself. `at` has the life, the world, the sandbox and `random(m, n)`.
local process = require "spec.support.process"
local world = require "spec.torture.world"

local function control(at, method, body)
  at.sandbox:control(method, "faults", body)
end

local function fault(name, fields)
  return {
    name = "API " .. name, against = "attempts; an ambiguous send is not repeated",
    begin = function(at)
      local seeded = { seed = at.random(1, 1000000) }
      for field, value in pairs(fields) do seeded[field] = value end
      control(at, "POST", { seeded })
    end,
    finish = function(at) control(at, "DELETE") end,
  }
end

local function disk(name, state)
  return {
    name = name, world = true, against = "503 and never a 200; nothing half-written",
    begin = function(at) at.world:set("disk", state) end,
    finish = function(at) at.world:set("disk", world.disks.well) end,
  }
end

local function jump(name, ms)
  return {
    name = name, world = true, against = "order, retries and moments by a clock that is set",
    begin = function(at) at.world:set("ahead", at.world:get "ahead" + at.random(ms // 2, ms)) end,
  }
end

local function reload(at, text)
  at.life:write(text)
  at.life:signal "HUP"
end

local function good(at)
  at.life.version = at.life.version + 1
  reload(at, at.life.text .. ("-- version %d\n"):format(at.life.version))
end

-- What a bad script registers before it fails must never run.
local function bad(name, spoil)
  return {
    name = "reload of a script that " .. name, against = "the old code goes on, none runs on half-loaded code",
    begin = function(at)
      reload(at, spoil(at.life.text:gsub('host%.on%("message", function%(event%)', '%0 trace "HALF"')))
    end,
    finish = good,
  }
end

-- Another process writes to the database and takes its time.
local function lock(name)
  return {
    name = name, against = "503 and never a 200; what waits is stored afterwards",
    begin = function(at)
      at.lock = assert(io.popen(("exec sqlite3 %s 2>>%s"):format(process.quote(at.life.db),
        process.quote(at.life.log)), "w"))
      at.lock:write ".timeout 1000\nBEGIN EXCLUSIVE;\n"
      at.lock:flush()
    end,
    finish = function(at)
      at.lock:write "ROLLBACK;\n.quit\n"
      at.lock:close()
      at.lock = nil
    end,
  }
end

local MINUTE = 60000

return {
  disk("the disk is full", world.disks.full),
  disk("the disk cannot sync", world.disks.unsynced),
  lock "another process locks the database",
  jump("the clock jumps ahead", 90 * MINUTE),
  jump("the clock jumps back", -90 * MINUTE),
  { name = "reload of a good script", against = "no event is lost or waits for it", begin = good },
  bad("cannot be parsed", function(text) return text .. "\nif" end),
  bad("raises an error", function(text) return text .. "\nerror 'bad on purpose'\n" end),
  bad("is half written", function(text) return text:sub(1, #text - 150) end),
  fault("fails", { kind = "status", status = 502, probability = 0.5 }),
  fault("hangs", { kind = "delay", delay_ms = 1000, probability = 0.3 }),
  fault("truncates", { kind = "truncate", fraction = 0.5, probability = 0.5 }),
  fault("breaks before the work", { kind = "drop_before", probability = 0.5 }),
  fault("loses the reply", { kind = "drop_after", probability = 0.5 }),
}
