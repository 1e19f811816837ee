-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local raw_server = require "spec.support.raw_server"
local sandbox = require "spec.support.sandbox"

local KEY = "fedcba9876543210fedcba9876543210"

-- Calls as bots make them: nothing here hides anything. What they return is logged at every level.
local http = [[
  lua_shared_dict calls 1m;
  resolver 127.0.0.1:1;
  resolver_timeout 1s;
  init_by_lua_block {
    mavilua = require "mavilua"
    function try(base_url, options)
      options = options or {}
      options.base_url, options.timeout, options.retries = base_url, options.timeout or 5, options.retries or 0
      options.trace = function(event)
        local parts = {}
        for name, value in pairs(event) do parts[#parts + 1] = name .. "=" .. tostring(value) end
        ngx.log(ngx.DEBUG, table.concat(parts, " "))
      end
      local bot = mavilua.client(options)
      local found, err = bot:message { client_id = 1, message = "hello" }
      ngx.log(ngx.ERR, tostring(bot), " ", tostring(found), " ", tostring(err))
      for name, value in pairs(err or {}) do ngx.log(ngx.WARN, name, " ", tostring(value)) end
      return found and "ok" or err.kind
    end
  }
]]

local server = [[
  location = /try { content_by_lua_block {
    local args = ngx.req.get_uri_args()
    ngx.print(try(ngx.req.get_headers()["X-Base"], {
      timeout = tonumber(args.timeout), connect_timeout = tonumber(args.connect_timeout),
      daily_quota = tonumber(args.quota), quota_dict = args.quota and "calls",
    }))
  } }
  location = /raise { content_by_lua_block {
    local bot = mavilua.client { base_url = ngx.req.get_headers()["X-Base"] }
    error(select(2, bot:get_messages()))
  } }
  location = /misuse { content_by_lua_block {
    mavilua.client { base_url = "http://127.0.0.1:1/" }:get_variables { client_id = {} }
  } }
  location = /phase { content_by_lua_block { ngx.print "ok" } log_by_lua_block {
    mavilua.client { base_url = "http://127.0.0.1:1/" }:get_messages()
  } }
  location = /thread { content_by_lua_block {
    local base = ngx.req.get_headers()["X-Base"]
    mavilua.map({ 1, 2 }, function() error(select(2, mavilua.client { base_url = base }:get_messages())) end)
    ngx.thread.wait(ngx.thread.spawn(function()
      error(tostring(select(2, mavilua.client { base_url = base, retries = 0 }:get_messages())))
    end))
    ngx.print "ok"
  } }
  location = /timer { content_by_lua_block {
    local base = ngx.req.get_headers()["X-Base"]
    ngx.timer.at(0, function()
      error(tostring(select(2, mavilua.client { base_url = base, retries = 0 }:get_messages())))
    end)
    ngx.print "ok"
  } }
  location = /transport { content_by_lua_block {
    local bot = mavilua.client { transport = function(request) error("no way to " .. request.url) end }
    local other = mavilua.client { retries = 0, transport = function(request) return nil, "no: " .. request.url end }
    ngx.log(ngx.ERR, tostring(select(2, other:get_messages())))
    bot:get_messages()
  } }
]]

describe("the API key in nginx", function()
  local nginx, raw, box

  setup(function()
    raw, box = raw_server.start(), sandbox.start()
    box:control("POST", "keys", { key = KEY, permissions = { "R" } })
    nginx = nginx_lua.start { http = http, server = server, env = { MAVILUA_API_KEY = KEY } }
  end)

  teardown(function()
    nginx:stop()
    raw:stop()
    box:stop()
  end)

  local function ask(path, base)
    return nginx:request(path, { headers = base and ("X-Base: %s\r\n"):format(base) })
  end

  local function kind_of(base, query)
    local _, kind = ask("/try" .. (query or ""), base)
    return kind
  end

  local echo = raw_server.send(raw_server.answer("HTTP/1.1 404 No /api/" .. KEY .. "\nContent-Length: 60",
    ('{"status":"fail","message":"%s"}'):format(KEY .. "x") .. ("."):rep(60)))

  it("is in no log at any level, whatever fails", function()
    local programs = { close = "ambiguous", reset = "ambiguous", ["send not HTTP%0D%0A"] = "ambiguous",
      [raw_server.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n/api/" .. KEY) .. "\nclose"] = "ambiguous",
      [raw_server.send("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n" .. KEY:sub(1, 9))] = "ambiguous",
      [echo] = "http" }
    for program, kind in pairs(programs) do assert.equal(kind, kind_of(raw:url(program)), program) end
    assert.equal("ambiguous", kind_of(raw:url "hold", "?timeout=0.5"))
    assert.equal("network", kind_of "http://127.0.0.1:1")
    assert.equal("timeout", kind_of("http://name.test", "?connect_timeout=0.2"))
    assert.equal("network", kind_of((box.url:gsub("http:", "https:"))))
    assert.equal("quota", kind_of("http://127.0.0.1:1", "?quota=0"))
    assert.equal("http", kind_of(box.url))
    for path, status in pairs { ["/raise"] = 500, ["/misuse"] = 500, ["/phase"] = 200, ["/thread"] = 200,
      ["/timer"] = 200, ["/transport"] = 500 } do
      assert.equal(status, (ask(path, raw:url(echo))), path)
    end
    process.await(function() return nginx:log():find("context: ngx.timer", 1, true) end, "the timer's error")
    local log = nginx:log()
    for _, sign in ipairs { "lua tcp socket", "[redacted]", "entry thread aborted", "user thread aborted",
      "no way to http" } do
      assert.is_truthy(log:find(sign, 1, true), "nothing logged of " .. sign)
    end
    for _, form in ipairs { KEY, KEY:upper(), KEY:sub(1, 16), KEY:sub(17) } do
      local at = log:find(form, 1, true)
      assert.is_nil(at, at and log:sub(math.max(1, at - 300), at + 100))
    end
  end)
end)
