local mavilua = require "mavilua"
local fake_server = require "spec.support.fake_server"
local process = require "spec.support.process"
local http = mavilua.http

local function raises(request, expected)
  local ok, message = pcall(function() http.request(request) end)
  assert.is_false(ok)
  assert.matches("http_spec.lua:%d+: mavilua.http: ", message)
  assert.matches(expected, message, 1, true)
end

describe("http: misuse", function()
  it("raises at the caller's line and says what it takes", function()
    raises("http://x", "takes a table, got string")
    raises({ url = "http://x", jsn = 1 }, 'unknown option "jsn"; did you mean "json"')
    raises({}, "url takes an address")
    raises({ url = "file:///etc/passwd" }, "url takes an address")
    raises({ url = "http://a b" }, "url takes an address")
    raises({ url = "http://x", method = "GET /" }, "method takes a word")
    raises({ url = "http://x", json = {}, body = "" }, "give one of json, form and body")
    raises({ url = "http://x", json = { f = print } }, "json: ")
    raises({ url = "http://x", headers = { ["X\r\nY"] = "1" } }, "header name")
    raises({ url = "http://x", headers = { X = "1\r\nY: 2" } }, 'header "X" takes one line')
    raises({ url = "http://x", timeout = 0 }, 'option "timeout" takes seconds')
  end)
end)

describe("http: on sockets", function()
  local fake
  setup(function() fake = fake_server.start() end)
  teardown(function() fake:stop() end)

  it("gets", function()
    local address = fake:url { body = "hello" }
    local options = { query = { y = "ü&", z = 2 }, headers = { ["X-One"] = 1 } }
    local reply = assert(http.get(address .. "/a?x=1", options))
    assert.same({ 200, true, "hello" }, { reply.status, reply.ok, reply.body })
    assert.equal("application/json", reply.headers["content-type"])
    local request = fake:requests(address)[1]
    assert.equal("GET", request.method)
    assert.matches("/a?x=1&y=%C3%BC%26&z=2", request.path, 1, true)
    assert.equal("1", request.headers["x-one"])
    assert.equal("mavilua/" .. mavilua.version, request.headers["user-agent"])
  end)

  it("posts JSON, forms and bytes", function()
    local address = fake:url()
    assert.equal("success", assert(http.post(address, { json = { id = -1001234567890123 } })):json().status)
    assert(http.post(address, { form = { a = "1 2", b = true } }))
    local headers = { ["content-type"] = "text/x" }
    assert(http.request { url = address, body = "raw", method = "put", headers = headers })
    local requests = fake:requests(address)
    assert.same({ "POST", '{"id":-1001234567890123}', "application/json" },
      { requests[1].method, requests[1].body, requests[1].headers["content-type"] })
    assert.same({ "a=1%202&b=true", "application/x-www-form-urlencoded" },
      { requests[2].body, requests[2].headers["content-type"] })
    assert.same({ "PUT", "raw", "text/x" },
      { requests[3].method, requests[3].body, requests[3].headers["content-type"] })
  end)

  it("gives a reply whatever its status, and does not follow redirects", function()
    local target = fake:url()
    local reply = assert(http.get(fake:url { status = 302, location = target }))
    assert.same({ 302, false, target }, { reply.status, reply.ok, reply.headers.location })
    assert.equal(0, #fake:requests(target))
    assert.equal(503, assert(http.get(fake:url { status = 503 })).status)
  end)

  it("tells a body that is not JSON", function()
    local value, message = assert(http.get(fake:url { body = "{oops" })):json()
    assert.is_nil(value)
    assert.is_string(message)
  end)

  it("fails as nil, err, and names the host only", function()
    local reply, err = http.get(fake.closed_url .. "/secret?token=secret")
    assert.is_nil(reply)
    assert.same({ "network", false, true }, { err.kind, err.sent, err.retryable })
    assert.not_matches("secret", tostring(err), 1, true)
    assert.matches("^http://127.0.0.1:%d+: ", tostring(err))
    reply, err = http.get(fake:url { delay = 20 }, { timeout = 0.2 })
    assert.is_nil(reply)
    assert.same({ "timeout", true, false }, { err.kind, err.sent, err.retryable })
    reply, err = http.post(fake:url { drop = 9 }, { json = {} })
    assert.is_nil(reply)
    assert.same({ "network", true }, { err.kind, err.sent })
  end)

  it("refuses a reply that is longer than allowed", function()
    local address = fake:url { size = 100000 }
    assert.equal(100000, #assert(http.get(address, { max_reply = 100000 })).body)
    local _, err = http.get(address, { max_reply = 99999 })
    assert.equal("decode", err.kind)
  end)

  it("waits side by side in map", function()
    local address = fake:url { delay = 1 }
    local start = mavilua.now()
    local _, errors = mavilua.map({ 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 }, function() return http.get(address) end)
    assert.same({}, errors)
    assert.is_true(mavilua.now() - start < 10 * 1 / 2)
  end)
end)

describe("http: certificates", function()
  local folder, server, address
  setup(function()
    folder = process.folder()
    assert(os.execute(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
      .. "-subj /CN=fake -addext subjectAltName=IP:127.0.0.1 -keyout %s/key.pem -out %s/cert.pem 2>/dev/null")
      :format(folder, folder)))
    server = process.start { bin = "openssl", "s_server", "-accept", "127.0.0.1:0", "-www",
      "-key", folder .. "/key.pem", "-cert", folder .. "/cert.pem", ready = "^ACCEPT (%S+)" }
    address = "https://" .. server.url
  end)
  teardown(function() server:stop() end)

  it("are verified unless told otherwise", function()
    local reply, err = http.get(address)
    assert.is_nil(reply)
    assert.same({ "certificate", false, false }, { err.kind, err.sent, err.retryable })
    assert.matches("ca_file names a PEM file", err.message, 1, true)
    assert.matches("verify = false", err.message, 1, true)
    assert.equal(200, assert(http.get(address, { ca_file = folder .. "/cert.pem" })).status)
    assert.equal(200, assert(http.get(address, { verify = false })).status)
  end)

  it("are verified by the client, too: no message is ambiguous then, and nothing is tried again", function()
    local bot = mavilua.client { api_key = "key-of-spec", base_url = address, retries = 5 }
    local _, err = bot:message { client_id = 1, message = "x" }
    assert.same({ "certificate", false, 1, false }, { err.kind, err.sent, err.attempts, err.retryable })
    _, err = bot:get_messages()
    assert.same({ "certificate", 1 }, { err.kind, err.attempts })
    local trusting = mavilua.client { api_key = "key-of-spec", base_url = address, retries = 0,
      ca_file = folder .. "/cert.pem" }
    _, err = trusting:get_messages()
    assert.equal("decode", err.kind) -- the server speaks, though no JSON
  end)

  it("must be of the name that is asked", function()
    local _, err = http.get((address:gsub("127.0.0.1", "localhost")), { ca_file = folder .. "/cert.pem" })
    assert.same({ "certificate", false }, { err.kind, err.sent })
  end)

  it("need a file of trust that can be read", function()
    local _, err = http.get(address, { ca_file = folder .. "/none.pem" })
    assert.same({ "certificate", false }, { err.kind, err.sent })
    assert.matches("the file of trusted certificates cannot be read", err.message, 1, true)
  end)
end)

