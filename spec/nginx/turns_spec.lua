-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"

local SECRET = "0123456789abcdef0123456789abcdef"

local bot = [[
  local host = require "mavilua.host"
  host.on("message", function(event)
    table.insert(events, event.text .. " begins")
    if event.text == "exit" then ngx.exit(403) end
    while not released[event.text] and not released.all do host.sleep(0.005) end
    table.insert(events, event.text .. " ends")
  end)
]]

-- Each request takes a turn of the key "k", tells the order of what happens, and waits until it is let go.
local http = [[
  init_by_lua_block {
    events, released = {}, {}
    turns = require("mavilua.nginx.turns")
    short, long = turns.new(0.2), turns.new(60)
    bot = require("mavilua.nginx").load { script = "%(folder)s/bot.lua", secret = "]] .. SECRET .. [[" }
  }
]]
local server = [[
  location ~ ^/run/(?<which>\w+)/(?<name>\w+)$ { content_by_lua_block {
    local name = ngx.var.name
    local ran = _G[ngx.var.which]:run("k", function()
      table.insert(events, name .. " begins")
      while not released[name] and not released.all do ngx.sleep(0.005) end
      table.insert(events, name .. " ends")
      return true
    end)
    if not ran then table.insert(events, name .. " gives up") end
    ngx.print(tostring(ran))
  } }
  location /webhook/ {
    lua_check_client_abort on;
    content_by_lua_block { bot:webhook() }
  }
  location ~ ^/let/(?<name>\w+)$ { content_by_lua_block { released[ngx.var.name] = true } }
  location = /events { content_by_lua_block { ngx.print(table.concat(events, ", ")) } }
  location = /left { content_by_lua_block { ngx.print(tostring(next(short.last) or next(long.last))) } }
]]

describe("turns in nginx", function()
  local nginx
  before_each(function() nginx = nginx_lua.start { http = http, server = server, files = { ["bot.lua"] = bot } } end)
  after_each(function()
    nginx:request "/let/all"
    nginx:stop()
  end)

  local function events() return (select(2, nginx:request "/events")) end
  local function await(text) process.await(function() return events():find(text, 1, true) end, text) end

  it("come one after another", function()
    local a = nginx:send "/run/long/a"
    await "a begins"
    local b = nginx:send "/run/long/b"
    nginx:request "/let/b"
    nginx:request "/let/a"
    assert.same({ 200, "true" }, { b:read() })
    assert.same({ 200, "true" }, { a:read() })
    assert.equal("a begins, a ends, b begins, b ends", events())
    assert.equal("nil", (select(2, nginx:request "/left")))
  end)

  it("do not come early because one before them gave up", function()
    local a = nginx:send "/run/short/a"
    await "a begins"
    local b = nginx:send "/run/short/b"
    assert.same({ 200, "nil" }, { b:read() })
    local c = nginx:send "/run/short/c" -- waits for b, which waited for a, which still runs
    nginx:request "/let/c"
    assert.same({ 200, "nil" }, { c:read() })
    nginx:request "/let/a"
    assert.same({ 200, "true" }, { a:read() })
    nginx:request "/let/d"
    assert.same({ 200, "true" }, { nginx:request "/run/short/d" })
    assert.equal("a begins, b gives up, c gives up, a ends, d begins, d ends", events())
    assert.equal("nil", (select(2, nginx:request "/left")))
  end)

  local function message(text)
    return nginx:send("/webhook/" .. SECRET, { method = "POST",
      body = ('{"is_input":1,"client":{"id":7},"message":"%s"}'):format(text) })
  end

  it("end with the handler, also when its sender has gone", function()
    message("a").connection:close()
    await "a begins"
    for _ = 1, 3 do events() end -- nginx has seen it
    local b = message "b"
    nginx:request "/let/b"
    nginx:request "/let/a"
    assert.equal(200, (b:read()))
    assert.equal("a begins, a ends, b begins, b ends", events())
  end)

  it("end with a handler that would end the request", function()
    assert.equal(500, (message("exit"):read()))
    assert.matches("bot.lua:4: ngx.exit: the answer to a webhook is not the handler's to give", nginx:log(), 1, true)
    nginx:request "/let/b"
    assert.equal(200, (message("b"):read()))
  end)
end)
