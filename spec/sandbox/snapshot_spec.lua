local http = require "mavilua.http"
local process = require "spec.support.process"
local map = require "mavilua.map"
local support = require "spec.support.sandbox"

local function take(box)
  local reply = assert(http.request { url = box.url .. "/_sandbox/snapshot" })
  assert.equal(200, reply.status)
  assert.equal("SQLite format 3\0", reply.body:sub(1, 16))
  return reply.body
end

local function put(box, image)
  local reply = assert(http.request { url = box.url .. "/_sandbox/snapshot", method = "PUT", body = image })
  return reply.status, reply:json().message
end

for name, args in pairs { ["in memory"] = false, ["on a file"] = true } do
  describe("a snapshot of a sandbox " .. name, function()
    local box, id, path
    setup(function()
      path = process.folder() .. "/sandbox.db"
      box = support.start(args and { "--db", path } or {})
    end)
    teardown(function() box:stop() end)
    before_each(function()
      box:control("POST", "reset")
      box:control("POST", "clock", { mode = "virtual", now = 1767225600 })
      id = box:client("1")
    end)

    it("has when clients last changed, which messages and variables move", function()
      local function updated()
        local clients = box:call("get_clients", { limit = 5 }).clients
        for _, client in ipairs(clients) do
          if client.id == id then return client.updated_at end
        end
      end
      assert.equal(1767225600, updated())
      box:control("POST", "clock", { advance = 10 })
      box:call("message", { client_id = id, message = "hello" })
      assert.equal(1767225610, updated())
      local image = take(box)
      box:control("POST", "clock", { advance = 10 })
      box:call("save_variables", { client_id = id, variables = { ["client.a"] = 1 } })
      assert.equal(1767225620, updated())
      box:control("POST", "clock", { advance = 10 })
      box:call("message", { client_id = 1, message = "nobody" })
      box:control("POST", "settings", { ok_body = "json" })
      assert.equal(1767225620, updated())
      box:call("message", { client_id = id, message = "hello" })
      assert.equal(1767225630, updated())
      assert.equal(200, (put(box, image)))
      assert.equal(1767225610, updated())
      box:call("message", { client_id = id, message = "hello" })
      box:control("POST", "reset")
      box:control("POST", "clock", { mode = "virtual", now = 1767225600 })
      id = box:client("1")
      assert.equal(1767225600, updated())
    end)

    it("has when each of thousands of clients last changed", function()
      local items = {}
      for i = 1, 2500 do items[i] = { platform_id = 1000 + i, group_id = "g", client_type = 1 } end
      local loaded = {}
      for first = 1, #items, 500 do
        local answer = box:call("load_clients", { table.unpack(items, first, first + 499) })
        for _, item in ipairs(answer.items) do loaded[#loaded + 1] = item.id end
      end
      box:control("POST", "clock", { advance = 5 })
      box:call("broadcast", { clients = loaded, message = "to all", shift = 0 })
      for offset = 0, 2000, 500 do
        for _, client in ipairs(box:call("get_clients", { offset = offset }).clients) do
          assert.equal(1767225605, client.updated_at)
        end
      end
    end)

    it("has everything: messages, variables, keys, settings, clock and what is put off", function()
      box:says(id, "before")
      box:call("save_variables", { client_id = id, variables = { ["client.a"] = 1 } })
      box:call("message", { client_id = id, message = "put off", time_shift = 60 })
      local key = box:control("POST", "keys", { permissions = { "R" } }).key
      box:control("POST", "settings", { ok_body = "json" })
      local talk = box:talk(id)
      local image = take(box)

      box:says(id, "after")
      box:call("save_variables", { client_id = id, variables = { ["client.a"] = 2, ["client.b"] = 3 } })
      box:control("POST", "clock", { advance = 3600 })
      box:control("DELETE", "keys?key=" .. key)
      box:control("POST", "settings", { ok_body = "text" })
      box:client("2")

      assert.equal(200, (put(box, image)))
      assert.same(talk, box:talk(id))
      local variables = box:call("get_variables", { client_id = id }, { key = key })
      assert.same({ 1, nil }, { variables.a, variables.b })
      assert.equal(51, #box:call("get_clients").clients)
      assert.equal("json", box:control("GET", "settings").settings.ok_body)
      assert.same({ mode = "virtual", now = 1767225600 }, (box:control("GET", "clock")))
      assert.equal(1, box:control("POST", "clock", { advance = 60 }).fired)
      assert.equal("< put off", box:talk(id)[#talk + 1])
    end)

    it("comes back as often as one likes, and ids of messages not at all", function()
      local image = take(box)
      local last = 0
      for _ = 1, 3 do
        local _, message = box:says(id, "x")
        assert.is_true(message > last)
        last = message
        assert.equal(200, (put(box, image)))
        assert.same({}, box:talk(id))
      end
    end)

    it("gives no id of a message twice, though many write while it is put back", function()
      local image, items, seen = take(box), {}, {}
      for i = 1, 300 do items[i] = i end
      local ids = map.run(items, function(i)
        if i % 10 == 0 then return put(box, image) and 0 end
        return (select(2, box:says(id, "x")))
      end, { concurrency = 16 })
      for i = 1, #items do
        assert.is_nil(ids[i] ~= 0 and seen[ids[i]] or nil)
        seen[ids[i]] = true
      end
    end)

    it("goes into another sandbox", function()
      box:says(id, "moved")
      local other = support.start()
      assert.equal(200, (put(other, take(box))))
      assert.equal("> moved", other:talk(id)[1])
      assert.equal(200, (select(2, other:control("POST", "reset"))))
      assert.equal(50, #other:call("get_clients").clients)
      other:stop()
    end)

    it("is refused when it is none of ours, and nothing changed", function()
      box:says(id, "stays")
      local image = take(box)
      local folder = process.folder()
      local function altered(sql)
        local file = process.write(folder .. "/altered.db", image)
        assert(os.execute(("sqlite3 %s %s"):format(file, process.quote(sql))))
        return process.read(file)
      end
      local page = #image // 2 - #image // 2 % 4096
      for what, bytes in pairs {
        empty = "", text = "hello", json = "{}", head = image:sub(1, 600), half = image:sub(1, page),
        zeros = image:sub(1, 4096) .. ("\0"):rep(#image - 4096),
        table = altered "CREATE TABLE more (x)",
        trigger = altered "CREATE TRIGGER evil AFTER INSERT ON messages BEGIN DELETE FROM clients; END",
        version = altered "PRAGMA user_version = 99",
        program = altered "PRAGMA application_id = 5",
        orphan = altered "PRAGMA foreign_keys = OFF; INSERT INTO lists (id, project) VALUES (999, 999)",
        other = altered "DROP INDEX messages_by_client",
        noise = image:sub(1, 8192) .. image:sub(8193):gsub("[%z\1-\8]", "\255"),
      } do
        local status, message = put(box, bytes)
        assert.equal(400, status, what)
        assert.matches("^the image ", message)
        assert.equal("> stays", box:talk(id)[1])
      end
    end)

    it("takes what SQLite wrote", function()
      local file = process.write(process.folder() .. "/edited.db", take(box))
      assert(os.execute(("sqlite3 %s %s"):format(file,
        process.quote(("PRAGMA journal_mode = WAL; UPDATE clients SET name = 'Edited' WHERE id = %d"):format(id))
        .. " >/dev/null")))
      assert.equal(200, (put(box, process.read(file))))
      assert.equal("Edited", box:call("get_variables", { client_id = id }).name)
    end)
  end)
end

describe("a snapshot on a file", function()
  it("is there after a restart", function()
    local path = process.folder() .. "/sandbox.db"
    local box = support.start { "--db", path }
    local id = box:client("1")
    local image = take(box)
    box:says(id, "forgotten")
    assert.equal(200, (put(box, image)))
    box:says(id, "kept")
    box.server:kill()
    box = support.start { "--db", path }
    assert.same({ "> kept" }, box:talk(id))
    box:stop()
  end)
end)
