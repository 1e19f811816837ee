-- Asks a sandbox that bench/scale.lua has filled, and the bare SQL on a copy of its file, by turns:
-- mavilua run bench/scale_queries.lua URL CLIENTS PEERS COPY [QUESTIONS [ROUNDS]]
-- QUESTIONS: only those whose text holds it.
-- The ratio leaves out what a call takes that asks for nothing.
local mavilua = require "mavilua"

local url, count, peers, copy = arg[1], tonumber(arg[2]), arg[3], arg[4]
local only, rounds = arg[5] or "", tonumber(arg[6] or 12)
local SECONDS = 0.3

local function name(word) return ("(SELECT id FROM names WHERE name = '%s')"):format(word) end
local function one(a, x)
  return ("SELECT client FROM variables WHERE name = %s AND value = %s"):format(name(a), x)
end
-- Along the rarer one, which stands first; nothing is faster by hand.
local function both(a, x, b, y)
  return ("SELECT a.client FROM variables a CROSS JOIN variables b ON b.client = a.client "
    .. "WHERE a.name = %s AND a.value = %s AND b.name = %s AND b.value = %s"):format(name(a), x, name(b), y)
end

local by_phone = "SELECT coalesce((SELECT min(id) FROM clients INDEXED BY clients_by_platform WHERE project = 1 "
  .. "AND platform_id = '+' || ?1 AND client_type = 6), (" .. one("phone", "'+' || ?1") .. " LIMIT 1))"

local NOTHING = { "/api/sandbox/find_all_client_id_by_var", '{"var":"no such","val":"x"}' }
local questions = {
  { "get_clients, the first page", "get_clients", '{"offset":0}' },
  { "get_clients, in the middle", "get_clients", ('{"offset":%d}'):format(count // 2) },
  { "get_clients, the last page", "get_clients", ('{"offset":%d}'):format(count - 500) },
  { "get_clients, the last, reverse", "get_clients", ('{"offset":%d,"reverse":true}'):format(count - 500) },
  { "find_clients, 1 % and 80 %", "find_clients", '{"q":{"stage":"new","vip":"true"}}',
    both("vip", "'true'", "stage", "'new'") },
  { "find_clients, 5 % and 20 %", "find_clients", '{"q":{"city":"city 5","stage":"warm"}}',
    both("city", "'city 5'", "stage", "'warm'") },
  { "find_clients, 50 % and 80 %", "find_clients", '{"q":{"language":"ru","stage":"new"}}',
    both("language", "'ru'", "stage", "'new'") },
  { "find_clients, number and text", "find_clients", '{"q":{"age":30,"stage":"new"}}',
    both("age", "30", "stage", "'new'") },
  { "find_all_client_id_by_var, 10 %", "find_all_client_id_by_var", '{"var":"source","val":"source 3"}',
    one("source", "'source 3'") },
  { "find_all_client_id_by_var, one", "find_all_client_id_by_var", '{"var":"email","val":"client#@example.com"}',
    one("email", "'client' || ?1 || '@example.com'"), 0 },
  { "find_client_id_by_phone", "find_client_id_by_phone", '{"phone":"+#"}', by_phone, 79000000000 },
}

local function quote(word) return "'" .. tostring(word):gsub("'", "'\\''") .. "'" end

local function output_of(...)
  local words = { ... }
  for i, word in ipairs(words) do words[i] = quote(word) end
  local pipe = assert(io.popen(table.concat(words, " ")))
  local line = pipe:read "*l"
  assert(pipe:close() and line)
  return line
end

-- Of ten calls on one connection, each after the answer of the one before, the fastest in µs: the others
-- tell of what else the machine had to do.
local function call(path, body, first)
  return tonumber(output_of(peers .. "/http_load", url .. path, 1, SECONDS, first, count, body):match "^%S+\t(%S+)")
end

-- The same of the SQL, and the rows that it found.
local function bare(sql, first)
  local took, rows = output_of(peers .. "/bare_sql", copy, SECONDS, first, count, sql):match "^(%S+)\t(%d+)"
  return tonumber(took), tonumber(rows)
end

-- The sandbox finds what the bare SQL finds.
local function check(what, path, body, first, rows)
  local answer = assert(mavilua.http.post(url .. path, { body = (body:gsub("#", first)) })).body
  local ids = answer:match '"client_ids":(%b[])' or answer:match '"client_id":(%d+)'
  assert(select(2, ids:gsub("%d+", "")) == rows, what .. ": not as many ids as the bare SQL finds")
end

print(("%-34s %12s %12s %8s %7s"):format("question", "call, us", "bare SQL, us", "ids", "ratio"))
local nothing = math.huge

local function ask(question)
  local what, action, body, sql, first = table.unpack(question)
  local path = "/api/sandbox/" .. action
  local took, beside, rows = math.huge, math.huge, nil
  first = first or 0
  for _ = 1, rounds do
    took = math.min(took, call(path, body, first))
    nothing = math.min(nothing, call(NOTHING[1], NOTHING[2], 0))
    if sql then
      local spent
      spent, rows = bare(sql, first)
      beside = math.min(beside, spent)
    end
  end
  if sql then
    check(what, path, body, first, rows)
    local ratio = (took - nothing) / beside
    print(("%-34s %12.0f %12.0f %8d %7s"):format(what, took, beside, rows,
      ("%.2f"):format(ratio)))
  else
    print(("%-34s %12.0f"):format(what, took))
  end
end

for _, question in ipairs(questions) do
  if question[1]:find(only, 1, true) then ask(question) end
end
print(("%-34s %12.0f"):format("a call that asks for nothing", nothing))
