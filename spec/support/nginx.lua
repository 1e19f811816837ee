--- A real nginx with a configuration of examples/nginx, listening on a socket in a folder of its own.
local core = require "mavilua.core"
local process = require "spec.support.process"

local nginx = {}
nginx.__index = nginx

local made -- the folder with a certificate, one for all

local function certificate(name)
  if made then return made end
  local folder = process.folder()
  local status, _, why = process.run { bin = "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
    "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=" .. name,
    "-addext", "subjectAltName=DNS:" .. name, "-keyout", folder .. "/key.pem", "-out", folder .. "/cert.pem" }
  assert(status == 0, why)
  made = folder
  return made
end

-- nginx changes its user when it is root's; the spec's folder is for its owner alone.
local main = [[
{user}
{modules}
worker_processes {workers};
worker_rlimit_nofile 8192;
pid {folder}/pid;
error_log {folder}/error.log {level};
events { worker_connections 2048; }
http {
  client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
  uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
  include site.conf;
  server { listen unix:{folder}/status; access_log off; location / { stub_status; } }
}
]]

local modules = "load_module /usr/lib/nginx/modules/ndk_http_module.so;\n"
  .. "load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;"

local function line_of(command)
  local pipe = assert(io.popen(command))
  local line = pipe:read "*l"
  pipe:close()
  return line
end

local function user()
  return line_of "id -u" == "0" and "user root;" or ""
end

-- The site's configuration with what the spec's machine has in other places.
local function site(path, folder, changes, level)
  local text = process.read(path)
  local function change(from, to)
    local first, last = text:find(from, 1, true)
    assert(first, path .. " does not say " .. from)
    text = text:sub(1, first - 1) .. to .. text:sub(last + 1)
  end
  change("listen 443 ssl", ("listen unix:%s/socket ssl"):format(folder))
  text = text:gsub("    listen %[::%]:443 ssl[^\n]*\n", "")
  local pair = certificate "bot.example.com"
  change("/etc/ssl/certs/bot.example.com.pem", pair .. "/cert.pem")
  change("/etc/ssl/private/bot.example.com.key", pair .. "/key.pem")
  change("/var/log/nginx/mavilua.log", folder .. "/access.log")
  change("/var/log/nginx/mavilua.error.log", folder .. "/site.error.log")
  if level then change("/site.error.log crit", "/site.error.log " .. level) end
  for _, one in ipairs(changes) do change(one[1], one[2]) end
  return text
end

--- Starts it, once `nginx -t` has no objection.
-- @param path a site's configuration as users get it
-- @param changes list of {from, to}: plain texts to change, such as the upstream's address
-- @param options table or nil: `workers` (1), `level` (of the main error log, "error"), `site_level` (of the site's
--   own, as users get it), `env` (table)
function nginx.start(path, changes, options)
  options = options or {}
  local folder = process.folder()
  local text = site(path, folder, changes, options.site_level)
  process.write(folder .. "/site.conf", text)
  local names = {}
  for name in pairs(options.env or {}) do names[#names + 1] = "env " .. name .. ";" end
  process.write(folder .. "/nginx.conf", (main:gsub("{(%l+)}", {
    user = user() .. table.concat(names), folder = folder, modules = text:find "_by_lua" and modules or "",
    workers = options.workers or 1, level = options.level or "error",
  })))
  local status, out, err = process.run { bin = "nginx", "-t", "-q", "-p", folder, "-e", folder .. "/error.log",
    "-c", "nginx.conf", env = options.env }
  assert(status == 0, path .. ": " .. out .. err)
  local self = setmetatable({ folder = folder }, nginx)
  local words = {}
  for name, value in pairs(options.env or {}) do words[#words + 1] = name .. "=" .. process.quote(value) end
  self.pipe = assert(io.popen(("env %s nginx -p %s -e %s/error.log -c nginx.conf -g 'daemon off;' 2>&1; echo >%s/end")
    :format(table.concat(words, " "), folder, folder, folder)))
  process.await(function()
    self.pid = tonumber(process.read(folder .. "/pid"):match "%d+")
    return self.pid or process.read(folder .. "/end") ~= ""
  end, "nginx")
  if not self.pid then error(path .. ": " .. self.pipe:read "*a" .. process.read(folder .. "/error.log"), 0) end
  return self
end

-- The module as it was built for release, in the place of the installed one.
local function with_module(changes)
  local root = line_of "pwd"
  table.insert(changes, { "/usr/local/share/lua/5.1/?.lua;/usr/local/share/lua/5.1/?/init.lua",
    root .. "/lua/?.lua;" .. root .. "/lua/?/init.lua" })
  table.insert(changes, { "/usr/local/lib/lua/5.1/?.so", root .. "/build/release/lib-5.1/?.so" })
  return changes
end

local function secret_file(name, text)
  return process.write(("%s/%s"):format(process.folder(), name), text .. "\n")
end

--- Starts bot.conf with the bot of a file and the module as it was built for release.
-- @param bot path
-- @param base_url the platform's address
-- @param options as of `start`, and `secret` of the webhook, `key` of the API
function nginx.start_bot(bot, base_url, options)
  return nginx.start("examples/nginx/bot.conf", with_module {
    { "/etc/mavilua/bot.lua", bot:sub(1, 1) == "/" and bot or line_of "pwd" .. "/" .. bot },
    { "/etc/mavilua/webhook_secret", secret_file("secret", options.secret) },
    { "/etc/mavilua/api_key", secret_file("key", options.key) },
    { 'dedupe = "mavilua_seen",', ('dedupe = "mavilua_seen", base_url = "%s",'):format(base_url) },
    { "rate=200r/s", "rate=1000000r/s" },
  }, options)
end

--- Starts handover.conf in front of a host.
-- @param host_url where the host listens
-- @param options as of `start`, and `change` ({from, to}), `secret` of the hook
function nginx.start_handover(host_url, options)
  options = options or {}
  return nginx.start("examples/nginx/handover.conf", with_module {
    { "server 127.0.0.1:8080", "server " .. host_url:match "//(.*)$" },
    { "http://127.0.0.1:8080/hook/order", host_url .. "/hook/order" },
    { "/etc/mavilua/order_secret", secret_file("secret", options.secret or "a-secret-of-the-form") },
    options.change,
  }, options)
end

--- A request through it. @return status (number), body
function nginx:request(path, options)
  options = options or {}
  local args = { bin = "curl", "-sS", "--max-time", "30", "--unix-socket", self.folder .. "/socket",
    "--cacert", made .. "/cert.pem", "-w", "\n%{http_code}" }
  if options.body then
    args.stdin = options.body
    args[#args + 1] = "--data-binary"
    args[#args + 1] = "@-"
  end
  for _, word in ipairs(options) do args[#args + 1] = word end
  args[#args + 1] = "https://bot.example.com" .. path
  local _, out, err = process.run(args)
  local body, status = out:match("^(.*)\n(%d+)$")
  assert(status, err)
  return tonumber(status), body
end

--- Posts many bodies, one after the other as one client does, beside whatever else the spec does.
-- @param path where to
-- @param bodies list of texts
-- @return function that says whether all are sent, then the list of statuses (0: no answer)
function nginx:send(path, bodies)
  local folder = process.folder()
  local lines = {}
  for i, body in ipairs(bodies) do
    process.write(("%s/%d"):format(folder, i), body)
    lines[i] = ('%surl = "https://bot.example.com%s"\ndata-binary = "@%s/%d"\noutput = "/dev/null"\n')
      :format(i > 1 and "next\n" or "", path, folder, i)
      .. ('unix-socket = "%s/socket"\ncacert = "%s/cert.pem"\nmax-time = 60\nwrite-out = "%%{http_code}\\n"\n')
      :format(self.folder, made)
  end
  process.write(folder .. "/config", table.concat(lines))
  os.execute(("(curl -s -K %s/config >%s/out 2>%s/err; echo ended >%s/end) &"):format(folder, folder, folder, folder))
  return function()
    if process.read(folder .. "/end") == "" then return nil end
    local statuses = {}
    for status in process.read(folder .. "/out"):gmatch "%d+" do statuses[#statuses + 1] = tonumber(status) end
    return statuses
  end
end

--- How many requests it is about to answer.
function nginx:open()
  local _, out = process.run { bin = "curl", "-s", "--unix-socket", self.folder .. "/status", "http://status/" }
  return tonumber(out:match "Writing: (%d+)") - 1
end

--- What it logged of requests.
function nginx:log()
  return process.read(self.folder .. "/access.log")
end

--- Everything it logged, to all its logs.
function nginx:logs()
  return self:log() .. process.read(self.folder .. "/error.log") .. process.read(self.folder .. "/site.error.log")
end

function nginx:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

-- The ids of its workers, the leaving ones too.
function nginx:workers()
  local pipe = assert(io.popen("ps -o pid= --ppid " .. self.pid))
  local text = pipe:read "*a"
  pipe:close()
  local ids = {}
  for id in text:gmatch "%d+" do ids[#ids + 1] = id end
  table.sort(ids)
  return ids
end

--- HUP: waits until new workers have taken over; old ones may still end what they have begun.
function nginx:reload()
  local old = {}
  for _, id in ipairs(self:workers()) do old[id] = true end
  self:signal "HUP"
  process.await(function()
    for _, id in ipairs(self:workers()) do
      if not old[id] then return true end
    end
    core.sleep(0.02)
    return false
  end, "nginx's new workers")
end

function nginx:stop()
  if not self.pipe then return end
  self:signal("TERM")
  self.pipe:read("*a")
  self.pipe:close()
  self.pipe = nil
end

return nginx
