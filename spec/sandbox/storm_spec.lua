-- Calls of all kinds at the same time: under ThreadSanitizer this is where it looks.
local http = require "mavilua.http"
local map = require "mavilua.map"
local process = require "spec.support.process"
local soak = require "spec.support.soak"
local support = require "spec.support.sandbox"

describe("a sandbox in a storm", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)

  -- One call of a kind that `i` chooses, the same in every run.
  local calls = {
    function(i) return "/api/sandbox/message", { client_id = 10000 + i % 50, message = "m" } end,
    function(i) return "/_sandbox/messages", { platform_id = i % 7, message = "price" } end,
    function() return "/api/sandbox/find_clients", { q = { city = "Oslo" } } end,
    function(i) return "/api/sandbox/save_variables", { client_id = 10000 + i % 50, variables = { n = i } } end,
    function() return "/_sandbox/faults", { { action = "get_messages", kind = "status", times = 3 } } end,
    function() return "/_sandbox/faults" end,
    function() return "/_sandbox/settings", { ok_body = "json" } end,
    function() return "/_sandbox/settings" end,
    function() return "/_sandbox/snapshot" end,
    function() return "/_sandbox/journal?limit=20" end,
    function() return "/_sandbox/clock", { advance = 60 } end,
    function() return "/api/sandbox/get_messages" end,
  }

  local function call(i)
    local path, body = calls[i % #calls + 1](i)
    if i % 97 == 0 then path, body = "/_sandbox/reset", {} end
    local reply = assert(http.request { url = box.url .. path, json = body })
    return reply.status
  end

  it("answers every call, and none of them with a failure of its own", function()
    box:control("POST", "clock", { mode = "virtual", now = 1700000000 })
    local items = {}
    for i = 1, 600 do items[i] = i end
    for _, status in ipairs(map.run(items, call, { concurrency = 8 })) do
      assert.is_true(status < 500 or status == 503, "status " .. status)
    end
  end)

  -- `make soak` lets it go on for a minute.
  it("gives 64 who write and read at once no wrong answer, with faults on", function()
    local seconds = tonumber(os.getenv "MAVILUA_SOAK") or 2
    local file = process.folder() .. "/soak.db"
    local own = support.start { "--db", file }
    local rounds, problems = soak.run(own, seconds, "http://127.0.0.1:9/nobody")
    if seconds > 10 then print(("%d rounds in %d seconds"):format(rounds, seconds)) end
    assert.same({}, problems)
    assert.is_true(rounds > 64, "only " .. rounds .. " rounds")
    assert.is_nil(own.server:log():find("database", 1, true))
    own:stop()
  end)

  it("lists faults while others take them away", function()
    local faults, items = {}, {}
    for i = 1, 100 do faults[i] = { action = "get_history", kind = "status", times = i } end
    for i = 1, 300 do items[i] = i end
    map.run(items, function(i)
      local url = box.url .. "/_sandbox/faults"
      if i % 3 == 0 then return assert(http.request { url = url, json = faults }).status end
      return assert(http.request { url = url, method = i % 3 == 1 and "GET" or "DELETE" }).status
    end, { concurrency = 16 })
    assert.same({}, box:control("DELETE", "faults") and box:control("GET", "faults").faults)
  end)
end)
