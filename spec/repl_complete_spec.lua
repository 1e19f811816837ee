-- What Tab offers at the prompt.
local complete = require "mavilua.repl.complete"
local mavilua = require "mavilua"

local function at(text)
  local found = complete.at(text)
  return found.insert, table.concat(found.names, " ")
end

describe("completion", function()
  setup(function()
    _G.bot = mavilua.client { api_key = "sandbox", base_url = "http://127.0.0.1:1" }
    _G.probe = { alpha = { beta = 1, method = function() end }, ["not a name"] = 1, s = "text" }
    local function asked() error "a metamethod was asked" end
    _G.trap = setmetatable({ own = 1 }, { __index = asked, __pairs = asked })
    _G.heir = setmetatable({}, { __index = { inherited = print } })
  end)
  teardown(function() _G.bot, _G.probe, _G.trap, _G.heir = nil, nil, nil, nil end)

  for text, insert in pairs {
    ["prob"] = "e",
    ["x = prob"] = "e",
    ["probe.al"] = "pha",
    ["probe.alpha.be"] = "ta",
    ["probe.alpha:me"] = "thod",
    ["probe.alpha:be"] = "",
    ["probe.s:uppe"] = "r",
    ["probe.nothing.x"] = "",
    ["string.for"] = "mat",
    ["heir:inh"] = "erited",
    ["trap.o"] = "wn",
    ["trap.x.y"] = "",
    ["repe"] = "at",
    ["a .. prob"] = "e",
    ["probe()."] = "",
    ["bot:get_cl"] = "ients{",
    ["bot:connected_ch"] = "annels{}",
    ["bot:in_b"] = "atches(",
    ["bot.get_cl"] = "",
    ["bot:get_clients{off"] = "set = ",
    ["bot:get_clients { limit = 3, off"] = "set = ",
    ["bot:get_clients { lim"] = "it = ",
    ["bot:get_clients { limit = lim"] = "",
    ["bot:get_clients { offset = 1; rev"] = "erse = ",
    ["bot:get_clients({ off"] = "set = ",
    ["bot:call('get_clients', { off"] = "set = ",
    ["bot:each(\"get_clients\", { off"] = "set = ",
    ["other:get_clients{\n  limit = 3,\n  off"] = "set = ",
    ["bot:find_clients { q = { off"] = "",
    ["bot:find_clients { q = { a = { 1, 2 } }, search"] = "_in = ",
    ["bot:load_clients { { plat"] = "form_id = ",
    ["bot:load_clients { { platform_id = 1 }, { client"] = "_type = ",
    ["bot:message { message = '{', client"] = "_id = ",
    ["bot:message { -- {\n client"] = "_id = ",
    ["x = [[ {{ ]] prob"] = "e",
    ["help get_cli"] = "ents",
    ["hel"] = "p",
    ["x = 'prob"] = "",
    ["x = [[ prob"] = "",
    ["-- prob"] = "",
    [""] = "  ",
    ["for i = 1, 2 do\n"] = "  ",
    ["zzzzz"] = "",
  } do
    it(("of %q"):format(text), function() assert.equal(insert, (at(text))) end)
  end

  it("lists what there may be, without what is given already", function()
    assert.same({ "", "limit list offset reverse" }, { at "bot:get_clients{" })
    assert.same({ "", "list offset reverse" }, { at "bot:get_clients{ limit = 3, " })
    assert.same({ "i", "limit list" }, { at "bot:get_clients{l" })
    assert.same({ "", "alpha s" }, { at "probe." })
    local _, topics = at "help "
    assert.truthy(topics:find("^actions add_to_list "), topics)
    local _, methods = at "bot:"
    assert.truthy(methods:find(" in_batches ", 1, true), methods)
  end)

  it("takes any text without an error", function()
    local pieces = { "bot:message{", "{", "}", "(", ")", "'", '"', "[[", "]]", "--", "[", "]", "x", ".", ":", ",", "=",
      "\n", "help ", "1", "\\", "é", "\0", "..", "each(", "'get_clients'" }
    local seed = 1
    for _ = 1, 3000 do
      local text = {}
      for i = 1, 12 do
        seed = (seed * 1103515245 + 12345) % 2147483648
        text[i] = pieces[seed // 65536 % #pieces + 1]
      end
      local found = complete.at(table.concat(text))
      assert.equal("string", type(found.insert))
    end
  end)
end)
