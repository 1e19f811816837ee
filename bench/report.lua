--- What came of the rows: a table on standard output, results.json and results.svg.
local mavilua = require "mavilua"
local plot = require "bench.plot"
local process = require "bench.process"

local report = {}

local function median(list)
  table.sort(list)
  local middle = #list // 2
  return #list % 2 == 1 and list[middle + 1] or (list[middle] + list[middle + 1]) / 2
end

local function spread_of(results, pick)
  local list = {}
  for i, result in ipairs(results) do list[i] = pick(result) end
  local middle = median(list)
  return { median = middle, least = list[1], most = list[#list] }
end

-- A row with its numbers: medians, and the ratio with the spread that it had from round to round.
local function summary(row)
  local done = { group = row.group, name = row.name, peer = row.peer, unit = row.unit, better = row.better,
    reach = row.reach, failed = row.failed }
  if #row.results == 0 then return done end
  done.mine = spread_of(row.results, function(r) return r.mine end)
  done.beside = spread_of(row.results, function(r) return r.beside end)
  done.ratio = spread_of(row.results, function(r) return r.mine / r.beside end)
  done.ratio.median = done.mine.median / done.beside.median
  if not row.reach then
    return done
  elseif row.better == "more" then
    done.met = done.ratio.median >= row.reach
  else
    done.met = done.ratio.median <= row.reach
  end
  return done
end

local function number(value)
  if value >= 100 then return ("%.0f"):format(value) end
  return ("%.3g"):format(value)
end

local function first_line(text) return (text:match "[^\n]*") end

local function cells(row)
  local reach = row.reach and (row.better == "more" and ">= " or "<= ") .. number(row.reach) or ""
  local verdict = row.failed and "failed: " .. first_line(row.failed)
    or row.met and "met" or row.reach and "MISSED" or ""
  if not row.ratio then return { row.name, "-", row.peer, "-", "-", "", reach, verdict } end
  return { row.name, number(row.mine.median) .. " " .. row.unit, row.peer, number(row.beside.median),
    number(row.ratio.median), ("%s-%s"):format(number(row.ratio.least), number(row.ratio.most)), reach, verdict }
end

local function print_table(list)
  local lines, widths = { { "what", "mavilua", "beside", "", "ratio", "spread", "reach", "" } }, {}
  for i, row in ipairs(list) do lines[i + 1] = cells(row) end
  for _, line in ipairs(lines) do
    for i, cell in ipairs(line) do widths[i] = math.max(widths[i] or 1, #cell) end -- string.format takes no 0
  end
  local right = { [2] = true, [4] = true, [5] = true, [6] = true }
  for _, line in ipairs(lines) do
    local words = {}
    for i, cell in ipairs(line) do
      words[i] = ("%" .. (right[i] and "" or "-") .. widths[i] .. "s"):format(cell)
    end
    print((table.concat(words, "  "):gsub("%s+$", "")))
  end
end

local function machine()
  local info = process.read "/proc/cpuinfo"
  return { processor = info:match "model name%s*: ([^\n]+)", cores = select(2, info:gsub("processor%s*:", "")),
    memory_mib = tonumber(process.read "/proc/meminfo":match "MemTotal:%s+(%d+)") // 1024,
    kernel = process.read "/proc/sys/kernel/osrelease":match "%S+",
    load = tonumber(process.read "/proc/loadavg":match "%S+") }
end

local function json_of(list, options)
  local lines = {}
  for i, row in ipairs(list) do lines[i] = assert(mavilua.encode(row)) end
  return ('{"version":%s,"mode":%s,"at":%d,"machine":%s,"rows":[\n%s\n]}\n'):format(
    assert(mavilua.encode(mavilua.version)), assert(mavilua.encode(options.mode)), os.time(),
    assert(mavilua.encode(machine())), table.concat(lines, ",\n"))
end

--- Prints and writes everything.
-- @param rows with `results` (list of {mine, beside}) and `failed`
-- @param options mode, out (the folder for the files)
function report.write(rows, options)
  local list, aims, met = {}, {}, 0
  for i, row in ipairs(rows) do
    list[i] = summary(row)
    if row.reach then aims[#aims + 1] = list[i] end
    if list[i].met then met = met + 1 end
  end
  print_table(list)
  print(("%d of %d in reach; %s/results.json, results.svg"):format(met, #aims, options.out))
  process.write(options.out .. "/results.json", json_of(list, options))
  process.write(options.out .. "/results.svg", plot.draw(aims))
end

return report
