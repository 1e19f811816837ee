-- The library as programs have it: installed, found by pkg-config, linked by the examples, run against a sandbox.
local process = require "spec.support.process"
local sandboxes = require "spec.support.sandbox"

local mode = os.getenv "MAVILUA_MODE" or "release"
local sanitizers = { asan = "-fsanitize=address,undefined", tsan = "-fsanitize=thread" }
local flags = "-O1 -g " .. (sanitizers[mode] or "")

local function must(status, out, err)
  assert.equal(0, status, out .. err)
  return out
end

-- Lines of a command's output.
local function lines_of(args)
  local list = {}
  for line in must(process.run(args)):gmatch "[^\n]+" do list[#list + 1] = line end
  return list
end

-- What the header declares, sorted.
local function declared()
  local names = {}
  for name in process.read("csrc/mavilua.h"):gmatch "\nMAVILUA_API [^;(]-([%w_]+)%(" do names[#names + 1] = name end
  table.sort(names)
  return names
end

-- What a library defines for others, without versions.
local function defined(args)
  local names = {}
  for _, line in ipairs(lines_of { bin = "nm", table.unpack(args) }) do
    names[#names + 1] = line:match "^%x+ [TDBRWV] ([%w_]+)"
  end
  table.sort(names)
  return names
end

describe("the library", function()
  local root, built, box, client
  local function make(...)
    local words = { "-s", ... }
    words.bin = "make"
    words.env = { MAKEFLAGS = "", MAKELEVEL = "", PKG_CONFIG_PATH = root .. "/lib/pkgconfig" }
    return must(process.run(words))
  end
  setup(function()
    root, built = process.folder(), process.folder()
    make("install-library", "MODE=" .. mode, "PREFIX=" .. root)
    make("-C", "examples/embed", "O=" .. built, "CFLAGS=" .. flags, "CXXFLAGS=" .. flags,
      "WARN=-Wall -Wextra -Wpedantic -Werror")
    box = sandboxes.start()
    client = box:client "embedded"
  end)
  teardown(function() box:stop() end)

  -- Runs an example where its files are. @param args list; args.under: words before it; args.folder: elsewhere
  local function run(args)
    local words = { bin = "env", "-C", args.folder or "examples/embed" }
    for _, word in ipairs(args.under or {}) do words[#words + 1] = word end
    for i, word in ipairs(args) do words[#words + 1] = i == 1 and built .. "/" .. word or word end
    words.env = { LD_LIBRARY_PATH = root .. "/lib", MAVILUA_BASE_URL = box.url, MAVILUA_API_KEY = "sandbox" }
    return process.run(words)
  end

  it("shows what its header declares, and nothing else", function()
    assert.same(declared(), defined { "-D", "--defined-only", root .. "/lib/libmavilua.so" })
    if mode ~= "release" then return end -- the sanitizers add names of theirs
    assert.same(declared(), defined { "--extern-only", "--defined-only", root .. "/lib/libmavilua.a" })
  end)

  it("keeps nothing that changes beside its handles", function()
    if mode ~= "release" then return end
    -- what is made once and for all: the order of the action table, libcurl's own beginning
    local known = { sorted = true, curl_once = true, curl_result = true,
      completed = true, __TMC_END__ = true, __dso_handle = true }
    for _, line in ipairs(lines_of { bin = "objdump", "-t", root .. "/lib/libmavilua.so" }) do
      local name = line:match "%.bss%s+%x+%s+(%S+)$" or line:match "%.data%s+%x+%s+(%S+)$"
      assert.is_true(not name or name:sub(1, 1) == "." or known[name:gsub("%.%d+$", "")] or false, line)
    end
  end)

  it("has the soname libmavilua.so.0, and the version of the program", function()
    assert.matches("SONAME%s+libmavilua%.so%.0\n",
      must(process.run { bin = "objdump", "-p", root .. "/lib/libmavilua.so" }))
    local version = must(process.run { "--version" }):match "%d[%d.]+"
    assert.equal(version, process.read("csrc/mavilua.h"):match 'MAVILUA_VERSION "([^"]+)"')
    assert.equal(version .. "\n", must(process.run { bin = "pkg-config", "--modversion", "mavilua",
      env = { PKG_CONFIG_PATH = root .. "/lib/pkgconfig" } }))
  end)

  it("has a header that stands alone in C and in C++", function()
    local header = root .. "/include/mavilua.h"
    for _, compiler in ipairs { { "cc", "c", "c99" }, { "g++", "c++", "c++11" } } do
      must(process.run { bin = compiler[1], "-x", compiler[2], "-std=" .. compiler[3], "-fsyntax-only", "-Wall",
        "-Wextra", "-Wpedantic", "-Werror", header })
    end
  end)

  -- The guide's programs, each by those of its commands that are for it: 1 as usual, 2 with Lua, 3 all inside.
  it("builds what docs/embedding.md shows, as it says", function()
    local guide = process.read("docs/embedding.md"):gsub("\\\n%s*", "")
    local commands, programs = {}, {}
    for rest in guide:gmatch "\ncc %-o program program%.c ([^\n]*)" do commands[#commands + 1] = rest end
    for program in guide:gmatch "\n```c\n(.-\n)```" do programs[#programs + 1] = program end
    assert.same({ 3, 3 }, { #commands, #programs })
    local function build(program, command)
      local name = ("%s/shown-%d-%d"):format(built, program, command)
      process.write(name .. ".c", programs[program])
      must(process.run { bin = "sh", "-c", ("cc -Wall -Wextra -Werror %s -o %s %s.c %s"):format(flags, name, name,
        commands[command]), env = { PKG_CONFIG_PATH = root .. "/lib/pkgconfig" } })
      return name:match "[^/]*$"
    end
    process.write(built .. "/bot.lua", process.read "examples/embed/bot.lua")
    must(run { build(1, 2) })
    assert.matches("^event 1 is on disk; hooks at port %d+\n$", must(run { build(3, 1), folder = built }))
    for _, command in ipairs(mode == "release" and { 1, 3 } or { 1 }) do
      local status, out = run { build(2, command) }
      assert.same({ 3, "hello Ada\n" }, { status, out })
    end
  end)

  it("brings the module into a Lua state of the program", function()
    assert.matches("^%d+ clients: .*Ada Berg\n$", must(run { "module" }))
  end)

  it("runs scripts, and tells their errors as text", function()
    local file = process.write(process.folder() .. "/hello.lua", "print(#arg, ...) os.exit(5)")
    local status, out, err = run { "script", file, "a", "b c" }
    assert.equal(5, status, out .. err)
    assert.same({ "| 2\ta\tb c", "| one\t2", "exit.lua ended with 3",
      "broken.lua failed: broken.lua:2: attempt to index a nil value (local 'x')",
      "greedy.lua failed: not enough memory",
      "endless.lua failed: endless.lua:1: ran for more than 0.2 s without waiting (the limit on processor time): "
      .. "is there a loop that does not end?" }, (function()
      local list = {}
      for line in out:gmatch "[^\n]+" do list[#list + 1] = line end
      return list
    end)())
    status, out = run { "script", "absent.lua" }
    assert.equal(1, status)
    assert.matches("absent.lua: No such file or directory (a script is expected there)", out, 1, true)
  end)

  it("runs two hosts in one process, with log, memory and clock of the program's", function()
    local folder = process.folder()
    local before = #box:talk(client)
    local out = must(run { "hosts", box.url, client, folder })
    assert.matches("two hosts on two ports: yes", out, 1, true)
    for number = 1, 2 do
      local last = 0
      for i = 0, 2 do
        local event = ('host %d: {"client_id":%d,"number":%d} is event '):format(number, client, 100 * number + i)
        local posted = {}
        for id in out:gmatch(event:gsub("%p", "%%%0") .. "(%d+)\n") do posted[#posted + 1] = tonumber(id) end
        assert.same({ posted[1], posted[1] }, posted, event .. out)
        assert.is_true(posted[1] > last, out)
        last = posted[1]
      end
      assert.matches(("host %d: stopped after 3 orders; allocator used, 0 blocks left, clock used"):format(number), out,
        1, true)
      local db = ("%s/host-%d.db"):format(folder, number)
      local listed = must(process.run { "events", "list", "--db", db, "--json" })
      local _, done = listed:gsub('"done"', "")
      assert.equal(3, done, listed)
    end
    assert.matches('host 1: the scripts register no hook "ordre"', out, 1, true)
    assert.matches("host 1: the host runs: settings and hooks come before its start", out, 1, true)
    assert.equal(before + 6, #box:talk(client))
  end)

  it("is at home in C++", function()
    local out = must(run { "wrapped", box.url, client, process.folder() })
    assert.matches('unknown setting "wrokers"; did you mean "workers"?\nevent 1\nmavilua ', out, 1, true)
  end)

  it("can be linked into the program, whole", function()
    if mode ~= "release" then return end
    local libraries = must(process.run { bin = "pkg-config", "--libs", "lua5.4", "libcurl", "jansson", "libmicrohttpd",
      "sqlite3" })
    must(process.run { bin = "sh", "-c", ("cc -o %s/whole -I%s/include examples/embed/script.c %s/lib/libmavilua.a %s")
      :format(built, root, root, libraries:gsub("\n", " ")) .. " -lm -ldl -pthread" })
    assert.matches("exit.lua ended with 3", (select(2, run { "whole", "absent.lua" })), 1, true)
  end)

  it("leaves no memory behind, and reads none that is not there, says valgrind", function()
    if mode ~= "release" then return end -- the sanitizers have looked
    local valgrind = { "valgrind", "-q", "--error-exitcode=99", "--leak-check=full", "--errors-for-leak-kinds=all",
      "--show-leak-kinds=definite,indirect,possible" }
    local programs = { { "module" }, { "script", "../report.lua" }, { "hosts", box.url, client, process.folder() } }
    for _, args in ipairs(programs) do
      args.under = valgrind
      local status, out, err = run(args)
      assert.equal(0, status, args[1] .. "\n" .. out .. err)
    end
  end)
end)
