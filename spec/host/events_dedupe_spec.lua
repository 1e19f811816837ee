local process = require "spec.support.process"
local support = require "spec.support.bot"

describe("Dedupe: a custom hook by a path, a Lua function or the body's hash", function()
  local bot

  setup(function()
    bot = support.start [[
      host.hook("path", { dedupe = "payment.id" }, function() trace "path" return { status = 201 } end)
      host.hook("body", { dedupe = "body" }, function() trace "body" return { status = 201 } end)
      host.hook("function", {
        dedupe = function(request)
          if request.query.fail then error "no id" end
          return request.json.shop and request.json.shop .. "/" .. request.json.id
        end, attempts = 2,
      }, function(request)
        trace("function", request.json.id)
        if request.json.slow then host.sleep(0.3) end
        if request.json.fail and request.attempt == 1 then return host.retry(0.01) end
        return { status = 409, json = { list = {}, id = request.json.id }, headers = { ["X-Own"] = "yes" } }
      end)
    ]]
  end)

  teardown(function() bot:stop() end)

  local function count(line)
    local n = 0
    for _, traced in ipairs(bot:lines()) do if traced == line then n = n + 1 end end
    return n
  end

  it("(path) takes what is the same there once", function()
    for _, rest in ipairs { "1", "2", "3" } do
      assert.equal(201, bot:post("/hook/path", '{"payment":{"id":1},"n":' .. rest .. "}").status)
    end
    bot:post("/hook/path", '{"payment":{"id":2}}')
    assert.equal(2, count "path")
  end)

  it("(body) takes the same bytes once", function()
    for _, body in ipairs { "x", "x", "x ", "x " } do bot:post("/hook/body", body) end
    assert.equal(2, count "body")
  end)

  it("(function) takes what it returns the same for once; the answer is the first one's", function()
    local before = bot:ask("/api/summary").duplicates
    local first = bot:post("/hook/function", '{"shop":"a","id":1}')
    local second = bot:post("/hook/function", '{"shop":"a","id":1,"again":true}')
    assert.equal(409, first.status)
    assert.same({ 409, first.body, "yes" }, { second.status, second.body, second.headers["x-own"] })
    bot:post("/hook/function", '{"shop":"b","id":1}')
    assert.equal(2, count "function 1")
    assert.equal(before + 1, bot:ask("/api/summary").duplicates)
    local skipped = bot:ask("/api/events?state=skipped").events
    assert.equal(1, #skipped)
    assert.match("^duplicate of event %d+$", skipped[1].reason)
  end)

  it("(function) holds for those that come at the same time, and for later attempts of the first", function()
    local replies = support.together({ 1, 2, 3, 4 }, 4, function(i)
      return bot:post("/hook/function", ('{"shop":"c","id":2,"slow":true,"n":%d}'):format(i))
    end)
    for i = 1, 4 do assert.equal(409, replies[i].status) end
    assert.equal(1, count "function 2")
    assert.equal(202, bot:post("/hook/function", '{"shop":"c","id":3,"fail":true}').status)
    process.await(function() return count "function 3" == 2 end, "the second attempt")
  end)

  it("(function) that returns nil dedupes nothing; one that fails is a failed attempt", function()
    bot:post("/hook/function", '{"id":4}')
    bot:post("/hook/function", '{"id":4}')
    assert.equal(2, count "function 4")
    local failed = bot:post("/hook/function?fail=1", '{"shop":"d","id":5}'):json().event
    process.await(function() return bot:ask("/api/events/" .. failed).state == "dead" end, "the end")
    assert.match("bot.lua:%d+: no id", bot:ask("/api/events/" .. failed).reason)
  end)

  it("outlives a restart", function()
    bot:kill()
    bot:start()
    assert.equal(409, bot:post("/hook/function", '{"shop":"a","id":1}').status)
    assert.equal(2, count "function 1")
  end)
end)

describe("Dedupe: a duplicate gets the answer that the first one got.", function()
  local bot

  setup(function()
    bot = support.new [[
      host.hook("answers", { dedupe = "id" }, function(request)
        trace("run", request.json.id)
        return { status = request.json.status, json = { id = request.json.id }, headers = { ["X-Own"] = "yes" } }
      end)
      host.hook("text", { dedupe = "body" }, function(request) trace("text") return "got " .. request.body end)
      host.hook("big", { dedupe = "id" }, function() return ("x"):rep(70000) end)
      host.hook("nothing", { dedupe = "id" }, function() end)
      host.hook("slow", { dedupe = "id" }, function()
        trace "slow"
        while not io.open(TRACE .. ".gate") do host.sleep(0.01) end
        return { status = 409, body = "too late" }
      end)
      host.hook("fails", { dedupe = "id" }, function(request)
        if request.attempt == 1 then error "at first" end
        return { status = 418, body = "at last" }
      end)
    ]]
    bot:start()
  end)

  teardown(function() bot:stop() end)

  local function same(path, body)
    local first, second = bot:post(path, body), bot:post(path, body)
    for _, reply in ipairs { first, second } do reply.headers.date = nil end
    assert.same({ first.status, first.body, first.headers }, { second.status, second.body, second.headers })
    return first
  end

  it("of a refusal, which the sender would take for a success otherwise", function()
    assert.equal(409, same("/hook/answers", '{"id":1,"status":409}').status)
    assert.equal(400, same("/hook/answers", '{"id":2,"status":400}').status)
    assert.equal(201, same("/hook/answers", '{"id":3,"status":201}').status)
    assert.equal("got x", same("/hook/text", "x").body)
    assert.same({ "run 1", "run 2", "run 3", "text" }, bot:lines())
  end)

  it("of no answer, or of one above 64 KiB: 200, and that it is one", function()
    bot:post("/hook/nothing", '{"id":1}')
    assert.is_true(bot:post("/hook/nothing", '{"id":1}'):json().duplicate)
    assert.equal(70000, #bot:post("/hook/big", '{"id":1}').body)
    assert.is_true(bot:post("/hook/big", '{"id":1}'):json().duplicate)
  end)

  it("while the first still runs: as soon as that has ended", function()
    local replies = support.together({ 1, 2, 3, 4 }, 4, function(i)
      if i == 4 then
        bot:await "slow"
        process.await(function() return bot:ask("/api/summary").duplicates >= 2 end, "duplicates")
        process.write(bot.trace_path .. ".gate", "")
        return true
      end
      return bot:post("/hook/slow", '{"id":1}')
    end)
    for i = 1, 3 do assert.same({ 409, "too late" }, { replies[i].status, replies[i].body }) end
  end)

  it("after a later attempt: what that returned", function()
    assert.equal(202, bot:post("/hook/fails", '{"id":1}').status)
    process.await(function() return bot:post("/hook/fails", '{"id":1}').status == 418 end, "the second answer")
  end)

  it("after a restart", function()
    bot:kill()
    bot:start()
    assert.equal(409, bot:post("/hook/answers", '{"id":1,"status":409}').status)
    assert.equal(1, select(2, table.concat(bot:lines(), "\n"):gsub("run 1", "")))
  end)
end)
