--- The page that the torture shares with the library preloaded into the host (csrc/test/torture_world.c).
local process = require "spec.support.process"

local world = {}
world.__index = world

local slots = { ahead = 0, disk = 8, refused = 16, readings = 24 }
local SIZE = 32

--- What `disk` may be.
world.disks = { well = 0, full = 1, unsynced = 2 }

--- A calm one. @param path of the page; @param library path of the built library
function world.new(path, library)
  process.write(path, ("\0"):rep(SIZE))
  return setmetatable({ path = path, library = library, file = assert(io.open(path, "r+b")) }, world)
end

--- The environment that puts a program under it.
function world:env()
  return { LD_PRELOAD = self.library, MAVILUA_TORTURE_WORLD = self.path }
end

function world:set(name, value)
  self.file:seek("set", slots[name])
  self.file:write(string.pack("<i8", value))
  self.file:flush()
end

function world:get(name)
  local file <close> = assert(io.open(self.path, "rb"))
  file:seek("set", slots[name])
  return (string.unpack("<i8", file:read(8)))
end

return world
