-- Everything that the guides show is tried: see spec/support/guide.lua.
local core = require "mavilua.core"
local guide = require "spec.support.guide"

-- By guide: what its Lua snippets are, a script of `mavilua run` or a bot of `mavilua serve`.
local guides = {
  { path = "README.md", lua = "bot" },
  { path = "docs/module.md", lua = "script" },
  { path = "docs/host.md", lua = "bot" },
  { path = "docs/sandbox.md", lua = "script" },
  { path = "docs/cli.md", lua = "script" },
  { path = "docs/coming-from.md", lua = "bot" },
}

local function is_json(text)
  local value, problem = core.decode(text)
  if value == nil then error(problem, 0) end
end

-- How a snippet is tried; nil when it is not.
local function way_of(snippet, lua)
  if snippet.word == "illustration" then return nil end
  if snippet.word == "file" then return "save" end
  return ({ lua = lua, sh = "shell" })[snippet.language]
end

local function try(place, snippet, lua)
  local way = way_of(snippet, lua)
  if snippet.language == "json" then is_json(snippet.text) end
  if way then place[way](place, snippet) end
end

describe("everything shown in", function()
  for _, it_is in ipairs(guides) do
    it(it_is.path .. " works", function()
      local place, wrong = guide.place(), {}
      for _, snippet in ipairs(guide.snippets(it_is.path)) do
        local good, problem = pcall(try, place, snippet, it_is.lua)
        if not good then wrong[#wrong + 1] = ("%s:%d: %s"):format(it_is.path, snippet.line, tostring(problem)) end
      end
      place:stop()
      assert(#wrong == 0, table.concat(wrong, "\n"))
    end)
  end
end)

describe("the reader of guides", function()
  local function compared(expected, printed)
    return (pcall(guide.compare, { expected = expected }, printed))
  end

  it("takes an ellipsis for anything", function()
    assert.is_true(compared("a …c\n…\nend\n", "a b c\n1\n2\nend\n"))
    assert.is_true(compared("a.b\n", "a.b\n"))
    assert.is_false(compared("a.b\n", "axb\n"))
    assert.is_false(compared("a\n", "a\nb\n"))
    assert.is_false(compared("a\n…\nb\n", "a\nc\n"))
  end)
end)
