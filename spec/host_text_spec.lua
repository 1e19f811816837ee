local text = require "mavilua.host.text"

describe("small letters", function()
  it("are made of Latin, Greek and Cyrillic capitals", function()
    assert.equal("abc äöø þ łżő", text.lower "ABC ÄÖØ Þ ŁŻŐ")
    assert.equal("αβω", text.lower "ΑΒΩ")
    assert.equal("привет ё їєіґ ў", text.lower "ПРИВЕТ Ё ЇЄІҐ Ў")
  end)

  it("leave all else alone", function()
    local same = "123 ß × ÷ 漢字 \240\159\152\128 \255\195"
    assert.equal(same, text.lower(same))
    assert.equal("привет", text.lower "привет")
  end)
end)

it("folding trims too", function()
  assert.equal("да", text.fold " \t ДА\r\n")
  assert.equal("", text.fold "  ")
end)
