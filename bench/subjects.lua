--- What is measured, ready to be started: the host, the sandbox and their peers.
local mavilua = require "mavilua"
local process = require "bench.process"

local subjects = {}
local SECRET = "0123456789abcdef"
local fresh = 0

--- A new empty folder below the one of this run.
function subjects.folder(ctx)
  fresh = fresh + 1
  local path = ("%s/%d"):format(ctx.folder, fresh)
  process.output { "mkdir", "-m", "755", path }
  return path
end

local function remove(path) process.output { "rm", "-rf", path } end

--- A host as its users start it: what is not said is preset.
-- @param options script (text), base_url, and further words for the command line
-- @return the process; url (of webhooks), left() (events that are not done), stop()
function subjects.host(ctx, options)
  local folder = subjects.folder(ctx)
  local words = {
    ctx.program, "serve", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0", "--db", folder .. "/bot.db",
    ready = " ready at (%S+) %(admin ([^)]*)%)",
    env = { MAVILUA_WEBHOOK_SECRET = SECRET, MAVILUA_API_KEY = "key", MAVILUA_BASE_URL = options.base_url,
      BENCH_FOLDER = folder },
  }
  table.move(options, 1, #options, #words + 1, words)
  words[#words + 1] = process.write(folder .. "/bot.lua", options.script)
  local server = process.start(words)
  local admin = server.ready[2]
  local self = { server = server, took = server.took, folder = folder,
    url = server.ready[1] .. "/webhook/" .. SECRET }
  function self.summary() return assert(mavilua.http.get(admin .. "/api/summary")):json() end
  function self.left()
    local summary = self.summary()
    return summary.waiting + summary.running
  end
  function self.stop(signal)
    server:stop(signal)
    remove(folder)
  end
  return self
end

--- A sandbox in memory.
function subjects.sandbox(ctx)
  local server = process.start { ctx.program, "sandbox", "--listen", "127.0.0.1:0", ready = " ready at (%S+)" }
  return { server = server, took = server.took, url = server.ready[1], stop = function() server:stop() end }
end

--- libmicrohttpd that answers two bytes.
function subjects.bare_mhd(ctx)
  local server = process.start { ctx.build .. "/bench/bare_mhd", ready = "(http://%S+)" }
  return { server = server, url = server.ready[1] .. "/", stop = function() server:stop() end }
end

--- nginx with the configuration of peers/nginx.conf.
-- @return url(path), folder, stop()
function subjects.nginx(ctx)
  local folder, port = subjects.folder(ctx), process.free_port(ctx.build)
  local conf = process.fill(ctx.here .. "/peers/nginx.conf", folder .. "/nginx.conf",
    { user = ctx.root and "user root;" or "", folder = folder, port = port, peers = ctx.here .. "/peers" })
  local server = process.start { "nginx", "-p", folder, "-e", folder .. "/nginx.log", "-c", conf,
    "-g", "daemon off;" }
  local url = "http://127.0.0.1:" .. port
  server:answers(url .. "/api/")
  return { server = server, folder = folder, base = url, url = url .. "/webhook/" .. SECRET, stop = function()
    server:stop()
    remove(folder)
  end }
end

--- The same, storing in Redis.
function subjects.nginx_redis(ctx)
  local self = subjects.nginx(ctx)
  local conf = process.fill(ctx.here .. "/peers/redis.conf", self.folder .. "/redis.conf", { folder = self.folder })
  local redis = process.start { "redis-server", conf }
  process.await(function()
    return process.read(self.folder .. "/redis.log"):find("ready to accept", 1, true)
  end, "Redis", 20)
  local stop = self.stop
  self.url = self.base .. "/stored/" .. SECRET
  function self.stop()
    redis:stop "KILL"
    stop()
  end
  return self
end

--- Node.js with its own http module.
function subjects.node(ctx)
  local server = process.start { "node", ctx.here .. "/peers/http.mjs", ready = "ready at (%S+)" }
  return { server = server, took = server.took, url = server.ready[1] .. "/webhook/" .. SECRET,
    stop = function() server:stop() end }
end

--- Debian's `webhook`, which starts a Lua script for each request.
function subjects.webhook(ctx)
  local folder, port = subjects.folder(ctx), process.free_port(ctx.build)
  local hooks = process.fill(ctx.here .. "/peers/webhook.json", folder .. "/hooks.json",
    { secret = SECRET, peers = ctx.here .. "/peers", folder = folder })
  local server = process.start { "webhook", "-hooks", hooks, "-ip", "127.0.0.1", "-port", port,
    "-urlprefix", "webhook" }
  local url = "http://127.0.0.1:" .. port
  server:answers(url .. "/")
  return { server = server, url = url .. "/webhook/" .. SECRET, stop = function()
    server:stop()
    remove(folder)
  end }
end

-- PostgreSQL does not run as root.
local function as_postgres(ctx, ...)
  if not ctx.root then return { ... } end
  return { "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", ... }
end

-- A cluster of its own, once for the whole run: {folder, user}.
local function postgres(ctx)
  return ctx.once("postgres", function()
    local folder = subjects.folder(ctx)
    local bin = process.output { "sh", "-c", "ls -d /usr/lib/postgresql/*/bin | tail -n 1" }:match "%S+"
    if ctx.root then process.output { "chown", "postgres", folder } end
    process.output(as_postgres(ctx, bin .. "/initdb", "-D", folder .. "/data", "-A", "trust", "-U", "bench",
      "--no-sync"))
    local server = process.start(as_postgres(ctx, bin .. "/postgres", "-D", folder .. "/data", "-k", folder,
      "-c", "listen_addresses="))
    process.await(function()
      return os.execute(("%s/pg_isready -q -h %s"):format(bin, folder))
    end, "PostgreSQL")
    return { folder = folder, bin = bin, stop = function() server:stop "INT" end }
  end)
end

--- Node.js with pg-boss on PostgreSQL, its tables new.
function subjects.pgboss(ctx)
  local db = postgres(ctx)
  process.output { db.bin .. "/psql", "-q", "-h", db.folder, "-U", "bench", "-d", "postgres",
    "-c", "SET client_min_messages = error; DROP SCHEMA IF EXISTS pgboss CASCADE" }
  local server = process.start { "node", ctx.here .. "/peers/pgboss/server.mjs", db.folder, "bench",
    ready = "ready at (%S+)" }
  local url = server.ready[1]
  return { server = server, url = url .. "/webhook/" .. SECRET,
    left = function() return assert(mavilua.http.get(url .. "/left")):json().left end,
    stop = function() server:stop "KILL" end }
end

return subjects
