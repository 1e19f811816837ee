local support = require "spec.support.bot"

describe("Accept: 200 only after the commit. A database file that is gone", function()
  after_each(support.cleanup)

  local script = [[host.on("message", function(event) trace(event.text) end)]]

  for what, ending in pairs { ["the database"] = "", ["its -wal"] = "-wal" } do
    it(("(%s deleted) is noticed: 503 with Retry-After, and an error that says so"):format(what), function()
      local bot = support.start(script)
      local path = bot.folder .. "/bot.db" .. ending
      assert.equal(200, bot:message(1, 1, "before"))
      bot:await "before"
      bot:await_summary("done", 1)
      assert(os.rename(path, path .. ".away"))
      local reply = bot:post("/webhook/" .. support.secret, support.message(2, 1, "lost"))
      assert.equal(503, reply.status)
      assert.truthy(reply.headers["retry-after"])
      local words = "bot.db" .. ending .. ": deleted or replaced while the host has it open"
      assert.truthy(bot.process:log():find(words, 1, true))
      assert.equal(503, bot:message(3, 1, "lost"))
      assert(os.rename(path .. ".away", path))
      assert.equal(200, bot:message(4, 1, "after"))
      bot:await "after"
      assert.same({ "before", "after" }, bot:lines())
      bot:stop()
    end)
  end

  it("(replaced by another file) is noticed, too", function()
    local bot = support.start(script)
    local path = bot.folder .. "/bot.db"
    assert(os.rename(path, path .. ".away"))
    assert(io.open(path, "w")):close()
    assert.equal(503, bot:message(1, 1, "lost"))
    assert.same({}, bot:lines())
  end)
end)
