--- A strict reader of OpenMetrics text (openmetrics.io, version 1.0): anything out of order raises.
local openmetrics = {}

local types = { counter = { "_total" }, gauge = { "" }, histogram = { "_bucket", "_count", "_sum" } }

local function fail(line, why, ...)
  error(("line %q: %s"):format(line, why:format(...)), 0)
end

-- {a="1",b="x\"y"} -> table, canonical text
local function read_labels(line, text)
  local labels, names, rest = {}, {}, text
  while rest ~= "" do
    local name, value, behind = rest:match '^([%a_][%w_]*)="(.-)"(.*)$'
    while name and value:match "\\*$":len() % 2 == 1 do -- an escaped quote
      local more, further = behind:match '^(.-)"(.*)$'
      if not more then fail(line, "a label's value does not end") end
      value, behind = value .. '"' .. more, further
    end
    if not name then fail(line, "labels cannot be read at %q", rest) end
    if value:gsub("\\[\\n\"]", ""):find "[\\\n]" then fail(line, "a bad escape") end
    if not utf8.len(value) then fail(line, "a label is not UTF-8") end
    if labels[name] then fail(line, "the label %s comes twice", name) end
    labels[name], names[#names + 1] = value:gsub("\\(.)", { n = "\n", ["\\"] = "\\", ['"'] = '"' }), name
    rest = behind:gsub("^,", "")
    if behind:sub(1, 1) == "," and rest == "" then fail(line, "a comma too many") end
  end
  table.sort(names)
  local key = {}
  for _, name in ipairs(names) do if name ~= "le" then key[#key + 1] = name .. "=" .. labels[name] end end
  return labels, table.concat(key, "\0")
end

local function number(line, text)
  if text == "+Inf" then return math.huge end
  local value = text:find "^-?[%d.]+[eE]?[+-]?%d*$" and tonumber(text)
  return value or fail(line, "%q is no number", text)
end

local function read_comment(state, line)
  local what, name, text = line:match "^# (%u+) ([%a_:][%w_:]*) (.+)$"
  if not what then fail(line, "no such comment") end
  local family = state.families[name]
  if what == "TYPE" then
    if family then fail(line, "the family comes twice") end
    if not types[text] then fail(line, "unknown type") end
    if name:find "_total$" then fail(line, "_total belongs to the sample") end
    state.current = { name = name, type = text, samples = {}, groups = {} }
    state.families[name] = state.current
    return
  end
  if family ~= state.current or not family then fail(line, "not behind its TYPE") end
  if #family.samples > 0 then fail(line, "behind samples") end
  local field = what == "UNIT" and "unit" or what == "HELP" and "help" or fail(line, "unknown comment")
  if family[field] then fail(line, "comes twice") end
  family[field] = text
  if what == "UNIT" and name:sub(-#text - 1) ~= "_" .. text then fail(line, "the name does not end in the unit") end
end

local function suffix_of(family, name)
  for _, suffix in ipairs(types[family.type]) do
    if name == family.name .. suffix then return suffix end
  end
end

-- Buckets ascend and end in +Inf; then _count, equal to it, and _sum.
local function check_histogram(line, group, sample)
  if sample.suffix == "_bucket" then
    local le = sample.labels.le or fail(line, "a bucket without le")
    local bound = number(line, le)
    if le ~= "+Inf" and not le:find "[.e]" then fail(line, "le is not canonical") end
    if bound <= (group.bound or -math.huge) then fail(line, "buckets do not ascend") end
    if sample.value < (group.last or 0) then fail(line, "buckets are not cumulative") end
    group.bound, group.last = bound, sample.value
  elseif group.bound ~= math.huge then
    fail(line, "no bucket of +Inf before")
  elseif sample.suffix == "_count" then
    if sample.value ~= group.last then fail(line, "count is not that of +Inf") end
    group.count = sample.value
  end
end

local function read_sample(state, line)
  local name, labels, value = line:match "^([%a_:][%w_:]*){(.*)} (%S+)$"
  if not name then name, value = line:match "^([%a_:][%w_:]*) (%S+)$" end
  local family = state.current
  local suffix = name and family and suffix_of(family, name)
  if not suffix then fail(line, "no sample of the family before it") end
  local sample = { suffix = suffix, value = number(line, value) }
  local key
  sample.labels, key = read_labels(line, labels or "")
  if family.type ~= "gauge" and sample.value < 0 then fail(line, "below zero") end
  if state.group ~= family.name .. key and family.groups[key] then fail(line, "the series is not in one piece") end
  state.group = family.name .. key
  family.groups[key] = family.groups[key] or {}
  local unique = suffix .. (sample.labels.le or "")
  if family.groups[key][unique] then fail(line, "the series comes twice") end
  family.groups[key][unique] = true
  if family.type == "histogram" then check_histogram(line, family.groups[key], sample) end
  family.samples[#family.samples + 1] = sample
end

--- Reads an exposition. @return table of families by name: `type`, `unit`, `help`, `samples` (list of
--   `suffix`, `labels`, `value`)
function openmetrics.read(text)
  local state = { families = {} }
  if not text:find "\n# EOF\n$" then error("does not end in # EOF", 0) end
  for line in text:sub(1, -7):gmatch "([^\n]*)\n" do
    if line == "" or line == "# EOF" then fail(line, "does not belong here") end
    if line:sub(1, 1) == "#" then read_comment(state, line) else read_sample(state, line) end
  end
  return state.families
end

--- The value of a sample, or nil. @param labels table: all that are given must be so
function openmetrics.value(families, name, labels, suffix)
  local family = families[name] or error("no family " .. name, 2)
  suffix = suffix or types[family.type][1]
  for _, sample in ipairs(family.samples) do
    local same = sample.suffix == suffix
    for label, value in pairs(labels or {}) do same = same and sample.labels[label] == value end
    if same then return sample.value end
  end
  return nil
end

return openmetrics
