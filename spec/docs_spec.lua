local process = require "spec.support.process"

describe("docs/actions.md", function()
  it("is what the action table says: run `make docs`", function()
    local status, page = process.run { "run", "tools/actions_doc.lua" }
    assert.equal(0, status)
    assert.is_true(page == process.read "docs/actions.md", "docs/actions.md is older than the table: run `make docs`")
  end)
end)

describe("README.md", function()
  it("names only files that are there", function()
    for path in process.read("README.md"):gmatch "%]%(([%w_./-]+)%)" do
      local file = io.open(path)
      assert.truthy(file, "README.md names " .. path)
      file:close()
    end
  end)
end)
