--- What was said beside what was expected, as text.
-- @internal mavilua.testing.talk
local talk = {}

local function holds(expected, text)
  if type(expected) == "table" then return text:find(expected.pattern) ~= nil end
  return expected == text
end

local function shown(expected)
  if type(expected) == "table" then return "matches " .. expected.pattern end
  return expected
end

-- lengths[i][j]: how many of expected[i…] and said[j…] can be paired in order.
local function common_lengths(expected, said)
  local lengths = {}
  for i = #expected + 1, 1, -1 do
    lengths[i] = {}
    for j = #said + 1, 1, -1 do
      if i > #expected or j > #said then
        lengths[i][j] = 0
      elseif holds(expected[i], said[j].text) then
        lengths[i][j] = lengths[i + 1][j + 1] + 1
      else
        lengths[i][j] = math.max(lengths[i + 1][j], lengths[i][j + 1])
      end
    end
  end
  return lengths
end

-- Marks what was said and expected (`paired`), and notes before which saying a missing one belongs
-- (`missing`); behind the last one it is said[#said + 1].
local function pair(expected, said)
  local lengths = common_lengths(expected, said)
  local paired, missing, i, j = {}, {}, 1, 1
  while i <= #expected or j <= #said do
    if i <= #expected and j <= #said and holds(expected[i], said[j].text) then
      paired[j], i, j = true, i + 1, j + 1
    elseif j > #said or i <= #expected and lengths[i + 1][j] >= lengths[i][j + 1] then
      missing[j] = missing[j] or {}
      table.insert(missing[j], expected[i])
      i = i + 1
    else
      j = j + 1
    end
  end
  return paired, missing
end

-- Points at the first character in which two texts differ, if they begin alike.
local function pointer(prefix, one, other)
  local same = 0
  while same < #one and same < #other and one:byte(same + 1) == other:byte(same + 1) do same = same + 1 end
  if same < 2 or one:sub(1, same):find "\n" then return nil end
  local column = select(2, (prefix .. one:sub(1, same)):gsub("[^\128-\191]", ""))
  return (" "):rep(column) .. "^ differs from here"
end

local function indented(prefix, text)
  return prefix .. (text:gsub("\n", "\n" .. (" "):rep(#prefix)))
end

--- Compares.
-- @param lines list of {who, text, bot = boolean}: the conversation
-- @param expected list of texts or {pattern = …}: what the bot is to have said in it
-- @return nil when it did, else the conversation with the differences
function talk.difference(lines, expected)
  local said = {}
  for _, line in ipairs(lines) do
    if line.bot then said[#said + 1] = line end
  end
  local paired, missing = pair(expected, said)
  local out, good, j = {}, true, 0
  local function add_missing(before)
    local wanted, here = missing[before] or {}, said[before]
    for _, one in ipairs(wanted) do
      good = false
      out[#out + 1] = indented("  - bot: ", shown(one))
    end
    local last = wanted[#wanted]
    if type(last) == "string" and here and not paired[before] then
      out[#out + 1] = pointer("  - bot: ", last, here.text)
    end
  end
  for _, line in ipairs(lines) do
    local mark = " "
    if line.bot then
      j = j + 1
      add_missing(j)
      mark = paired[j] and "=" or "+"
      good = good and paired[j]
    end
    out[#out + 1] = indented(("  %s %s: "):format(mark, line.who), line.text)
  end
  add_missing(j + 1)
  if good then return nil end
  return table.concat(out, "\n")
end

return talk
