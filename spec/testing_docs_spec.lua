-- Everything that docs/testing.md shows is run where its interpreter is on the machine.
local guide = require "spec.support.guide"
local process = require "spec.support.process"

local interpreters = {
  python = { program = "python3", suffix = ".py" },
  js = { program = "node", suffix = ".js" },
  php = { program = "php", suffix = ".php" },
  sh = { program = "sh", suffix = ".sh" },
}

local function is_there(program)
  return (os.execute("command -v " .. program .. " >/dev/null 2>&1"))
end

local folder = process.folder()

local function environment()
  return {
    PATH = folder .. "/bin:" .. os.getenv "PATH", CURL_HOME = folder, MAVILUA_BIN = folder .. "/bin/mavilua",
    LUA_PATH = os.getenv "LUA_PATH" or "", LUA_CPATH = os.getenv "LUA_CPATH" or "",
  }
end

local function run(interpreter, snippet)
  local path = process.write(folder .. "/snippet" .. interpreter.suffix, snippet.text)
  local status, out, err = process.run { bin = "sh", "-c",
    ("cd %s && %s %s"):format(folder, interpreter.program, path), env = environment() }
  assert(status == 0, ("docs/testing.md:%d: exit status %s\n%s%s"):format(snippet.line, tostring(status), out, err))
  return out, err
end

describe("docs/testing.md", function()
  setup(function()
    assert(os.execute(("mkdir %s/bin && ln -s \"$(realpath %s)\" %s/bin/mavilua"):format(folder, process.bin, folder)))
    process.write(folder .. "/.curlrc", "silent\nshow-error\nfail-with-body\n")
    for _, snippet in ipairs(guide.snippets "docs/testing.md") do
      if snippet.word == "file" then process.write(folder .. "/" .. snippet.argument, snippet.text) end
    end
  end)

  for _, snippet in ipairs(guide.snippets "docs/testing.md") do
    local interpreter = interpreters[snippet.language]
    if interpreter and is_there(interpreter.program) then
      it(("line %d runs with %s"):format(snippet.line, interpreter.program), function() run(interpreter, snippet) end)
    elseif interpreter then
      pending(("line %d: there is no %s here"):format(snippet.line, interpreter.program))
    end
  end

  it("shows an assert that fails as it is", function()
    local spec = process.read(folder .. "/bakery_spec.lua"):gsub("Rye or wheat", "Rye or barley", 1)
    process.write(folder .. "/wrong_spec.lua", spec)
    local status, out = process.run { bin = "sh", "-c",
      ("cd %s && mavilua run $(command -v busted) wrong_spec.lua"):format(folder), env = environment() }
    assert.equal(1, status)
    local shown
    for _, snippet in ipairs(guide.snippets "docs/testing.md") do
      if snippet.language == "text" then shown = snippet.text end
    end
    assert.truthy(out:find(shown:gsub("%s+$", ""), 1, true), out)
  end)
end)
