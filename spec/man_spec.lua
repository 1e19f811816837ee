-- The man pages: that they are what the program tells, and that the tools that read them find no fault.
local process = require "spec.support.process"
local mavilua = require "mavilua"

local pages = { "mavilua.1", "mavilua.conf.5" }

-- A page as a terminal shows it, in lines of any length.
local function shown(page)
  local status, out, err = process.run { bin = "mandoc", "-Tutf8", "-Owidth=1000", "man/" .. page }
  assert.equal(0, status, err)
  return (out:gsub(".\b", ""))
end

describe("the man page", function()
  for _, page in ipairs(pages) do
    it(page .. " is what the program tells: run `make docs`", function()
      local status, out, err = process.run { "run", "tools/man_doc.lua", process.bin, page }
      assert.equal(0, status, err)
      assert.is_true(out == process.read("man/" .. page),
        "man/" .. page .. " is older than the program: run `make docs`")
    end)

    it(page .. " has no fault that mandoc or man find", function()
      local status, out, err = process.run { bin = "mandoc", "-Tlint", "-Wstyle", "man/" .. page }
      assert.equal(0, status, out .. err)
      status, out, err = process.run { bin = "man", "-l", "--warnings=all", "man/" .. page,
        env = { LC_ALL = "C.UTF-8", MANROFFSEQ = "" } }
      assert.equal(0, status, err)
      assert.equal("", err)
      assert.matches("NAME", out)
    end)
  end

  it("mavilua.1 tells every command and option, mavilua.conf.5 every setting", function()
    local _, json = process.run { "help", "--json" }
    local program, conf = shown "mavilua.1", shown "mavilua.conf.5"
    for _, command in ipairs(assert(mavilua.decode(json))) do
      assert.truthy(program:find("\n     *mavilua " .. command.name), command.name)
      for _, row in ipairs(command.options) do
        if row.option then assert.truthy(program:find("--" .. row.option, 1, true), row.option) end
        if command.name == "serve" and row.setting then
          assert.truthy(conf:find("\n +" .. row.setting .. "[ \n]"), row.setting)
          assert.truthy(not row.preset or conf:find("preset " .. row.preset, 1, true), row.setting)
        end
      end
    end
  end)
end)
