--- A plot of the rows: how far each is beyond its reach, or short of it, as a bar from the line in the middle.
local plot = {}

local LEFT, BAR, RIGHT, LINE, TOP = 470, 420, 190, 22, 46
local MOST = 8 -- times the reach, at the end of the scale

local STYLE = [[
text { font: 12px system-ui, sans-serif; fill: #24292f; }
.faint { fill: #57606a; }
.met { fill: #2da44e; } .missed { fill: #d4622a; }
line { stroke: #8c959f; } .grid { stroke-dasharray: 2 4; stroke-opacity: .6; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; } .faint { fill: #9198a1; } .met { fill: #3fb950; } .missed { fill: #f0883e; }
}
]]

local function escape(text)
  return (text:gsub("[&<>\"]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }))
end

local function text(x, y, words, class, anchor)
  return ('<text x="%g" y="%g"%s%s>%s</text>'):format(x, y, class and ' class="' .. class .. '"' or "",
    anchor and ' text-anchor="' .. anchor .. '"' or "", escape(words))
end

-- Where a multiple of the reach stands: logarithmic, so that twice and half are as far from the middle.
local function place(times)
  local part = math.log(math.max(1 / MOST, math.min(MOST, times))) / math.log(MOST)
  return LEFT + BAR * (1 + part) / 2
end

local function bar(row, y)
  local times = row.better == "more" and row.ratio.median / row.reach or row.reach / row.ratio.median
  local from, to = place(1), place(times)
  return ('<rect class="%s" x="%.1f" y="%g" width="%.1f" height="12" rx="2"/>'):format(
    row.met and "met" or "missed", math.min(from, to), y - 10, math.max(1, math.abs(to - from)))
end

local function scale(out, bottom)
  for _, mark in ipairs { { 1 / MOST, "1/8" }, { 0.5, "half" }, { 1, "reach" }, { 2, "twice" }, { MOST, "8 times" } } do
    local x = place(mark[1])
    out[#out + 1] = ('<line%s x1="%.1f" x2="%.1f" y1="%g" y2="%g"/>'):format(mark[1] == 1 and "" or ' class="grid"',
      x, x, TOP - 12, bottom)
    out[#out + 1] = text(x, TOP - 18, mark[2], "faint", "middle")
  end
end

--- The plot as SVG; it keeps to the reader's light or dark.
-- @param rows list of name, peer, better, reach, and ratio (absent when it failed), met
function plot.draw(rows)
  local height = TOP + LINE * #rows + 14
  local out = {
    ('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img">'):format(
      LEFT + BAR + RIGHT, height, LEFT + BAR + RIGHT, height),
    "<title>mavilua beside its peers</title>",
    "<style>" .. STYLE .. "</style>",
  }
  scale(out, height - 10)
  for i, row in ipairs(rows) do
    local y = TOP + LINE * i - 6
    out[#out + 1] = text(8, y, row.name)
    out[#out + 1] = text(LEFT - 14, y, row.peer, "faint", "end")
    if row.ratio then
      out[#out + 1] = bar(row, y)
      out[#out + 1] = text(LEFT + BAR + 14, y, ("%.2f \u{d7}  (reach %s %g)"):format(row.ratio.median,
        row.better == "more" and "at least" or "at most", row.reach))
    else
      out[#out + 1] = text(LEFT + BAR + 14, y, "failed", "missed")
    end
  end
  out[#out + 1] = "</svg>"
  return table.concat(out, "\n") .. "\n"
end

return plot
