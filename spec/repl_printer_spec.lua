-- How the prompt shows values on a terminal.
local core = require "mavilua.core"
local mavilua = require "mavilua"
local printer = require "mavilua.repl.printer"

local KEY = "0123456789abcdef0123456789abcdef"

local function text(value, columns)
  return printer.text(value, {
    columns = columns or 80,
    redact = function(given) return (given:gsub(KEY, "[redacted]")) end,
  })
end

describe("the prompt's printing", function()
  it("shows scalars, and quotes what would read as something else", function()
    assert.equal("1", text(1))
    assert.equal("-1001234567890123", text(-1001234567890123))
    assert.equal("true", text(true))
    assert.equal("null", text(core.null))
    assert.equal("a\nb\tc", text "a\nb\tc")
    assert.equal("{}", text {})
    assert.equal("1, a, \"1\", \"\", \" x\", \"true\"", text { 1, "a", "1", "", " x", "true" })
  end)

  it("shows records in the order of the documents, nested ones indented", function()
    assert.equal("id    7\nname  Ada\ntag   vip\nlist  {1, 2}\nzeta  1",
      text { zeta = 1, tag = "vip", name = "Ada", id = 7, list = { 1, 2 } })
    assert.equal("a:\n  b:\n    c  {1}", text { a = { b = { c = { 1 } } } })
  end)

  it("aligns lists of records by their columns, numbers to the right", function()
    assert.equal(" id  name\n  1  日本\n 22  e\xcc\x81té\n333  \"4\"",
      text { { id = 1, name = "日本" }, { id = 22, name = "e\xcc\x81té" }, { id = 333, name = "4" } })
    assert.equal("id  tag\n 1\n 2  x", text { { id = 1 }, { id = 2, tag = "x" } })
  end)

  it("keeps to the terminal's width", function()
    local rows = {}
    for i = 1, 3 do
      rows[i] = { id = i, name = ("日"):rep(40), tag = ("x"):rep(60), city = "Oslo", other = { 1, { 2 } } }
    end
    for _, columns in ipairs { 24, 40, 60, 200 } do
      for line in text({ status = "success", clients = rows, note = ("y"):rep(300) }, columns):gmatch "[^\n]+" do
        local _, taken = core.plain(line, 0)
        assert.is_true(taken <= math.max(columns, 40), ("%d: %s"):format(columns, line))
      end
    end
    assert.truthy(text(rows, 60):find("\nnot shown: ", 1, true))
  end)

  it("cuts long lists and large records, with a count", function()
    local rows, numbers, record = {}, {}, {}
    for i = 1, 500 do rows[i], numbers[i], record["k" .. i] = { id = i }, i, i end
    assert.truthy(text(rows):find("\n12\n… 488 more$"))
    assert.truthy(text { clients = rows }:find("\n  … 488 more$"))
    assert.equal("1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12\n… 488 more", text(numbers))
    assert.truthy(text(record):find("\n… 400 more$"))
    assert.is_nil(text { table.unpack(rows, 1, 20) }:find("more", 1, true))
  end)

  it("ends at tables inside themselves and at metatables that fail", function()
    local own = {}
    own.own = own
    assert.equal("own:\n  {…}", text(own))
    local deep = {}
    for _ = 1, 100 do deep = { deep } end
    assert.truthy(#text(deep) < 2000)
    local broken = setmetatable({ 1 }, { __tostring = function() error "x" end, __len = function() error "x" end,
      __index = function() error "x" end, __pairs = function() error "x" end })
    assert.equal("(a table whose __tostring fails)", text(broken))
    assert.equal("1", text(setmetatable({ 1 }, { __len = function() error "x" end })))
    local bot = mavilua.client { api_key = KEY, base_url = "http://127.0.0.1:1" }
    assert.equal("mavilua.client (http://127.0.0.1:1)", text(bot))
  end)

  it("shows what would steer the terminal, in keys and values, and hides the key", function()
    local hostile = "\27[2J\u{202e}" .. KEY
    for _, value in ipairs { hostile, { hostile }, { [hostile] = 1 }, { a = hostile }, { { a = hostile } },
      { { [hostile] = { hostile } } }, { a = { b = { [hostile] = hostile, { {} } } } } } do
      local shown = text(value, 200)
      assert.is_nil(shown:find("\27", 1, true))
      assert.is_nil(shown:find("\u{202e}", 1, true))
      assert.is_nil(shown:find(KEY, 1, true))
      assert.truthy(shown:find("\\x1b[2J\\u202e", 1, true), shown)
    end
  end)
end)
