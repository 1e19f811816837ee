-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local mavilua = require "mavilua"
local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local socket = require "socket"

local has_ipv6 = pcall(function()
  local listener = assert(socket.tcp6())
  assert(listener:bind("::1", 0))
  listener:close()
end)

local folder = process.folder()

local function openssl(...)
  local status, _, why = process.run { bin = "openssl", ... }
  assert(status == 0, why)
end

-- CA, an intermediate and a server's certificate below each; the server hands out the whole chain.
local function make_certificates()
  local function key(name) return folder .. "/" .. name .. ".key" end
  local function request(name, subject)
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=" .. subject,
      "-keyout", key(name), "-out", folder .. "/" .. name .. ".csr")
  end
  local function sign(name, by, extension)
    local file = process.write(folder .. "/" .. name .. ".ext", extension)
    openssl("x509", "-req", "-days", "2", "-in", folder .. "/" .. name .. ".csr", "-CA", folder .. "/" .. by .. ".pem",
      "-CAkey", key(by), "-CAcreateserial", "-extfile", file, "-out", folder .. "/" .. name .. ".pem")
  end
  openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
    "-subj", "/CN=Spec CA", "-keyout", key "ca", "-out", folder .. "/ca.pem")
  request("middle", "Spec Middle")
  sign("middle", "ca", "basicConstraints=critical,CA:TRUE")
  request("server", "platform.test")
  sign("server", "middle", "subjectAltName=DNS:platform.test,DNS:six.test,DNS:localhost")
  process.write(folder .. "/chain.pem", process.read(folder .. "/server.pem") .. process.read(folder .. "/middle.pem"))
  request("old", "old.test")
  process.write(folder .. "/old.ext", "subjectAltName=DNS:four.test")
  openssl("x509", "-req", "-days", "-1", "-in", folder .. "/old.csr", "-CA", folder .. "/ca.pem", "-CAkey", key "ca",
    "-CAcreateserial", "-extfile", folder .. "/old.ext", "-out", folder .. "/old.pem")
end

local http = [[
  resolver %(dns)s ipv6=on;
  resolver_timeout 1s;
  lua_ssl_trusted_certificate %(certificates)s/ca.pem;
  lua_ssl_verify_depth 3;
  server {
    listen 127.0.0.1:%(plain)s;
    ]] .. (has_ipv6 and "listen [::1]:%(plain)s;" or "") .. [[

    listen 127.0.0.1:%(tls)s ssl;
    server_name platform.test;
    ssl_certificate %(certificates)s/chain.pem;
    ssl_certificate_key %(certificates)s/server.key;
    return 200 "$scheme $ssl_server_name $http_host $connection";
  }
  lua_shared_dict told 1m;
  server {
    listen 127.0.0.1:%(asking)s ssl;
    ssl_certificate %(certificates)s/chain.pem;
    ssl_certificate_key %(certificates)s/server.key;
    ssl_certificate_by_lua_block {
      local reply = require("mavilua").http.get "http://four.test:%(plain)s/"
      ngx.shared.told:set("body", reply and reply.body)
    }
    location / { content_by_lua_block { ngx.print(ngx.shared.told:get "body") } }
  }
  server {
    listen 127.0.0.1:%(old)s ssl;
    ssl_certificate %(certificates)s/old.pem;
    ssl_certificate_key %(certificates)s/old.key;
    return 200 "old";
  }
]]

local server = [[
  location = /closed { content_by_lua_block {
    local open = ngx.socket.tcp
    local socket, times, sent = {}, { 0 }, false
    function socket.settimeouts() end
    function socket.connect() return 1 end
    function socket.sslhandshake() return true end
    function socket.getreusedtimes() return table.remove(times), "closed" end
    function socket.send() sent = true end
    function socket.close() end
    ngx.socket.tcp = function() return socket end
    local _, err = require("mavilua").http.get "https://127.0.0.1:1"
    ngx.socket.tcp = open
    ngx.print(err.kind, " ", tostring(sent or err.sent), " ", tostring(err.message:find("TLS failed") ~= nil))
  } }
  location = /send { content_by_lua_block {
    local mavilua = require "mavilua"
    ngx.req.read_body()
    local wanted = assert(mavilua.decode(ngx.req.get_body_data()))
    local reply, err = mavilua.http.request(wanted)
    ngx.print(mavilua.encode(reply and { body = reply.body } or { kind = err.kind, message = err.message,
      sent = err.sent }))
  } }
]]

describe("TLS and names in nginx", function()
  local nginx, dns

  setup(function()
    make_certificates()
    dns = process.start { bin = "lua5.4", "spec/support/dns_server.lua" }
    nginx = nginx_lua.start { http = http, server = server, ports = { "plain", "tls", "asking", "old" }, values = {
       certificates = folder, dns = dns.url } }
  end)

  teardown(function()
    nginx:stop()
    dns:kill()
  end)

  local function ask(url, more)
    local request = { url = url, timeout = 20 }
    for name, value in pairs(more or {}) do request[name] = value end
    local status, body = nginx:request("/send", { method = "POST", body = assert(mavilua.encode(request)) })
    assert.equal(200, status, body)
    return assert(mavilua.decode(body))
  end

  local function fails(text, url, more)
    local got = ask(url, more)
    assert.is_string(got.message, got.body)
    assert.matches(text, got.message, 1, true)
    assert.same({ "network", false }, { got.kind, got.sent })
  end

  -- nginx says why only of handshakes that do not end at once.
  local function refuses(text, url, more)
    local got = ask(url, more)
    assert.is_string(got.message, got.body)
    if not got.message:find(text, 1, true) then
      assert.matches("TLS failed: the certificate is not trusted, or is of another name", got.message, 1, true)
    end
    assert.same({ "certificate", false }, { got.kind, got.sent })
    assert.matches("verify = false", got.message, 1, true)
  end

  it("verifies the certificate's chain and name, and sends the name", function()
    local place = "platform.test:" .. nginx.tls
    local got = ask("https://" .. place .. "/")
    assert.matches("^https platform.test " .. place .. " %d+$", got.body or got.message)
    place = "localhost:" .. nginx.tls
    assert.matches("^https localhost " .. place .. " %d+$", ask("https://" .. place .. "/").body)
  end)

  it("refuses a certificate of another name, an old one, and an address", function()
    refuses("four.test:" .. nginx.tls .. ": TLS failed: certificate host mismatch", "https://four.test:" .. nginx.tls)
    refuses("certificate has expired", "https://four.test:" .. nginx.old)
    refuses("nginx checks certificates against names, not addresses", "https://127.0.0.1:" .. nginx.tls)
    fails("TLS failed: ", "https://platform.test:" .. nginx.plain)
  end)

  it("says who is trusted, where nobody is", function()
    local other = nginx_lua.start { server = server }
    finally(function() other:stop() end)
    local _, body = other:request("/send", { method = "POST",
      body = assert(mavilua.encode { url = "https://localhost:" .. nginx.tls }) })
    assert.matches(" (whom nginx trusts: lua_ssl_trusted_certificate;", body, 1, true)
    assert.matches('"sent":false', body, 1, true)
    assert.matches('"kind":"certificate"', body, 1, true)
  end)

  it("sends nothing after a handshake that nginx closed without a word", function()
    local _, said = nginx:request("/closed")
    assert.equal("certificate false true", said)
  end)

  it("looks at none if told so, and keeps such connections apart", function()
    local url = "https://four.test:" .. nginx.tls
    local first = ask(url, { verify = false }).body
    assert.matches("^https four.test ", first)
    assert.equal(first, ask(url, { verify = false }).body)
    refuses("certificate host mismatch", url)
  end)

  it("works while a certificate is chosen", function()
    assert.matches("^http ", ask("https://platform.test:" .. nginx.asking).body)
  end)

  it("uses a connection again without another handshake", function()
    local url = "https://platform.test:" .. nginx.tls
    assert.equal(ask(url).body, ask(url).body)
  end)

  it("finds names by nginx's resolver", function()
    assert.matches("^http ", ask("http://four.test:" .. nginx.plain).body)
    fails("none.test:80: the name cannot be resolved (3: Host not found)", "http://none.test")
  end)

  it("gives up on a resolver that says nothing, when nginx does or the time to connect is over", function()
    for _, patience in ipairs { 0.2, 20 } do
      local got = ask("http://silent.test", { connect_timeout = patience })
      assert.same({ "timeout", false }, { got.kind, got.sent })
      assert.matches("^silent.test:80: no answer within [%d.]+ s %(not even a connection%)$", got.message)
    end
    assert.is_truthy(nginx:log():find("lua tcp socket abort resolver", 1, true))
  end)

  if has_ipv6 then
    it("speaks IPv6, by address and by name", function()
      assert.matches("^http ", ask("http://[::1]:" .. nginx.plain).body)
      assert.matches("^http ", ask("http://six.test:" .. nginx.plain).body)
    end)
  end
end)
