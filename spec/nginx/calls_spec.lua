-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local guide = require "spec.support.guide"
local http = require "mavilua.http"
local nginx_lua = require "spec.support.nginx_lua"
local sandbox = require "spec.support.sandbox"

-- The configuration of the guide, with what the spec's machine has in other places.
local function of_guide()
  for _, snippet in ipairs(guide.snippets "docs/nginx.md") do
    if snippet.language == "nginx" then
      return (snippet.text:gsub("lua_package_c?path[^\n]*", ""):gsub("127%.0%.0%.1:8090", "127.0.0.1:%%(port)s"))
    end
  end
end

describe("in nginx", function()
  local box, nginx

  setup(function()
    box = sandbox.start()
    nginx = nginx_lua.start {
      env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = box.url },
      http = [[
        init_by_lua_block { bot = require("mavilua").client {} }
      ]],
      server = [[
        location = /count { content_by_lua_block {
          local found, err = bot:get_clients { limit = 7 }
          assert(require("mavilua").null == ngx.null)
          ngx.print(found and #found.clients or tostring(err))
        } }
        location = /write { content_by_lua_block {
          ngx.req.read_body()
          local text = ngx.req.get_body_data()
          local id = bot:get_clients { limit = 1 }.clients[1].id
          assert(bot:save_variables { client_id = id, variables = { ["client.note"] = text } })
          ngx.print(#text, " ", bot:get_variables { client_id = id }.note == text)
        } }
        location = /map { content_by_lua_block {
          local mavilua = require "mavilua"
          local list = {}
          for i = 1, 20 do list[i] = i end
          local found, failed = mavilua.map(list, function(i)
            if i == 3 then error("third") end
            return #assert(bot:get_clients { limit = i }).clients
          end, { concurrency = 4 })
          found[3] = failed[3]:match("third")
          ngx.print(table.concat(found, " "))
        } }
        location = /limits { content_by_lua_block {
          local mavilua = require "mavilua"
          local under_way, most, begun = 0, 0, 0
          local function work(i)
            begun, under_way = begun + 1, under_way + 1
            most = math.max(most, under_way)
            mavilua.sleep(0.005)
            under_way = under_way - 1
            if i == 6 then return nil, "sixth" end
            return mavilua.map({ i }, function(n) assert(bot:get_clients { limit = n }) return n * 2 end)[1]
          end
          local list = {}
          for i = 1, 50 do list[i] = i end
          local results, failed = mavilua.map(list, work, { concurrency = 5, stop_on_error = true })
          ngx.print(most, " ", tostring(begun < 20), " ", failed[6], " ", results[5], " ", tostring(results[6]), " ",
            #mavilua.map({}, work))
        } }
        location = /refused { content_by_lua_block {
          local ok, err = bot:get_variables { client_id = 404 }
          ngx.print(tostring(ok), " ", tostring(err))
        } }
        location = /misuse { content_by_lua_block {
          local ok, err = pcall(function() return bot:get_variables { client = 404 } end)
          ngx.print(tostring(ok), " ", tostring(err))
        } }
      ]],
    }
  end)

  teardown(function()
    nginx:stop()
    box:stop()
  end)

  it("calls an action and gets its answer", function()
    assert.same({ 200, "7" }, { nginx:request("/count") })
  end)

  it("sends and receives large bodies", function()
    local text = ("0123456789"):rep(50000)
    assert.same({ 200, "500000 true" }, { nginx:request("/write", { method = "POST", body = text,
      headers = "Content-Type: text/plain\r\n" }) })
  end)

  it("maps on light threads, with errors where they belong", function()
    local list = {}
    for i = 1, 20 do list[i] = i == 3 and "third" or i end
    assert.same({ 200, table.concat(list, " ") }, { nginx:request("/map") })
  end)

  it("keeps to the limits of a map, one inside another, too", function()
    assert.same({ 200, "5 true sixth 10 nil 0" }, { nginx:request("/limits") })
  end)

  it("returns failures and raises misuse as elsewhere", function()
    assert.same({ 200, "nil get_variables: there is no such client, thing or action (http 404, client_not_found)" },
      { nginx:request("/refused") })
    local _, text = nginx:request("/misuse")
    assert.match("^false content_by_lua.-:%d+: get_variables: unknown parameter \"client\"; did you mean", text)
  end)

  it("says how a key gets into nginx", function()
    local other = nginx_lua.start { server = [[
      location = /key { content_by_lua_block { require("mavilua").client {} } }
    ]] }
    finally(function() other:stop() end)
    assert.equal(500, (other:request("/key")))
    assert.matches("no API key: .* %(nginx keeps a variable only if nginx.conf says so: env MAVILUA_API_KEY;%)",
      other:log())
  end)

  it("works as the guide has it", function()
    local other = nginx_lua.start { http = of_guide(), ports = { "port" },
      env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = box.url } }
    finally(function() other:stop() end)
    local reply = assert(http.get(("http://127.0.0.1:%d/oslo"):format(other.port)))
    local ids = {}
    for id in reply.body:gmatch "%d+" do ids[#ids + 1] = tonumber(id) end
    assert.same(box:call("find_clients", { q = { city = "Oslo" } }).client_ids, ids)
  end)
end)
