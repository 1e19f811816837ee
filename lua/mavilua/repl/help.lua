--- What the prompt tells of itself and of the actions, from the action table.
-- @internal mavilua.repl.help
local core = require "mavilua.core"

local help = {}

local OVERVIEW = [[
Lua at a prompt: statements are run, expressions, also behind "=", are printed.

  bot:get_clients { limit = 3 }     call an action; `bot` is the client
  =_.clients[1]                     `_` is what was printed last
  help get_clients                  an action: what it takes, what it answers
  help actions                      all actions

Tab completes names, actions behind "bot:", and their parameters. A statement
that is not finished goes on at "...>". Ctrl-C interrupts the line or what
runs, Ctrl-D leaves.]]

-- Methods of a client that are no actions.
local methods = {
  call = "bot:call(name, params)  calls an action by its name, also one that mavilua does not know",
  each = "bot:each(action, params)  walks the rows of get_clients or subscribers, all pages:\n"
    .. "  for client in bot:each(\"get_clients\", { list = 5 }) do print(client.id, client.name) end",
  in_batches = "bot:in_batches(action, list, options)  calls an action with a long list in parts:\n"
    .. "  bot:in_batches(\"delete_clients\", ids)",
  quota = "bot:quota()  calls made since 00:00 UTC, calls left",
}

local rows, names = {}, {}
for _, row in ipairs(core.actions()) do
  rows[row.name] = row
  names[#names + 1] = row.name
end

local rules = {
  any = "at least one of", one = "exactly one of", all = "all or none of", needs = "the first needs the others:",
  forbids = "the first does not go with the others:",
}

local function add(out, format, ...)
  out[#out + 1] = select("#", ...) > 0 and format:format(...) or format
end

-- The call as one writes it, with what is required.
local function example(row)
  local required = {}
  if row.bare_array then return ("bot:%s { { … }, … }"):format(row.name) end
  for _, param in ipairs(row.params) do
    if param.required then required[#required + 1] = param.name .. " = …" end
  end
  return ("bot:%s { %s }"):format(row.name, table.concat(required, ", ")):gsub("{%s*}", "{}")
end

local function add_params(out, params, indent)
  for _, param in ipairs(params) do
    local notes = param.doc or ""
    if param.required then notes = notes .. " (required)" end
    if param.limit then notes = ("%s (at most %d)"):format(notes, param.limit) end
    local kind = param.choices and table.concat(param.choices, "|") or param.type
    add(out, ("%s%-20s %-14s %s"):format(indent, param.name, kind, notes))
  end
end

local extras = {
  variables = "  any others are saved as the client's variables",
  conditions = "  any others are the conditions of the search",
}

local function describe(row)
  local out = {}
  add(out, "%s: %s", row.name, row.doc)
  add(out, "\n  %s\n", (example(row)))
  add(out, #row.params > 0 and "parameters:" or "parameters: none")
  add_params(out, row.params, "  ")
  if row.items then
    add(out, "each item:")
    add_params(out, row.items, "  ")
  end
  out[#out + 1] = extras[row.extras]
  for _, rule in ipairs(row.rules) do
    add(out, "  %s %s", rules[rule.kind], table.concat(rule.names, ", "))
  end
  add(out, "\nanswer:\n  %s", row.answer)
  add(out, "\n%s, permission %s, repeated: %s", row.method, row.permission, row.retry)
  return table.concat(out, "\n")
end

local function list_actions()
  local out, subject = {}, nil
  for _, name in ipairs(names) do
    local row = rows[name]
    if row.subject ~= subject then
      subject = row.subject
      add(out, "%s%s", #out > 0 and "\n" or "", subject)
    end
    add(out, "  %-36s %s", name, row.doc)
  end
  return table.concat(out, "\n")
end

--- The names that help knows, for completion.
-- @return list
function help.topics()
  local list = { "actions" }
  for _, name in ipairs(names) do list[#list + 1] = name end
  for name in pairs(methods) do list[#list + 1] = name end
  return list
end

--- The row of an action.
-- @param name string
-- @return table or nil
function help.row(name)
  return rows[name]
end

--- The methods of a client: actions and others.
-- @return list of names
function help.methods()
  local list = {}
  for _, name in ipairs(names) do list[#list + 1] = name end
  for name in pairs(methods) do list[#list + 1] = name end
  return list
end

-- Breaks a line between words; what goes on stands under it, a little to the right.
local function wrap_line(line, columns)
  local indent = line:match "^ *" .. "  "
  local out, current = {}, nil
  for blanks, word in line:gmatch "( *)([^ ]+)" do
    if current and #current + #blanks + #word > columns then
      out[#out + 1] = current
      current = indent .. word
    else
      current = (current or "") .. blanks .. word
    end
  end
  out[#out + 1] = current
  return table.concat(out, "\n")
end

--- Breaks the lines of a text that are too long for the terminal.
-- @param text string
-- @param columns number
-- @return string
function help.wrap(text, columns)
  return (text:gsub("[^\n]+", function(line)
    if #line > columns then return wrap_line(line, columns) end
  end))
end

--- Tells about a topic.
-- @param topic string or nil: the overview
-- @return string, or nil and a message when there is no such topic
function help.about(topic)
  if not topic then return OVERVIEW end
  if topic == "actions" then return list_actions() end
  if methods[topic] then return methods[topic] end
  if rows[topic] then return describe(rows[topic]) end
  local near = core.nearest(topic, help.topics())
  return nil, ("no help on \"%s\"%s; help actions lists the actions"):format(topic,
    near and ("; did you mean \"%s\"?"):format(near) or "")
end

return help
