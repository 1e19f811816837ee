local duration = require "mavilua.host.duration"

describe("a duration", function()
  it("is a number of seconds or a text with units", function()
    for given, seconds in pairs {
      [90] = 90, [0] = 0, ["90"] = 90, ["1.5"] = 1.5, ["90s"] = 90, ["15m"] = 900, ["1h30m"] = 5400,
      ["1h 30m"] = 5400, ["2d"] = 172800, ["1w"] = 604800, ["500ms"] = 0.5, ["0.5h"] = 1800,
    } do
      assert.equal(seconds, duration.parse(given))
    end
  end)

  it("is nothing else", function()
    for _, bad in ipairs { -1, 0 / 0, math.huge, "", "soon", "1y", "m", "-5m", "1h30", "5 m x", true, {} } do
      assert.is_nil(duration.parse(bad))
    end
  end)
end)
