local cases = require "spec.support.action_cases"
local core = require "mavilua.core"
local support = require "spec.support.sandbox"
local url = require "mavilua.url"

describe("the sandbox's universal webhook", function()
  local box
  setup(function() box = support.start() end)
  teardown(function() box:stop() end)
  before_each(function() box:control("POST", "seed", cases.seed()) end)

  local function variables(client) return box:call("get_variables", { client_id = client or 100 }) end
  local function talk_end(client)
    local talk = box:talk(client)
    return talk[#talk - 1]
  end

  it("is the documented example", function()
    assert.equal("ok", (box:call("callback", { my_client = 100, message = "hello" },
      { query = { value_client_id = "my_client" } })))
    assert.equal("> hello", talk_end(100))
    assert.is_nil(variables().my_client)
    assert.is_nil(variables().value_client_id)
  end)

  -- What each action needs under other names, and in what it is nested.
  local needed = {
    callback = { client_id = 100 },
    vk_callback = { user_id = 146467928, group_id = 143414131 },
    ok_callback = { user_id = 55, group_id = 9001 },
    tg_callback = { user_id = 5001, group_id = "shop_bot" },
    whatsapp_callback = { phone = 4799000000 },
    email_callback = { email = "bob@example.com" },
    message = { client_id = 100 },
    whatsapp_message = { phone = 4799000000 },
    broadcast = { list = 12 },
    save_variables = { client_id = 100 },
  }

  it("is on the actions that the table says", function()
    for _, row in ipairs(core.actions()) do
      assert.equal(needed[row.name] ~= nil, row.universal, row.name)
    end
  end)

  local form = "application/x-www-form-urlencoded"
  for action, params in pairs(needed) do
    for how, prefix in pairs { value = "value_", delimiter = "delimiter_value_" } do
      it(("maps %s of %s in JSON, forms and queries"):format(how, action), function()
        local query = { delimiter = how == "delimiter" and "." or nil }
        local body, flat = {}, {}
        local last = action == "save_variables" and "variables" or "message"
        local content = last == "message" and "hello" or { ["client.city"] = "Bergen" }
        local all = { [last] = content }
        for name, value in pairs(params) do all[name] = value end
        for name, value in pairs(all) do
          local their = "their_" .. name
          if how == "value" then
            query[prefix .. name] = their
            body[their] = value
          else
            query[prefix .. name] = "outer." .. their .. ".inner"
            body.outer = body.outer or {}
            body.outer[their] = { inner = value }
          end
        end
        for name, value in pairs(body) do flat[name] = value end
        local suffix = "?" .. url.query(query)
        for _, way in ipairs {
          { action .. suffix, { method = "POST", body = assert(core.encode(body)) } },
          { action .. suffix, { method = "POST", body = cases.form(body), headers = { ["Content-Type"] = form } } },
          { action .. suffix .. "&" .. cases.form(flat), { method = "GET" } },
        } do
          box:control("POST", "seed", cases.seed())
          local answer, status = box:call(way[1], nil, way[2])
          assert.equal(200, status, core.encode(answer))
          assert.equal("ok", answer)
          if action == "save_variables" then assert.equal("Bergen", variables().city) end
        end
      end)
    end
  end

  it("reads documented paths, keys that hold the delimiter, lists and texts of JSON", function()
    for path, body in pairs {
      ["1:key11key2"] = { key1 = { key2 = 100 } },
      ["1:a1b1c"] = { a = { b = { c = 100 } } },
      ["2:a2b2"] = { a = { b = "100" } },
      ["5:order5buyers515id"] = { order = { buyers = { { id = 1 }, { id = 100 } } } },
      [".:a.b"] = { a = '{"b":100}' },
      ["é:aéb"] = { a = { b = 100 } },
      ["-:a-b-c"] = { ["a-b"] = { c = 100 } },
      ["_:a_b"] = { a = {}, a_b = 100 },
      [" : a b"] = { [""] = { a = { b = 100 } } },
      [".:client"] = { client = 100 },
    } do
      local delimiter, text = path:match "^(.-):(.*)$"
      local answer, status = box:call("callback", body,
        { query = { delimiter = delimiter, delimiter_value_client_id = text } })
      assert.equal(200, status, path .. " " .. core.encode(answer))
    end
  end)

  it("goes down as deep as JSON may be", function()
    for levels, expected in pairs { [126] = 200, [127] = 200 } do
      local body = ('{"a":'):rep(levels) .. "100" .. ("}"):rep(levels)
      local path = ("a."):rep(levels - 1) .. "a"
      local answer, status = box:call("callback?delimiter=.&delimiter_value_client_id=" .. path, nil,
        { method = "POST", body = body })
      assert.equal(expected, status, core.encode(answer))
    end
    assert.equal(400, select(2, box:call("callback?delimiter=.&delimiter_value_client_id=a", nil,
      { method = "POST", body = ('{"a":'):rep(129) .. "100" .. ("}"):rep(129) })))
    local name = "a" .. ("[a]"):rep(126)
    assert.equal("ok", (box:call("callback?delimiter=.&delimiter_value_client_id=" .. ("a."):rep(126) .. "a", nil,
      { method = "POST", body = name .. "=100", headers = { ["Content-Type"] = form } })))
    assert.equal(400, select(2, box:call("callback?" .. name:rep(1) .. ("[a]"):rep(3) .. "=1")))
  end)

  it("leaves a parameter alone where its source is missing", function()
    assert.equal("ok", (box:call("callback", { client_id = 100, message = "hello" },
      { query = { value_client_id = "none", value_message = "nothing" } })))
    assert.equal("> hello", talk_end(100))
    assert.equal(400, select(2, box:call("callback", { message = "hello" }, { query = { value_client_id = "none" } })))
    for status, values in pairs { [400] = { support.null, { 1 }, true }, [404] = { 404, "404" } } do
      for _, value in ipairs(values) do
        local got = select(2, box:call("callback", { user = value }, { query = { value_client_id = "user" } }))
        assert.equal(status, got)
      end
    end
  end)

  it("wins over the parameter itself, and value_ over delimiter_value_", function()
    assert.equal("ok", (box:call("callback", { client_id = 404, user = 100, message = "hello" },
      { query = { value_client_id = "user" } })))
    assert.equal("ok", (box:call("callback", { user = 100, o = { user = 404 }, message = "hello" },
      { query = { value_client_id = "user", delimiter = ".", delimiter_value_client_id = "o.user" } })))
    assert.equal("ok", (box:call("callback", { o = { user = 100 }, message = "hello" },
      { query = { value_client_id = "user", delimiter = ".", delimiter_value_client_id = "o.user" } })))
  end)

  it("lets the body say it, and win over the query", function()
    assert.equal("ok", (box:call("callback", { value_client_id = "user", user = 100, message = "hello" })))
    assert.equal("ok", (box:call("callback", { value_client_id = "user", user = 100, message = "hello" },
      { query = { value_client_id = "other", other = 404 } })))
  end)

  it("knows phone and e-mail of callback by both names", function()
    for name, body in pairs {
      value_phone = { x = "4790000000" }, value_client_phone = { x = 4790000000 },
      value_email = { x = "ada@example.com" }, value_client_email = { x = "ada@example.com" },
    } do
      body.message = "hello"
      assert.equal("ok", (box:call("callback", body, { query = { [name] = "x" } })), name)
    end
    assert.equal("ok", (box:call("callback", { a = { b = "4790000000" }, message = "hello" },
      { query = { delimiter = 1, delimiter_value_phone = "a1b", delimiter_value_client_id = "a1c" } })))
  end)

  it("saves the service's other fields, not the mappings", function()
    box:call("callback", { user = 100, text = "hello", total = 12, value_total = 5, nested = { a = 1 }, list = { 1 } },
      { query = { value_client_id = "user", value_message = "text", value_phone = "none", delimiter = ".",
        delimiter_value_email = "x.y", source = "query" } })
    local saved = variables()
    for name, value in pairs { total = 12, value_total = 5, nested = { a = 1 }, list = { 1 }, source = "query" } do
      assert.same(value, saved[name], name)
    end
    for _, name in ipairs { "user", "text", "value_client_id", "value_message", "value_phone", "delimiter",
      "delimiter_value_email" } do
      assert.is_nil(saved[name], name)
    end
  end)

  it("may read one field for two parameters", function()
    assert.equal("ok", (box:call("callback", { user = 100 },
      { query = { value_client_id = "user", value_message = "user" } })))
    local talk = box:talk(100)
    assert.equal("> 100", talk[#talk])
  end)

  it("refuses a delimiter that is none", function()
    for _, delimiter in ipairs { "", "..", "ab", "éé" } do
      local answer, status = box:call("callback", { a = { b = 100 } },
        { query = { delimiter = delimiter, delimiter_value_client_id = "a.b" } })
      assert.equal(400, status, delimiter)
      assert.matches("delimiter", answer.message, 1, true)
    end
    local answer, status = box:call("callback", { a = { b = 100 } }, { query = { delimiter_value_client_id = "a.b" } })
    assert.equal(400, status)
    assert.equal('Parameter "delimiter" required', answer.message)
  end)

  it("is nothing special to other actions", function()
    assert.equal(400, select(2, box:call("get_history", { user = 100 }, { query = { value_client_id = "user" } })))
  end)
end)
