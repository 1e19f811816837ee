local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("A script", function()
  after_each(support.cleanup)

  -- The entry of the log whose message begins with a word.
  local function entry(bot, word)
    return process.await(function()
      for line in bot.process:log():gmatch("[^\n]+") do
        if line:find('"message":"' .. word, 1, true) then return line end
      end
    end, "the log line " .. word)
  end

  it("that prints 5 MB gets a line of 16 KiB, which says how many bytes more there were", function()
    local bot = support.start [[
      host.on("message", function()
        print("big", ("x"):rep(5000000))
        host.log.info("fields", { big = ("y"):rep(5000000), list = { ("z"):rep(5000000) } })
        print "after"
      end)
    ]]
    bot:message(1, 1, "x")
    entry(bot, "after")
    local line = entry(bot, "big")
    assert.is_true(#line < 20000, #line .. " bytes")
    assert.match("xxx… 4983620 bytes more", line, 1, true)
    line = entry(bot, "fields")
    assert.is_true(#line < 40000, #line .. " bytes")
    assert.match("yyy… 4983616 bytes more", line, 1, true)
    assert.match("zzz… 4983620 bytes more", line, 1, true)
    bot:stop()
  end)

  it("that logs half of a secret at the place of the cut shows none of it", function()
    local key = "0123456789abcdef0123456789abcdef"
    local bot = support.start(([[
      host.on("message", function() print("cut" .. ("x"):rep(16384 - 3 - 10) .. %q .. ("y"):rep(100)) end)
    ]]):format(key))
    bot:message(1, 1, "x")
    assert.is_nil(entry(bot, "cut"):find("0123456", 1, true))
    bot:stop()
  end)

  it("that logs NUL, or what is no UTF-8, loses nothing of the line", function()
    local bot = support.start [[
      host.on("message", function()
        print("print\0 and \255 more")
        host.log.info("fields", { text = "a\0b" })
        error("error\0 and more")
      end, { attempts = 1 })
    ]]
    bot:message(1, 1, "x")
    bot:await_summary("dead", 1)
    assert.match("print\\\\0 and \\\\xff more", entry(bot, "print"), 1, true)
    assert.match('"text":"a\\\\0b"', entry(bot, "fields"), 1, true)
    local reason = bot:ask("/api/events?state=dead").events[1].reason
    assert.match("error\\0 and more", reason, 1, true)
    bot:stop()
  end)

  it("that overwrites globals and the libraries' functions harms itself only", function()
    local bot = support.start [[
      local http, mavilua = require "mavilua.http", require "mavilua"
      host.on("message", { text = "one" }, function(event)
        host.kv.set("k", { event.text })
        trace(host.once("o", function() return host.kv.get("k")[1] end), host.kv.incr "n")
        host.after(0.01, "job", { 1, 2 })
        local got = mavilua.map({ 1, 2 }, function(n) host.sleep(0.01) return n end)
        trace("mapped", #got)
        host.log.info("logged", { a = 1 })
        print "printed"
        trace(http.get("http://127.0.0.1:1/"))
        if event.attempt == 1 then return host.retry(0.01) end
      end)
      host.on("message", { text = "two" }, function() error "gone" end, { attempts = 1 })
      host.job("job", function(args) trace("job", #args) end)
      host.hook("hook", { secret = "a-hook-secret" }, function(request)
        return { json = { got = request.query.a } }
      end)
      local globals, keep = _G, { select = 1, tostring = 1, io = 1, assert = 1, table = 1, print = 1 }
      for _, name in ipairs { "math", "os", "coroutine", "utf8", "debug" } do
        for field in pairs(globals[name]) do globals[name][field] = nil end
      end
      for field in pairs(table) do if field ~= "concat" then table[field] = nil end end
      for name in pairs(globals) do if not keep[name] then globals[name] = nil end end
    ]]
    bot:message(1, 1, "one")
    bot:message(2, 2, "two")
    bot:await "job 2"
    assert.equal('{"got":"b"}', bot:post("/hook/hook/a-hook-secret?a=b", "{}").body)
    bot:await_summary("dead", 1)
    assert.is_true(bot:has "one 1")
    assert.is_true(bot:has "mapped 2")
    entry(bot, "printed")
    bot:stop()
  end)
end)
