local process = require "spec.support.process"

local function script(text)
  local status, out, err = process.run { "run", process.write(process.folder() .. "/script.lua", text) }
  assert.same({ 0, "" }, { status, err })
  return out
end

describe("mavilua", function()
  local mavilua = require "mavilua"

  it("sets no global", function()
    assert.equal("", script [[
      local before = {}
      for name in pairs(_G) do before[name] = true end
      local mavilua = require "mavilua"
      mavilua.map({ 1 }, function() mavilua.sleep(0) end)
      for name in pairs(_G) do if not before[name] then io.write(name, " ") end end
    ]])
  end)

  it("has its version, clocks and the action table", function()
    assert.matches("^%d+%.%d+%.%d+", mavilua.version)
    local start = mavilua.now()
    mavilua.sleep(0.01)
    assert.is_true(mavilua.now() - start >= 0.009)
    assert.is_true(math.abs(mavilua.time() - os.time()) < 5)
    assert.equal(43, #mavilua.actions())
  end)

  it("gives the action table as a copy", function()
    mavilua.actions()[1].name = "changed"
    assert.not_equal("changed", mavilua.actions()[1].name)
  end)

  it("makes arrays, also empty ones, and says what it takes", function()
    assert.equal("[]", mavilua.encode(mavilua.array()))
    assert.equal("[]", mavilua.encode(mavilua.array {}))
    assert.equal("{}", mavilua.encode {})
    assert.is_true(mavilua.is_array(mavilua.decode "[]"))
    for _, value in ipairs { 5, setmetatable({}, {}) } do
      local ok, message = pcall(function() mavilua.array(value) end)
      assert.is_false(ok)
      assert.matches("mavilua_spec.lua:%d+: mavilua.array: takes a plain table", message)
    end
  end)

  it("shares null and tables with lua-cjson", function()
    local has_cjson, cjson = pcall(require, "cjson")
    if not has_cjson then return end
    assert.equal(cjson.null, mavilua.null)
    assert.equal('{"a":[null,1]}', mavilua.encode(cjson.decode '{"a":[null,1]}'))
    assert.equal('{"a":[null,"x"]}', cjson.encode(mavilua.decode '{"a":[null,"x"]}'))
  end)

  it("says where mavilua.host belongs, in other programs", function()
    local _, _, err = process.run { bin = "lua5.4", "-e", 'require "mavilua.host"' }
    assert.matches("mavilua.host is for scripts that run under `mavilua serve`", err, 1, true)
    assert.not_matches("no file", err)
  end)

  it("keeps the key out of a dumped client", function()
    local bot = mavilua.client { api_key = "0123456789abcdef", base_url = "http://127.0.0.1:1" }
    assert.is_nil(next(bot))
    assert.equal("mavilua.client (http://127.0.0.1:1)", tostring(bot))
    for _, value in pairs(getmetatable(bot)) do
      assert.not_matches("0123456789abcdef", tostring(value), 1, true)
    end
  end)
end)
