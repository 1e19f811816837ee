local match = require "mavilua.host.match"
local text = require "mavilua.host.text"

local function holds(given, e)
  if type(e) == "string" then e = { text = e } end
  return match.compile(given)(e, text.fold(e.text or "")) and true or false
end

describe("a match", function()
  it("of a text ignores white space around it and capital letters", function()
    assert.is_true(holds({ text = "/start" }, "  /START\n"))
    assert.is_true(holds("Привет", "ПРИВЕТ"))
    assert.is_false(holds({ text = "/start" }, "/start now"))
    assert.is_true(holds({ text = { "yes", "да" } }, "Да"))
  end)

  it("of a part finds it anywhere, without patterns", function()
    assert.is_true(holds({ contains = "%d." }, "a %D. b"))
    assert.is_false(holds({ contains = "%d." }, "a 5. b"))
    assert.is_true(holds({ contains = { "цена", "price" } }, "Какая ЦЕНА?"))
  end)

  it("by pattern leaves its captures with the event", function()
    local e = { text = "order 15" }
    assert.is_true(holds({ pattern = "^order (%d+)$" }, e))
    assert.same({ "15" }, e.captures)
    assert.is_false(holds({ pattern = "^%d$" }, "x"))
  end)

  it("of a client compares as text", function()
    local e = { text = "", client = { client_type = "1", group = "shopbot" } }
    assert.is_true(holds({ client_type = 1 }, e))
    assert.is_true(holds({ client_type = { 0, 1 }, group = "shopbot" }, e))
    assert.is_false(holds({ client_type = 6 }, e))
    assert.is_false(holds({ client_type = 1, group = "other" }, e))
  end)

  it("may be a function, or nothing", function()
    assert.is_true(holds(function(e) return #e.text == 3 end, "abc"))
    assert.is_true(holds(nil, "x"))
  end)

  it("names what is wrong with it at the caller's line", function()
    local cases = {
      [function() match.compile { txt = "a" } end] = 'unknown match "txt"; did you mean "text"?',
      [function() match.compile { text = {} } end] = "match.text must not be an empty list",
      [function() match.compile { text = true } end] = "match.text must be a string, a number or a list",
      [function() match.compile { pattern = "(" } end] = "match.pattern: ",
      [function() match.compile(5) end] = "not 5",
    }
    for fn, expected in pairs(cases) do
      local ok, message = pcall(fn)
      assert.is_false(ok)
      assert.truthy(message:find("host_match_spec.lua:%d+: "))
      assert.truthy(message:find(expected, 1, true), message)
    end
  end)
end)
