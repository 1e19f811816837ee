local core = require "mavilua.core"
local numbers = require "spec.support.numbers"

local null = core.null

local function roundtrip(text)
  local value, message = core.decode(text, true)
  assert(value ~= nil, message)
  return assert(core.encode(value))
end

local function refused(value)
  local text, message = core.encode(value)
  assert.is_nil(text)
  return message
end

local function nested(levels)
  local value = "x"
  for _ = 1, levels do value = { value } end
  return value
end

describe("integers", function()
  local ids = {
    "-1001234567890123", "22563045582", "9007199254740993", "9223372036854775807",
    "-9223372036854775808", "0", "-1",
  }

  for _, id in ipairs(ids) do
    it("keep every digit of " .. id, function()
      assert.equal(id, numbers.digits(core.decode(id)))
      assert.equal(numbers.json(id), roundtrip(id))
      local nest = '{"variables":{"ids":[%s]}}'
      assert.equal(nest:format(numbers.json(id)), roundtrip(nest:format(id)))
      assert.equal('"' .. id .. '"', roundtrip('"' .. id .. '"'))
    end)
  end

  it("are integers to Lua", function()
    assert.equal(numbers.has_integers and "integer" or nil, math.type and math.type(core.decode("25554")))
    assert.equal("client_id=25554", "client_id=" .. core.decode("25554"))
  end)

  it("beyond 64 bits arrive as the text of their digits", function()
    assert.equal("9223372036854775808", core.decode("9223372036854775808"))
    assert.equal("-9223372036854775809", core.decode("-9223372036854775809"))
    assert.equal("123456789012345678901234567890", core.decode("[123456789012345678901234567890]")[1])
  end)

  it("are written for whole floats that are exact", function()
    assert.equal("25554", core.encode(25554.0))
    assert.equal("-1001234567890123", core.encode(-1001234567890123.0))
    assert.equal("9007199254740992", core.encode(2.0 ^ 53))
    assert.equal("0", core.encode(-0.0))
  end)
end)

describe("other numbers", function()
  it("come back as the same double", function()
    for _, number in ipairs { 0.1, 1 / 3, 1e-300, 1.5e300, -2.5, 2.0 ^ 53 + 2, 2.0 ^ 63, 5e-324, 0.2 } do
      assert.equal(number, core.decode(core.encode(number)))
      if math.type then assert.equal("float", math.type(core.decode(core.encode(number)))) end
    end
  end)

  it("are written short, with a point in every locale", function()
    assert.equal("0.1", core.encode(0.1))
    local old = os.setlocale(nil, "numeric")
    if os.setlocale("de_DE.UTF-8", "numeric") then
      assert.equal("0.5", core.encode(0.5))
      assert.equal(0.5, core.decode("0.5"))
    end
    os.setlocale(old, "numeric")
  end)

  it("that JSON lacks are refused with their path", function()
    assert.match("^a%.b: NaN cannot be sent", refused { a = { b = 0 / 0 } })
    assert.match("^a%[2%]: infinity cannot be sent", refused { a = { 1, math.huge } })
    assert.match("^infinity", refused(-math.huge))
  end)

  it("too large for a double are an error", function()
    assert.is_nil((core.decode("1e999")))
  end)
end)

describe("arrays and objects", function()
  it("empty ones stay what they are", function()
    assert.equal("[]", roundtrip("[]"))
    assert.equal("{}", roundtrip("{}"))
    assert.equal('{"a":[]}', roundtrip('{"a":[]}'))
    assert.equal("[[],{},[{}]]", roundtrip("[[],{},[{}]]"))
  end)

  it("are told apart by the mark", function()
    assert.equal("{}", core.encode {})
    assert.equal("[]", core.encode(core.array {}))
    assert.equal("[]", core.encode(core.array()))
    assert.is_true(core.is_array(core.array {}))
    assert.is_true(core.is_array(core.decode("[1]")))
    assert.is_false(core.is_array {})
    assert.is_false(core.is_array(setmetatable({}, {})))
    assert.is_false(core.is_array(5))
  end)

  it("refuse what is neither", function()
    assert.match("both names and numbers", refused { 1, a = 2 })
    assert.match("^list: the list has holes", refused { list = { 1, nil, 3 } })
    assert.match("holes.*tostring%(id%)", refused { [25554] = "x" })
    assert.match("not 1%.%.n cannot be a key", refused { [0] = "x" })
    assert.match("not 1%.%.n cannot be a key", refused { [1.5] = "x" })
    assert.match("a boolean cannot be a key", refused { [true] = "x" })
    assert.match("a table cannot be a key", refused { q = { [{}] = "x" } })
    assert.match("list %(mavilua%.array%) cannot have names", refused(core.array { a = 1 }))
  end)

  it("tables with a metatable of their own are not marked", function()
    assert.has_error(function() core.array(setmetatable({}, {})) end)
    assert.equal('{"a":1}', core.encode(setmetatable({ a = 1 }, { __index = { b = 2 } })))
  end)

  it("take another library's mark", function()
    local mark, own = {}, core.array {}
    core.use_array_mark(mark)
    finally(function() core.use_array_mark(getmetatable(own)) end)
    assert.equal(mark, getmetatable(core.decode("[]")))
    assert.equal("[]", core.encode(setmetatable({}, mark)))
    assert.equal("[]", core.encode(own))
  end)
end)

describe("null", function()
  it("is absent from objects unless kept, and stays in arrays", function()
    local value = core.decode('{"a":null,"b":[1,null,3]}')
    assert.is_nil(value.a)
    assert.equal(null, value.b[2])
    assert.equal(3, value.b[3])
    assert.equal(null, core.decode('{"a":null}', true).a)
    assert.equal(null, core.decode("null"))
  end)

  it("goes out as null, and is lua-cjson's null", function()
    assert.equal('{"a":null}', core.encode { a = null })
    assert.equal("null", core.encode(nil))
    local ok, cjson = pcall(require, "cjson")
    if ok then
      assert.equal(cjson.null, null)
      assert.equal("[null]", core.encode { cjson.null })
    end
  end)
end)

describe("depth", function()
  it("100 levels go out and come back", function()
    local text = ("["):rep(100) .. '"x"' .. ("]"):rep(100)
    assert.equal(text, core.encode(nested(100)))
    assert.equal(text, roundtrip(text))
    local objects = ('{"a":'):rep(100) .. "1" .. ("}"):rep(100)
    assert.equal(objects, roundtrip(objects))
  end)

  it("128 levels are the limit, both ways", function()
    assert.truthy(core.encode(nested(128)))
    assert.match("more than 128 levels", refused(nested(129)))
    assert.truthy(core.decode(("["):rep(128) .. ("]"):rep(128)))
    local value, message = core.decode(("["):rep(129) .. ("]"):rep(129))
    assert.is_nil(value)
    assert.match("128", message)
  end)

  it("no depth of input overflows a stack", function()
    assert.is_nil((core.decode(("["):rep(1000000))))
    assert.match("more than 128 levels", refused(nested(100000)))
  end)

  it("a table inside itself is refused by name", function()
    local loop = { a = {} }
    loop.a.b = loop
    assert.match("^a%.b: the table contains itself", refused(loop))
  end)

  it("a table in two places is no cycle", function()
    local shared = { 1 }
    assert.equal("[[1],[1]]", core.encode { shared, shared })
  end)
end)

describe("strings", function()
  it("keep UTF-8, quotes and NUL", function()
    for _, text in ipairs { "", "пример", "日本語", "😀", 'a"b\\c\n\t', "a\0b", "\127", "\226\128\168" } do
      assert.equal(text, core.decode(core.encode(text)))
    end
  end)

  it("that are not UTF-8 are refused with path and byte", function()
    local samples = {
      "\255", "\192\128", "\237\160\128", "\244\144\128\128", "\226\130", "\128", "\245\128\128\128",
    }
    for _, bytes in ipairs(samples) do
      local message = refused { message = { "ok", "ab" .. bytes .. "c" } }
      assert.match("^message%[2%]: the string is not UTF%-8 %(byte 3, 0x%x%x%)", message)
    end
    assert.match("the name is not UTF%-8", refused { ["\255"] = 1 })
    assert.match("NUL", refused { ["a\0b"] = 1 })
  end)

  it("invalid UTF-8 and lone surrogates in an answer are an error with its place", function()
    for _, text in ipairs { '"\255"', '"\\ud800"', '"\\udc00"', '"\\ud800\\u0041"', '["\237\160\128"]' } do
      local value, message = core.decode(text)
      assert.is_nil(value)
      assert.match("line 1, column %d+", message)
    end
    assert.equal("😀", core.decode('"\\ud83d\\ude00"'))
  end)
end)

describe("what JSON cannot hold", function()
  it("is refused with its path", function()
    assert.match("^variables%.when: a function cannot be sent", refused { variables = { when = print } })
    assert.match("^%[1%]: a thread cannot be sent", refused { coroutine.create(function() end) })
    assert.match("^f: a userdata cannot be sent", refused { f = io.stdout })
  end)

  it("leaves unreadable names out of the message", function()
    local message = refused { ["a\n\27[31mb"] = print }
    assert.is_nil(message:find("[\n\27]"))
  end)

  it("garbage is an error, never a crash", function()
    for _, text in ipairs { "", " ", "{", "[1,", '{"a"}', "nul", "1 2", "'a'", '{"a":1,}', "\0", "<html>" } do
      local value, message = core.decode(text)
      assert.is_nil(value)
      assert.is_string(message)
    end
  end)

  it("a text that is no string is the caller's mistake", function()
    assert.has_error(function() core.decode({}) end)
  end)
end)
