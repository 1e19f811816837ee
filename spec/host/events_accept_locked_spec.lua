-- Accept: 200 only after the commit. Another program holds the database.
local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("a database that another program has locked", function()
  after_each(support.cleanup)

  it("gets senders a 503 that asks them to come again, never a 200, and is got over", function()
    local bot = support.start [[
      host.on("message", function(event) trace(event.text) end)
      host.hook("pay", { dedupe = "id" }, function(request) trace("paid", request.json.id) end)
    ]]
    assert.equal(200, bot:message(1, 1, "before"))
    bot:await_summary("done", 1)
    local lock = assert(io.popen("exec sqlite3 " .. process.quote(bot.folder .. "/bot.db"), "w"))
    lock:setvbuf "no"
    lock:write(".timeout 20000\nBEGIN IMMEDIATE;\n.shell touch ", process.quote(bot.folder .. "/locked"), "\n")
    process.await(function()
      local file = io.open(bot.folder .. "/locked")
      return file and file:close()
    end, "the lock")
    for _, path in ipairs { "/webhook/" .. support.secret, "/hook/pay" } do
      local reply = assert(bot:post(path, support.message(2, 1, "during"), { timeout = 60 }))
      assert.equal(503, reply.status)
      assert.truthy(tonumber(reply.headers["retry-after"]))
    end
    assert.match("locked by another program", bot.process:log(), 1, true)
    lock:write "ROLLBACK;\n.quit\n"
    lock:close()
    process.await(function() return bot:message(2, 1, "again") == 200 end, "a 200")
    bot:await_summary("done", 2)
    assert.same({ "before", "again" }, bot:lines())
    bot:stop()
  end)
end)
