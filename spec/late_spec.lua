local bot = require "spec.support.bot"
local process = require "spec.support.process"

local function has_libcurl(pid)
  return process.read("/proc/" .. pid .. "/maps"):find("/libcurl", 1, true) ~= nil
end

describe("libcurl", function()
  after_each(bot.cleanup)

  it("is in a host's memory once a handler called", function()
    local host = bot.start('host.on("message", function() require("mavilua.http").get "http://127.0.0.1:1" end)')
    assert.is_false(has_libcurl(host.process.pid))
    host:message(1, 1, "go")
    process.await(function() return has_libcurl(host.process.pid) end, "libcurl")
  end)

  it("is told of when it cannot be loaded", function()
    local name = process.folder()
    for _, file in ipairs { "/libcurl.so.4", "/libcurl-gnutls.so.4" } do process.write(name .. file, "no library") end
    local code, _, err = process.run { "call", "get_clients", "--base-url", "http://127.0.0.1:1",
      env = { MAVILUA_API_KEY = "key", LD_LIBRARY_PATH = name } }
    assert.is_true(code ~= 0)
    assert.matches("libcurl does not start: " .. name .. "/libcurl", err, 1, true)
  end)
end)
