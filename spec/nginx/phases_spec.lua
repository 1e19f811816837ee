-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local sandbox = require "spec.support.sandbox"

-- What each place of nginx says; `told` keeps it for those that cannot answer.
local http = [[
  lua_shared_dict told 1m;
  init_by_lua_block {
    mavilua = require "mavilua"
    bot = mavilua.client {}
    function try()
      local ok, found, err = pcall(bot.get_clients, bot, { limit = 2 })
      if not ok then return found end
      return tostring(found and #found.clients or err)
    end
    local text = try()
    function text_of_init() return text end
  }
  init_worker_by_lua_block {
    ngx.shared.told:set("init_worker", try())
    ngx.timer.at(0, function() ngx.shared.told:set("timer", try()) end)
  }
  upstream balanced {
    server 127.0.0.1:1;
    balancer_by_lua_block {
      ngx.shared.told:set("balancer", try())
      ngx.exit(ngx.ERROR)
    }
  }
]]

local server = [[
  location = /told { content_by_lua_block { ngx.print(ngx.shared.told:get(ngx.var.arg_of) or "") } }
  location = /init { content_by_lua_block { ngx.print(text_of_init()) } }
  location = /rewrite { rewrite_by_lua_block { ngx.print(try()) ngx.exit(200) } }
  location = /access { access_by_lua_block { ngx.print(try()) ngx.exit(200) } }
  location = /content { content_by_lua_block { ngx.print(try()) } }
  location = /set { set_by_lua_block $said { return try() } return 200 $said; }
  location = /header_filter {
    header_filter_by_lua_block { ngx.shared.told:set("header_filter", try()) }
    return 200 x;
  }
  location = /body_filter {
    body_filter_by_lua_block { ngx.shared.told:set("body_filter", try()) }
    return 200 x;
  }
  location = /log { log_by_lua_block { ngx.shared.told:set("log", try()) } return 200 x; }
  location = /balancer { proxy_pass http://balanced; }
  location = /map { log_by_lua_block {
    ngx.shared.told:set("map", select(2, pcall(mavilua.map, { 1 }, function() end)))
    ngx.shared.told:set("sleep", select(2, pcall(mavilua.sleep, 1)))
    ngx.shared.told:set("http", select(2, pcall(mavilua.http.get, "http://127.0.0.1:1/")))
  } return 200 x; }
  location = /transport { log_by_lua_block {
    local own = mavilua.client { transport = function() return { status = 200, body = "{}" } end }
    ngx.shared.told:set("transport", tostring(own:get_messages() ~= nil))
  } return 200 x; }
  location = /coroutine { content_by_lua_block {
    ngx.print(coroutine.wrap(function() coroutine.yield(try()) end)())
  } }
  location = /thread { content_by_lua_block {
    ngx.print(select(2, ngx.thread.wait(ngx.thread.spawn(try))))
  } }
  location = /require { content_by_lua_block { ngx.print(select(2, pcall(require, "calls"))) } }
  location = /sort { content_by_lua_block {
    ngx.print(select(2, pcall(table.sort, { 1, 2 }, function() return assert(bot:get_clients {}) end)))
  } }
  location = /core { content_by_lua_block {
    local core = require "mavilua.core"
    for _, name in ipairs { "send", "sleep", "spawn" } do
      local ok, problem = pcall(core[name], name == "spawn" and print or name == "sleep" and 1 or {})
      ngx.say(name, " ", tostring(ok), " ", problem)
    end
  } }
]]

describe("the phases of nginx", function()
  local box, nginx

  setup(function()
    box = sandbox.start()
    nginx = nginx_lua.start { http = http, server = server,
      env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = box.url },
      files = { ["calls.lua"] = "assert(bot:get_clients {})" } }
  end)

  teardown(function()
    nginx:stop()
    box:stop()
  end)

  local function told(name)
    return process.await(function()
      local _, text = nginx:request("/told?of=" .. name)
      return text ~= "" and text
    end, name)
  end

  for _, phase in ipairs { "rewrite", "access", "content", "coroutine", "thread" } do
    it("can wait in " .. phase, function()
      assert.same({ 200, "2" }, { nginx:request("/" .. phase) })
    end)
  end

  it("can wait in timers", function() assert.equal("2", told("timer")) end)

  local function refuses(phase, text, hint)
    assert.matches(('get_clients: nginx cannot wait in its phase "%s", only in rewrite_by_lua*, access_by_lua*, '
      .. "content_by_lua* and timers; %s"):format(phase, hint), text, 1, true)
  end

  it("says elsewhere where it can, and what to do", function()
    refuses("init", select(2, nginx:request("/init")), "wait for a worker")
    refuses("init_worker", told("init_worker"), "hand it to a timer: ngx.timer.at(0, ")
    refuses("set", select(2, nginx:request("/set")), "use rewrite_by_lua_block")
    for phase, hint in pairs { header_filter = "call it in access_by_lua_block", log = "hand it to a timer",
      body_filter = "call it in access_by_lua_block", balancer = "call it in access_by_lua_block" } do
      nginx:request("/" .. phase)
      refuses(phase, told(phase), hint)
    end
  end)

  it("says so of everything that waits, at the caller's line", function()
    nginx:request("/map")
    for name, what in pairs { map = "mavilua.map", sleep = "mavilua.sleep", http = "mavilua.http" } do
      assert.matches(what .. ': nginx cannot wait in its phase "log"', told(name), 1, true)
    end
    nginx:request("/log")
    assert.matches("^init_by_lua%(nginx.conf:%d+%):%d+: ", told("log"))
  end)

  it("lets a transport of one's own work anywhere", function()
    nginx:request("/transport")
    assert.equal("true", told("transport"))
  end)

  it("says that nothing can wait inside functions of C", function()
    for _, path in ipairs { "/require", "/sort" } do
      local _, text = nginx:request(path)
      assert.matches("get_clients: cannot wait here: this runs inside a function of C", text, 1, true)
    end
  end)

  it("never lets libcurl hold up the worker", function()
    local _, text = nginx:request("/core")
    local count = 0
    for name, said in text:gmatch("(%w+) (%C+)") do
      assert.matches("mavilua.core cannot wait inside nginx", said, 1, true, name)
      count = count + 1
    end
    assert.equal(3, count)
  end)
end)
