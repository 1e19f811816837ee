--- A real nginx with Lua, whose handlers use the module as it was built for LuaJIT. It listens on a socket
-- in a folder of its own and logs at the level debug.
local ports = require "spec.support.ports"
local process = require "spec.support.process"
local unix = require "socket.unix"

local nginx_lua = {}
nginx_lua.__index = nginx_lua

local main = [[
%(user)s
load_module modules/ndk_http_module.so;
load_module modules/ngx_http_lua_module.so;
worker_processes %(workers)s;
pid pid;
error_log %(folder)s/error.log debug;
env MAVILUA_API_KEY;
env MAVILUA_BASE_URL;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  lua_package_path '%(root)s/lua/?.lua;%(root)s/lua/?/init.lua;%(folder)s/?.lua;;';
  lua_package_cpath '%(root)s/build/release/lib-5.1/?.so;;';
  %(http)s
  server {
    listen unix:%(folder)s/socket;
    client_max_body_size 64m; client_body_buffer_size 8m;
    %(server)s
    location = /static { return 200 "static\n"; }
  }
}
]]

local function root()
  local pipe = assert(io.popen("pwd"))
  local path = pipe:read("*l")
  pipe:close()
  return path
end

local function fill(text, values)
  return (text:gsub("%%%((%w+)%)s", values))
end

local start

--- Starts it.
-- @param parts table: `http` and `server`, text for these blocks of the configuration, in which %(folder)s is the
--   folder and %(root)s that of the project; `workers` (1); `files`, name -> text, files of that folder; `env`;
--   `ports`, names: %(NAME)s is a free port in these texts; `values`, name -> text
-- @return an object with `folder`, `pid` and the numbers of the ports by their names
function nginx_lua.start(parts)
  for _ = 1, 5 do
    local self = start(parts)
    if self then return self end -- else a port was taken meanwhile
  end
  error("nginx: no free port found", 2)
end

start = function(parts)
  local folder = process.folder()
  for name, text in pairs(parts.files or {}) do process.write(folder .. "/" .. name, text) end
  local status, out = process.run { bin = "id", "-u" }
  local values = { folder = folder, root = root(), workers = parts.workers or 1,
    user = status == 0 and tonumber(out) == 0 and "user root;" or "" }
  for name, value in pairs(parts.values or {}) do values[name] = value end
  for _, name in ipairs(parts.ports or {}) do values[name] = ports.free() end
  values.http, values.server = fill(parts.http or "", values), fill(parts.server or "", values)
  process.write(folder .. "/nginx.conf", fill(main, values))
  os.execute(("ln -s /usr/lib/nginx/modules %s/modules"):format(folder))
  local self = setmetatable({ folder = folder }, nginx_lua)
  for _, name in ipairs(parts.ports or {}) do self[name] = values[name] end
  local words = {}
  for name, value in pairs(parts.env or {}) do words[#words + 1] = name .. "=" .. process.quote(value) end
  self.pipe = assert(io.popen(("exec env %s nginx -p %s -e %s/error.log -c nginx.conf -g 'daemon off;' 2>&1")
    :format(table.concat(words, " "), folder, folder)))
  local problem = process.await(function()
    self.pid = tonumber(process.read(folder .. "/pid"):match("%d+"))
    return self.pid and "" or self:log():match("%[emerg%][^\n]*")
  end, "nginx: " .. folder)
  if self.pid then return self end
  self.pipe:close()
  assert(problem:find("bind() to .* failed"), "nginx: " .. problem)
end

--- All that it logged.
function nginx_lua:log()
  return process.read(self.folder .. "/error.log")
end

--- Forgets what it logged.
function nginx_lua:clear_log()
  process.write(self.folder .. "/error.log", "")
end

local call = {}
call.__index = call

--- Sends a request and returns at once. @param options table or nil: `method`, `body`, `headers` (text)
function nginx_lua:send(path, options)
  options = options or {}
  local connection = assert(unix.stream())
  connection:settimeout(60)
  assert(connection:connect(self.folder .. "/socket"))
  local body = options.body or ""
  assert(connection:send(("%s %s HTTP/1.1\r\nHost: spec\r\nConnection: close\r\n%sContent-Length: %d\r\n\r\n%s")
    :format(options.method or "GET", path, options.headers or "", #body, body)))
  return setmetatable({ connection = connection }, call)
end

--- Whether the answer has begun to come.
function call:is_answered()
  self.connection:settimeout(0)
  local byte, problem = self.connection:receive(1)
  if byte then self.first = byte end
  self.connection:settimeout(60)
  return self.first ~= nil or problem == "closed"
end

--- Waits for the end of the answer. @return status, body
function call:read()
  local text = (self.first or "") .. assert(self.connection:receive("*a"))
  self.connection:close()
  local body = text:match("\r\n\r\n(.*)$") or ""
  if text:lower():find("\r\ntransfer-encoding: chunked\r\n", 1, true) then
    body = body:gsub("%x+\r\n(.-)\r\n", "%1")
  end
  return tonumber(text:match("^HTTP/%S+ (%d+)")), body
end

--- A request through it. @return status (number), body
function nginx_lua:request(path, options)
  return self:send(path, options):read()
end

function nginx_lua:signal(name)
  os.execute(("kill -%s %d"):format(name, self.pid))
end

--- Stops it; a worker that crashed, or left a connection behind, is an error.
function nginx_lua:stop()
  if not self.pipe then return end
  self:signal("QUIT")
  self.pipe:read("*a")
  self.pipe:close()
  self.pipe = nil
  local log = self:log()
  local at = log:find("[alert]", 1, true) -- a crash, too: "exited on signal"
  assert(not at, at and log:match("[^\n]*", at))
end

return nginx_lua
