-- `mavilua repl` on a real terminal.
local process = require "spec.support.process"
local sandbox = require "spec.support.sandbox"
local terminal = require "spec.support.terminal"

local KEY = "0123456789abcdef0123456789abcdef"

describe("the prompt on a terminal", function()
  local screen, state
  before_each(function() state = process.folder() end)
  after_each(function() if screen then screen:stop() end end)

  local function start(args)
    args = args or { "repl", "--sandbox" }
    args.env = args.env or {}
    args.env.XDG_STATE_HOME, args.env.HOME = state, state
    screen = terminal.start(args)
    screen:await "> "
    return screen
  end

  it("prints what expressions give, and goes on where a statement is not finished", function()
    start()
    screen:enter("6 * 7", "\n42\n")
    screen:enter("= 'a' .. 'b', nil", "\nab\nnil\n")
    screen:enter("for i = 1, 2 do", "...> ")
    screen:enter("print('number ' .. i)", "...> ")
    screen:enter("end", "\nnumber 1\nnumber 2\n")
    screen:enter("_", "\nab\n")
    screen:type "\4"
    assert.equal(0, screen:wait())
  end)

  it("takes what is typed while a line runs, Ctrl-D too", function()
    local path = process.folder() .. "/gate"
    assert(os.execute("mkfifo " .. path))
    local gate = assert(io.open(path, "r+"))
    -- The terminal shows what it has taken by then.
    local line = ("os.execute 'stty echo; echo begun; read word <%s'"):format(path)
    local function typed_meanwhile(text, shown)
      screen:enter(line, "begun\n")
      screen:type(text)
      screen:await(shown)
      gate:write("\n")
      gate:flush()
    end
    start()
    typed_meanwhile("print('ne' .. 'xt')\r", "print('ne' .. 'xt')\n")
    screen:await "\nnext\n"
    screen:await "> "
    typed_meanwhile("\4rest", "rest")
    assert.equal(0, screen:wait())
    gate:close()
  end)

  it("edits the line, in UTF-8 too", function()
    start()
    screen:type "1+1"
    screen:type "\1"
    screen:enter("40+", "\n42\n")
    screen:await "> " -- before it the terminal would rub out by itself
    screen:enter("= 'aé\127\0b'", "\nab\n")
    screen:enter("= '日本' .. 'ü'", "\n日本ü\n")
    screen:enter("#'\195'", "\n3\n") -- half a character is U+FFFD
  end)

  it("completes globals, fields, actions and their parameters", function()
    start()
    screen:enter("= mavi\t.ver\t", "\n0.")
    screen:enter("= string.for\t('%d', 77)", "\n77\n")
    screen:type "bot:get_cli\tli\t\t"
    screen:await "limit"
    screen:await "list"
    screen:type "m\t3}.clien"
    screen:enter("ts", "\n836058")
    screen:type "help get_cu\t\r"
    screen:await "get_current_order_id: "
    screen:await "(required)"
  end)

  it("shows lists of records as tables, and cuts them", function()
    start { "repl", "--sandbox", columns = 60 }
    screen:enter("t = {} for i = 1, 500 do t[i] = { id = i, name = '日本' .. i, tag = ('x'):rep(99) } end", "> ")
    local before = screen:enter("t", "… 488 more\n")
    assert.truthy(before:find("\nid  name    tag\n 1  日本1   x+…\n"), before)
    assert.truthy(before:find("\n12  日本12  x", 1, true), before)
    for line in before:gmatch "[^\n]+" do assert.is_true(#line <= 70, line) end
    screen:enter("{ a = { b = { 1, 2 }, c = { { id = 1 }, { id = 2 } } } }", "\na:\n")
    screen:await "\n  c:\n    id\n     1\n     2\n"
  end)

  it("is as its guide shows it", function()
    local shown = process.read("docs/repl.md"):match "```\n%$ mavilua repl %-%-sandbox\n(.-)```"
    start()
    local typed = 0
    for part in (shown .. "sandbox> "):match "sandbox> (.*)$":gmatch "(.-)sandbox> " do
      local line, printed = part:match "^([^\n]+)\n(.*)$"
      screen:enter(line, printed)
      typed = typed + 1
    end
    assert.equal(2, typed)
  end)

  it("tells errors with their fields, and unknown actions with the nearest", function()
    start()
    local fields = screen:enter("bot:get_history { client_id = 999999 }", "retryable")
    for _, text in ipairs { "error: get_history: ", "\n  kind ", " http\n", "\n  status ", "404\n", "_not_found" } do
      assert.truthy(fields:find(text, 1, true), text .. "\n" .. fields)
    end
    screen:enter("bot:get_client {}", "did you mean \"get_clients\"?")
    screen:enter("help get_clint", "did you mean \"get_clients\"?")
    screen:enter("= nil + 1", "error: attempt to perform arithmetic")
    screen:enter("= )", "error: unexpected symbol")
  end)

  it("shows what would steer the terminal instead of obeying it", function()
    start()
    screen:enter("= '\\27]0;owned\\7'", "\\x1b]0;owned\\a\n")
    screen:enter("print('\\27[2J' .. 'one')", "\\x1b[2Jone\n")
    screen:enter("{ name = '\\27[2J' .. 'two' }", "\\x1b[2Jtwo\n")
    screen:enter("{ { ['\\27[2J' .. 'three'] = 1 } }", "\\x1b[2Jthree\n")
    screen:enter("error('\\27[2J' .. 'four')", "\\x1b[2Jfour\n")
    assert.is_nil(screen:raw():find("\27]0;owned", 1, true))
    assert.is_nil(screen:raw():find("\27[2J", 1, true))
  end)

  it("ends a line, a loop, a wait and a program it started with Ctrl-C", function()
    start()
    screen:type "os.exit(3)\3"
    screen:await "^C"
    screen:enter("print('lo' .. 'op') while true do pcall(error) end", "loop\n")
    screen:type "\3"
    screen:await "interrupted\n"
    screen:enter("print('wa' .. 'it') mavilua.sleep(600)", "wait\n")
    screen:type "\3"
    screen:await "interrupted\n"
    screen:enter("print('ma' .. 'p') mavilua.map({ 1, 2 }, function() while true do mavilua.sleep(9) end end)", "map\n")
    screen:type "\3"
    screen:await "interrupted\n"
    local text = process.write(process.folder() .. "/text", "program\n")
    screen:enter(("os.execute 'exec tail -f %s'"):format(text), "program\n")
    screen:type "\3"
    screen:await "signal\n2\n"
    screen:enter("for i = 1, 2 do", "...> ")
    screen:type "\3"
    screen:await "^C"
    screen:enter("6 * 7", "\n42\n")
  end)

  it("ends a call that is under way with Ctrl-C", function()
    local slow = sandbox.start()
    slow:control("POST", "faults", { { action = "get_messages", kind = "delay", delay_ms = 600000 } })
    start { "repl", "--base-url", slow.url, env = { MAVILUA_API_KEY = "sandbox" } }
    screen:enter("print('ca' .. 'll') bot:get_messages {}", "call\n")
    screen:type "\3"
    screen:await "interrupted\n"
    screen:enter("#bot:get_clients { limit = 3 }.clients", "\n3\n")
    slow:stop()
  end)

  it("remembers lines over sessions, but none with the key", function()
    local env = { MAVILUA_API_KEY = KEY }
    start { "repl", "--base-url", "http://127.0.0.1:1", env = env }
    screen:enter("= 'first' .. 'line'", "\nfirstline\n")
    screen:enter("k = '" .. KEY .. "' + nil", "error: ")
    screen:enter("= 'other ' .. '" .. KEY:reverse() .. "'", "> ")
    screen:enter(" = 'bla' .. 'nk'", "\nblank\n")
    screen:enter("os.getenv 'MAVILUA_API_KEY'", "\n[redacted]\n")
    screen:type "\4"
    assert.equal(0, screen:wait())
    local path = state .. "/mavilua/repl_history"
    assert.equal("= 'first' .. 'line'\nos.getenv 'MAVILUA_API_KEY'\n", process.read(path))
    local _, mode = process.run { bin = "stat", "-c", "%a", path }
    assert.equal("600\n", mode)
    start { "repl", "--base-url", "http://127.0.0.1:1", env = env }
    screen:type "\16\16\r"
    screen:await "\nfirstline\n"
    screen:type "\27[A\r" -- the arrow
    screen:await "\nfirstline\n"
  end)

  it("goes when it is told to, and with the status of os.exit", function()
    start()
    screen:type "os.exit(3)\r"
    assert.equal(3, screen:wait())
    start()
    screen:type "os.execute 'kill -TERM $PPID'\r"
    assert.equal(0, screen:wait())
  end)
end)
