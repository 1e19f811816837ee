--- A real nginx with a configuration of examples/nginx, listening on a socket in a folder of its own.
local process = require "spec.support.process"

local nginx = {}
nginx.__index = nginx

local function certificate(folder, name)
  local status, _, why = process.run { bin = "openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
    "-subj", "/CN=" .. name, "-addext", "subjectAltName=DNS:" .. name,
    "-keyout", folder .. "/key.pem", "-out", folder .. "/cert.pem" }
  assert(status == 0, why)
end

-- nginx changes its user when it is root's; the spec's folder is for its owner alone.
local main = [[
%s
worker_processes 1;
pid %s/pid;
error_log %s/error.log;
events {}
http {
  client_body_temp_path %s/tmp; proxy_temp_path %s/tmp; fastcgi_temp_path %s/tmp;
  uwsgi_temp_path %s/tmp; scgi_temp_path %s/tmp;
  include site.conf;
}
]]

--- Starts it.
-- @param path a site's configuration as users get it
-- @param changes list of {from, to}: plain texts to change, such as the upstream's address
function nginx.start(path, changes)
  local folder = process.folder()
  certificate(folder, "bot.example.com")
  local text = process.read(path)
  local function change(from, to)
    local first, last = text:find(from, 1, true)
    assert(first, path .. " does not say " .. from)
    text = text:sub(1, first - 1) .. to .. text:sub(last + 1)
  end
  change("listen 443 ssl", ("listen unix:%s/socket ssl"):format(folder))
  change("    listen [::]:443 ssl http2;\n", "")
  change("/etc/ssl/certs/bot.example.com.pem", folder .. "/cert.pem")
  change("/etc/ssl/private/bot.example.com.key", folder .. "/key.pem")
  change("/var/log/nginx/mavilua.log", folder .. "/access.log")
  change("/var/log/nginx/mavilua.error.log", folder .. "/site.error.log")
  for _, pair in ipairs(changes) do change(pair[1], pair[2]) end
  process.write(folder .. "/site.conf", text)
  local user = io.popen("id -u"):read("n") == 0 and "user root;" or ""
  process.write(folder .. "/nginx.conf", main:format(user, folder, folder, folder, folder, folder, folder, folder))
  local self = setmetatable({ folder = folder }, nginx)
  self.pipe = assert(io.popen(("exec nginx -p %s -e %s/error.log -c nginx.conf -g 'daemon off;' 2>&1")
    :format(folder, folder)))
  process.await(function() return io.open(folder .. "/pid") end, "nginx: " .. process.read(folder .. "/error.log"))
  self.pid = assert(tonumber(process.read(folder .. "/pid"):match("%d+")))
  return self
end

--- A request through it. @return status (number), body
function nginx:request(path, options)
  options = options or {}
  local args = { bin = "curl", "-sS", "--max-time", "30", "--unix-socket", self.folder .. "/socket",
    "--cacert", self.folder .. "/cert.pem", "-w", "\n%{http_code}" }
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

--- What it logged of requests.
function nginx:log()
  return process.read(self.folder .. "/access.log")
end

function nginx:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

function nginx:stop()
  if not self.pipe then return end
  self:signal("TERM")
  self.pipe:read("a")
  self.pipe:close()
  self.pipe = nil
end

return nginx
