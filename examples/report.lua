-- Walks all clients and prints how many there are by channel and by city.
--
--   mavilua run examples/report.lua
--
-- The platform comes from MAVILUA_API_KEY and MAVILUA_BASE_URL.

local mavilua = require "mavilua"

local bot = mavilua.client {}
local channels = {
  [0] = "VK", [1] = "Telegram", [2] = "Viber", [3] = "Facebook", [5] = "online chat", [6] = "WhatsApp",
  [10] = "Instagram", [13] = "telephony", [14] = "e-mail", [20] = "MAX",
}

-- Variables are asked for side by side: eight calls under way at a time.
local clients = {}
for client in bot:each("get_clients") do clients[#clients + 1] = client end
local variables, failed = mavilua.map(clients, function(client)
  return assert(bot:get_variables { client_id = client.id })
end, { concurrency = 8 })
if next(failed) then
  local index, err = next(failed)
  io.stderr:write(("report: client %s: %s\n"):format(clients[index].id, tostring(err)))
  os.exit(69)
end

local function tally(name_of)
  local counts, names = {}, {}
  for index, client in ipairs(clients) do
    local name = name_of(client, variables[index]) or "(unknown)"
    if not counts[name] then names[#names + 1] = name end
    counts[name] = (counts[name] or 0) + 1
  end
  table.sort(names, function(a, b)
    if counts[a] ~= counts[b] then return counts[a] > counts[b] end
    return a < b
  end)
  return names, counts
end

local function print_table(title, names, counts)
  print(("%-20s %7s"):format(title, "clients"))
  for _, name in ipairs(names) do print(("%-20s %7d"):format(name, counts[name])) end
  print(("%-20s %7d\n"):format("total", #clients))
end

print_table("channel", tally(function(client)
  return channels[client.client_type] or "type " .. tostring(client.client_type)
end))
print_table("city", tally(function(_, values) return values.city end))
