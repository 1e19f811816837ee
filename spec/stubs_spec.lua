-- The stubs for editors: that they are well formed, and the same as the module in all that they name.
local luacats = require "spec.support.luacats"
local process = require "spec.support.process"
local stand_in = require "spec.support.host"
local mavilua = require "mavilua"
local core = require "mavilua.core"

local files = { "library/mavilua.d.lua", "library/mavilua/actions.d.lua", "library/mavilua/host.d.lua",
  "library/mavilua/nginx.d.lua", "library/mavilua/testing.d.lua" }

local stubs
local function all()
  if not stubs then
    for _, path in ipairs(files) do stubs = luacats.read(path, stubs) end
  end
  return stubs
end

local function sorted(map)
  local names = {}
  for name in pairs(map) do names[#names + 1] = tostring(name) end
  table.sort(names)
  return names
end

local function client(transport)
  return mavilua.client { api_key = "k", base_url = "https://platform.test", transport = transport, retries = 0 }
end

-- The value that a function, or one that it calls, has under this name.
local function upvalue(fn, wanted, depth)
  local inner = {}
  for i = 1, math.huge do
    local name, value = debug.getupvalue(fn, i)
    if not name then break end
    if name == wanted then return value end
    if type(value) == "function" then inner[#inner + 1] = value end
  end
  for _, one in ipairs((depth or 3) > 0 and inner or {}) do
    local value = upvalue(one, wanted, (depth or 3) - 1)
    if value ~= nil then return value end
  end
end

describe("the stubs", function()
  for _, path in ipairs(files) do
    it(path .. " are Lua", function()
      assert(loadfile(path))
    end)
  end

  it("are all there is in library/", function()
    local pipe = assert(io.popen "find library -type f | sort")
    local found = {}
    for line in pipe:lines() do found[#found + 1] = line end
    pipe:close()
    table.sort(files)
    assert.same(files, found)
  end)

  it("name no type that is not declared", function()
    assert.same({}, luacats.unknown(all()))
  end)
end)

-- mavilua.nginx outside of nginx: enough of it to be loaded.
local function in_nginx()
  local names = { "bit", "ffi", "ngx.semaphore", "ngx.errlog" }
  for _, name in ipairs(names) do package.preload[name] = function() return {} end end
  _G.ngx = { get_phase = function() return "init" end }
  local good, nginx = pcall(dofile, "lua/mavilua/nginx.lua")
  _G.ngx = nil
  for _, name in ipairs(names) do package.preload[name], package.loaded[name] = nil, nil end
  return assert(good and nginx, nginx)
end

-- ---- functions -----------------------------------------------------------------------------------------

-- The functions of a table of the module against the stubs' of `owner`, both ways, with their parameters.
local function compare(owner, functions)
  local declared, real = {}, {}
  for name, row in pairs(all().functions) do
    local of, method = name:match "^(.*)%.([^.]*)$"
    if of == owner then declared[method] = row end
  end
  for name, value in pairs(functions) do
    if type(value) == "function" then real[name] = value end
  end
  assert.same(sorted(real), sorted(declared), "functions of " .. owner)
  for name, fn in pairs(real) do
    local info = debug.getinfo(fn, "Su")
    if info.what ~= "C" and not info.isvararg then
      local expected = declared[name].method and { "self" } or {}
      for _, param in ipairs(declared[name].params) do expected[#expected + 1] = param.name end
      local names = {}
      for i = 1, info.nparams do names[i] = debug.getlocal(fn, i) end
      if declared[name].method then names[1] = "self" end
      assert.same(expected, names, owner .. "." .. name)
    end
  end
end

describe("the functions that the stubs declare are those of", function()
  it("mavilua, with their parameters", function()
    compare("mavilua", mavilua)
    compare("http", mavilua.http)
    for name, value in pairs(mavilua) do
      assert.truthy(type(value) == "function" or all().classes.mavilua.fields[name], name)
    end
    for name in pairs(all().classes.mavilua.fields) do assert.truthy(mavilua[name], name) end
  end)

  it("a client", function()
    compare("Client", getmetatable(client()).__index)
  end)

  it("a pipeline and a reply", function()
    compare("Pipeline", getmetatable(mavilua.pipeline { bot = client(), states = { new = 1 } }).__index)
    local reply = assert(mavilua.http.get("http://there.test", { transport = function() return { status = 200 } end }))
    compare("Reply", getmetatable(reply).__index)
  end)

  it("the host", function()
    local host = stand_in.new()
    compare("host", host)
    compare("kv", host.kv)
    compare("log", host.log)
  end)

  it("mavilua.nginx", function()
    local nginx = in_nginx()
    compare("nginx", nginx)
    local bot = upvalue(nginx.load, "bot")
    bot.__index = nil
    compare("Bot", bot)
  end)

  it("mavilua.testing", function()
    local testing = require "mavilua.testing"
    compare("testing", testing)
    local test = upvalue(testing.start, "test")
    test.__index = nil
    compare("Test", test)
    test.__index = test
  end)
end)

-- ---- options -------------------------------------------------------------------------------------------

local function fields_are(rows, class)
  assert(rows, "the rules of " .. class .. " are not found")
  assert.same(sorted(rows), sorted(luacats.fields(all(), class)), class)
end

describe("the options that the stubs declare are those of", function()
  it("the module", function()
    fields_are(upvalue(mavilua.client, "rules"), "mavilua.ClientOptions")
    fields_are(upvalue(mavilua.map, "rules"), "mavilua.MapOptions")
    fields_are(upvalue(mavilua.http.request, "rules"), "mavilua.HttpRequest")
    fields_are(upvalue(mavilua.pipeline, "option_rules"), "mavilua.PipelineOptions")
    fields_are(upvalue(mavilua.pipeline, "hook_rules"), "mavilua.PipelineHooks")
    local methods = getmetatable(client()).__index
    fields_are(upvalue(methods.each, "call_rules"), "mavilua.CallOptions")
    fields_are(upvalue(require("mavilua.batches").run, "option_rules"), "mavilua.BatchOptions")
    local pipeline = getmetatable(mavilua.pipeline { bot = client(), states = { new = 1 } }).__index
    fields_are(upvalue(pipeline.move, "move_rules"), "mavilua.MoveOptions")
  end)

  it("the host", function()
    local registry = require "mavilua.host.registry"
    local match = require "mavilua.host.match"
    local host = stand_in.new()
    fields_are(upvalue(registry.on, "on_rows"), "mavilua.host.Options")
    fields_are(upvalue(registry.hook, "hook_rows"), "mavilua.host.HookOptions")
    fields_are(upvalue(registry.cron, "cron_rows"), "mavilua.host.CronOptions")
    fields_are(upvalue(registry.every, "every_rows"), "mavilua.host.EveryOptions")
    fields_are(upvalue(registry.job, "job_rows"), "mavilua.host.JobOptions")
    fields_are(upvalue(host.after, "job_rows"), "mavilua.host.StartOptions")
    fields_are(upvalue(host.once, "once_rows"), "mavilua.host.OnceOptions")
    fields_are(upvalue(match.compile, "parts"), "mavilua.host.Match")
    local both = {}
    for name in pairs(upvalue(registry.reconcile, "reconcile_rows")) do both[name] = true end
    for name in pairs(upvalue(host.reconcile, "start_rows")) do both[name] = true end
    fields_are(both, "mavilua.host.ReconcileOptions")
  end)

  it("mavilua.nginx", function()
    fields_are(upvalue(in_nginx().load, "rules"), "mavilua.nginx.Options")
  end)

  it("mavilua.testing", function()
    fields_are(upvalue(require("mavilua.testing").start, "rules"), "mavilua.testing.Options")
  end)
end)

-- ---- actions -------------------------------------------------------------------------------------------

local samples = {
  ["mavilua.id"] = 7, integer = 1, number = 1.5, string = "x", boolean = true, ["mavilua.flag"] = true, any = 1,
  ["mavilua.Buttons"] = { buttons = { { type = "reply", text = "x" } } }, table = { x = 1 },
}

-- A value of a type.
local function sample(kind)
  if kind.kind == "union" then return sample(kind.of[1]) end
  if kind.kind == "constant" then return (kind.text:gsub('"', "")) end
  if kind.kind == "list" then return { sample(kind.of) } end
  local class = all().classes[kind.name]
  if samples[kind.name] ~= nil or not class then return samples[kind.name] end
  local value = {}
  for name, field in pairs(class.fields) do
    if not field.optional then value[name] = sample(field.type) end
  end
  return value
end

-- The classes that an action's parameters may be.
local function ways_of(name)
  local alias, ways = all().aliases["mavilua.params." .. name], {}
  for i, one in ipairs(alias and alias.of or {}) do ways[i] = one.name end
  return alias and ways or { "mavilua.params." .. name }
end

local function required_of(class)
  local params = {}
  for name, field in pairs(luacats.fields(all(), class)) do
    if not field.optional and name ~= "[]" then params[name] = sample(field.type) end
  end
  return params
end

local function same_fields(rows, class)
  local declared, known = luacats.fields(all(), class), {}
  for _, row in ipairs(rows) do
    known[row.name] = true
    assert.truthy(declared[row.name], class .. "." .. row.name)
    assert.truthy(declared[row.name].optional or row.required or class:find ".by.", class .. "." .. row.name)
    assert.truthy(not row.required or not declared[row.name].optional, class .. "." .. row.name)
  end
  declared["[]"] = nil
  assert.same(sorted(known), sorted(declared), class)
end

describe("the stubs of the action", function()
  for _, action in ipairs(mavilua.actions()) do
    it(action.name .. " have its parameters, and what they ask for is enough and needed", function()
      for _, class in ipairs(ways_of(action.name)) do
        same_fields(action.params, class)
        local params = required_of(class)
        if action.extras == "conditions" then params.city = "Oslo" end
        local prepared, problem = core.prepare(action.name, params, true)
        assert.truthy(prepared, problem)
        for name, value in pairs(params) do
          params[name] = nil
          assert.falsy(core.prepare(action.name, params, true), class .. " without " .. name)
          params[name] = value
        end
      end
      if action.items then same_fields(action.items, "mavilua.item." .. action.name) end
    end)
  end

  it("are all there are", function()
    local names = {}
    for _, one in ipairs(all().aliases["mavilua.action"].of) do names[one.text:gsub('"', "")] = true end
    local known = {}
    for _, action in ipairs(mavilua.actions()) do known[action.name] = true end
    assert.same(sorted(known), sorted(names))
  end)
end)

describe("the actions that the stubs name for", function()
  local function answering(call)
    local names = {}
    for _, action in ipairs(mavilua.actions()) do
      local good, problem = pcall(call, action.name)
      if good then names[#names + 1] = action.name end
      assert.truthy(good or problem:find "is not paged" or problem:find "takes no list", problem)
    end
    table.sort(names)
    return names
  end

  it("in_batches are those that take a list", function()
    local names = {}
    for i, one in ipairs(all().aliases["mavilua.list_action"].of) do names[i] = one.text:gsub('"', "") end
    table.sort(names)
    local bot = client(function() error "a call" end)
    assert.same(answering(function(name) bot:in_batches(name, {}) end), names)
  end)

  it("each are those that are paged", function()
    local bot = client()
    assert.same({ "get_clients", "subscribers" }, answering(function(name) bot:each(name) end))
  end)
end)

-- ---- answers -------------------------------------------------------------------------------------------

-- The type of the stubs against the schema of the OpenAPI document, which reads the notation on its own.
local function same_shape(kind, schema, where)
  if kind.kind == "list" then
    assert.equal("array", schema.type, where)
    return same_shape(kind.of, schema.items, where .. "[]")
  end
  local class = kind.kind == "name" and all().classes[kind.name]
  if not class then return end
  local properties, required = schema.properties or {}, {}
  for _, name in ipairs(schema.required or {}) do required[name] = true end
  assert.same(sorted(properties), sorted(class.fields), where)
  for name, field in pairs(class.fields) do
    local types = type(properties[name].type) == "table" and table.concat(properties[name].type, " ") or ""
    local may_be_absent = not required[name] or types:find "null" ~= nil
    for _, one in ipairs(properties[name].anyOf or {}) do may_be_absent = may_be_absent or one.type == "null" end
    assert.equal(may_be_absent, field.optional or false, where .. "." .. name)
    same_shape(field.type, properties[name], where .. "." .. name)
  end
end

describe("the answers that the stubs declare", function()
  it("have the shapes of docs/openapi.json", function()
    local document = assert(mavilua.decode(process.read "docs/openapi.json", true))
    for _, action in ipairs(mavilua.actions()) do
      local schema = document.components.schemas[action.name .. "_answer"]
      local kind = all().functions["Client." .. action.name].returns[1]
      assert.equal(action.answer == "ok", kind.name == "mavilua.Done", action.name)
      if action.answer ~= "ok" then same_shape(kind, schema.anyOf and schema.anyOf[1] or schema, action.name) end
    end
  end)

  it("and the kinds of errors are those of docs/module.md and of pipelines", function()
    local kinds = {}
    for _, one in ipairs(all().aliases["mavilua.error_kind"].of) do kinds[one.text:gsub('"', "")] = true end
    local guide = process.read "docs/module.md"
    local rows = guide:match "\n| kind | what happened[^\n]*\n[^\n]*\n(.-)\n\n"
    local told = { state = true, transition = true, guard = true, conflict = true }
    for kind in rows:gmatch "| `(%l+)` |" do told[kind] = true end
    assert.same(sorted(told), sorted(kinds))
    for kind in pairs(kinds) do
      assert.truthy(guide:find("`" .. kind .. "`", 1, true), kind)
    end
  end)
end)
