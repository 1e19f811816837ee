-- The rocks, made and installed by Debian's LuaRocks into trees of their own, and used from there.
local process = require "spec.support.process"

-- Another mode's module needs its sanitizer in the interpreter.
local mode = os.getenv "MAVILUA_MODE" or "release"
if mode ~= "release" then return end

local interpreters = { ["5.4"] = { "lua5.4" }, ["5.1"] = { "lua5.1", "luajit" } }

local function luarocks(version, tree, ...)
  local args = { "--lua-version", version, "--tree", tree, ... }
  args.bin, args.env = "luarocks", { MAKEFLAGS = "", MAKELEVEL = "", HOME = tree }
  return process.run(args)
end

local function must(status, out, err)
  assert.equal(0, status, out .. err)
  return out
end

-- "share/lua/5.4/mavilua/init.lua" and so on, without LuaRocks' own.
local function files(tree)
  local list = {}
  local command = "cd '%s' && find share lib bin -type f 2>/dev/null | grep -v /luarocks/ | sort"
  local pipe = assert(io.popen(command:format(tree)))
  for line in pipe:lines() do list[#list + 1] = line end
  pipe:close()
  return list
end

local function expected(version)
  local list = { ("lib/lua/%s/mavilua/core.so"):format(version) }
  local pipe = assert(io.popen "cd lua && find mavilua -name '*.lua' | sort")
  for line in pipe:lines() do list[#list + 1] = ("share/lua/%s/%s"):format(version, line) end
  pipe:close()
  table.sort(list)
  return list
end

local function loads(tree, version)
  local share = ("%s/share/lua/%s"):format(tree, version)
  for _, lua in ipairs(interpreters[version]) do
    local out = must(process.run { bin = lua, "-e", 'io.write(#require("mavilua").actions())', env = {
      LUA_PATH = ("%s/?.lua;%s/?/init.lua"):format(share, share),
      LUA_CPATH = ("%s/lib/lua/%s/?.so"):format(tree, version),
    } })
    assert.equal("43", out, lua)
  end
end

describe("LuaRocks", function()
  for version in pairs(interpreters) do
    it(("makes, packs and installs the module for Lua %s"):format(version), function()
      local made, fresh = process.folder(), process.folder()
      must(luarocks(version, made, "make", "--deps-mode", "none", "mavilua-scm-1.rockspec"))
      assert.same(expected(version), files(made))
      loads(made, version)
      local out = must(luarocks(version, made, "pack", "mavilua"))
      local rock = assert(out:match("Packed: (%S+)"), out)
      must(luarocks(version, fresh, "install", "--deps-mode", "none", rock))
      os.remove(rock)
      assert.same(expected(version), files(fresh))
      loads(fresh, version)
      local folder = must(luarocks(version, fresh, "show", "--rock-dir", "mavilua")):match "%S+"
      assert.not_equal("", process.read(folder .. "/library/mavilua.d.lua"))
    end)
  end

  it("makes the program, which is there once and runs", function()
    local tree = process.folder()
    must(luarocks("5.4", tree, "make", "--deps-mode", "none", "mavilua-host-scm-1.rockspec"))
    assert.same({ "bin/mavilua" }, files(tree))
    assert.matches("^mavilua %d", must(process.run { bin = tree .. "/bin/mavilua", "--version" }))
  end)

  it("says which library is missing", function()
    local status, out, err = luarocks("5.4", process.folder(), "make", "--deps-mode", "none",
      "mavilua-scm-1.rockspec", "JANSSON_DIR=/nowhere")
    assert.not_equal(0, status)
    assert.matches("Could not find library file for JANSSON", out .. err, 1, true)
  end)

  local rockspecs = { "mavilua-scm-1", "mavilua-0.1.0-1", "mavilua-host-scm-1", "mavilua-host-0.1.0-1" }
  for _, name in ipairs(rockspecs) do
    it("finds nothing to say against " .. name, function()
      must(luarocks("5.4", process.folder(), "lint", name .. ".rockspec"))
    end)
  end

  it("has the version of the program in the versioned rockspecs", function()
    local mavilua = require "mavilua"
    for _, name in ipairs { "mavilua", "mavilua-host" } do
      local text = process.read(("%s-%s-1.rockspec"):format(name, mavilua.version))
      assert.matches(('version = "%s-1"'):format(mavilua.version), text, 1, true)
    end
  end)
end)
