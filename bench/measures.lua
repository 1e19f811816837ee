--- The measures: each starts what it measures, measures once and stops it.
-- A measure is a function of ctx and the row's argument; it returns a number or a table of numbers.
local mavilua = require "mavilua"
local load = require "bench.load"
local process = require "bench.process"
local subjects = require "bench.subjects"

local measures = {}

-- Runs `fn(subject)` and stops the subject, also when it fails.
local function with(subject, fn)
  local done, result = pcall(fn, subject)
  subject.stop(not done and "KILL" or nil)
  if not done then error(result, 0) end
  return result
end

-- ---- webhooks: from the request to the end of the handler ----------------------------------------

local function drained(subject)
  local begun = mavilua.now()
  if subject.left then process.await(function() return subject.left() == 0 end, "the last event", 600) end
  return mavilua.now() - begun
end

-- Events a second, from the first request to the end of the last handler.
local function handled(ctx, subject, width)
  return with(subject, function()
    load.run(ctx, subject.url, { width = 16, seconds = ctx.size.warm, body = load.webhook })
    drained(subject)
    local took = load.run(ctx, subject.url, { width = width, seconds = ctx.size.seconds, body = load.webhook })
    return took.calls / (took.calls / took.rate + drained(subject))
  end)
end

function measures.host_handles(ctx, width)
  return handled(ctx, subjects.host(ctx, { script = load.handler }), width)
end

for _, name in ipairs { "nginx", "nginx_redis", "node", "webhook", "pgboss" } do
  measures[name .. "_handles"] = function(ctx, width) return handled(ctx, subjects[name](ctx), width) end
end

-- ---- acknowledgement at a steady rate ------------------------------------------------------------

--- {median, p99} in ms at `rate` a second.
function measures.host_acknowledges(ctx, rate)
  return with(subjects.host(ctx, { script = load.handler }), function(host)
    load.run(ctx, host.url, { width = 64, seconds = ctx.size.warm, rate = rate, body = load.webhook })
    local took = load.run(ctx, host.url,
      { width = 64, seconds = ctx.size.seconds * 2, rate = rate, body = load.webhook })
    return { median = took.median / 1000, p99 = took.p99 / 1000 }
  end)
end

--- One page written to the end of a file and synced: the mean of many, in ms.
function measures.fsync(ctx)
  local path, count = ctx.folder .. "/page", 300
  local begun = mavilua.now()
  process.output { "dd", "if=/dev/zero", "of=" .. path, "bs=4k", "count=" .. count, "oflag=dsync" }
  local took = mavilua.now() - begun
  os.remove(path)
  return took / count * 1000
end

-- ---- calls of the API ----------------------------------------------------------------------------

-- All begin at one moment and end at another; what each did goes into a file.
local CALLER = [[
local mavilua = require "mavilua"
local host = require "mavilua.host"
local bot = mavilua.client {}
host.on("message", function(event)
  local from, to = event.text:match "(%S+) (%S+)"
  host.sleep(from - mavilua.time())
  local calls = 0
  repeat
    assert(bot:set_order_state { client_id = event.client_id, state_id = 38 })
    calls = calls + 1
  until mavilua.time() >= tonumber(to)
  local file <close> = assert(io.open(os.getenv "BENCH_FOLDER" .. "/calls", "a"))
  file:write(calls, "\n")
end)
]]
local CALL = '{"client_id":#,"state_id":38}'

local function post_webhooks(url, count, text)
  local list = {}
  for i = 1, count do list[i] = i end
  mavilua.map(list, function(i)
    local body = load.webhook:gsub("#", i):gsub("Hello", text)
    return assert(mavilua.http.post(url, { body = body })).ok or error "refused"
  end, { stop_on_error = true })
end

-- `...`: further words for the command line.
local function calls_from_handlers(ctx, width, ...)
  local words = { ... }
  return with(subjects.nginx(ctx), function(api)
    local options = { script = CALLER, base_url = api.base, table.unpack(words) }
    return with(subjects.host(ctx, options), function(host)
      local from = mavilua.time() + 0.5
      post_webhooks(host.url, width, ("%.6f %.6f"):format(from, from + ctx.size.seconds))
      drained(host)
      local sum = 0
      for calls in process.read(host.folder .. "/calls"):gmatch "%d+" do sum = sum + calls end
      return sum / ctx.size.seconds
    end)
  end)
end

--- Calls a second of `width` handlers in a host with its presets: a worker for each core. The clients' ids spread the
-- handlers over the workers.
function measures.host_calls(ctx, width)
  return calls_from_handlers(ctx, width)
end

--- The same in one thread.
function measures.one_worker_calls(ctx, width)
  return calls_from_handlers(ctx, width, "--workers", "1")
end

local function calls_of(...)
  local command = { ... }
  return function(ctx, width)
    return with(subjects.nginx(ctx), function(api)
      local words = {}
      for i, word in ipairs(command) do
        words[i] = word:gsub("@(%l+)@", { url = api.base .. "/api/key/set_order_state", width = width,
          seconds = ctx.size.seconds, build = ctx.build, here = ctx.here })
      end
      words.env = { LUA_PATH = ctx.here .. "/../lua/?.lua;" .. ctx.here .. "/../lua/?/init.lua;;",
        LUA_CPATH = ctx.build .. "/lib-5.1/?.so;;", MAVILUA_BASE_URL = api.base, MAVILUA_API_KEY = "key" }
      return tonumber(process.output(words))
    end)
  end
end

measures.bare_curl_calls = calls_of("@build@/bench/bare_curl", "@url@", "@width@", "@seconds@", CALL)
measures.node_calls = calls_of("node", "@here@/peers/calls.mjs", "@url@", "@width@", "@seconds@")
measures.module_blocks = calls_of("lua5.1", "@here@/scripts/blocking.lua", "@seconds@")
measures.lua_curl_blocks = calls_of("lua5.1", "@here@/peers/blocking.lua", "@url@", "@seconds@")

-- ---- JSON ----------------------------------------------------------------------------------------

--- Times a second that `what` (page, webhook) is decoded and encoded.
local function json_of(library)
  return function(ctx, what)
    return tonumber(process.output { ctx.program, "run", ctx.here .. "/scripts/json.lua", library, what,
      ctx.size.seconds / 2 })
  end
end

measures.module_json = json_of "mavilua"
measures.cjson_json = json_of "cjson"

-- ---- the sandbox ---------------------------------------------------------------------------------

local CLIENTS, WIDTH = 500, 32
local bodies = { get_variables = '{"client_id":#}', message = '{"client_id":#,"message":"Your parcel is here"}' }

--- Calls a second of one action.
function measures.sandbox_answers(ctx, action)
  return with(subjects.sandbox(ctx), function(sandbox)
    local bot = mavilua.client { base_url = sandbox.url, api_key = "sandbox" }
    local people = {}
    for i = 1, CLIENTS do people[i] = { platform_id = 1000 + i, group_id = "tea_corner_bot", client_type = 1 } end
    local first = assert(bot:in_batches("load_clients", people)).items[1].id
    return load.run(ctx, sandbox.url .. "/api/sandbox/" .. action,
      { width = WIDTH, seconds = ctx.size.seconds / 2, body = bodies[action], first = first, count = CLIENTS }).rate
  end)
end

--- The same requests answered with two bytes.
function measures.bare_mhd_answers(ctx, action)
  return with(subjects.bare_mhd(ctx), function(bare)
    return load.run(ctx, bare.url, { width = WIDTH, seconds = ctx.size.seconds / 2, body = bodies[action] }).rate
  end)
end

--- find_clients over many clients: {call, sql} in µs, of the question that does worst.
function measures.sandbox_finds(ctx)
  return ctx.once("find", function()
    local text = process.output { "sh", ctx.here .. "/scale.sh", ctx.program, ctx.build .. "/bench",
      ctx.size.clients, "find_clients", ctx.size.rounds + 1, env = { TMPDIR = ctx.folder } }
    local worst
    for sql, ratio in text:gmatch "find_clients[^\n]-%S+%s+(%S+)%s+%d+%s+(%S+)\n" do
      if not worst or tonumber(ratio) > worst.ratio then
        worst = { sql = tonumber(sql), ratio = tonumber(ratio), call = sql * ratio }
      end
    end
    return assert(worst, text)
  end)
end

-- ---- memory --------------------------------------------------------------------------------------

local function settled(server)
  local before
  local now = server:memory()
  repeat
    before = now
    mavilua.sleep(0.3)
    now = server:memory()
  until math.abs(now - before) < now / 100
  return now
end

--- KiB of a host or server with nothing to do.
function measures.host_idle(ctx)
  return with(subjects.host(ctx, { script = load.handler }), function(host) return settled(host.server) end)
end

function measures.node_idle(ctx)
  return with(subjects.node(ctx), function(node) return settled(node.server) end)
end

local WAITER = [[
local mavilua = require "mavilua"
local host = require "mavilua.host"
local bot = mavilua.client { timeout = 600, retries = 0 }
host.on("message", function(event)
  bot:set_order_state { client_id = event.client_id, state_id = 38 }
end, { timeout = "10m" })
]]

--- KiB for each of `ctx.size.waiting` handlers that wait for an answer.
function measures.host_waits(ctx)
  local count = ctx.size.waiting
  return with(subjects.nginx(ctx), function(api)
    local options = { script = WAITER, base_url = api.base .. "/api/waiting", "--concurrency", count }
    local host = subjects.host(ctx, options)
    local done, result = pcall(function()
      local idle = settled(host.server)
      post_webhooks(host.url, count, "Hello")
      process.await(function() return host.summary().running == count end, "all handlers")
      return (settled(host.server) - idle) / count
    end)
    host.stop "KILL"
    return done and result or error(result, 0)
  end)
end

--- The same of promises of Node.js.
function measures.node_waits(ctx)
  local count = ctx.size.waiting
  return with(subjects.nginx(ctx), function(api)
    local server = process.start { "node", ctx.here .. "/peers/waiting.mjs", api.base .. "/api/waiting/x", count,
      ready = "ready at (%S+)" }
    local idle = settled(server)
    assert(mavilua.http.get(server.ready[1]))
    server:line "(waiting)"
    local result = (settled(server) - idle) / count
    server:stop "KILL"
    return result
  end)
end

-- ---- start ---------------------------------------------------------------------------------------

--- Milliseconds from the start to the line that tells it is ready: the median of several.
local function started(start)
  return function(ctx)
    local list = {}
    for i = 1, ctx.size.starts do
      list[i] = with(start(ctx), function(subject) return subject.took * 1000 end)
    end
    table.sort(list)
    return list[#list // 2 + 1]
  end
end

measures.host_starts = started(function(ctx) return subjects.host(ctx, { script = load.handler }) end)
measures.sandbox_starts = started(subjects.sandbox)
measures.node_starts = started(subjects.node)

-- ---- scale ---------------------------------------------------------------------------------------

local COMPUTER = [[
local host = require "mavilua.host"
host.on("message", function()
  local sum = 0
  for i = 1, %d do sum = sum + i %% 7 end
end)
]]

-- How often that loop goes round in a millisecond: the best of several. The host watches how long handlers
-- compute, which makes loops slower; here, too.
local function rounds_in_a_millisecond()
  local count, best = 1000000, math.huge
  debug.sethook(function() end, "", 10000)
  for _ = 1, 10 do
    local begun, sum = os.clock(), 0
    for i = 1, count do sum = sum + i % 7 end
    best = math.min(best, os.clock() - begun)
  end
  debug.sethook()
  return math.floor(count / best / 1000)
end

--- Events a second of handlers that compute for a millisecond, on so many workers.
function measures.host_computes(ctx, workers)
  local rounds = ctx.once("rounds", function() return { count = rounds_in_a_millisecond() } end).count
  local options = { script = COMPUTER:format(rounds), "--workers", workers }
  return with(subjects.host(ctx, options), function(host)
    -- More than two workers can do, so that all of them have something to do.
    local took = load.run(ctx, host.url,
      { width = 64, seconds = ctx.size.seconds, rate = 2500, body = load.webhook })
    return took.calls / (took.calls / took.rate + drained(host))
  end)
end

--- {many, few}: events a second with a backlog and without.
function measures.host_works_off(ctx)
  return ctx.once("backlog", function()
    local text = process.output { "sh", ctx.here .. "/backlog.sh", ctx.program, ctx.build .. "/bench/http_load",
      ctx.size.backlog, ctx.size.bursts, env = { TMPDIR = ctx.folder } }
    local few = text:match "a thousand wait[^\n]-(%d+) a second"
    local ratio = text:match "with all waiting[^\n]-: rate ([%d.]+)"
    assert(few and ratio, text)
    return { few = tonumber(few), many = few * ratio }
  end)
end

return measures
