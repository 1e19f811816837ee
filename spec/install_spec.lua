-- What `make install` puts where, used from there.
local process = require "spec.support.process"

-- Another mode's module needs its sanitizer in the interpreter, which only its own program has.
local mode = os.getenv "MAVILUA_MODE" or "release"

describe("make install", function()
  local root, prefix
  local function make(target)
    return process.run { bin = "make", "-s", target, "MODE=" .. mode, "DESTDIR=" .. root, "PREFIX=/opt/mavilua",
      env = { MAKEFLAGS = "", MAKELEVEL = "" } }
  end
  setup(function()
    root = process.folder()
    prefix = root .. "/opt/mavilua"
    local code, out, err = make "install"
    assert.equal(0, code, out .. err)
  end)

  it("installs a program that needs nothing beside it", function()
    local code, out, err = process.run { bin = prefix .. "/bin/mavilua", "run", "-",
      stdin = 'print(require("mavilua").version, #require("mavilua").actions())',
      env = { LUA_PATH = "", LUA_CPATH = "" } }
    assert.equal(0, code, err)
    assert.matches("^%d+%.%d+%.%d+\t43\n$", out)
  end)

  for lua, version in pairs { ["lua5.4"] = "5.4", ["lua5.1"] = "5.1", luajit = "5.1" } do
    it("installs the module for " .. lua, function()
      if mode ~= "release" then return end
      local share = prefix .. "/share/lua/" .. version
      local code, out, err = process.run { bin = lua, "-e",
        'local m = require "mavilua" print(m.version, m.client { api_key = "k" })',
        env = {
          LUA_PATH = ("%s/?.lua;%s/?/init.lua"):format(share, share),
          LUA_CPATH = ("%s/lib/lua/%s/?.so"):format(prefix, version),
        } }
      assert.equal(0, code, err)
      assert.matches("^%d+%.%d+%.%d+\tmavilua%.client", out)
    end)
  end

  it("installs what man, editors and shells read", function()
    for _, name in ipairs { "mavilua/library/mavilua.d.lua", "mavilua/library/mavilua/actions.d.lua",
      "man/man1/mavilua.1", "man/man5/mavilua.conf.5", "bash-completion/completions/mavilua",
      "zsh/site-functions/_mavilua" } do
      assert.not_equal("", process.read(prefix .. "/share/" .. name), name)
    end
  end)

  it("installs a program that tells the editor of a new project where the stubs are", function()
    local folder = root .. "/bot"
    assert.equal(0, (process.run { bin = prefix .. "/bin/mavilua", "new", folder }))
    local settings = assert(require("mavilua").decode(process.read(folder .. "/.luarc.json")))
    assert.same({ prefix .. "/share/mavilua/library" }, settings["workspace.library"])
    assert(os.execute("rm -r " .. process.quote(folder)))
  end)

  it("is undone by make uninstall", function()
    assert.equal(0, (make "uninstall"))
    local pipe = assert(io.popen("find " .. process.quote(root) .. " ! -type d"))
    local left = pipe:read "a"
    pipe:close()
    assert.equal("", left)
  end)
end)
