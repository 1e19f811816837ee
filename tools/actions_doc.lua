-- Prints docs/actions.md from the action table: `mavilua run tools/actions_doc.lua`.
local mavilua = require "mavilua"

local permissions = {
  R = "read clients", W = "change clients", X = "delete clients", CR = "read CRM", CW = "change CRM",
}
local classes = {
  safe = "changes nothing; repeated after a failure",
  idempotent = "doing it twice is doing it once; repeated after a failure",
  once = "repeated only if no byte of the request was sent; otherwise an error of kind `ambiguous`",
}
local rules = {
  any = "at least one of %s", one = "exactly one of %s", all = "%s: all or none",
  needs = "%s needs %s", forbids = "%s does not go with %s",
}
local extras = {
  variables = "Further parameters are saved as the client's variables.",
  conditions = "Further parameters are the conditions: `name = value`.",
}

local function quoted(names, from)
  local out = {}
  for i = from or 1, #names do out[#out + 1] = "`" .. names[i] .. "`" end
  return table.concat(out, ", ")
end

local function rule_text(rule)
  local format = rules[rule.kind]
  if rule.kind == "needs" or rule.kind == "forbids" then
    return format:format("`" .. rule.names[1] .. "`", quoted(rule.names, 2))
  end
  return format:format(quoted(rule.names))
end

local function limits_of(param)
  local notes = {}
  if param.required then notes[#notes + 1] = "**required**" end
  if param.limit then notes[#notes + 1] = "at most " .. param.limit end
  if param.choices then notes[#notes + 1] = table.concat(param.choices, ", ") end
  return #notes > 0 and table.concat(notes, "; ") or ""
end

local function print_params(params, title)
  print(("| %s | type | | what |\n| --- | --- | --- | --- |"):format(title))
  for _, param in ipairs(params) do
    print(("| `%s` | %s | %s | %s |"):format(param.name, param.type, limits_of(param), param.doc))
  end
  print ""
end

local function print_action(action)
  print(("## %s\n\n%s\n"):format(action.name, action.doc))
  print(("`%s` · key needs **%s** (%s) · %s.\n"):format(action.method, action.permission,
    permissions[action.permission], classes[action.retry]
    .. (action.idempotent_if and ("; with `%s` it is idempotent"):format(action.idempotent_if) or "")))
  if #action.params > 0 then print_params(action.params, "parameter") end
  if action.items then print_params(action.items, "of each item") end
  for _, rule in ipairs(action.rules) do print("- " .. rule_text(rule)) end
  if #action.rules > 0 then print "" end
  if extras[action.extras] then print(extras[action.extras] .. "\n") end
  print(("Answer: `%s`\n"):format(action.answer))
  if action.refusal then print(("Refusals that come with HTTP 200: `%s`\n"):format(action.refusal)) end
  if action.may_miss then print "HTTP 404 when what it names is not there.\n" end
  print(("*%s*\n"):format(action.source))
end

local actions = mavilua.actions()
print(([[
# The %d actions

Made from the action table by `make docs`; do not edit. Call one as `bot:NAME{ parameter = value }`, or
`mavilua call NAME '{"parameter": value}'`. An answer is a table of the shape shown; `ok` stands for the plain text,
which arrives as `{status = "success", text = "ok"}`.

An *id* is an integer or a string. *date* is `dd.mm.yyyy`, *date and time* `yyyy-mm-dd hh:mm:ss` in the project's time
zone.

| action | method | key | retry | what |
| --- | --- | --- | --- | --- |]]):format(#actions))
for _, action in ipairs(actions) do
  print(("| [%s](#%s) | %s | %s | %s | %s |"):format(action.name, action.name, action.method,
    action.permission, action.retry, action.doc))
end
print ""
for _, action in ipairs(actions) do print_action(action) end
