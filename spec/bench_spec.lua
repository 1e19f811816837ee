-- The benchmark works: a run of a moment over the rows whose peers the tests have, too. How fast it all is says nothing
-- here.
local mavilua = require "mavilua"
local process = require "spec.support.process"

if os.getenv "MAVILUA_MODE" == "release" then
  describe("the benchmark", function()
    local folder, out, list

    setup(function()
      folder = process.folder()
      local build = assert(process.bin:match "^(.*)/mavilua$")
      local status, printed, err = process.run { bin = "sh", "bench/run.sh", build, "smoke",
        env = { BENCH_OUT = folder, TMPDIR = folder } }
      assert(status == 0, printed .. err)
      out, list = printed, assert(mavilua.decode(process.read(folder .. "/results.json")))
    end)

    it("measures each row and its peer", function()
      assert.is_true(#list.rows >= 10)
      for _, row in ipairs(list.rows) do
        assert.is_nil(row.failed, row.name)
        assert.is_true(row.mine.median > 0 and row.beside.median > 0, row.name)
        assert.are.equal(row.ratio.median, row.mine.median / row.beside.median)
      end
    end)

    it("prints a table with every row and its reach", function()
      for _, row in ipairs(list.rows) do
        local line = out:match("\n(" .. row.name:gsub("%p", "%%%0") .. " [^\n]+)")
        assert.is_truthy(line and line:find(row.met and " met" or " MISSED", 1, true), out)
      end
      assert.is_truthy(out:find(("of %d in reach"):format(#list.rows), 1, true), out)
    end)

    it("draws a bar for every row", function()
      local svg = process.read(folder .. "/results.svg")
      local _, bars = svg:gsub("<rect ", "")
      assert.are.equal(#list.rows, bars)
      local depth = 0
      for slash, _, closed in svg:gmatch "<(/?)(%a+)[^>]-(/?)>" do
        depth = depth + (slash == "/" and -1 or closed == "/" and 0 or 1)
        assert.is_true(depth >= 0)
      end
      assert.are.equal(0, depth)
    end)

    it("tells of a run that is none", function()
      local status, _, err = process.run { bin = "sh", "bench/run.sh", process.bin:match "^(.*)/mavilua$", "slow",
        env = { BENCH_OUT = folder, TMPDIR = folder } }
      assert.are_not.equal(0, status)
      assert.is_truthy(err:find("full, quick or smoke", 1, true), err)
    end)
  end)
end
