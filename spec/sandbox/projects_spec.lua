local support = require "spec.support.sandbox"

local function project(id, name, first_client)
  return {
    project = { id = id, name = name },
    channels = { { client_type = 1, group_id = "bot_" .. id, name = name } },
    funnels = { { id = id * 10, name = "Sales", states = { { id = id * 10 + 1, name = "New" },
      { id = id * 10 + 2, name = "Done", outcome = "won" } } } },
    blocks = { { id = id * 10 + 5, condition = "/start", answer = "Hello from " .. name } },
    clients = { { id = first_client, client_type = 1, group_id = "g", platform_id = "7", name = name .. "'s",
      variables = { city = "Oslo", phone = "4790000000", email = "a@b.example" },
      orders = { { id = id * 100, state = "New", variables = { size = 1 } } },
      messages = { { from = "client", text = "Hi " .. name } } } },
  }
end

describe("several projects", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function()
    box:control("DELETE", "faults")
    local answer, status = box:control("POST", "seed",
      { projects = { project(1, "One", 1001), project(2, "Two", 2001) } })
    assert.equal(200, status, answer.message)
  end)
  local TWO = { key = "sandbox-2" }

  it("have their own keys", function()
    local projects = box:control("GET", "projects").projects
    assert.same({ 1, "One", "sandbox" }, { projects[1].id, projects[1].name, projects[1].keys[1].key })
    assert.same({ 2, "Two", "sandbox-2" }, { projects[2].id, projects[2].name, projects[2].keys[1].key })
    local made = box:control("POST", "keys?project=2", { permissions = { "R" } }).key
    assert.equal(2, box:call("get_clients", nil, { key = made }).clients[1].project_id)
    assert.equal(404, (select(2, box:control("DELETE", "keys?key=" .. made))))
    assert.equal(1, #box:control("GET", "keys?project=1").keys)
    assert.equal(200, (select(2, box:control("DELETE", "keys?project=2&key=" .. made))))
  end)

  it("see nothing of each other", function()
    local function ids(action, params, options)
      local answer = box:call(action, params, options)
      return answer.client_ids or answer.client_id
    end
    assert.same({ 1001 }, ids("find_clients", { q = { city = "Oslo" } }))
    assert.same({ 2001 }, ids("find_clients", { q = { city = "Oslo" } }, TWO))
    assert.same({ 2001 }, ids("find_all_client_id_by_var", { var = "city", val = "Oslo" }, TWO))
    assert.equal(2001, ids("find_client_id_by_phone", { phone = "4790000000" }, TWO))
    assert.equal(2001, ids("find_client_id_by_email", { email = "a@b.example" }, TWO))
    assert.equal(2001, ids("find_latest_client_id_by_var", { var = "city", val = "Oslo" }, TWO))
    assert.equal(2001, box:call("find_client_id_by_platform_id", { platform_ids = { "7" } }, TWO)[1].id)
    assert.equal(1, #box:call("get_clients", nil, TWO).clients)
    assert.equal(1, #box:call("subscribers", nil, TWO))
    assert.equal("bot_2", box:call("connected_channels", nil, TWO).telegram[1].group_id)
    assert.equal(25, box:call("get_messages", nil, TWO).messages[1].id)
  end)

  it("cannot touch each other's clients and orders", function()
    for action, params in pairs {
      message = { client_id = 1001, message = "x" },
      callback = { client_id = 1001, message = "x" },
      get_history = { client_id = 1001 }, clear_history = { client_id = 1001 },
      save_variables = { client_id = 1001, variables = { ["client.a"] = 1 } },
      get_variables = { client_id = 1001 },
      get_orders = { client_id = 1001 }, get_current_order_id = { client_id = 1001 },
      create_order = { client_id = 1001 }, set_order_state = { client_id = 1001, state_id = 21 },
      move_order_to_next_state = { client_id = 1001 },
      get_order_vars = { client_id = 1001 }, get_order_state = { client_id = 1001 },
      set_order_vars = { client_id = 1001, order_id = 100, variables = { size = 5 } },
    } do
      local answer = box:call(action, params, TWO)
      assert.equal("client_not_found", type(answer) == "table" and answer.status, action)
    end
    box:call("delete_clients", { client_ids = { 1001 } }, TWO)
    box:call("broadcast", { clients = { 1001 }, message = "x" }, TWO)
    assert.equal("One's", box:call("get_variables", { client_id = 1001 }).name)
    assert.same({ "> Hi One" }, box:talk(1001))
    assert.equal("fail", box:call("set_order_state", { client_id = 2001, state_id = 12 }, TWO).status)
    assert.equal(404, (select(2, box:call("message", { client_id = 2001, message_id = 15 }, TWO))))
    assert.equal(11, box:call("get_order_state", { client_id = 1001 }).state_id)
  end)

  it("may have clients of the same messenger's id", function()
    local one = box:call("load_clients", { { platform_id = "8", group_id = "g", client_type = 1 } })
    local two = box:call("load_clients", { { platform_id = "8", group_id = "g", client_type = 1 } }, TWO)
    assert.not_equal(one.items[1].id, two.items[1].id)
  end)

  it("have their own blocks and settings", function()
    box:control("POST", "settings?project=2", { ok_body = "json" })
    assert.equal("ok", (box:call("message", { client_id = 1001, message = "x" })))
    assert.same({ status = "success" }, (box:call("message", { client_id = 2001, message = "x" }, TWO)))
    box:control("POST", "messages?project=2", { client_id = 2001, message = "/start" })
    local talk = box:control("GET", "messages?project=2&client_id=2001").messages
    assert.equal("Hello from Two", talk[#talk].text)
    assert.equal(404, (select(2, box:control("GET", "messages?client_id=2001"))))
    assert.equal(404, (select(2, box:control("GET", "messages?project=3&client_id=2001"))))
    assert.equal(400, (select(2, box:control("GET", "settings?project=two"))))
  end)

  it("are kept apart in faults, journal, timeline and webhooks", function()
    local receiver = support.start()
    box:control("POST", "settings?project=2",
      { webhook_url = receiver.url .. "/api/sandbox/callback?client_id=836058548" })
    box:control("POST", "faults?project=2", { kind = "status", action = "get_clients" })
    assert.equal(200, (select(2, box:call("get_clients"))))
    assert.equal(503, (select(2, box:call("get_clients", nil, TWO))))
    assert.same({}, box:control("GET", "faults?project=1").faults)
    box:call("message", { client_id = 1001, message = "x" })
    box:call("message", { client_id = 2001, message = "y" }, TWO)
    box:webhooks(2001, 1)
    local kinds = {}
    for _, entry in ipairs(box:control("GET", "journal?project=2").entries) do
      kinds[entry.kind] = true
      assert.equal(2, entry.project_id)
    end
    assert.same({ api = true, webhook = true }, kinds) -- in the order in which they ended
    box:call("message", { client_id = 2001, message = "z", time_shift = 500 }, TWO)
    assert.same({}, box:control("GET", "timeline").timeline)
    assert.equal(1, #box:control("GET", "timeline?project=2").timeline)
    receiver:stop()
  end)

  it("leave the first one what is meant when none is named", function()
    local nine = project(9, "Nine", 9001)
    assert.equal(200, (select(2, box:control("POST", "seed", { projects = { nine, project(5, "Five", 5001) } }))))
    assert.equal(200, (select(2, box:control("POST", "projects", project(4, "Four", 4001)))))
    assert.same({ "> Hi Nine" }, box:talk(9001))
    assert.equal("sandbox", box:control("GET", "keys").keys[1].key)
    box:control("DELETE", "projects?project=9")
    assert.same({ "> Hi Four" }, box:talk(4001))
  end)

  it("come and go", function()
    local third = project(3, "Three", 3001)
    third.project.id = nil
    local answer = box:control("POST", "projects", third)
    assert.same({ 3, "sandbox-3" }, { answer.id, answer.keys[1].key })
    assert.equal(3, #box:control("GET", "projects").projects)
    assert.equal("Three's", box:call("get_variables", { client_id = 3001 }, { key = "sandbox-3" }).name)
    local refused, status = box:control("POST", "projects", project(4, "Four", 3001))
    assert.equal(400, status)
    assert.equal("clients[0]: there is one", refused.message:sub(1, 24))
    assert.equal(3, #box:control("GET", "projects").projects)
    for _, id in ipairs { 1, 3 } do
      assert.equal(200, (select(2, box:control("DELETE", "projects?project=" .. id))))
    end
    assert.equal(409, (select(2, box:control("DELETE", "projects?project=2"))))
    assert.equal(400, (select(2, box:control("DELETE", "projects"))))
    assert.equal(401, (select(2, box:call("get_clients"))))
    assert.equal(2, box:call("get_clients", nil, TWO).clients[1].project_id)
  end)

  it("are refused with the path of the fault, and nothing changed", function()
    for path, change in pairs {
      ["projects[1].project: there is one with the same id"] = function(p) p.project.id = 1 end,
      ["projects[1].project.id: takes an integer from 1 to 4611686018427387903"] = function(p) p.project.id = -1 end,
      ["projects[1].clients[0]: there is one with the same id"] = function(p) p.clients[1].id = 1001 end,
      ["projects[1].funnels[0].states[1].outcome: takes one of"] =
        function(p) p.funnels[1].states[2].outcome = "x" end,
      ["projects[1].settings.ok_body: takes"] = function(p) p.settings = { ok_body = 5 } end,
      ["projects[1].keys[0]: there is one"] =
        function(p) p.keys = { { key = "sandbox", permissions = support.array {} } } end,
      ["projects[1].keys[0].key: takes up to 100"] =
        function(p) p.keys = { { key = "a b", permissions = support.array {} } } end,
      ["projects[1].chanels: unknown"] = function(p) p.chanels = {} end,
    } do
      local bad = project(2, "Two", 2001)
      change(bad)
      local answer, status = box:control("POST", "seed", { projects = { project(1, "One", 1001), bad } })
      assert.equal(400, status, path)
      assert.equal(path, answer.message:sub(1, #path))
      assert.equal("Two's", box:call("get_variables", { client_id = 2001 }, TWO).name)
    end
    for _, wrong in ipairs { { projects = {} }, { projects = 5 }, { projects = { 5 } },
      { projects = { {} }, clients = {} } } do
      assert.equal(400, (select(2, box:control("POST", "seed", wrong))))
    end
  end)
end)
