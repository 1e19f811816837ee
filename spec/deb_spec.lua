-- The Debian package of `make deb`: what is in it, and installed into and removed from a root of its own.
local process = require "spec.support.process"

-- Another mode's program is nobody's to install.
local mode = os.getenv "MAVILUA_MODE" or "release"
if mode ~= "release" then return end

local function sh(line, ...)
  return process.run { bin = "sh", "-c", line, "sh", ... }
end

local function must(line, ...)
  local code, out, err = sh(line, ...)
  assert.equal(0, code, line .. "\n" .. out .. err)
  return out
end

describe("make deb", function()
  local package, root

  -- dpkg on the root alone: its scripts run outside of it, and are told so by DPKG_ROOT.
  local function dpkg(...)
    local words = { ... }
    for i, word in ipairs(words) do words[i] = process.quote(word) end
    return must(('cd "$1" && $([ "$(id -u)" = 0 ] || echo fakeroot) dpkg --root="$1" --force-depends --force-not-root '
      .. "--force-script-chrootless %s"):format(table.concat(words, " ")), root)
  end

  -- The files below the root that no dpkg keeps for itself.
  local function installed()
    return must("cd \"$1\" && find . \\( -type f -o -type l \\) -not -path './var/*' | cut -c 2- | sort", root)
  end

  setup(function()
    local code, out, err = process.run { bin = "make", "-s", "deb", env = { MAKEFLAGS = "", MAKELEVEL = "" } }
    assert.equal(0, code, out .. err)
    local here = must("pwd"):sub(1, -2)
    package = here .. "/" .. out:match "build/mavilua_%d+%.%d+%.%d+_%w+%.deb"
    root = process.folder()
    must("mkdir -p \"$1/var/lib/dpkg/info\" \"$1/var/lib/dpkg/updates\" \"$1/var/lib/dpkg/triggers\" \"$1/var/log\" "
      .. "&& touch \"$1/var/lib/dpkg/status\" \"$1/var/lib/dpkg/available\"", root)
  end)

  it("makes a package that lintian finds no error in", function()
    local code, out = process.run { bin = "lintian", "--fail-on", "error", package }
    assert.equal(0, code, out)
  end)

  it("names what the program needs, and who it is", function()
    local fields = must("dpkg-deb --field \"$1\"", package)
    local guide = process.read "docs/host.md"
    local needs = fields:match "\nDepends: ([^\n]+)"
    for _, name in ipairs { "libc6", "libcurl4", "libedit2", "libjansson4", "liblua5.4-0", "libmicrohttpd12",
      "libsqlite3-0" } do
      assert.truthy(needs:find("%f[%w]" .. name:gsub("%p", "%%%0") .. " %(>= "), name .. "\n" .. fields)
    end
    for name in needs:gmatch "([%w.-]+) %(" do -- the guide's container has them all; it begins with libc6
      assert.truthy(name == "libc6" or guide:find(" " .. name .. " ", 1, true), name .. " in docs/host.md")
    end
    local version = must(process.quote(process.bin) .. " --version"):match "mavilua (%S+)"
    assert.truthy(fields:find("\nVersion: " .. version .. "\n", 1, true), fields)
  end)

  it("installs, runs and is gone again", function()
    dpkg("-i", package)
    local files = installed()
    assert.equal(files, must("dpkg --root=\"$1\" -L mavilua | while read -r f; do "
      .. "[ -d \"$1$f\" ] && [ ! -L \"$1$f\" ] || echo \"$f\"; done | sort", root))
    assert.equal("", must("dpkg --root=\"$1\" --verify mavilua", root))
    for _, name in ipairs { "/usr/bin/mavilua", "/usr/share/man/man1/mavilua.1.gz",
      "/usr/share/doc/mavilua/changelog.gz", "/usr/share/doc/mavilua/copyright",
      "/lib/systemd/system/mavilua.service" } do
      assert.truthy(files:find(name .. "\n", 1, true), name)
    end
    assert.is_nil(files:find("/etc/", 1, true))
    local code, out, err = process.run { bin = root .. "/usr/bin/mavilua", "repl", "--sandbox",
      stdin = "#bot:get_clients { limit = 3 }.clients\n", env = { LUA_PATH = "", LUA_CPATH = "" } }
    assert.equal(0, code, err)
    assert.equal("3\n", out)
    for lua, folder in pairs { ["lua5.4"] = "5.4", luajit = "5.1" } do
      assert.equal("43\n", must(("LUA_PATH='%s/usr/share/lua/%s/?.lua;%s/usr/share/lua/%s/?/init.lua' "
        .. "LUA_CPATH='%s/usr/lib/lua/%s/?.so' %s -e 'print(#require(\"mavilua\").actions())'"):format(root, folder,
        root, folder, root, folder, lua)))
    end
    dpkg("-r", "mavilua")
    dpkg("-P", "mavilua")
    assert.equal("", installed())
    assert.equal("", must("cd \"$1\" && ls | grep -v '^var$' || true", root))
  end)

  it("has a unit for systemd that is not enabled", function()
    local folder = process.folder()
    must("dpkg-deb -x \"$1\" \"$2\"", package, folder)
    local unit = folder .. "/lib/systemd/system/mavilua.service"
    local text = process.read(unit)
    assert.truthy(text:find("\nExecStart=/usr/bin/mavilua serve ", 1, true), text)
    assert.equal("", must("find \"$1\" -name '*.wants'", folder))
    process.write(unit, (text:gsub("/usr/bin/mavilua", process.bin:find "^/" and process.bin or folder
      .. "/usr/bin/mavilua")))
    local code, out, err = process.run { bin = "systemd-analyze", "verify", "--man=no", unit }
    assert.equal("", out .. err)
    assert.equal(0, code)
  end)

  it("tells what changed, in Debian's form", function()
    local folder = process.folder()
    must("dpkg-deb -x \"$1\" \"$2\"", package, folder)
    local out = must("zcat \"$1/usr/share/doc/mavilua/changelog.gz\" | dpkg-parsechangelog -l -", folder)
    assert.truthy(out:find("\nVersion: %d"), out)
    assert.truthy(out:find("mavilua repl", 1, true), out)
  end)
end)
