local core = require "mavilua.core"
local process = require "spec.support.process"

describe("send", function()
  local server, url

  setup(function()
    server = process.start { bin = "lua5.4", "spec/support/http_server.lua" }
    url = server.url
  end)

  teardown(function() server:kill() end)

  it("sends method, headers and body, and gives status, headers, body, seconds", function()
    local reply = assert(core.send {
      method = "POST", url = url .. "/echo?a=b", body = "caf\195\169\0!",
      headers = { ["Content-Type"] = "text/x-spec", ["X-Number"] = 5 },
    })
    assert.equal(200, reply.status)
    assert.equal("spec", reply.headers["x-server"])
    assert.match("^POST /echo%?a=b\n", reply.body)
    assert.match("\nContent%-Type: text/x%-spec\r\n", reply.body)
    assert.match("\nX%-Number: 5\r\n", reply.body)
    assert.match("\n\ncaf\195\169%z!$", reply.body)
    assert.is_number(reply.seconds)
  end)

  it("takes headers as a list, and joins repeated ones of the answer", function()
    local reply = assert(core.send { url = url .. "/echo", headers = { "X-A: 1", "X-B: 2" } })
    assert.match("\nX%-A: 1\r\n", reply.body)
    assert.match("\nX%-B: 2\r\n", reply.body)
    assert.equal("a, b", core.send { url = url .. "/repeated" }.headers["x-two"])
  end)

  it("gives an answer whatever its status", function()
    local reply = assert(core.send { url = url .. "/status/503" })
    assert.equal(503, reply.status)
    assert.equal("7", reply.headers["retry-after"])
  end)

  it("waits for many answers at once", function()
    local tasks, start = {}, core.now()
    for i = 1, 200 do
      tasks[i] = core.spawn(function() return core.send { url = url .. "/delay/0.3" }.body end)
    end
    for i = 1, 200 do assert.same({ true, "ok" }, { core.join(tasks[i]) }) end
    assert.is_true(core.now() - start < 10, "as if one after another: that takes 60 s")
  end)

  it("blocks in a coroutine of the script's own", function()
    assert.equal(404, coroutine.wrap(function() return core.send { url = url .. "/none" }.status end)())
  end)

  it("tells a server that is not there from one that broke off", function()
    local reply, failure = core.send { url = "http://127.0.0.1:1/api/secret/x", connect_timeout = 2 }
    assert.is_nil(reply)
    assert.equal("network", failure.kind)
    assert.is_false(failure.sent)
    assert.is_nil(failure.message:find("secret", 1, true))
    reply, failure = core.send { url = url .. "/drop", once = true }
    assert.is_nil(reply)
    assert.equal("network", failure.kind)
    assert.is_true(failure.sent)
  end)

  it("gives up after its time", function()
    local start = core.now()
    local reply, failure = core.send { url = url .. "/delay/30", timeout = 0.1 }
    assert.is_nil(reply)
    assert.equal("timeout", failure.kind)
    assert.is_true(core.now() - start < 5)
  end)

  it("refuses an answer over the limit", function()
    local reply, failure = core.send { url = url .. "/bytes/100000", max_reply = 1000 }
    assert.is_nil(reply)
    assert.equal("decode", failure.kind)
    assert.equal(100000, #core.send { url = url .. "/bytes/100000" }.body)
  end)

  it("is let go of when its task is cancelled", function()
    local task = core.spawn(function() core.send { url = url .. "/delay/30" } end)
    core.sleep(0.02)
    core.cancel(task, "not needed")
    local ok, message = core.join(task)
    assert.same({ false, "not needed" }, { ok, message })
  end)

  it("is not disturbed by a table that changes meanwhile", function()
    local options = { url = url .. "/delay/0.02", method = "GET", headers = { ["X-A"] = "1" } }
    local task = core.spawn(function() return core.send(options).body end)
    core.sleep(0)
    options.url, options.headers = nil, nil
    collectgarbage() collectgarbage()
    assert.same({ true, "ok" }, { core.join(task) })
  end)

  it("lets no text become another header or request", function()
    local bad = {
      { url = url .. "/echo", headers = { ["X-A"] = "1\r\nX-B: 2" } },
      { url = url .. "/echo", headers = { ["X-A"] = "1\nX-B: 2" } },
      { url = url .. "/echo", headers = { ["X-A"] = "1\0" } },
      { url = url .. "/echo", headers = { ["X-A: x\r\nX-B"] = "2" } },
      { url = url .. "/echo", headers = { ["X A"] = "2" } },
      { url = url .. "/echo", headers = { "X-A" } },
      { url = url .. "/echo", headers = { ["X-A"] = {} } },
      { url = url .. "/echo", headers = "X-A: 1" },
      { url = url .. "/e\r\nX-B: 2" },
      { url = url .. "/\0" },
      { url = url, method = "GET / HTTP/1.1\r\nX: " },
      { url = url, method = "" },
      { url = url, timeout = "1" },
      { url = url, timeout = -1 },
      { url = url, body = {} },
      {},
    }
    for i, options in ipairs(bad) do
      local ok, message = pcall(function() core.send(options) end)
      assert.is_false(ok, "case " .. i)
      assert.match("^[^:]*send_spec%.lua:%d+: send: ", message)
    end
    assert.has_error(function() core.send("http://127.0.0.1/") end)
  end)

  it("speaks HTTP only", function()
    for _, other in ipairs { "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1/", "nonsense" } do
      local reply, failure = core.send { url = other, timeout = 2 }
      assert.is_nil(reply)
      assert.is_string(failure.message)
      assert.is_false(failure.sent)
    end
  end)
end)
