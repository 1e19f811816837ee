-- HUP of nginx, and of the host behind it, while webhooks come in: what was answered 200 is handled, once and in order.
local nginx = require "spec.support.nginx"
local process = require "spec.support.process"
local support = require "spec.support.bot"

local SENDERS, EACH, RELOADS = 4, 250, 3
local webhook = "/webhook/" .. support.secret

local function script(version)
  return ('local version = %d\n'):format(version) .. [[
    host.on("message", function(event)
      host.sleep(0.001)
      trace(event.client_id, event.text, version)
    end)
  ]]
end

local function bodies_of(client)
  local bodies = {}
  for n = 1, EACH do bodies[n] = support.message(client * 1000 + n, client, tostring(n)) end
  return bodies
end

-- By configuration: puts nginx in front of the bot, or the bot into nginx.
local ways = {}

function ways.front(bot)
  bot:start()
  return nginx.start("examples/nginx/front.conf", { { "127.0.0.1:8080", bot.url:match "//(.*)$" },
    { "rate=200r/s", "rate=1000000r/s" } }, { workers = 2 })
end

function ways.handover(bot)
  bot:start()
  return nginx.start_handover(bot.url, { workers = 2, change = { "rate=200r/s", "rate=1000000r/s" } })
end

-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" == "release" then
  function ways.bot(bot)
    return nginx.start_bot(bot.path, "http://127.0.0.1:1", { workers = 2, secret = support.secret, key = "key" })
  end
end

for name, start in pairs(ways) do
  describe("HUP under load, with " .. name .. ".conf", function()
    local bot, front, senders

    before_each(function()
      bot = support.new(script(0), { same_port = true })
      front = start(bot)
      senders = {}
    end)

    after_each(function()
      front:stop()
      support.cleanup()
    end)

    local function send()
      for client = 1, SENDERS do senders[client] = front:send(webhook, bodies_of(client)) end
    end

    local function all_sent()
      for _, sent in ipairs(senders) do
        if not sent() then return false end
      end
      return true
    end

    -- client -> list of statuses, once all have sent all
    local function answers()
      local all = {}
      for client, sent in ipairs(senders) do
        all[client] = process.await(sent, "the answers of sender " .. client, 120)
      end
      return all
    end

    -- client -> set of the numbers that were handled; in order, each once, or `twice` in a row.
    local function handled(twice)
      if bot.url then
        bot:await_summary("waiting", 0, 60)
        bot:await_summary("running", 0, 60)
      end
      local ran, last = {}, {}
      for _, line in ipairs(bot:lines()) do
        local client, n = line:match "^(%d+) (%d+) %d+$"
        client, n = tonumber(client), tonumber(n)
        local before = last[client] or 0
        assert.is_true(n > before or twice and n == before, ("client %d: %d after %d"):format(client, n, before))
        last[client] = n
        ran[client] = ran[client] or {}
        ran[client][n] = true
      end
      return ran
    end

    -- Returns how many were answered 200.
    local function check(twice)
      local statuses, ran, good = answers(), handled(twice), 0
      for client = 1, SENDERS do
        assert.equal(EACH, #statuses[client])
        for n, status in ipairs(statuses[client]) do
          if status == 200 then
            good = good + 1
            assert.is_true(ran[client][n], ("client %d: %d was answered 200 and is lost"):format(client, n))
          end
        end
      end
      return good
    end

    it("loses nothing when nginx is reloaded", function()
      send()
      local reloads = 0
      repeat
        front:reload()
        reloads = reloads + 1
      until reloads >= RELOADS and all_sent()
      assert.is_true(check() > 0)
      local status = front:request(webhook, { body = support.message(99, 99, "1") })
      assert.equal(200, status)
    end)

    if name == "bot" then return end

    it("loses nothing when the host's script is reloaded", function()
      send()
      local version = 0
      repeat
        version = version + 1
        bot:script(script(version))
        bot.process:signal "HUP"
        process.await(function()
          return select(2, bot.process:log():gsub("scripts reloaded", "")) == version
        end, "reload " .. version)
      until version >= RELOADS and all_sent()
      assert.equal(SENDERS * EACH, check())
    end)

    if name == "front" then return end

    it("loses nothing when the host is restarted, and every webhook is answered 200", function()
      send()
      bot:stop()
      front:reload()
      bot:start()
      assert.equal(SENDERS * EACH, check())
    end)

    it("loses nothing when the host is killed, and every webhook is answered 200", function()
      send()
      bot:await "1 20 0"
      bot:kill()
      bot:start()
      assert.equal(SENDERS * EACH, check(true))
    end)
  end)
end
