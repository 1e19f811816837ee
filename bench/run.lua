-- See run.sh: mavilua run bench/run.lua BUILD HERE FOLDER MODE [PATTERN]
local measures = require "bench.measures"
local process = require "bench.process"
local report = require "bench.report"
local rows = require "bench.rows"

-- seconds: of one load; warm: of the one before that does not count.
local sizes = {
  full = { rounds = 5, seconds = 3, warm = 0.5, waiting = 10000, clients = 1000000, backlog = 1000000, bursts = 20,
    starts = 9 },
  quick = { rounds = 1, seconds = 1, warm = 0.2, waiting = 2000, clients = 20000, backlog = 20000, bursts = 4,
    starts = 7 },
  smoke = { rounds = 1, seconds = 0.1, warm = 0.05, waiting = 100, clients = 1000, backlog = 1000, bursts = 1,
    starts = 1 },
}

local build, here, folder, mode, pattern = table.unpack(arg)
assert(sizes[mode], "run.sh takes full, quick or smoke")
process.use(folder)

local ctx = { build = build, program = build .. "/mavilua", here = here, folder = folder, size = sizes[mode],
  root = process.output { "id", "-u" }:match "%d+" == "0" }

-- What is made once and kept for the run.
local kept = {}
function ctx.once(name, make)
  kept[name] = kept[name] or make()
  return kept[name]
end

local function wanted(row)
  if mode == "smoke" and not row.smoke then return false end
  return not pattern or pattern == "" or row.group:find(pattern, 1, true) or row.name:find(pattern, 1, true)
    or row.peer:find(pattern, 1, true)
end

-- Groups in the order of the rows.
local function groups_of(list)
  local groups, by_name = {}, {}
  for _, row in ipairs(list) do
    if wanted(row) then
      local group = by_name[row.group]
      if not group then
        group = { name = row.group, rounds = row.once and 1 or ctx.size.rounds }
        by_name[row.group] = group
        groups[#groups + 1] = group
      end
      group[#group + 1] = row
    end
  end
  return groups
end

local function key_of(side) return side[1] .. ":" .. tostring(side[2]) end

-- One measure; a number, or nil and why there is none.
local function take(group, round, side, taken)
  local key = key_of(side)
  if taken[key] == nil then
    io.stderr:write(("%-16s round %d of %d: %s %s\n"):format(group.name, round, group.rounds, side[1],
      side[2] and tostring(side[2]) or ""))
    local done, result = pcall(measures[side[1]], ctx, side[2])
    if not done then io.stderr:write(tostring(result), "\n") end
    taken[key] = { value = done and result, why = not done and tostring(result) or nil }
  end
  local value = taken[key].value
  if type(value) == "table" then value = value[side[3]] end
  return value, taken[key].why
end

local function measure(group)
  for _, row in ipairs(group) do row.results = {} end
  for round = 1, group.rounds do
    local taken = {}
    for _, row in ipairs(group) do
      local mine, why = take(group, round, row.mine, taken)
      local beside, why_not = take(group, round, row.beside, taken)
      row.failed = row.failed or why or why_not
      row.results[#row.results + 1] = mine and beside and { mine = mine, beside = beside } or nil
    end
  end
end

local measured = {}
for _, group in ipairs(groups_of(rows)) do
  measure(group)
  table.move(group, 1, #group, #measured + 1, measured)
end
for _, thing in pairs(kept) do
  if thing.stop then thing.stop() end
end

if #measured == 0 then
  io.stderr:write("bench: no row of this run has these words in its group or name; bench/rows.lua has them all\n")
  os.exit(64)
end
local out = os.getenv "BENCH_OUT" or here
report.write(measured, { mode = mode, out = out })
for _, row in ipairs(measured) do
  if row.failed then os.exit(1) end
end
