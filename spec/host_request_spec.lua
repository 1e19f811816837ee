local request = require "mavilua.host.request"

describe("a hook's request", function()
  it("has its parts in one shape", function()
    local r = request.of {
      id = 1, attempt = 2, name = "pay", body = "a=1&b=x+y%21&c", json = nil,
      meta = {
        method = "POST", path = "/hook/pay", query = "q=%D1%8F&flag",
        headers = { ["Content-Type"] = "application/x-www-form-urlencoded", ["X-Sum"] = "5" },
      },
    }
    assert.same({ a = "1", b = "x y!", c = "" }, r.form)
    assert.same({ q = "я", flag = "" }, r.query)
    assert.equal("5", r.headers["x-sum"])
    assert.same({ 1, 2, "hook" }, { r.id, r.attempt, r.kind })
  end)

  it("has no form when none was sent", function()
    local r = request.of { name = "pay", body = "{}", json = {} }
    assert.is_nil(r.form)
    assert.same({ "POST", "/hook/pay" }, { r.method, r.path })
    assert.same({}, r.query)
  end)
end)

describe("a hook's reply", function()
  it("is nothing, a text or a table", function()
    assert.is_nil(request.reply(nil))
    assert.same({ body = "ok" }, request.reply "ok")
    assert.same({ status = 201, json = { a = 1 }, headers = { ["X-N"] = "5" } },
      request.reply { status = 201, json = { a = 1 }, headers = { ["X-N"] = 5 } })
  end)

  it("is refused when it could not be sent", function()
    for _, bad in ipairs {
      { status = 99 }, { status = 600 }, { status = 200.5 }, { status = "200" }, { stat = 200 },
      { body = {} }, { body = "a", json = {} }, { headers = "x" }, { headers = { ["X\r\nY"] = "1" } },
      { headers = { X = "1\r\nY: 2" } }, { headers = { X = true } }, 5, true,
    } do
      assert.has_error(function() request.reply(bad) end)
    end
  end)
end)
