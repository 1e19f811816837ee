--- zsh's completion as a script.
-- @internal mavilua.cli.completion_zsh

local frame = [==[
#compdef mavilua
# Completion of mavilua for zsh. Made by `mavilua completion zsh`.

_mavilua_commands() {
  local -a commands=(
@COMMANDS@
  )
  _describe -t commands command commands
}

_mavilua_actions() {
  local -a actions=(
@ACTIONS@
  )
  _describe -t actions action actions
}

# JSON of parameters: the next name, behind a brace or a comma of the outermost object.
_mavilua_params() {
  local -a names shown inserted
  local quote= head= open close name
  case $1 in
@PARAMS@
  esac
  if [[ -z $PREFIX && -z $compstate[quote] ]]; then
    quote="'{"
  else
    [[ -z $compstate[quote] ]] && compset -P "'"
    [[ -z $PREFIX ]] && quote='{'
    head=${(M)PREFIX##*[\{,][[:space:]]#}
    open=${head//[^\{]/} close=${head//[^\}]/}
    [[ -n $quote ]] || (( $#open == $#close + 1 )) || return 1
    compset -p $#head
  fi
  for name in $names; do
    [[ $head == *"\"${name%%:*}\""* ]] && continue
    inserted+=("$quote\"${name%%:*}\": ")
    shown+=("${name%%:*}  -- ${name#*:}")
  done
  compadd -Q -S '' -l -d shown -a inserted
}

_mavilua() {
  local curcontext="$curcontext" state line ret=1
  typeset -A opt_args
  setopt localoptions extendedglob
  _arguments -C '(- *)'{-h,--help}'[list the commands]' '(- *)--version[tell the version]' \
    '1:command:_mavilua_commands' '*::argument:->arguments' && ret=0
  [[ $state == arguments ]] || return ret
  curcontext="${curcontext%:*:*}:mavilua-$words[1]:"
  case $words[1] in
@ARGUMENTS@
  esac
  [[ $state == params ]] && _mavilua_params "$line[1]" && ret=0
  return ret
}

_mavilua "$@"
]==]

local function quoted(text)
  return "'" .. text:gsub("'", "'\\''") .. "'"
end

-- Colons and brackets have a meaning in the specifications of _arguments and _describe.
local function plain(text)
  return (text:gsub("[][:\\]", "\\%0"))
end

local function described(list)
  local lines = {}
  for i, one in ipairs(list) do lines[i] = "    " .. quoted(one.name .. ":" .. plain(one.doc)) end
  return table.concat(lines, "\n")
end

-- How zsh completes what an option or operand takes.
local ways = {
  file = "_files", script = '_files -g "*.lua(-.)"', directory = "_files -/", action = "_mavilua_actions",
  params = "->params", text = "",
}

local function way_of(one)
  return one.words and "(" .. table.concat(one.words, " ") .. ")" or ways[one.takes]
end

local function argument(name, one)
  return ":" .. plain(name) .. ":" .. way_of(one)
end

local function option_lines(lines, option)
  local doc = "[" .. plain(option.doc) .. "]"
  local rest = option.takes and argument(option.value, option) or ""
  local both = option.letter and ("(%s %s)"):format(option.letter, option.name) or ""
  lines[#lines + 1] = quoted(both .. option.name .. (option.takes and "=" or "") .. doc .. rest)
  if option.letter then
    lines[#lines + 1] = quoted(both .. option.letter .. (option.takes and "+" or "") .. doc .. rest)
  end
end

-- "    serve) _arguments … && ret=0 ;;"
local function arguments_of(command)
  local lines = { ("    %s) _arguments -C%s"):format(command.name, command.stops and " -A '-*'" or "") }
  for _, option in ipairs(command.options) do option_lines(lines, option) end
  for i, operand in ipairs(command.operands) do
    lines[#lines + 1] = quoted((operand.repeats and "*" or i) .. argument(operand.name, operand))
  end
  return table.concat(lines, " \\\n      ") .. " && ret=0 ;;"
end

local function params_of(action)
  local names = {}
  for i, param in ipairs(action.params) do names[i] = quoted(param.name .. ":" .. param.doc) end
  return ("    %s) names=(%s) ;;"):format(action.name, table.concat(names, " "))
end

--- The script.
-- @param commands list, see completion.lua
-- @param actions the action table
-- @return string
return function(commands, actions)
  local arguments, params = {}, {}
  for i, command in ipairs(commands) do arguments[i] = arguments_of(command) end
  for i, action in ipairs(actions) do params[i] = params_of(action) end
  local parts = {
    COMMANDS = described(commands), ACTIONS = described(actions), PARAMS = table.concat(params, "\n"),
    ARGUMENTS = table.concat(arguments, "\n"),
  }
  return (frame:gsub("@(%u+)@", parts))
end
