-- `mavilua completion` in the shells themselves.
local process = require "spec.support.process"
local mavilua = require "mavilua"

local commands

local function script_of(shell)
  local status, out, err = process.run { "completion", shell }
  assert.equal(0, status, err)
  return out
end

setup(function()
  local _, out = process.run { "help", "--json" }
  commands = assert(mavilua.decode(out))
end)

-- Words by tabs, a command line each: what bash would offer for the last word, a line each.
local driver = [==[
source "$1"
while IFS= read -r line; do
  COMP_WORDS=() rest=$line$'\t'
  while [[ -n $rest ]]; do COMP_WORDS+=("${rest%%$'\t'*}") rest=${rest#*$'\t'}; done
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  _mavilua
  (IFS=$'\t'; echo "${COMPREPLY[*]}")
done
]==]

local function bash(lines)
  local folder = process.folder()
  local path = process.write(folder .. "/mavilua", script_of "bash")
  process.write(folder .. "/bot.lua", "")
  process.write(folder .. "/notes.txt", "")
  local input = {}
  for i, words in ipairs(lines) do input[i] = "mavilua\t" .. table.concat(words, "\t") .. "\n" end
  local status, out, err = process.run { bin = "bash", "--norc", "-c", "cd " .. folder .. "\n" .. driver, "bash", path,
    stdin = table.concat(input) }
  assert.equal(0, status, err)
  assert.equal("", err)
  local offers = {}
  for line in out:gmatch "([^\n]*)\n" do
    local words = {}
    for word in line:gmatch "[^\t]+" do words[#words + 1] = word end
    offers[#offers + 1] = words
  end
  return offers
end

describe("bash's completion", function()
  local function offers(expected, ...)
    assert.same(expected, bash({ { ... } })[1])
  end

  it("knows the commands, and the words that operands and options take", function()
    offers({ "serve" }, "ser")
    offers({ "replay" }, "events", "re")
    offers({ "zsh" }, "completion", "--help", "z")
    offers({ "debug" }, "serve", "--log-level", "d")
    offers({ "info" }, "serve", "--log-level", "=", "i")
    offers({ "sandbox" }, "help", "san")
    offers({}, "serve", "--listen", "")
    offers({ "--help" }, "run", "--h")
    offers({}, "run", "report.lua", "--h")
    offers({ "--watch" }, "serve", "bot.lua", "--wat")
  end)

  it("offers scripts and other files", function()
    offers({ "bot.lua" }, "serve", "--watch", "")
    offers({ "bot.lua" }, "serve", "a.lua", "b")
    offers({ "notes.txt" }, "serve", "--config", "n")
    offers({ "notes.txt" }, "events", "list", "--admin-token-file", "=", "n")
  end)

  it("knows every option of every command, and every action", function()
    local lines = {}
    for i, command in ipairs(commands) do lines[i] = { command.name, "-" } end
    lines[#lines + 1] = { "call", "" }
    local all = bash(lines)
    for i, command in ipairs(commands) do
      local known = {}
      for _, word in ipairs(all[i]) do known[word] = true end
      for _, row in ipairs(command.options) do
        if row.option then assert.truthy(known["--" .. row.option], command.name .. " --" .. row.option) end
        if row.letter then assert.truthy(known["-" .. row.letter], command.name .. " -" .. row.letter) end
      end
    end
    local names = {}
    for i, action in ipairs(mavilua.actions()) do names[i] = action.name end
    assert.same(names, all[#all])
  end)

  it("knows the parameters of an action, those that are not there yet", function()
    offers({ [[{"client_id":]], [[{"client_id": ]] }, "call", "get_order_state", "'{\"cl")
    offers({ [['{"client_id":]], [['{"order_id":]] }, "call", "--pretty", "get_order_state", "")
    offers({ [[{"client_id": 5, "order_id":]], [[{"client_id": 5, "order_id": ]] }, "call", "get_order_state",
      [['{"client_id": 5, "]])
    offers({}, "call", "set_order_vars", [['{"variables": {"]])
    offers({}, "call", "get_order_state", "@par")
  end)
end)

-- What stands in zsh's line after TAB, in a terminal of its own.
local terminal = [[
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell ". $1"
zpty -r shell out '*ready-for-it*'
while IFS= read -r line; do
  zpty -w -n shell "$line"$'\t\x18'
  zpty -r shell out '*<<*>>*'
  out=${out##*<<}
  print -r -- "${out%%>>*}"
done
]]

local prepared = [[
PS1= fpath=(%s $fpath)
autoload -Uz compinit && compinit -u -D
show() { print -r -- "<""<$BUFFER>"">"; BUFFER= }
zle -N show && bindkey '^X' show
cd %s
print ready-for""-it
]]

local function zsh(lines)
  local folder = process.folder()
  process.write(folder .. "/_mavilua", script_of "zsh")
  process.write(folder .. "/report.lua", "")
  local start = process.write(folder .. "/start", prepared:format(folder, folder))
  local input = process.write(folder .. "/lines", table.concat(lines, "\n") .. "\n")
  local status, out, err = process.run { bin = "timeout", "120", "zsh", "-f", "-c", terminal, "zsh", start,
    stdin = process.read(input), env = { TERM = "dumb" } }
  assert.equal(0, status, err)
  local after = {}
  for line in out:gmatch "([^\n]*)\n" do after[#after + 1] = (line:gsub("\r", "")) end
  return after
end

describe("zsh's completion", function()
  it("is a script that zsh understands", function()
    local path = process.write(process.folder() .. "/_mavilua", script_of "zsh")
    local status, _, err = process.run { bin = "zsh", "-n", path }
    assert.equal(0, status, err)
  end)

  it("completes commands, options, words, files, actions and parameters", function()
    local cases = {
      { "mavilua ser", "mavilua serve " },
      { "mavilua serve --log-l", "mavilua serve --log-level=" },
      { "mavilua serve --log-level=de", "mavilua serve --log-level=debug " },
      { "mavilua events re", "mavilua events replay " },
      { "mavilua run rep", "mavilua run report.lua " },
      { "mavilua call --pretty get_hi", "mavilua call --pretty get_history " },
      { "mavilua call get_order_state '{\"cl", "mavilua call get_order_state '{\"client_id\": " },
      { "mavilua call get_order_state '{\"client_id\": 5, \"",
        "mavilua call get_order_state '{\"client_id\": 5, \"order_id\": " },
      { "mavilua actions find_clients", "mavilua actions find_clients " },
    }
    local lines, expected = {}, {}
    for i, case in ipairs(cases) do lines[i], expected[i] = case[1], case[2] end
    assert.same(expected, zsh(lines))
  end)

  it("names every option and action", function()
    local script = script_of "zsh"
    for _, command in ipairs(commands) do
      local part = assert(script:match("\n    " .. command.name .. "%) _arguments(.-)&& ret=0 ;;"), command.name)
      for _, row in ipairs(command.options) do
        if row.option then
          assert.truthy(part:find("--" .. row.option .. (row.type == "switch" and "[" or "="), 1, true), row.option)
        end
      end
    end
    for _, action in ipairs(mavilua.actions()) do
      for _, param in ipairs(action.params) do
        assert.truthy(script:match("\n    " .. action.name .. "%) names=%([^\n]*'" .. param.name .. ":"), param.name)
      end
    end
  end)
end)
