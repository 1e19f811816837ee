-- `mavilua chat` on a real terminal.
local http = require "mavilua.http"
local mavilua = require "mavilua"
local process = require "spec.support.process"
local sandbox = require "spec.support.sandbox"
local terminal = require "spec.support.terminal"

describe("chat on a terminal", function()
  local box, bot, screen, id
  setup(function()
    box = sandbox.start()
    bot = mavilua.client { api_key = "sandbox", base_url = box.url }
  end)
  teardown(function() box:stop() end)

  before_each(function()
    screen = terminal.start { "chat", "--url", box.url, "--as", "Ada", columns = 40,
      env = { HOME = process.folder() } }
    screen:await "Ada> "
    screen:enter("hello", "Ada> ")
    id = process.await(function()
      for _, client in ipairs(assert(bot:get_clients { limit = 500 }).clients) do
        if client.name == "Ada" then return client.id end
      end
    end, "the client", 60)
  end)
  after_each(function() screen:stop() end)

  local function last_said()
    local reply = assert(http.get(("%s/_sandbox/messages?client_id=%d"):format(box.url, id)))
    local list = reply:json()
    list = list.messages or list
    return list[#list].text
  end

  it("prints an answer above the line that is being written, which stays and goes on", function()
    screen:type "half a"
    screen:await "half a"
    assert(bot:message { client_id = id, message = "your tea is ready" })
    local before = screen:await "bot> your tea is ready\n"
    assert.falsy(before:find "%S", before)
    screen:await "Ada> half a"
    assert.truthy(screen:raw():find("\r\27[Jbot> your tea", 1, true))
    screen:enter(" line", "Ada> ")
    process.await(function() return last_said() == "half a line" end, "the whole line", 60)
    screen:type "\4"
    assert.equal(0, screen:wait())
  end)

  it("finds the beginning of a line that takes more than one row", function()
    screen:type(("x"):rep(90))
    process.await(function() return select(2, screen:text():gsub("x", "")) >= 90 end, "what was typed", 60)
    assert(bot:message { client_id = id, message = "ready" })
    screen:await "bot> ready\n"
    assert.truthy(screen:raw():find("\27[2A\r\27[Jbot> ready", 1, true))
  end)

  it("ends with Ctrl-C as other programs do", function()
    screen:type "something\3"
    assert.equal(130, screen:wait())
  end)
end)
