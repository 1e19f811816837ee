-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local sandbox = require "spec.support.sandbox"

local KEY = "0123456789abcdef0123456789abcdef"

local http = [[
  lua_shared_dict calls 1m;
  init_by_lua_block {
    mavilua = require "mavilua"
    bot = mavilua.client { daily_quota = 10, quota_dict = "calls", retries = 0 }
  }
]]

local server = [[
  location = /call { content_by_lua_block {
    local found, err = bot:get_messages()
    ngx.print(found and "ok" or err.kind)
  } }
  location = /error { content_by_lua_block {
    local _, err = bot:get_messages()
    ngx.print(tostring(err), " ", tostring(err.retry_after > 0), " ", tostring(err.sent))
  } }
  location = /quota { content_by_lua_block { ngx.print(table.concat({ bot:quota() }, " "), " ", ngx.worker.id()) } }
  location = /keys { content_by_lua_block { ngx.print(table.concat(ngx.shared.calls:get_keys(), "\n")) } }
  location = /misuse { content_by_lua_block {
    ngx.say(select(2, pcall(mavilua.client, { quota_dict = "nowhere" })))
    ngx.say(select(2, pcall(mavilua.client, { ca_file = "/etc/ssl/cert.pem" })))
    ngx.say(select(2, pcall(mavilua.client, { quota_dict = 1 })))
    ngx.say(select(2, pcall(mavilua.http.get, "https://127.0.0.1:1", { ca_file = "/etc/ssl/cert.pem" })))
  } }
  location = /rate { content_by_lua_block {
    local slow = mavilua.client { rate = 20 }
    local begun = mavilua.now()
    mavilua.map({ 1, 2, 3, 4, 5 }, function() assert(slow:get_messages()) end)
    ngx.print(tostring(mavilua.now() - begun >= 0.19))
  } }
]]

describe("the quota in nginx", function()
  local box, nginx

  setup(function()
    box = sandbox.start()
    box:control("POST", "keys", { key = KEY, permissions = { "R", "W" } })
    nginx = nginx_lua.start { http = http, server = server, workers = 4,
      env = { MAVILUA_API_KEY = KEY, MAVILUA_BASE_URL = box.url } }
  end)

  teardown(function()
    nginx:stop()
    box:stop()
  end)

  it("is one for all workers", function()
    local calls, outcomes = {}, { ok = 0, quota = 0 }
    for i = 1, 60 do calls[i] = nginx:send("/call") end
    for i = 1, 60 do
      local status, body = calls[i]:read()
      assert.equal(200, status)
      outcomes[body] = outcomes[body] + 1
    end
    assert.same({ ok = 10, quota = 50 }, outcomes)
    assert.equal(10, #box:control("GET", "journal?kind=api&action=get_messages").entries)
    local workers = {}
    process.await(function()
      local _, text = nginx:request("/quota")
      local quota, worker = text:match("^(%d+ %d+) (%d)$")
      assert.equal("10 0", quota)
      workers[worker] = true
      return next(workers, next(workers))
    end, "two workers that say the same")
    assert.matches("get_messages: the daily quota of 10 calls is used up; it renews at .* true false$",
      select(2, nginx:request("/error")))
  end)

  it("outlives a reload", function()
    nginx:request("/call")
    nginx:signal("HUP")
    process.await(function()
      return select(2, nginx:log():gsub("start worker process ", "")) == 8
    end, "the new workers")
    assert.matches("^quota", select(2, nginx:request("/call")))
  end)

  it("keeps the key out of the dictionary", function()
    local _, names = nginx:request("/keys")
    assert.matches("^mavilua quota %x+ %d+$", names)
    assert.is_nil(names:find(KEY, 1, true))
  end)

  it("tells of a dictionary that there is not, and of what nginx has elsewhere", function()
    local _, text = nginx:request("/misuse")
    assert.matches('quota_dict: nginx has no shared dictionary "nowhere"; add to its http block: '
      .. "lua_shared_dict nowhere 1m;", text, 1, true)
    assert.matches("inside nginx ca_file is not read: name the file in nginx's lua_ssl_trusted_certificate", text,
      1, true)
    assert.matches("mavilua.http: inside nginx ca_file is not read", text, 1, true)
    assert.matches('option "quota_dict" takes the name of a lua_shared_dict of nginx, got number', text, 1, true)
  end)

  it("keeps a client's pace", function()
    assert.same({ 200, "true" }, { nginx:request("/rate") })
  end)
end)
