local support = require "spec.support.bot"

describe("order", function()
  after_each(support.cleanup)

  it("holds per client, while clients run side by side", function()
    local bot = support.start([[
      host.on("message", function(event)
        host.sleep((tonumber(event.text) % 3) * 0.004)
        trace(event.client_id, event.text)
      end)
    ]], { workers = 3 })
    local posts = {}
    for client = 1, 10 do posts[client] = client end
    support.together(posts, 10, function(client)
      for n = 1, 30 do assert(bot:message(client * 1000 + n, client, tostring(n)) == 200) end
      return true
    end)
    for client = 1, 10 do bot:await(client .. " 30") end
    local last = {}
    for _, line in ipairs(bot:lines()) do
      local client, n = line:match("(%d+) (%d+)")
      assert.equal((last[client] or 0) + 1, tonumber(n))
      last[client] = tonumber(n)
    end
    assert.equal(300, #bot:lines())
    bot:stop()
  end)

  it("lets 200 handlers wait for one API each, together, on one worker", function()
    local process = require "spec.support.process"
    local api = process.start { bin = "lua5.4", "spec/support/http_server.lua" }
    local bot = support.start(([[
      local http = require "mavilua.http"
      host.on("message", function(event)
        local reply, err = http.get("%s/delay/0.3", { timeout = 10 })
        trace("done", reply and reply.status or tostring(err))
      end)
    ]]):format(api.url), { workers = 1 })
    local clients = {}
    for i = 1, 200 do clients[i] = i end
    local start = support.now()
    support.together(clients, 50, function(i) return bot:message(i, i, "x") end)
    process.await(function() return #bot:lines() == 200 end, "200 handlers")
    local seconds = support.now() - start
    for _, line in ipairs(bot:lines()) do assert.equal("done 200", line) end
    if os.getenv("MAVILUA_MODE") == "release" then assert.is_true(seconds < 2, "took " .. seconds) end
    bot:stop()
    api:kill()
  end)
end)
