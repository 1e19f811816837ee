--- Lengths of time as people write them: 90 (seconds), "15m", "1h30m", "500ms", "2d", "1w".
-- @internal mavilua.host.duration

local duration = {}

local units = { ms = 0.001, s = 1, m = 60, h = 3600, d = 86400, w = 604800 }

--- What is accepted, for error messages.
duration.expected = 'seconds or a duration such as "90s", "15m", "1h30m", "2d"'

--- Seconds, or nil when `value` is no length of time (0 is one, negative ones are not).
function duration.parse(value)
  if type(value) == "number" then
    return value >= 0 and value < math.huge and value or nil
  end
  if type(value) ~= "string" or value == "" then
    return nil
  end
  if value:find("^%d+%.?%d*$") then
    return tonumber(value)
  end
  local total, rest = 0, value:gsub("%s+", "")
  while rest ~= "" do
    local number, unit, after = rest:match("^(%d+%.?%d*)(%a+)(.*)$")
    if not number or not units[unit] then
      return nil
    end
    total, rest = total + tonumber(number) * units[unit], after
  end
  return total
end

return duration
