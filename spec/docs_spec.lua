local process = require "spec.support.process"

describe("what is made from the action table", function()
  for name, maker in pairs {
    ["docs/actions.md"] = { "run", "tools/actions_doc.lua" },
    ["library/mavilua/actions.d.lua"] = { "run", "tools/stubs.lua" },
    ["docs/openapi.json"] = { "actions", "--openapi" },
  } do
    it(name .. " is what the table says: run `make docs`", function()
      local status, text = process.run(maker)
      assert.equal(0, status)
      assert.is_true(text == process.read(name), name .. " is older than the table: run `make docs`")
    end)
  end
end)

describe("the made sections of", function()
  for _, name in ipairs { "docs/cli.md", "docs/configuration.md", "docs/sandbox.md", "docs/assumptions.md" } do
    it(name .. " are what the program tells: run `make docs`", function()
      local status, page, err = process.run { "run", "tools/guide_doc.lua", process.bin, name }
      assert.equal(0, status, err)
      assert.is_true(page == process.read(name), name .. " is older than the program: run `make docs`")
    end)
  end
end)

describe("README.md", function()
  it("lists every page of docs/", function()
    local readme = process.read "README.md"
    for line in io.popen("ls docs"):lines() do
      assert.truthy(readme:find("\n| [docs/" .. line .. "](docs/" .. line .. ") |", 1, true), "docs/" .. line)
    end
  end)
end)

-- What a heading is called in a link.
local function anchor(heading)
  return (heading:lower():gsub("[^%w _-]", ""):gsub(" ", "-"))
end

local function has_anchor(path, wanted)
  for heading in ("\n" .. process.read(path)):gmatch "\n#+ ([^\n]+)" do
    if anchor(heading) == wanted then return true end
  end
  return false
end

describe("the links of", function()
  local guides = { "README.md" }
  for line in io.popen("ls docs/*.md"):lines() do guides[#guides + 1] = line end
  for _, name in ipairs(guides) do
    it(name .. " lead somewhere", function()
      local folder = name:match "^.*/" or ""
      for target in process.read(name):gmatch "%]%(([^)%s]+)%)" do
        local path, hash = target:match "^([^#]*)#?(.*)$"
        if not target:find "^%a+://" then
          path = path == "" and name or folder .. path
          local file = io.open(path)
          assert.truthy(file, name .. " names " .. target)
          file:close()
          assert.is_true(hash == "" or has_anchor(path, hash), name .. " names " .. target)
        end
      end
    end)
  end
end)
