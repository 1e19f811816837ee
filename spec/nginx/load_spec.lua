-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local core = require "mavilua.core"
local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local raw_server = require "spec.support.raw_server"
local sandbox = require "spec.support.sandbox"

local COUNT = 200

local server = [[
  location = /call { content_by_lua_block {
    local mavilua = require "mavilua"
    local bot = mavilua.client { base_url = ngx.req.get_headers()["X-Base"], api_key = "sandbox", retries = 0 }
    local found, err = bot:get_messages()
    if not found then ngx.status = 502 end
    ngx.print(found and "ok" or tostring(err))
  } }
]]

describe("a worker of nginx", function()
  local nginx

  setup(function() nginx = nginx_lua.start { server = server } end)
  teardown(function() nginx:stop() end)

  local function send_all(base_url)
    local calls = {}
    for i = 1, COUNT do calls[i] = nginx:send("/call", { headers = "X-Base: " .. base_url .. "\r\n" }) end
    return calls
  end

  local function read_all(calls)
    for i = 1, COUNT do assert.same({ 200, "ok" }, { calls[i]:read() }) end
  end

  it("serves others while 200 requests wait for the platform", function()
    local raw = raw_server.start()
    finally(function() raw:stop() end)
    local url = raw:url("hold\n" .. raw_server.send(raw_server.answer("HTTP/1.1 200 OK\nContent-Length: 40",
      '{"status":"success","messages":[]}      ')))
    local calls = send_all(url)
    process.await(function() return raw:held(url) == COUNT end, "200 calls under way at once")
    assert.same({ 200, "static\n" }, { nginx:request("/static") })
    for i = 1, COUNT do assert.is_false(calls[i]:is_answered()) end
    raw:release(url)
    read_all(calls)
  end)

  it("waits for 200 slow answers side by side", function()
    local box = sandbox.start()
    finally(function() box:stop() end)
    box:control("POST", "faults", { { kind = "delay", delay_ms = 300, action = "get_messages" } })
    local begun = core.now()
    read_all(send_all(box.url))
    assert.is_true(core.now() - begun < COUNT * 0.3 / 3, "as if one after the other: that takes 60 s")
  end)
end)
