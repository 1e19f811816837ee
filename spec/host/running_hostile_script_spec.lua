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
end)
