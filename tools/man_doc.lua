-- Prints a man page: `mavilua run tools/man_doc.lua PROGRAM PAGE`, PAGE being mavilua.1 or
-- mavilua.conf.5. Commands, options and settings come from the program's own tables, the prose from
-- docs/cli.md and docs/configuration.md.
local mavilua = require "mavilua"

local program, page = arg[1], arg[2]
assert(program and page, "usage: mavilua run tools/man_doc.lua PROGRAM PAGE")

local DATE = "2026-11-22" -- of the pages' form; what they tell is of the version beside it

local function read(path)
  local file = assert(io.open(path, "rb"))
  local text = file:read "*a"
  file:close()
  return text
end

local function output_of(words)
  local pipe = assert(io.popen(("'%s' %s"):format(program:gsub("'", "'\\''"), words)))
  local text = pipe:read "*a"
  assert(pipe:close())
  return text
end

local commands = assert(mavilua.decode(output_of "help --json"))
local out = {}
local function put(line) out[#out + 1] = line end

-- ---- text as man(7) has it ---------------------------------------------------------------------------

local function codepoint(sequence)
  local value = sequence:byte() % (sequence:byte() < 224 and 32 or sequence:byte() < 240 and 16 or 8)
  for i = 2, #sequence do value = value * 64 + sequence:byte(i) % 64 end
  return ("\\[u%04X]"):format(value)
end

local function plain(text)
  text = text:gsub("\\", "\\e"):gsub("[\194-\244][\128-\191]+", codepoint)
  return (text:gsub("%-", "\\-"):gsub("'", "\\(aq"):gsub("`", "\\(ga"):gsub("%^", "\\(ha"):gsub("~", "\\(ti"))
end

-- A line of text must not begin as a request does.
local function put_line(text)
  put((text:gsub("^[.']", "\\&%0")))
end

-- Text in lines of its own, as long as fits.
local function put_text(text)
  local line = ""
  for word in text:gmatch "%S+" do
    if line ~= "" and #line + #word > 78 then
      put_line(line)
      line = ""
    end
    line = line == "" and word or line .. " " .. word
  end
  put_line(line)
end

-- Behind a heading there is a paragraph already.
local function put_paragraph()
  if not out[#out]:find "^%.S[HS] " then put ".PP" end
end

local function font(letter, text)
  return "\\f" .. letter .. text .. "\\fP"
end

-- Markdown's code, links, bold and italics; code is kept away from the others.
local function inline(text)
  local kept = {}
  local function keep(made)
    kept[#kept + 1] = made
    return "\1" .. #kept .. "\2"
  end
  text = text:gsub("`([^`]+)`", function(code) return keep(font("B", plain(code:gsub("\\|", "|")))) end)
  text = text:gsub("%[([^%]]+)%]%(([^)]+)%)", function(words, address)
    return address:find "^https?:" and ("%s <%s>"):format(words, address) or words
  end)
  text = plain(text:gsub("\\|", "|"):gsub("&lt;", "<"))
  text = text:gsub("%*%*([^*]+)%*%*", function(bold) return font("B", bold) end)
  text = text:gsub("%*([^*]+)%*", function(slanted) return font("I", slanted) end)
  return (text:gsub("\1(%d+)\2", function(i) return kept[tonumber(i)] end))
end

local function section(title) put(".SH " .. plain(title:upper())) end

local function item(left, lines)
  put ".TP"
  put_text(left)
  for _, line in ipairs(lines) do put_text(line) end
end

local function code_block(lines)
  put_paragraph()
  put ".in +4n"
  put ".nf"
  for _, line in ipairs(lines) do put_line(plain(line)) end
  put ".fi"
  put ".in"
end

-- ---- the prose of a guide ----------------------------------------------------------------------------

local function cells_of(line)
  local cells = {}
  for cell in line:gsub("\\|", "\3"):gmatch "|([^|]+)" do
    cells[#cells + 1] = cell:gsub("\3", "\\|"):match "^%s*(.-)%s*$"
  end
  return cells
end

local titles = { ["exit status"] = "exit status" }

local function table_block(lines)
  local head = cells_of(lines[1])[1]
  if titles[head] then section(titles[head]) end
  for i = 3, #lines do
    local cells = cells_of(lines[i])
    item(inline(cells[1]), { inline(table.concat(cells, "; ", 2)) })
  end
end

local function paragraph(lines)
  if lines[1]:find "^%d+%. " then
    for _, line in ipairs(lines) do
      local number, rest = line:match "^(%d+%.) (.*)$"
      item(number, { inline(rest) })
    end
    return
  end
  put_paragraph()
  put_text(inline(table.concat(lines, " ")))
end

-- Calls `block(lines)` for each block of lines until `stop` finds a line.
local function prose(text, stop)
  local lines, fence = {}, nil
  local function finish()
    local first = lines[1]
    if first and first:find "^|" then table_block(lines)
    elseif first then paragraph(lines) end
    lines = {}
  end
  for line in text:gmatch "([^\n]*)\n" do
    if line:find "^```" then
      if fence then code_block(fence) else finish() end
      fence = not fence and {} or nil
    elseif fence then
      fence[#fence + 1] = line
    elseif stop and line:find(stop) then
      break
    elseif line:find "^#+ " then
      finish()
      if line:find "^##" then section(line:match "^#+ (.*)$") else section "description" end
    elseif line == "" or line:find "^<!%-%-" then
      finish()
    else
      lines[#lines + 1] = line
    end
  end
  finish()
end

-- ---- commands, options, settings ---------------------------------------------------------------------

local function notes(row)
  local list = {}
  if row.preset then list[#list + 1] = "preset " .. font("B", plain(row.preset)) end
  if row.variable then list[#list + 1] = "variable " .. font("B", plain(row.variable)) end
  return #list > 0 and "[" .. table.concat(list, "; ") .. "]" or nil
end

local function option(row)
  local left = (row.letter and font("B", "\\-" .. row.letter) .. ", " or "") .. font("B", plain("--" .. row.option))
  if row.type ~= "switch" then left = left .. " " .. font("I", plain(row.value)) end
  item(left, { plain(row.doc), notes(row) })
end

local function file_of(row)
  local name = row.setting:gsub("_", "-")
  return { option = name .. "-file", value = "FILE", type = "file", doc = "a file that holds it and nothing else",
    variable = row.variable .. "_FILE" }
end

local function usage(command)
  local operands = command.operands ~= "" and " " .. font("I", plain(command.operands)) or ""
  local options = #command.options > 0 and " [" .. font("I", "OPTION") .. "\\[u2026]]" or ""
  return font("B", "mavilua " .. plain(command.name)) .. options .. operands
end

-- The further text of a command's help: prose, and examples behind two blanks.
local function more(text)
  local lines, shown = {}, {}
  local function finish()
    if #lines > 0 then paragraph(lines) end
    if #shown > 0 then code_block(shown) end
    lines, shown = {}, {}
  end
  for line in text:gmatch "([^\n]*)\n" do
    if line == "" then finish()
    elseif line:find "^  " then shown[#shown + 1] = line:sub(3)
    else lines[#lines + 1] = line end
  end
  finish()
end

local function command_block(command)
  put(".SS " .. plain(command.name))
  put_text(usage(command))
  put ".PP"
  put_text(plain(command.doc:gsub("^%l", string.upper)) .. ".")
  if command.more then more(command.more) end
  for _, row in ipairs(command.options) do
    if row.option then option(row) end
    if row.secret then option(file_of(row)) end
  end
end

local function setting(row)
  item(font("B", plain(row.setting)), {
    plain(row.doc) .. "; takes " .. plain(row.takes) .. (row.secret and " (secret)" or ""), notes(row),
  })
  if row.secret then
    item(font("B", plain(row.setting .. "_file")), { "a file that holds it and nothing else", notes(file_of(row)) })
  end
end

local function head(name, number, title)
  put '.\\" Made by tools/man_doc.lua; do not edit.'
  put((".TH %s %s %s \"mavilua %s\""):format(name:upper(), number, DATE, mavilua.version))
  put ".nh"
  section "name"
  put((name:match "%.conf$" and "mavilua.conf.lua" or name) .. " \\- " .. title)
end

-- ---- the pages ---------------------------------------------------------------------------------------

local pages = {}

pages["mavilua.1"] = function()
  head("mavilua", "1", "automation for chatbots and a small CRM in Lua")
  section "synopsis"
  for i, command in ipairs(commands) do
    if i > 1 then put ".br" end
    put_text(usage(command))
  end
  local guide = read "docs/cli.md"
  prose(guide, "^## ")
  section "commands"
  for _, command in ipairs(commands) do command_block(command) end
  prose(guide:match "\n(## .*)$", "^<!%-%- made")
  section "see also"
  put_text(font("B", "mavilua.conf") .. "(5)")
end

pages["mavilua.conf.5"] = function()
  head("mavilua.conf", "5", "the settings of a mavilua host")
  prose(read "docs/configuration.md", "^## The settings")
  section "settings"
  for _, command in ipairs(commands) do
    for _, row in ipairs(command.name == "serve" and command.options or {}) do
      if row.setting then setting(row) end
    end
  end
  section "see also"
  put_text(font("B", "mavilua") .. "(1)")
end

assert(pages[page], "no page is named " .. page)()
io.write(table.concat(out, "\n"), "\n")
