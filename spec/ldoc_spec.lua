-- The pages that LDoc makes of the doc comments: without a warning, and with all that users may call.
local luacats = require "spec.support.luacats"
local process = require "spec.support.process"

if (os.getenv "MAVILUA_MODE" or "release") ~= "release" then return end

-- What stands for a value of the stubs on a page: "Test" of the stubs is `test` of the source.
local pages = {
  mavilua = { page = "mavilua" },
  http = { page = "mavilua.http" }, Reply = { page = "mavilua.http", prefix = "Reply:" },
  Client = { page = "mavilua.client", prefix = "Client:" },
  Pipeline = { page = "mavilua.pipeline", prefix = "Pipeline:" },
  host = { page = "mavilua.host" }, kv = { page = "mavilua.host", prefix = "host.kv." },
  nginx = { page = "mavilua.nginx" }, Bot = { page = "mavilua.nginx", prefix = "bot:" },
  testing = { page = "mavilua.testing" }, Test = { page = "mavilua.testing", prefix = "test:" },
}

describe("make ldoc", function()
  local folder
  setup(function()
    folder = process.folder()
    local status, out, err = process.run { bin = "make", "-s", "ldoc", "LDOC_DIR=" .. folder,
      env = { MAKEFLAGS = "", MAKELEVEL = "" } }
    assert.equal(0, status, out .. err)
  end)

  -- By the name that its first comment gives (@module or @internal NAME), or by that of the file.
  it("makes a page for each file", function()
    local pipe = assert(io.popen "find lua -name '*.lua'")
    for path in pipe:lines() do
      local name = path:sub(5, -5):gsub("/", "."):gsub("%.init$", "")
      local found = false
      local own = name:gsub("^mavilua%.", "")
      for _, page in ipairs { "/modules/" .. name, "/internals/" .. name, "/modules/" .. own } do
        found = found or process.read(folder .. page .. ".html") ~= ""
      end
      assert.is_true(found, path)
    end
    pipe:close()
  end)

  it("explains every function that the stubs declare", function()
    local stubs
    for _, name in ipairs { "mavilua", "mavilua/host", "mavilua/nginx", "mavilua/testing" } do
      stubs = luacats.read("library/" .. name .. ".d.lua", stubs)
    end
    for name in pairs(stubs.functions) do
      local owner, method = name:match "^(.*)%.([^.]*)$"
      local at = pages[owner]
      if at then
        local anchor = ('<a name = "%s%s">'):format(at.prefix or "", method)
        assert.truthy(process.read(folder .. "/modules/" .. at.page .. ".html"):find(anchor, 1, true), name)
      end
    end
  end)
end)
