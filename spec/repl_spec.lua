-- `mavilua repl` from a pipe: no prompt, JSON out, the first error ends it.
local process = require "spec.support.process"

local KEY = "0123456789abcdef0123456789abcdef"

local function repl(text, args)
  args = args or { "repl", "--sandbox" }
  args.stdin = text
  return process.run(args)
end

describe("the prompt from a pipe", function()
  it("prints what expressions give, a value a line", function()
    local code, out, err = repl("1 + 1\n= 'a\\nb', nil\nx = 3\n-- a comment\n\n{ z = 1, a = { 'x' } }\nbot:get_clients "
      .. "{ limit = 1 }.clients[1].id\nprint(1, 'two')\nbot.call\n")
    assert.equal("", err)
    assert.equal(0, code)
    assert.truthy(out:find("^2\na\nb\nnil\n{\"a\":%[\"x\"%],\"z\":1}\n%d+\n1\ttwo\nfunction: "), out)
  end)

  it("takes statements over several lines", function()
    local code, out = repl("local t = {\n1,\n2 }\nfor _, v in ipairs { 4,\n5 } do\n  print(v)\nend\n"
      .. "_G.s = [[\na\n]]\n#s\n")
    assert.equal(0, code)
    assert.equal("4\n5\n2\n", out)
  end)

  for what, case in pairs {
    ["a mistake"] = { "1\n\nerror 'broken'\n2\n", "stdin:3: broken" },
    ["a syntax error"] = { "1\n\n\nx = = 2\n2\n", "stdin:4: unexpected symbol near '='" },
    ["misuse"] = { "1\nbot:get_history { client = 1 }\n2\n", "stdin:2: get_history: unknown parameter \"client\"" },
    ["a call that fails"] = { "1\nbot:get_history { client_id = 9 }\n2\n", "stdin:2: get_history: there is no such" },
    ["a statement without an end"] = { "1\nfor i = 1, 2 do\n", "stdin:2: the statement is not finished" },
    ["an unknown topic of help"] = { "1\nhelp get_clint\n2\n", "did you mean \"get_clients\"?" },
  } do
    it("ends at " .. what .. " with exit status 1", function()
      local code, out, err = repl(case[1])
      assert.equal(1, code)
      assert.equal("1\n", out)
      assert.truthy(err:find("^mavilua repl: stdin:%d+: "), err)
      assert.truthy(err:find(case[2], 1, true), err)
    end)
  end

  it("ends with the status of os.exit", function()
    assert.equal(7, (repl "os.exit(7)\nerror()"))
  end)

  it("tells about itself and about actions", function()
    local code, out = repl "help\nhelp get_clients\nhelp actions\nhelp each\n"
    assert.equal(0, code)
    for _, text in ipairs { "Ctrl-D leaves", "get_clients: ", "at most 500", "clients: [{id: integer", "permission R",
      "  check_whatsapp ", "bot:each(action, params)" } do
      assert.truthy(out:find(text, 1, true), text)
    end
    local overview = select(2, repl "help\n")
    for line in overview:gmatch "[^\n]+" do assert.is_true(#line < 80, line) end
  end)

  it("never prints the key", function()
    local code, out, err = repl("os.getenv 'MAVILUA_API_KEY'\nbot\nprint(os.getenv 'MAVILUA_API_KEY')\n"
      .. "{ os.getenv 'MAVILUA_API_KEY' }\npackage.loaded['mavilua.defaults']\nerror(os.getenv 'MAVILUA_API_KEY')\n",
      { "repl", env = { MAVILUA_API_KEY = KEY } })
    assert.equal(1, code)
    assert.equal(5, select(2, out:gsub("\n", "\n")), out)
    assert.truthy(out:find("mavilua.client (https://chatter.mavibot.ai)", 1, true), out)
    assert.is_nil((out .. err):find(KEY, 1, true))
  end)

  it("says what is missing without a key", function()
    local code, _, err = repl("", { "repl", env = { MAVILUA_API_KEY = "" } })
    assert.equal(78, code)
    assert.truthy(err:find("set MAVILUA_API_KEY", 1, true) and err:find("mavilua repl --sandbox", 1, true), err)
  end)
end)
