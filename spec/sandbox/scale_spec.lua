local process = require "spec.support.process"
local support = require "spec.support.sandbox"

-- What must not grow with the number of clients is told by what the database did, not by a clock.
local SANITIZED = (os.getenv("MAVILUA_MODE") or "release") ~= "release"
local COUNT = SANITIZED and 4000 or 20000
local BATCH = 2000

describe("a sandbox with many clients", function()
  local box, ids, folder, called

  local function load()
    ids = {}
    for first = 0, COUNT - 1, BATCH do
      local items = {}
      for i = first, first + BATCH - 1 do
        local type = i % 10 == 0 and 6 or 1
        items[#items + 1] = { platform_id = 79000000000 + i, group_id = "bot" .. i % 3, client_type = type }
      end
      for _, item in ipairs(box:call("load_clients", items).items) do ids[#ids + 1] = item.id end
    end
  end

  -- city: 10 values; vip: one in a hundred; shop: a few in all; early, late: one half and some others;
  -- phone: each its own for the first ones
  local function save()
    local function all(variables, chosen)
      for first = 0, COUNT - 1, BATCH do
        local clients = {}
        for i = first, first + BATCH - 1 do
          if chosen(i) then clients[#clients + 1] = ids[i + 1] end
        end
        if #clients > 0 then
          assert.equal("ok", box:call("save_variables", { clients = clients, variables = variables }))
        end
      end
    end
    for city = 0, 9 do
      all({ ["client.city"] = "city " .. city, ["client.age"] = 20 + city, ["client.price"] = city / 4 },
        function(i) return i % 10 == city end)
    end
    all({ ["client.vip"] = "yes" }, function(i) return i % 100 == 7 end)
    all({ ["client.stage"] = "new" }, function(i) return i % 2 == 1 end)
    all({ ["client.shop"] = "corner" }, function(i) return i % 1000 == 7 end)
    all({ ["client.early"] = "yes" }, function(i) return i < COUNT / 2 or i % 500 == 3 end)
    all({ ["client.late"] = "yes" }, function(i) return i >= COUNT / 2 or i % 500 == 3 end)
    for i = 1, 200 do
      box:call("save_variables", { client_id = ids[i], variables = { ["client.phone"] = "+4790" .. i } })
    end
    called = ids[100]
  end

  -- Steps of the database, and the statements that made them, of one call.
  local function cost(action, params)
    box:control("GET", "statements?reset=1")
    local answer = box:call(action, params)
    local statements, steps = {}, 0
    for _, statement in ipairs(box:control("GET", "statements").statements) do
      if not statement.sql:find "projects" then -- the control call's own
        steps = steps + statement.steps
        statements[#statements + 1] = statement
      end
    end
    return steps, answer, statements
  end

  -- Every table with clients or what belongs to them is searched along an index, none is walked.
  local function assert_indexed(statements)
    for _, statement in ipairs(statements) do
      assert.equal(0, statement.walked, statement.sql)
      for _, line in ipairs(statement.plan) do
        assert.falsy(line:find "SCAN [vco]$" or line:find "SCAN clients" or line:find "SCAN v ", line)
      end
    end
  end

  local function plans(statements)
    local lines = {}
    for _, statement in ipairs(statements) do
      for _, line in ipairs(statement.plan) do lines[#lines + 1] = line end
    end
    return table.concat(lines, "\n")
  end

  -- What each question must be answered by.
  local BY_VALUE = "variables_by_value (name=? AND value=?"
  local questions = {
    { "get_clients", { offset = 0 }, "clients_by_project (project=? AND id<?)" },
    { "get_clients", { offset = COUNT - 500 }, "clients_by_project (project=? AND id<?)" },
    { "get_clients", { offset = COUNT // 2, reverse = true }, "clients_by_project (project=? AND id>?)" },
    { "find_clients", { q = { city = "city 7", shop = "corner" } }, BY_VALUE .. " AND client>?)",
      BY_VALUE .. " AND client=?)" },
    { "find_clients", { q = { age = 27, shop = "corner" } }, BY_VALUE .. " AND client>?)",
      "variables_by_number (name=? AND number=?)" },
    { "find_clients", { q = { age = 27, price = 1.75 } }, BY_VALUE .. ")",
      "variables_by_number (name=? AND number=?)" },
    { "find_client_id_by_phone", { phone = "+4790100" }, BY_VALUE .. ")",
      "clients_by_platform (project=? AND platform_id=? AND client_type=?)" },
    { "find_all_client_id_by_var", { var = "stage", val = "new" }, BY_VALUE .. ")" },
  }
  -- Fails unless the question is answered along its indexes and with success.
  local function assert_plan(question)
    local action, params = question[1], question[2]
    local _, answer, statements = cost(action, params)
    assert.equal("success", answer.status or answer.clients and "success", answer.message)
    assert_indexed(statements)
    local lines = plans(statements)
    for i = 3, #question do
      local used = lines:find("INDEX " .. question[i], 1, true)
      assert.truthy(used, ("%s: no %s in\n%s"):format(action, question[i], lines))
    end
  end

  setup(function()
    folder = process.folder()
    box = support.start { "--db", folder .. "/many.db" }
    box:control("POST", "seed", { funnels = {} })
    load()
    save()
  end)
  teardown(function() box:stop() end)

  it("keeps the memory of the process bounded", function()
    if SANITIZED then return end
    local kib = tonumber(process.read(("/proc/%d/status"):format(box.server.pid)):match "VmHWM:%s*(%d+)")
    assert.is_true(kib < 100 * 1024, kib .. " KiB")
  end)

  describe("lists them", function()
    local function page(offset, reverse)
      local steps, answer, statements = cost("get_clients", { offset = offset, limit = 100, reverse = reverse })
      local got = {}
      for i, client in ipairs(answer.clients) do got[i] = client.id end
      assert_indexed(statements)
      return got, steps
    end
    local function expected(list, offset, reverse)
      local want = {}
      for i = offset + 1, math.min(offset + 100, #list) do want[#want + 1] = list[reverse and i or #list + 1 - i] end
      return want
    end

    it("at the same cost wherever the page is", function()
      local least, most = math.huge, 0
      for _, reverse in ipairs { false, true } do
        for _, offset in ipairs { 0, 1, 1023, 1024, COUNT // 2, COUNT - 1100, COUNT - 100 } do
          local got, steps = page(offset, reverse)
          assert.same(expected(ids, offset, reverse), got)
          least, most = math.min(least, steps), math.max(most, steps)
        end
      end
      -- a page is found by at most 1024 rows of each level and as many ids, whatever their number
      assert.is_true(most - least < 3 * 1024 * 8, least .. " to " .. most)
      assert.same({}, (page(COUNT, false)))
      assert.same({}, (page(1e9, true)))
      assert.same(expected(ids, COUNT - 3, true), (page(COUNT - 3, true)))
    end)

    it("rightly after some were deleted", function()
      local left, gone = {}, {}
      for i, id in ipairs(ids) do
        local is_gone = i <= 3 or i > COUNT - 2 or i > 1100 and i < 1300 or i % 777 == 0
        table.insert(is_gone and gone or left, id)
      end
      for first = 1, #gone, 500 do
        local some = table.move(gone, first, math.min(first + 499, #gone), 1, {})
        assert.equal("success", box:call("delete_clients", { client_ids = some }).status)
      end
      for _, reverse in ipairs { false, true } do
        for _, offset in ipairs { 0, 900, 1100, #left // 2, #left - 150, #left - 20 } do
          assert.same(expected(left, offset, reverse), (page(offset, reverse)))
        end
      end
      box:call("load_clients", { { platform_id = "9", group_id = "bot1", client_type = 1 } })
      assert.equal(left[#left], page(1)[1])
      ids = left
      ids[#ids + 1] = page(0)[1]
      COUNT = #ids
    end)
  end)

  describe("finds some of them", function()
    it("by two conditions, along the index, from the rarer one", function()
      local steps, answer, statements = cost("find_clients", { q = { city = "city 7", shop = "corner" } })
      assert_indexed(statements)
      local found = #answer.client_ids
      assert.is_true(found > 0 and found <= 50)
      assert.is_true(steps < found * 60 + 1000, steps)
      local other, again = cost("find_clients", { q = { shop = "corner", city = "city 7" } })
      assert.same(answer, again)
      assert.is_true(math.abs(other - steps) < 500, other .. " and " .. steps)
    end)

    it("by two conditions that many meet", function()
      local steps, answer, statements = cost("find_clients", { q = { city = "city 7", stage = "new" } })
      assert_indexed(statements)
      assert.is_true(#answer.client_ids > COUNT / 11)
      assert.is_true(steps < #answer.client_ids * 40 + 1000, steps)
    end)

    it("from the one that is rarer there", function()
      local late, expected = {}, {}
      for _, id in ipairs(box:call("find_clients", { q = { late = "yes" } }).client_ids) do late[id] = true end
      for _, id in ipairs(box:call("find_clients", { q = { early = "yes" } }).client_ids) do
        if late[id] then expected[#expected + 1] = id end
      end
      assert.is_true(#expected > 0 and #expected < COUNT / 400)
      for _, q in ipairs { { early = "yes", late = "yes" }, { early = "yes", late = "yes", city = "city 3" } } do
        local steps, answer, statements = cost("find_clients", { q = q })
        assert_indexed(statements)
        assert.same(expected, answer.client_ids)
        assert.is_true(steps < 15000, steps)
      end
      -- lists are looked up another way
      local listed = { _in = { "yes", "no" } }
      assert.same(expected, box:call("find_clients", { q = { early = listed, late = listed } }).client_ids)
    end)

    it("by numbers", function()
      local steps, answer, statements = cost("find_clients", { q = { age = 27, shop = "corner" } })
      assert_indexed(statements)
      assert.is_true(#answer.client_ids > 0 and steps < #answer.client_ids * 100 + 1000, steps)
    end)

    it("by phone", function()
      local steps, answer = cost("find_client_id_by_phone", { phone = "+4790100" })
      assert.equal(called, answer.client_id)
      assert.is_true(steps < 200, steps)
    end)

    it("by a variable: one at once, all by the index", function()
      local steps, answer, statements = cost("find_client_id_by_var", { var = "stage", val = "new" })
      assert.is_true(answer.client_id > 0)
      assert_indexed(statements)
      assert.is_true(steps < 200, steps)
      steps, answer, statements = cost("find_all_client_id_by_var", { var = "stage", val = "new" })
      assert_indexed(statements)
      assert.is_true(#answer.client_ids > COUNT / 3)
      assert.is_true(steps < #answer.client_ids * 25 + 1000, steps)
    end)
  end)

  it("answers each question along its indexes", function()
    for _, question in ipairs(questions) do assert_plan(question) end
  end)

  -- The check above is worth something: it fails without any one of the indexes.
  it("tells when an index is missing", function()
    local indexes = { "clients_by_project", "clients_by_platform", "variables_by_value", "variables_by_number" }
    for _, index in ipairs(indexes) do
      local file = folder .. "/" .. index .. ".db"
      box:stop()
      assert(os.execute(("cp %s/many.db %s && sqlite3 %s 'DROP INDEX %s'"):format(folder, file, file, index)))
      -- what it answers without an index is not the API's
      box = support.start { "--db", file, "--check-answers", "/dev/null" }
      local told = 0
      for _, question in ipairs(questions) do
        local of_index = table.concat(question, " ", 3):find(index, 1, true)
        if not pcall(assert_plan, question) then
          told = told + 1
          assert.truthy(of_index, question[1] .. " without " .. index)
        end
      end
      assert.is_true(told > 0, index)
      box:stop()
      box = support.start { "--db", folder .. "/many.db" }
    end
  end)

  it("starts again on the file at once", function()
    box:stop()
    box = support.start { "--db", folder .. "/many.db" }
    assert.equal(ids[#ids], box:call("get_clients", { limit = 1 }).clients[1].id)
  end)
end)
