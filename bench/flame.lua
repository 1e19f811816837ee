-- mavilua run bench/flame.lua <STACKS >FLAME.svg: a flame graph of what `perf script` prints. Width is time; a
-- function stands on the one that called it; the title of a box tells its share. For example:
--   perf record -F 999 -g -p PID -o perf.data -- sleep 10
--   perf script -i perf.data | mavilua run bench/flame.lua >flame.svg

local WIDTH, LINE, NARROWEST = 1200, 17, 1.5

local function node(name) return { name = name, count = 0, below = {}, order = {} } end

local function child(parent, name)
  local found = parent.below[name]
  if not found then
    found = node(name)
    parent.below[name] = found
    parent.order[#parent.order + 1] = found
  end
  return found
end

-- Stacks begin with a line that begins with the thread's name, then have a line for each function, innermost first.
local function read_stacks(root)
  local thread, stack
  local function add()
    if not thread or #stack == 0 then return end
    local at = child(root, thread)
    root.count, at.count = root.count + 1, at.count + 1
    for i = #stack, 1, -1 do
      at = child(at, stack[i])
      at.count = at.count + 1
    end
  end
  for line in io.lines() do
    local symbol = line:match "^%s+%x+ (.-) %(.*%)$"
    if symbol then
      stack[#stack + 1] = (symbol:gsub("%+0x%x+$", ""))
    elseif line:match "^%S" then
      add()
      thread, stack = line:match "^(%S+)", {}
    end
  end
  add()
end

local function escape(text)
  return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

-- One hue for each kind of code.
local function color(name)
  local hue = 30
  if name:find "^sqlite" then hue = 200
  elseif name:find "^lua" or name:find "^mv_vm" then hue = 260
  elseif name:find "^MHD" then hue = 120
  elseif name:find "malloc" or name:find "free" then hue = 0
  end
  local spread = 0
  for i = 1, #name do spread = (spread * 31 + name:byte(i)) % 97 end
  return ("hsl(%d,65%%,%d%%)"):format(hue, 62 + spread % 14)
end

local function draw(out, box, x, depth, scale, root)
  local width = box.count * scale
  if width < NARROWEST then return depth end
  local y, deepest = depth * LINE, depth
  local letters = math.floor(width / 7)
  out[#out + 1] = ("<g><title>%s: %.1f %%</title>"):format(escape(box.name), 100 * box.count / root.count)
  out[#out + 1] = ('<rect x="%.1f" y="%d" width="%.1f" height="%d" fill="%s"/>'):format(x, y,
    math.max(width - 0.3, 0.2), LINE - 1, color(box.name))
  if letters > 2 then
    out[#out + 1] = ('<text x="%.1f" y="%d">%s</text>'):format(x + 2, y + 12, escape(box.name:sub(1, letters)))
  end
  out[#out + 1] = "</g>"
  table.sort(box.order, function(a, b) return a.name < b.name end)
  for _, below in ipairs(box.order) do
    deepest = math.max(deepest, draw(out, below, x, depth + 1, scale, root))
    x = x + below.count * scale
  end
  return deepest
end

local root = node "all"
read_stacks(root)
assert(root.count > 0, "no stacks: give it what `perf script` prints")
local boxes = {}
local height = (draw(boxes, root, 0, 0, WIDTH / root.count, root) + 1) * LINE
print(('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d">'):format(
  WIDTH, height, WIDTH, height))
print '<rect width="100%" height="100%" fill="#fff"/>'
print "<style>text { font: 11px monospace; fill: #111; pointer-events: none }</style>"
print(table.concat(boxes, "\n"))
print "</svg>"
