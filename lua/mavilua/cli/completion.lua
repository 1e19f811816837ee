--- `mavilua completion`: what shells complete, from the tables of commands and actions.
-- @internal mavilua.cli.completion
local core = require "mavilua.core"

local shells = { bash = "mavilua.cli.completion_bash", zsh = "mavilua.cli.completion_zsh" }

-- What stands for an operand in a usage line, and how it is completed.
local operands = {
  SCRIPT = "script", DIRECTORY = "directory", ACTION = "action", NAME = "action", JSON = "params",
}

local function words_of(text, separator)
  local list = {}
  for word in text:gmatch("[^" .. separator .. "]+") do list[#list + 1] = word end
  return list
end

-- "ACTION [JSON|@FILE|-]" -> {{takes = "action"}, {takes = "params"}}; the last one may `repeats`.
local function read_operands(text)
  local list = {}
  for _, word in ipairs(words_of(text, " ")) do
    local name = word:gsub("[%[%]']", "")
    local bare = name:gsub("…", "")
    local takes = operands[bare:match "^%u+"] or "text"
    local one = { name = bare, takes = takes, repeats = bare ~= name }
    if bare:find "^%l+|" then one.takes, one.words = "words", words_of(bare, "|") end
    list[#list + 1] = one
  end
  return list
end

local function read_option(row)
  local takes = row.type == "choice" and "words" or row.type == "file" and "file" or "text"
  if row.type == "switch" then takes = nil end
  return {
    name = "--" .. row.option, letter = row.letter and "-" .. row.letter, value = row.value, doc = row.doc,
    takes = takes, words = row.type == "choice" and words_of(row.value, "|") or nil,
  }
end

-- The options of a command's rows, those for the files of secrets among them.
local function read_options(rows)
  local list = {}
  for _, row in ipairs(rows) do
    if row.option then list[#list + 1] = read_option(row) end
    if row.secret then
      list[#list + 1] = { name = "--" .. row.setting:gsub("_", "-") .. "-file", value = "FILE", takes = "file",
        doc = "a file that holds it and nothing else" }
    end
  end
  list[#list + 1] = { name = "--help", letter = "-h", doc = "tell what it does" }
  return list
end

--- What shells complete.
-- @param rows list of tables: the commands, as `mavilua help --json` has them
-- @return list of {name, doc, stops (no options behind the first operand), options = list of {name, letter,
--   value, doc, takes, words}, operands = list of {name, takes, words, repeats}}; `takes` is words, file, script,
--   directory, action, params or text, and nil of a switch
local function read_commands(rows)
  local list, names = {}, {}
  for i, row in ipairs(rows) do
    names[i] = row.name
    list[i] = { name = row.name, doc = row.doc, stops = row.stops, options = read_options(row.options),
      operands = read_operands(row.operands) }
  end
  list[#list + 1] = { name = "help", doc = "list the commands, or explain one", options = {},
    operands = { { name = "COMMAND", takes = "words", words = names } } }
  return list
end

--- Runs the command.
-- @param shell "bash" or "zsh"
-- @param commands JSON of the commands
return function(shell, commands)
  io.write(require(shells[shell])(read_commands(assert(core.decode(commands))), core.actions()))
end
