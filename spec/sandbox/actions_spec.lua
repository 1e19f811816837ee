local cases = require "spec.support.action_cases"
local core = require "mavilua.core"
local process = require "spec.support.process"
local support = require "spec.support.sandbox"

-- Values that no parameter of a type takes.
local wrong = {
  id = { { 1 }, { a = 1 }, true, 1.5 },
  integer = { { 1 }, true, 1.5, "many", "1.5", "0x10" },
  number = { { 1 }, true, "much", "inf", "1e999" },
  string = { { "a" }, { a = "b" }, true, "a\0b" },
  boolean = { { true }, 2, "maybe", 1.5 },
  scalar = { { 1 }, { a = 1 } },
  ["id list"] = { 5, "x", { a = 1 }, { {} }, { true }, { "" }, '{"a":1}', "[1" },
  ["string list"] = { 5, "x", { a = 1 }, { {} }, { true }, "[true]" },
  object = { 5, "x", { 1 }, true, "[1]", "{" },
  conditions = { 5, "x", { 1 }, true, "[1]", "{" },
  buttons = { 5, "x", { 1 }, { hint = "x" }, { buttons = { 1 } }, { buttons = "x" } },
  items = { 5, "x", { a = 1 }, { 1 } },
  date = { "2026-01-01", "1.1.2026", "32.01.2026", "01.13.2026", 20260101, { 1 } },
  ["date and time"] = { "01.01.2026", "2026-01-01", "2026-01-01T10:00:00", "2026-13-01 10:00:00",
    "2026-02-30 10:00:00", "2026-01-01 24:00:00", { 1 } },
  choice = { "other", "", "or", 5, { 1 } },
}

describe("every action of the sandbox", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)

  local function fresh()
    local answer, status = box:control("POST", "seed", cases.seed())
    assert.equal(200, status, answer.message)
  end

  -- find_clients tells with 200 what is wrong, as documented.
  local function assert_refused(action, answer, status, what)
    assert.equal(action == "find_clients" and 200 or 400, status, what)
    assert.equal("fail", answer.status, what)
    assert.is_string(answer.message, what)
  end

  it("has a good call in the cases", function()
    local count = 0
    for _, row in ipairs(core.actions()) do
      assert.is_table(cases.good[row.name], row.name)
      count = count + 1
    end
    assert.equal(43, count)
  end)

  it("has a call in the corpus of the fuzzer", function()
    local corpus = "\n" .. process.read "csrc/test/corpus/fuzz_sandbox.txt"
    for _, row in ipairs(core.actions()) do
      assert.is_truthy(corpus:find("\n" .. row.name .. " ", 1, true), row.name)
    end
  end)

  for _, row in ipairs(core.actions()) do
    describe(row.name, function()
      it("takes GET and POST, query, JSON and form, ids as integers and texts", function()
        cases.try(box, row.name)
      end)

      it("fails as documented, by GET and POST, query, JSON and form", function()
        cases.try_failures(box, row.name)
      end)

      it("asks for what is required", function()
        fresh()
        for _, param in ipairs(row.params) do
          if param.required then
            for _, empty in ipairs { "absent", support.null, param.type ~= "scalar" and "" or nil } do
              local params = cases.params(row.name)
              params[param.name] = empty ~= "absent" and empty or nil
              local answer, status = box:call(row.name, params)
              assert_refused(row.name, answer, status, param.name)
              assert.equal(('Parameter "%s" required'):format(param.name), answer.message)
            end
          end
        end
      end)

      it("refuses values of a wrong type and says what it takes", function()
        fresh()
        for _, param in ipairs(row.params) do
          for _, value in ipairs(assert(wrong[param.type], param.type)) do
            -- "" is as good as nothing for what takes no text
            if not (value == "" and not param.required) then
              local params = cases.params(row.name)
              params[param.name] = value
              if param.name == "send_time" then params.time_shift = nil end
              if param.name:find "_date$" then
                params.start_date = params.start_date or "01.01.2026"
                params.stop_date = params.stop_date or "02.01.2026"
              end
              if param.name == "attachment_type" then params.attachment_url = "http://x.example/" end
              local what = ("%s = %s"):format(param.name, core.encode(value))
              local answer, status = box:call(row.name, params)
              assert_refused(row.name, answer, status, what)
              if row.name ~= "find_clients" then
                assert.matches(param.name, answer.message, 1, true, what)
              end
            end
          end
        end
      end)

      it("keeps to the limits", function()
        fresh()
        for _, param in ipairs(row.params) do
          local params = cases.params(row.name)
          if param.limit and param.type:find "list" then
            local list = {}
            for i = 1, param.limit do list[i] = i + 1000000 end
            params[param.name] = list
            assert.equal(200, select(2, box:call(row.name, params)), param.name)
            list[#list + 1] = 5
            local answer, status = box:call(row.name, params)
            assert_refused(row.name, answer, status, param.name)
            assert.matches(("at most %d"):format(param.limit), answer.message, 1, true)
          elseif param.limit then
            for _, number in ipairs { param.limit, param.limit + 1, "9223372036854775807" } do
              params[param.name] = number
              local cut = param.name == "limit" or number == param.limit
              assert.equal(cut and 200 or 400, select(2, box:call(row.name, params)), param.name)
            end
          end
          if param.type == "integer" and (param.least or 0) >= 0 then
            for _, number in ipairs { (param.least or 0) - 1, "-9223372036854775808" } do
              params[param.name] = number
              assert_refused(row.name, box:call(row.name, params))
            end
          end
        end
      end)

      it("needs a key with its permission, and nothing more", function()
        fresh()
        local params = cases.params(row.name)
        assert.equal(401, select(2, box:call(row.name, params, { key = "wrong" })))
        local answer, status = box:call(row.name, params, { key = "without-" .. row.permission })
        assert.equal(403, status)
        assert.equal("fail", answer.status)
        assert.matches(row.permission, answer.message, 1, true)
        assert.equal(200, select(2, box:call(row.name, params, { key = "only-" .. row.permission })))
      end)

      it("takes neither another method nor a body that cannot be read", function()
        fresh()
        for _, method in ipairs { "PUT", "DELETE", "PATCH" } do
          assert.equal(405, select(2, box:call(row.name, cases.params(row.name), { method = method })), method)
        end
        for _, body in ipairs { "{", "nonsense", "5", row.bare_array and "[1]" or "[]", '{"a":"\xff"}' } do
          assert.equal(400, select(2, box:call(row.name, nil, { method = "POST", body = body })), body)
        end
      end)

      local named = { client_id = 404, order_id = 404, list_id = 404, list = 404, message_id = 404, state_id = 404 }
      it("tells what is not there", function()
        fresh()
        for _, param in ipairs(row.params) do
          local params = cases.params(row.name)
          if named[param.name] and not (param.name == "list" and row.name == "broadcast") then
            params[param.name] = named[param.name]
            if param.name == "list" then params.reverse = nil end
            local answer, status = box:call(row.name, params)
            assert.is_true(status == 404 or status == 200 and row.refusal ~= nil, param.name .. " " .. status)
            assert.is_true(answer.status ~= "success" and answer ~= "ok", param.name)
          end
        end
      end)
    end)
  end
end)
