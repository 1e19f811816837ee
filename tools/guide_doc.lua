-- Prints a guide with its generated sections made anew, each between "<!-- made: NAME -->" and
-- "<!-- made -->": `mavilua run tools/guide_doc.lua PROGRAM GUIDE`. PROGRAM is asked what it knows:
-- `mavilua help` for the command line, a running sandbox for what is told of it.
local mavilua = require "mavilua"

local program, path = arg[1], arg[2]
assert(program and path, "usage: mavilua run tools/guide_doc.lua PROGRAM GUIDE")

local function quote(word)
  return "'" .. word:gsub("'", "'\\''") .. "'"
end

local function output_of(...)
  local words = { quote(program) }
  for _, word in ipairs { ... } do words[#words + 1] = quote(word) end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local text = pipe:read "*a"
  assert(pipe:close())
  return text
end

-- ---- the command line ------------------------------------------------------------------------------

-- Text in a table: markdown's own signs are shown as they are.
local function cell(text)
  return (text:gsub("|", "\\|"):gsub("<", "&lt;"))
end

-- One line of a help's options: "  -n, --count N   how many moments [5]".
local function read_option(line)
  local letter, name, rest = line:match "^%s+(%-?%a?),?%s*(%-%-[%w-]+)(.*)$"
  if not name then return nil end
  local value, doc = rest:match "^ (%S+)%s+(.*)$"
  doc = doc or rest:match "^%s*(.*)$"
  local notes = doc:match "%[([^%]]*)%]$"
  local names = (letter ~= "" and letter .. ", " or "") .. name .. (value and " " .. value or "")
  return { names = names, doc = notes and doc:match "^(.-)%s*%[[^%]]*%]$" or doc, notes = notes }
end

-- "127.0.0.1:8080; MAVILUA_LISTEN" -> preset, variable
local function read_notes(notes)
  if not notes then return "", "" end
  local variable = notes:match "MAVILUA_[%u_]+"
  local preset = notes:gsub(";?%s*MAVILUA_[%u_]+", "")
  return preset ~= "" and "`" .. preset .. "`" or "", variable and "`" .. variable .. "`" or ""
end

local function option_table(lines)
  local rows = {}
  for _, line in ipairs(lines) do
    local option = read_option(line)
    if option and not option.names:find "%-%-help" and not option.names:find "%-%-version" then
      local preset, variable = read_notes(option.notes)
      rows[#rows + 1] = ("| `%s` | %s | %s | %s |"):format(cell(option.names), cell(option.doc), preset, variable)
    end
  end
  if #rows == 0 then return "" end
  return "\n| option | does | preset | variable |\n| --- | --- | --- | --- |\n" .. table.concat(rows, "\n") .. "\n"
end

local function examples(lines)
  return #lines > 0 and ("\n```sh\n%s\n```\n"):format(table.concat(lines, "\n")) or ""
end

local function split_help(text)
  local help, prose, shown, options, in_options = {}, {}, {}, {}, false
  for line in text:gmatch "([^\n]*)\n" do
    in_options = in_options or line:find "^options" ~= nil
    if line:find "^usage: " then help.usage = line:sub(8)
    elseif in_options then options[#options + 1] = line
    elseif line:find "^  " then shown[#shown + 1] = line:sub(3)
    else prose[#prose + 1] = line end
  end
  help.prose = table.concat(prose, "\n"):gsub("^%s+", ""):gsub("%s+$", ""):gsub("\n\n+", "\n\n")
  help.examples, help.options = shown, options
  return help
end

local function command_doc(name)
  local help = split_help(output_of("help", name))
  local prose = help.prose:gsub("^%l", string.upper, 1):gsub("\n\n", ".\n\n", 1)
  if not prose:find "[.:]$" then prose = prose .. "." end
  return ("## %s\n\n`%s`\n\n%s\n%s%s"):format(name, help.usage, prose, examples(help.examples),
    option_table(help.options))
end

local function commands()
  local names = {}
  for line in output_of("help"):match "commands:\n(.-)\n\n":gmatch "[^\n]+" do
    names[#names + 1] = line:match "^%s+(%S+)"
  end
  return names
end

-- ---- the settings of a host -------------------------------------------------------------------------

local function code(text)
  return text and "`" .. cell(text) .. "`" or ""
end

-- What `mavilua serve` can be told: one row of the program's own table each.
local function host_settings()
  local out = { "| setting | takes | preset | variable | option | is |", "| --- | --- | --- | --- | --- | --- |" }
  local function add(row, name, takes, variable, option, doc)
    out[#out + 1] = ("| %s | %s | %s | %s | %s | %s |"):format(code(name), cell(takes), code(row.preset),
      code(variable), option and code("--" .. option) or "", cell(doc))
  end
  for _, row in ipairs(assert(mavilua.decode(output_of("help", "serve", "--json"))).options) do
    if row.setting then
      add(row, row.setting, row.takes, row.variable, row.option, row.doc .. (row.secret and " (secret)" or ""))
    end
    if row.secret then
      local name = row.setting:gsub("_", "-")
      add({}, row.setting .. "_file", "the name of a file", row.variable .. "_FILE", name .. "-file",
        "a file that holds it and nothing else")
    end
  end
  return table.concat(out, "\n") .. "\n"
end

-- ---- the sandbox -----------------------------------------------------------------------------------

local sandbox = {}

-- Starts one when it is first asked for; the base address.
local function sandbox_url()
  if not sandbox.url then
    sandbox.pipe = assert(io.popen(("echo $$; exec %s sandbox --listen 127.0.0.1:0"):format(quote(program))))
    sandbox.pid = assert(sandbox.pipe:read "*l")
    sandbox.url = assert(sandbox.pipe:read "*l"):match "http://%S+"
  end
  return sandbox.url
end

local function stop_sandbox()
  if sandbox.pid then os.execute("kill " .. sandbox.pid) end
end

local function control(what)
  return assert(assert(mavilua.http.get(sandbox_url() .. "/_sandbox/" .. what)):json())
end

-- ---- the sections ----------------------------------------------------------------------------------

local sections = {}

function sections.commands()
  local out = {}
  for i, name in ipairs(commands()) do out[i] = command_doc(name) end
  return table.concat(out, "\n")
end

sections.host_settings = host_settings

function sections.assumptions()
  local out = { "| action | what is assumed | name | setting |", "| --- | --- | --- | --- |" }
  for _, a in ipairs(control "assumptions".assumptions) do
    out[#out + 1] = ("| %s | %s | `%s` | %s |"):format(a.action == "*" and "all" or a.action, cell(a.text), a.id,
      a.setting and "`" .. a.setting .. "`" or "")
  end
  return table.concat(out, "\n") .. "\n"
end

function sections.settings()
  local out, names = { "| setting | takes | default | is |", "| --- | --- | --- | --- |" }, {}
  local takes = control "settings".takes
  for name in pairs(takes) do names[#names + 1] = name end
  table.sort(names)
  for _, name in ipairs(names) do
    local setting = takes[name]
    out[#out + 1] = ("| `%s` | %s | `%s` | %s |"):format(name, cell(setting.takes),
      assert(mavilua.encode(setting.default == nil and mavilua.null or setting.default)), cell(setting.doc))
  end
  return table.concat(out, "\n") .. "\n"
end

function sections.routes()
  local out = { "| call | does |", "| --- | --- |" }
  for _, route in ipairs(control "".routes) do
    out[#out + 1] = ("| `%s %s` | %s |"):format(route.method, route.path, cell(route.doc))
  end
  return table.concat(out, "\n") .. "\n"
end

local function fill(name)
  return assert(sections[name], "no section is named " .. name)()
end

local file = assert(io.open(path, "rb"))
local text = file:read "*a"
file:close()
local good, filled = pcall(string.gsub, text, "(<!%-%- made: ([%w_]+) %-%->\n).-(<!%-%- made %-%->)",
  function(open, name, close) return open .. "\n" .. fill(name) .. "\n" .. close end)
stop_sandbox()
io.write(good and filled or error(filled, 0))
