-- Loads clients from a CSV file with a header line (phone, name, and any further columns, which
-- become variables), with a progress bar. Clients that exist already are updated.
--
--   mavilua run examples/import.lua clients.csv [WHATSAPP_GROUP_ID]

local mavilua = require "mavilua"

local WHATSAPP = 6
local path, group_id = arg[1], arg[2]
if not path then
  io.stderr:write("usage: mavilua run examples/import.lua FILE.csv [WHATSAPP_GROUP_ID]\n")
  os.exit(64)
end

-- Fields of one line: commas inside quotation marks belong to the field, "" is a quotation mark.
local function fields_of(line)
  local fields, at = {}, 1
  repeat
    local field, after
    if line:sub(at, at) == '"' then
      local close = at
      repeat close = line:find('"', close + 1, true) or #line + 1
        local doubled = line:sub(close + 1, close + 1) == '"'
        if doubled then close = close + 1 end
      until not doubled
      field, after = line:sub(at + 1, close - 1):gsub('""', '"'), close + 1
    else
      after = line:find(",", at, true) or #line + 1
      field = line:sub(at, after - 1)
    end
    fields[#fields + 1] = field
    at = after + 1
  until after > #line
  return fields
end

local function read_rows()
  local file, problem = io.open(path, "rb")
  if not file then
    io.stderr:write(("import: cannot read %s\n"):format(problem))
    os.exit(66)
  end
  local names, rows = nil, {}
  for line in file:lines() do
    line = line:gsub("\r$", "")
    if not names then
      names = fields_of((line:gsub("^\239\187\191", "")))
    elseif line ~= "" then
      local row = {}
      for index, value in ipairs(fields_of(line)) do row[names[index] or "column" .. index] = value end
      rows[#rows + 1] = row
    end
  end
  file:close()
  return rows
end

local function progress_bar(title)
  local terminal = os.getenv "TERM" and os.getenv "TERM" ~= "dumb" and io.stderr:seek() == nil
  return function(done, total)
    local filled = math.floor(30 * done / math.max(total, 1))
    local bar = ("%s [%s%s] %d/%d"):format(title, ("#"):rep(filled), (" "):rep(30 - filled), done, total)
    io.stderr:write(terminal and "\r" .. bar .. (done >= total and "\n" or "") or bar .. "\n")
  end
end

local function check(value, err)
  if value then return value end
  io.stderr:write(("import: %s\n"):format(tostring(err)))
  os.exit(69)
end

local bot = mavilua.client {}
if not group_id then
  local channels = check(bot:connected_channels {})
  local whatsapp = channels.whatsapp and channels.whatsapp[1]
  group_id = whatsapp and whatsapp.group_id
  if not group_id then check(nil, "the project has no WhatsApp channel: give its group id as second argument") end
end

local rows = read_rows()
local items = {}
for index, row in ipairs(rows) do
  if not row.phone or not row.phone:find "%d" then
    check(nil, ("%s:%d: no phone number; the first line must name a column \"phone\""):format(path, index + 1))
  end
  items[index] = { platform_id = row.phone:gsub("%D", ""), group_id = group_id, client_type = WHATSAPP }
end

local loaded = check(bot:in_batches("load_clients", items, { progress = progress_bar "clients  " }))

local show, done = progress_bar "variables", 0
local _, errors = mavilua.map(rows, function(row, index)
  local variables = {}
  for name, value in pairs(row) do variables["client." .. name] = value end
  assert(bot:save_variables { client_id = loaded.items[index].id, variables = variables })
  done = done + 1
  show(done, #rows)
end, { concurrency = 8 })
if next(errors) then check(nil, select(2, next(errors))) end

print(("%d clients loaded from %s"):format(#rows, path))
