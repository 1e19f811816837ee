--- One of the senders: mavilua run spec/torture/sender.lua URL FILE STOP FIRST COUNT RATE SEED PART
-- Writes numbered messages of clients FIRST … FIRST+COUNT-1 to URL, about RATE a second, until the file STOP
-- is there. The next of a client goes out when the one before was answered or the connection broke. FILE
-- gets a line for each: client, number, act, and the status (0: no answer), with a "+" for one sent again.
local core = require "mavilua.core"
local http = require "mavilua.http"
local map = require "mavilua.map"
local support = require "spec.support.bot"

local url, path, stop = arg[1], arg[2], arg[3]
local first, count, rate, seed = tonumber(arg[4]), tonumber(arg[5]), tonumber(arg[6]), tonumber(arg[7])
local TASKS = 24
local calm = arg[8] ~= "storm" -- then memory is measured, and nobody eats it
local HOT = 16 -- clients that get half of the messages, so that there are lines to wait in
math.randomseed(seed)

local acts = { -- of a thousand
  { 50, "slow" }, { 20, "fail" }, { 50, "once" }, { 50, "job" }, { 60, "api" }, { 1, "eat" }, { 1000, "plain" },
}

local function act()
  local left = math.random(1000)
  for _, row in ipairs(acts) do
    left = left - row[1]
    if left <= 0 then return calm and row[2] == "eat" and "plain" or row[2] end
  end
end

local clients, ledger = {}, assert(io.open(path, "w"))
for i = 1, count do clients[i] = { id = first + i - 1, n = 0 } end

local function pick()
  while true do
    local client = clients[math.random(math.random(2) == 1 and math.min(HOT, count) or count)]
    if not client.busy then return client end
    core.sleep(0.001)
  end
end

local function post(client, again)
  local reply = http.post(url, { timeout = 10,
    body = support.message(client.id * 1000000 + client.n, client.id, client.n .. " " .. client.act) })
  ledger:write(("%d %d %s %d%s\n"):format(client.id, client.n, client.act, reply and reply.status or 0,
    again and " +" or ""))
  return reply and reply.status or 0
end

-- A platform may send a webhook again that got no answer, or that did.
local function send(client)
  client.n, client.act = client.n + 1, act()
  local status = post(client)
  if status == 0 then core.sleep(0.02 * math.random()) end
  if math.random(100) <= (status == 200 and 3 or 30) then post(client, true) end
end

local stopped = false
local function watch()
  repeat
    core.sleep(0.1)
    local file = io.open(stop)
    if file then file:close() end
    stopped = file ~= nil
  until stopped
end

local tasks = {}
for i = 1, TASKS do tasks[i] = i end
local _, errors = map.run(tasks, function(task)
  if task == 1 then return watch() end
  while not stopped do
    local client = pick()
    client.busy = true
    send(client)
    client.busy = false
    core.sleep(math.random() * 2 * TASKS / rate)
  end
end, { concurrency = TASKS })
ledger:close()
for _, err in pairs(errors) do error(tostring(err)) end
