local process = require "spec.support.process"
local support = require "spec.support.sandbox"

describe("the sandbox's control API", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function() box:control("POST", "reset") end)

  it("lists its routes, and refuses others", function()
    local routes = box:control("GET", "").routes
    assert.is_true(#routes >= 10)
    assert.equal(404, select(2, box:control("GET", "nothing")))
    assert.equal(405, select(2, box:control("POST", "journal")))
    assert.equal(400, select(2, box:control("POST", "seed", 5)))
    assert.equal(404, (select(2, box:control("GET", "../x"))))
    local answer, status = box:control("GET", "%ff")
    assert.same({ 404, "fail" }, { status, answer.status })
  end)

  it("refuses names that a call does not take, and tells the nearest", function()
    local id = box:client("1")
    for words, call in pairs {
      ['atachments: unknown; did you mean "attachments"?'] = { "messages", { client_id = id, message = "x",
        atachments = { "u" } } },
      ['pause: unknown; did you mean "paused"?'] = { "clients", { client_id = id, pause = true } },
      ['advnace: unknown; did you mean "advance"?'] = { "clock", { mode = "virtual", advnace = 5 } },
      ['premissions: unknown; did you mean "permissions"?'] = { "keys", { premissions = { "R" } } },
      ['zzz: unknown; see GET /_sandbox/'] = { "reset?zzz=1", {} },
      ["platform_id: takes a phone number"] = { "messages", { platform_id = "none", message = "x",
        group = "5kqchxwyvdvFZOsp80q2qw==" } },
      ["client_id: takes the id of a client"] = { "clients", { client_id = "x" } },
    } do
      local answer, status = box:control("POST", call[1], call[2])
      assert.equal(400, status, words)
      assert.equal(words, answer.message)
    end
    assert.same({}, box:talk(id))
    assert.equal("real", box:control("GET", "clock").mode)
  end)

  it("starts as a shop: three channels, five states, blocks, fifty clients", function()
    local funnel = box:control("GET", "funnels").funnels[1]
    assert.equal("Shop", funnel.name)
    local names = {}
    for i, state in ipairs(funnel.states) do names[i] = state.id .. " " .. state.name end
    assert.same({ "1001 New", "1002 Confirmed", "1003 Paid", "1004 Shipped", "1005 Done" }, names)
    assert.equal("won", funnel.states[5].outcome)
    assert.equal(50, #box:call("get_clients").clients)
    assert.is_true(#box:call("find_clients", { q = { city = "Oslo" } }).client_ids > 0)
  end)

  it("says what is assumed, and which settings change it", function()
    local takes = box:control("GET", "settings").takes
    local assumptions = box:control("GET", "assumptions").assumptions
    assert.is_true(#assumptions > 30)
    local seen = {}
    for _, assumption in ipairs(assumptions) do
      assert.is_nil(seen[assumption.id])
      seen[assumption.id] = true
      if assumption.setting then
        assert.is_table(takes[assumption.setting])
        takes[assumption.setting].assumed = true
      end
    end
    for name, setting in pairs(takes) do assert.is_true(setting.assumed or name == "webhook_url", name) end
  end)

  describe("settings", function()
    it("are told, set and put back", function()
      assert.equal("text", box:control("GET", "settings").settings.ok_body)
      assert.equal("json", box:control("POST", "settings", { ok_body = "json" }).settings.ok_body)
      assert.equal("text", box:control("POST", "settings", { ok_body = support.null }).settings.ok_body)
    end)

    it("are refused when wrong, all of them", function()
      for _, wrong in ipairs { { ok_body = "xml" }, { webhook_url = "ftp://x" },
        { webhook_url = "http://a b" }, { webhook_url = "http://" }, { webhook_url = "https:///x" },
        { webhook_timeout = 0 }, { webhook_timeout = "x" }, { date_style = 5 }, { nothing = 1 } } do
        wrong.date_style = wrong.date_style or "text"
        local answer, status = box:control("POST", "settings", wrong)
        assert.equal(400, status)
        assert.is_string(answer.message)
        assert.equal("integer", box:control("GET", "settings").settings.date_style)
      end
      local answer = box:control("POST", "settings", { webhook_ulr = "http://x" })
      assert.matches('did you mean "webhook_url"', answer.message, 1, true)
    end)
  end)

  describe("a seed", function()
    it("replaces everything", function()
      local answer, status = box:control("POST", "seed", {
        project = { id = 5, name = "P" },
        settings = { ok_body = "json" },
        keys = { { key = "reader", permissions = { "R" } }, { key = "sandbox", permissions = { "R",
          "W" } } },
        clients = { { id = 9007199254740993, client_type = 1, group_id = 7,
          platform_id = -1001234567890123,
          variables = { a = { 1 } } } },
      })
      assert.equal(200, status, answer.message)
      local client = box:call("get_clients").clients[1]
      assert.equal(9007199254740993, client.id)
      assert.equal("-1001234567890123", client.platform_id)
      assert.equal(5, client.project_id)
      assert.same({ 1 }, box:call("get_variables", { client_id = "9007199254740993" },
        { key = "reader" }).a)
      answer, status = box:call("message", { client_id = 9007199254740993, message = "x" },
        { key = "reader" })
      assert.equal(403, status)
      assert.matches(" W$", answer.message)
      assert.same({ status = "success" }, (box:call("message", { client_id = 9007199254740993,
        message = "x" })))
      box:control("POST", "reset")
      assert.equal(50, #box:call("get_clients").clients)
    end)

    it("may be empty", function()
      assert.equal(200, select(2, box:control("POST", "seed", {})))
      assert.same({}, box:call("get_clients").clients)
    end)

    it("that was forgotten changes nothing", function()
      local answer, status = box:control("POST", "seed")
      assert.equal(400, status)
      assert.equal("A seed is expected as the body; {} is an empty one", answer.message)
      assert.equal(50, #box:call("get_clients").clients)
    end)

    it("is refused with the path of the fault, and nothing changed", function()
      local client = { client_type = 1, group_id = "g", platform_id = "1" }
      local function with(more)
        local out = {}
        for name, value in pairs(client) do out[name] = value end
        for name, value in pairs(more) do out[name] = value end
        return { clients = { client, out } }
      end
      for path, seed in pairs {
        ["clinets: unknown; did you mean \"clients\"?"] = { clinets = { client } },
        ["clients: takes a list of objects"] = { clients = { 1 } },
        ["clients[1].platform_id: required"] = { clients = { client, { client_type = 1,
          group_id = "g" } } },
        ["clients[1].platform_id: takes"] = with { platform_id = { 1 } },
        ["clients[1]: there is one with the same platform_id, client_type, group_id already"] = with {},
        ["clients[1]: there is one with the same id already, in this project or another"] =
          { clients = { { id = 7, client_type = 1, group_id = "g", platform_id = "1" },
            { id = 7, client_type = 1, group_id = "g", platform_id = "2" } } },
        ["managers[1]: there is one with the same email already"] =
          { managers = { { email = "a@b" }, { email = "a@b" } } },
        ["clients[1].orders[0].state: there is no state with this name"] =
          with { platform_id = "2", orders = { { state = "New" } } },
        ["clients[1].orders[0].state: there is no state with this id"] =
          with { platform_id = "2", orders = { { state = 1 } } },
        ["clients[1].messages[1].from: takes one of client, bot, api, callback"] =
          with { platform_id = "2", messages = { { from = "bot" }, { from = "me" } } },
        ["clients[1].messages[0].from: required"] = with { platform_id = "2",
          messages = { { text = "x" } } },
        ["funnels[0].states[0].outcome: takes one of active, won, lost"] =
          { funnels = { { name = "F", states = { { name = "A", outcome = "x" } } } } },
        ["blocks[0].match: takes one of exact, contains, first_word"] =
          { blocks = { { condition = "x", match = "fuzzy" } } },
        ["keys[0].permissions: takes R, W, X, CR and CW"] = { keys = { { key = "k",
          permissions = { "Z" } } } },
        ["clients[1].platform_id: takes a phone number"] = with { client_type = 6, platform_id = "none" },
        ["clients[1].messages[0].attachments: takes a list of addresses"] =
          with { platform_id = "2", messages = { { from = "bot", attachments = { 5 } } } },
        ["blocks[0].attachments: takes a list of addresses or of {attachment_url, attachment_type}"] =
          { blocks = { { condition = "x", attachments = { { url = "u" } } } } },
        ['blocks[0].buttons: takes a list of buttons, or an object with one under "buttons"'] =
          { blocks = { { condition = "x", buttons = { hint = "h" } } } },
        ["blocks[0].attachments[1].attachment_type: takes one of image, video, link, file, audio"] =
          { blocks = { { condition = "x", attachments = { "u",
            { attachment_url = "u", attachment_type = "pdf" } } } } },
        ["clients[1].messages[0].attachments[0].attachment_type: takes one of image, video"] = with { platform_id = "2",
          messages = { { from = "bot", attachments = { { attachment_url = "u", attachment_type = 5 } } } } },
        ["blocks[0].buttons[0].type: takes one of reply, inline"] =
          { blocks = { { condition = "x", buttons = { { type = "replay", text = "A" } } } } },
        ["blocks[0].buttons.buttons[1].type: takes one of reply, inline"] =
          { blocks = { { condition = "x", buttons = { hint = "h", buttons = { { text = "A" }, { type = "" } } } } } },
        ["settings.ok_body: takes"] = { settings = { ok_body = 1 } },
        ["project.id: takes an integer"] = { project = { id = "x" } },
        ["clients[1].id: takes an integer from 1 to"] = with { id = 0 },
        ["clients[1].id: takes an integer from 1 to 4"] = with { id = math.maxinteger },
        ["clients[1].client_type: takes an integer from 0"] = with { client_type = 1 << 40 },
        ["clients[1].created_at: takes unix seconds"] = with { created_at = 1600000000000 },
        ["clients[1]." .. ("ы"):rep(30) .. ": unknown"] = with { [("ы"):rep(50)] = 1 },
      } do
        local answer, status = box:control("POST", "seed", seed)
        assert.equal(400, status, path)
        assert.equal(path, answer.message:sub(1, #path))
        assert.equal(50, #box:call("get_clients").clients)
      end
      assert.not_matches('"level":"error"', box.server:log(), 1, true)
    end)
  end)

  describe("the journal", function()
    it("has the calls with their answers, from a cursor on", function()
      local since = box:control("GET", "journal").next
      box:call("get_history", nil, { query = { client_id = 7 } })
      box:call("save_variables", { client_id = 836058548, variables = { a = 1 } })
      local answer = box:control("GET", "journal?since=" .. since)
      assert.equal(2, #answer.entries)
      local first, second = answer.entries[1], answer.entries[2]
      assert.equal(since + 1, first.seq)
      assert.same({ "api", "GET", "get_history", 404 }, { first.kind, first.method, first.action,
        first.status })
      assert.same({ client_id = "7" }, first.params)
      assert.same({ status = "client_not_found" }, first.answer)
      assert.same({ client_id = 836058548, variables = { a = 1 } }, second.params)
      assert.equal("ok", second.answer)
      assert.same({}, box:control("GET", "journal?since=" .. answer.next).entries)
      local page = box:control("GET", "journal?limit=1&since=" .. since)
      assert.equal(1, #page.entries)
      assert.equal(second.seq, box:control("GET", "journal?since=" .. page.next).entries[1].seq)
    end)

    it("forgets the oldest and keeps no giants", function()
      box:call("save_variables", { client_id = 836058548, variables = { a = ("x"):rep(400000) } })
      local entries = box:control("GET", "journal").entries
      assert.is_true(entries[#entries].cut)
    end)
  end)

  it("keeps message ids apart over resets", function()
    local id = box:client("1")
    local _, first = box:says(id, "x")
    box:control("POST", "reset")
    local _, second = box:says(box:client("1"), "x")
    assert.is_true(second > first)
    assert.is_true(first > 22563045582)
  end)
end)

describe("a sandbox on a file", function()
  it("goes on where it stopped, even when killed", function()
    local path = process.folder() .. "/sandbox.db"
    local box = support.start { "--db", path }
    local id = box:client("1")
    box:call("save_variables", { client_id = id, variables = { ["client.a"] = 9007199254740993 } })
    local _, first = box:says(id, "x")
    box.server:kill()
    box = support.start { "--db", path }
    assert.equal(9007199254740993, box:call("get_variables", { client_id = id }).a)
    local _, second = box:says(id, "y")
    assert.is_true(second > first)
    assert.same({ "> x", "> y" }, box:talk(id))
    box:stop()
  end)

  it("starts from a seed of one's own and resets to it", function()
    local folder = process.folder()
    local seed = process.write(folder .. "/seed.json",
      '{"clients":[{"client_type":1,"group_id":"g","platform_id":"1","name":"Ada"}]}')
    local box = support.start { "--db", folder .. "/sandbox.db", "--seed", seed }
    box:client("2")
    box:stop()
    box = support.start { "--db", folder .. "/sandbox.db" }
    assert.equal(2, #box:call("get_clients").clients)
    box:control("POST", "reset")
    assert.equal(1, #box:call("get_clients").clients)
    box:stop()
  end)

  it("refuses a bad seed with file and path", function()
    local folder = process.folder()
    local seed = process.write(folder .. "/seed.json", '{"clients":[{"client_type":"x"}]}')
    local status, out, err = process.run { "sandbox", "--listen", "127.0.0.1:0", "--seed", seed }
    assert.not_equal(0, status)
    assert.equal("", out)
    assert.matches(seed .. ": clients[0].client_type: takes an integer", err, 1, true)
  end)
end)
