local process = require "spec.support.process"

describe("docs/guarantees.md", function()
  local text = process.read "docs/guarantees.md"

  it("names proofs that are there", function()
    local count = 0
    for path in text:gmatch "%]%(%.%./([^)]+)%)" do
      assert.are_not.equal("", process.read(path), path .. " is not there")
      count = count + 1
    end
    assert.is_true(count > 20)
    for test, path in text:gmatch "`(test_[%w_]+)`[^|]-%(%.%./(csrc/test/[%w_]+%.c)%)" do
      assert.truthy(process.read(path):find("static void " .. test .. "(", 1, true), test .. " is not in " .. path)
    end
  end)

  it("names every spec of the host, by its section", function()
    local pipe = assert(io.popen "ls spec/host/*_spec.lua")
    for path in pipe:lines() do
      local section = path:match "/(%l+)_"
      local title = section:sub(1, 1):upper() .. section:sub(2)
      local rows = text:match("\n## " .. title .. "\n(.-)\n\n## ") or text:match("\n## " .. title .. "\n(.*)$")
      assert.truthy(rows, path .. " is of no section there")
      assert.truthy(rows:find("(../" .. path .. ")", 1, true), path .. " proves no promise there")
    end
    pipe:close()
  end)
end)
