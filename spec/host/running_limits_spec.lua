local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("Limits per run: a run over a limit fails as an attempt; the others go on", function()
  local bot

  setup(function()
    bot = support.start([[
      local once = { attempts = 1 }
      host.on("message", { text = "wall" }, function()
        pcall(host.sleep, 60) -- line WALL
        trace "outlived"
      end, { attempts = 1, timeout = 0.3 })
      host.on("message", { text = "cpu" }, function()
        pcall(function()
          while true do end -- line CPU
        end)
        trace "outlived"
      end, once)
      host.on("message", { text = "memory" }, function()
        local all = {}
        while true do
          all[#all + 1] = ("x"):rep(1000000) .. #all -- line MEMORY
        end
      end, once)
      host.on("message", { text = "beside" }, function(event)
        trace("begins", event.client_id)
        host.sleep(1)
        trace("ends", event.client_id)
      end)
    ]], { workers = 1, args = { "--memory-limit", "32MiB", "--cpu-limit", "0.5" } })
  end)

  teardown(function() bot:stop() end)

  local function line_of(mark)
    local number = 0
    for line in process.read(bot.path):gmatch "([^\n]*)\n" do
      number = number + 1
      if line:find("line " .. mark, 1, true) then return number end
    end
  end

  local id = 0
  for name, words in pairs {
    wall = "the run took more than 0.3 s",
    cpu = "without waiting (the limit on processor time)",
    memory = "not enough memory",
  } do
    it(name .. ": with a message that names script and line", function()
      id = id + 2
      bot:message(id, id, "beside")
      bot:await("begins " .. id)
      bot:message(id + 1, id + 1, name)
      local event = process.await(function()
        return bot:ask(("/api/events?state=dead&key=%d"):format(id + 1)).events[1]
      end, "the end of the run")
      assert.match(words, event.reason, 1, true)
      assert.match(("bot.lua:%d"):format(line_of(name:upper())), event.reason, 1, true)
      bot:await("ends " .. id)
      assert.is_false(bot:has "outlived")
    end)
  end
end)

describe("What a script may have run before its handler", function()
  after_each(support.cleanup)

  it("stands under the limits: a match that does not end fails as an attempt", function()
    local bot = support.start([[
      host.on("message", function() while true do end end, function() end, { attempts = 1 })
    ]], { workers = 1, args = { "--cpu-limit", "0.3" } })
    bot:message(1, 1, "x")
    local event = process.await(function() return bot:ask("/api/events?state=retryable").events[1] end, "the failure")
    assert.match("without waiting (the limit on processor time)", event.reason, 1, true)
    bot:stop()
  end)

  it("stands under the limits: a method of strings that does not end, where a request is read", function()
    local bot = support.start([[
      host.hook("read", {}, function() end)
      function string.lower() while true do end end
    ]], { workers = 1, args = { "--cpu-limit", "0.3" } })
    bot:post("/hook/read", "x")
    local event = process.await(function() return bot:ask("/api/events?state=retryable").events[1] end, "the failure")
    assert.match("(the limit on processor time)", event.reason, 1, true)
    bot:stop()
  end)

  it("is nothing else: methods of strings and metatables that it replaced are not called", function()
    local bot = support.start [[
      host.on("message", { text = "x" }, function() end)
      host.on("message", { contains = "x", client_type = 5 }, function() end)
      host.on("message", { pattern = "x" }, function() end)
      host.on("message", { group = "g" }, function() end)
      host.on("any", function()
        getmetatable("").__tostring = nil -- for trace
        trace "handled"
      end)
      local function never() while true do end end
      for _, name in ipairs { "find", "match", "gmatch", "gsub", "lower", "sub", "byte", "len" } do
        string[name] = never
      end
      local mark = getmetatable(require("mavilua").array {})
      for _, name in ipairs { "__index", "__pairs", "__tostring", "__len", "__call" } do mark[name] = never end
      getmetatable("").__tostring = never
    ]]
    local function post(body) assert.equal(200, assert(bot:post("/webhook/" .. support.secret, body)).status) end
    post('{"id":1,"message":"a_b","client":{"id":1,"group":[],"variables":[]},"attachments":["u",{"url":[]}]}')
    bot:await "handled"
    post('{"id":2,"message":"crm_state_changed a:b","client":[],"attachments":[],"is_input":[]}')
    bot:await_summary("waiting", 0)
    bot:await_summary("running", 0)
    bot:stop()
  end)
end)

describe("An error in a handler never stops the host", function()
  after_each(support.cleanup)

  it("the traceback with script lines is stored with the event", function()
    local bot = support.start [[
      local function inner() error({ code = 7 }) end
      local function outer() local n = 1 inner() return n end
      host.on("message", { text = "table" }, function() outer() end, { attempts = 1 })
      host.on("message", { text = "text" }, function() local n = nil; return n.x end, { attempts = 1 })
      host.on("message", { text = "odd" }, function()
        error(setmetatable({}, { __tostring = function() error "worse" end }))
      end, { attempts = 1 })
      host.on("message", { text = "stack" }, function() local function f() return 1 + f() end f() end, { attempts = 1 })
      host.on("message", function(event) trace(event.text) end)
    ]]
    for i, text in ipairs { "table", "text", "odd", "stack" } do bot:message(i, i, text) end
    bot:await_summary("dead", 4)
    local reasons = {}
    for _, event in ipairs(bot:ask("/api/events?state=dead").events) do reasons[event.key] = event.reason end
    assert.match("stack traceback:.*bot.lua:%d+: in upvalue 'inner'.*bot.lua:%d+: in upvalue 'outer'", reasons["1"])
    assert.match("bot.lua:%d+: attempt to index a nil value %(local 'n'%)", reasons["2"])
    assert.match("worse", reasons["3"])
    assert.match("stack overflow", reasons["4"])
    bot:message(9, 9, "alive")
    bot:await "alive"
    bot:stop()
  end)
end)

describe("Echo guard", function()
  after_each(support.cleanup)

  it("own sends arrive as sent, never as a message: a bot does not talk with itself", function()
    local bot = support.start([[
      local mavilua = require "mavilua"
      local bot = mavilua.client {}
      host.on("message", function(event)
        trace("message", event.text)
        assert(bot:message { client_id = event.client_id, message = "echo of " .. event.text })
      end)
      host.on("sent", function(event) trace("sent", event.text) end)
    ]], { lines = 2, args = { "--sandbox", "--sandbox-listen", "127.0.0.1:0" } })
    local http = require "mavilua.http"
    local sandbox = bot.process.urls[1]
    local reply = assert(http.request { url = sandbox .. "/_sandbox/messages", method = "POST",
      body = '{"platform_id":"7001","message":"hi"}' })
    assert.equal(200, reply.status, reply.body)
    bot:await "sent echo of hi"
    bot:await_idle()
    assert.same({ "message hi", "sent echo of hi" }, bot:lines())
    bot:stop()
  end)
end)
