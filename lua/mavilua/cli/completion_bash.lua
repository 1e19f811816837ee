--- bash's completion as a script.
-- @internal mavilua.cli.completion_bash

local frame = [==[
# Completion of mavilua for bash. Made by `mavilua completion bash`.

# The options of a command.
_mavilua_options() {
  case $1 in
@OPTIONS@
  esac
}

# What an option takes: a kind, or "words" and the words; nothing if it is a switch.
_mavilua_takes() {
  case "$1 $2" in
@TAKES@
  esac
}

# Likewise an operand, counted from 1; "more": one of the rest.
_mavilua_operand() {
  case "$1 $2" in
@OPERANDS@
  esac
}

# The parameters of an action.
_mavilua_params() {
  case $1 in
@PARAMS@
  esac
}

_mavilua_words() {
  local IFS=$' \t\n'
  COMPREPLY=($(compgen -W "$1" -- "$cur"))
}

# Names of files that end in $1, and directories.
_mavilua_files() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -f -X "!*$1" -- "$cur") $(compgen -d -- "$cur"))
  compopt -o filenames 2>/dev/null
}

# JSON of parameters: the next name, behind a brace or a comma of the outermost object.
_mavilua_json() {
  local text=$cur quote= head= part name open close
  if [[ $text == \'* ]]; then text=${text:1}; elif [[ -z $text ]]; then quote=\'; else return; fi
  [[ -z $text ]] && text='{'
  [[ $text =~ ^(.*[{,][[:space:]]*)(\"?[a-z_0-9]*)$ ]] || return
  head=${BASH_REMATCH[1]} part=${BASH_REMATCH[2]#\"}
  open=${head//[!\{]/} close=${head//[!\}]/}
  ((${#open} == ${#close} + 1)) || return
  for name in $(_mavilua_params "$1"); do
    [[ $name == "$part"* && $head != *"\"$name\""* ]] && COMPREPLY+=("$quote$head\"$name\":")
  done
  # Of one alone readline would close the quote.
  ((${#COMPREPLY[@]} == 1)) && COMPREPLY+=("${COMPREPLY[0]} ")
  compopt -o nospace 2>/dev/null
}

_mavilua_complete() {
  case $1 in
    words*) _mavilua_words "${1#words}" ;;
    file) _mavilua_files '' ;;
    script) _mavilua_files .lua ;;
    directory) _mavilua_files /none ;;
    action) _mavilua_words '@ACTIONS@' ;;
    params) _mavilua_json "$first" ;;
  esac
}

_mavilua() {
  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]}
  local takes first= word i count=0
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    _mavilua_words '@COMMANDS@ --help --version'
    return
  fi
  # bash makes a word of its own of "=".
  if [[ $cur == = ]]; then cur=; elif [[ $prev == = ]]; then prev=${COMP_WORDS[COMP_CWORD-2]}; fi
  takes=$(_mavilua_takes "$command" "$prev")
  if [[ -n $takes ]]; then
    _mavilua_complete "$takes"
    return
  fi
  for ((i = 2; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    if [[ $word == -?* ]]; then
      [[ ${COMP_WORDS[i+1]} == = ]] && { ((i += 2)); continue; }
      [[ -n $(_mavilua_takes "$command" "$word") ]] && ((i++))
    else
      ((count++))
      [[ -z $first ]] && first=$word
    fi
  done
  # Behind the script's name everything is the script's.
  if [[ $cur == -* && ( $count == 0 || " @STOPS@ " != *" $command "* ) ]]; then
    _mavilua_words "$(_mavilua_options "$command")"
    return
  fi
  takes=$(_mavilua_operand "$command" $((count + 1)))
  _mavilua_complete "${takes:-$(_mavilua_operand "$command" more)}"
}

complete -F _mavilua mavilua
]==]

local function join(list, field)
  local words = {}
  for _, one in ipairs(list) do words[#words + 1] = field and one[field] or one end
  return table.concat(words, " ")
end

-- '    serve) echo "…" ;;'
local function case(pattern, words)
  return ("    %s) echo '%s' ;;"):format(pattern, words)
end

local function kind_of(one)
  return one.words and "words " .. join(one.words) or one.takes
end

local function options_of(command)
  local words = {}
  for _, option in ipairs(command.options) do
    words[#words + 1] = option.letter
    words[#words + 1] = option.name
  end
  return case(command.name, join(words))
end

local function add_takes(lines, command)
  for _, option in ipairs(command.options) do
    if option.takes then
      local pattern = ('"%s %s"'):format(command.name, option.name)
      if option.letter then pattern = ('%s|"%s %s"'):format(pattern, command.name, option.letter) end
      lines[#lines + 1] = case(pattern, kind_of(option))
    end
  end
end

local function add_operands(lines, command)
  for i, operand in ipairs(command.operands) do
    lines[#lines + 1] = case(('"%s %s"'):format(command.name, operand.repeats and "more" or i), kind_of(operand))
  end
end

--- The script.
-- @param commands list, see completion.lua
-- @param actions the action table
-- @return string
return function(commands, actions)
  local options, takes, operands, params, stops = {}, {}, {}, {}, {}
  for _, command in ipairs(commands) do
    options[#options + 1] = options_of(command)
    if command.stops then stops[#stops + 1] = command.name end
    add_takes(takes, command)
    add_operands(operands, command)
  end
  for _, action in ipairs(actions) do params[#params + 1] = case(action.name, join(action.params, "name")) end
  local parts = {
    OPTIONS = table.concat(options, "\n"), TAKES = table.concat(takes, "\n"),
    OPERANDS = table.concat(operands, "\n"), PARAMS = table.concat(params, "\n"),
    STOPS = join(stops), ACTIONS = join(actions, "name"), COMMANDS = join(commands, "name"),
  }
  return (frame:gsub("@(%u+)@", parts))
end
