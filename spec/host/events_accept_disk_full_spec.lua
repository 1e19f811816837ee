local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("a full disk", function()
  after_each(support.cleanup)

  -- The limit on a file's size fails writes as a full disk does, and can be lifted while the host runs.
  it("gets senders a 503 that asks them to come again, loses nothing, and is got over", function()
    local bot = support.start([[ host.on("message", function(event) trace(event.message_id) end) ]],
      { before = "ulimit -S -f 1200" })
    local accepted, id = 0, 0
    local function post()
      id = id + 1
      local body = ('{"id":%d,"client":{"id":%d},"message":"%s","message_id":%d,"is_input":1}')
        :format(id, id % 3, ("x"):rep(20000), id)
      local reply = assert(bot:post("/webhook/" .. support.secret, body))
      if reply.status == 200 then accepted = accepted + 1 end
      return reply
    end
    local refusal
    repeat refusal = post() until refusal.status ~= 200 or id > 200
    assert.equal(503, refusal.status)
    assert.truthy(tonumber(refusal.headers["retry-after"]))
    assert.is_true(accepted > 5)
    assert.equal(503, post().status)
    assert.is_true(bot:ask("/readyz").ready)
    assert.truthy(bot.process:log():find("nothing can be stored: ", 1, true))
    assert(os.execute(("prlimit --pid %d --fsize=unlimited:unlimited"):format(bot.process.pid)))
    process.await(function() return post().status == 200 end, "a 200 again")
    bot:await_summary("done", accepted)
    assert.equal(0, bot:ask("/api/summary").lost)
    assert.truthy(bot.process:log():find("storing works again", 1, true))
    local seen = {}
    for _, line in ipairs(bot:lines()) do seen[line] = (seen[line] or 0) + 1 end
    local count = 0
    for _, times in pairs(seen) do
      assert.equal(1, times)
      count = count + 1
    end
    assert.equal(accepted, count)
    bot:stop()
  end)
end)
