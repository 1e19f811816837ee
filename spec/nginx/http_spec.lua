-- nginx loads the module as it is built for release.
if os.getenv "MAVILUA_MODE" ~= "release" then return end

local http = require "mavilua.http"
local mavilua = require "mavilua"
local nginx_lua = require "spec.support.nginx_lua"
local process = require "spec.support.process"
local raw_server = require "spec.support.raw_server"

local answer, send = raw_server.answer, raw_server.send

local server = [[
  location = /send { content_by_lua_block {
    local mavilua = require "mavilua"
    ngx.req.read_body()
    local wanted = assert(mavilua.decode(ngx.req.get_body_data()))
    if wanted.large then wanted.body, wanted.large = ("x"):rep(wanted.large), nil end
    local ok, reply, err = pcall(mavilua.http.request, wanted)
    if not ok then ngx.print(mavilua.encode { misuse = reply }) return end
    local out = reply and { status = reply.status, body = reply.body, headers = reply.headers, ok = reply.ok }
      or { kind = err.kind, message = err.message, sent = err.sent }
    if out.body and #out.body > 100000 then out.body, out.length = nil, #out.body end
    ngx.print(mavilua.encode(out))
  } }
  location = /unchecked { content_by_lua_block {
    local mavilua = require "mavilua"
    ngx.req.read_body()
    local _, err = require("mavilua.resty.send")(mavilua.decode(ngx.req.get_body_data()))
    ngx.print(mavilua.encode(err or {}))
  } }
]]

local OK = "HTTP/1.1 200 OK"
local function ok_with(headers, body) return send(answer(OK .. headers, body)) end
local CHUNKED = "\nTransfer-Encoding: chunked"

-- name, program, what comes of it: a status and a body, or a kind and words. `request`: more of the request.
-- `differs`: libcurl is more lenient, or has another word for it.
local cases = {
  { "a sized body", ok_with("\nContent-Length: 5", "hello"), 200, "hello" },
  { "an empty body", ok_with("\nContent-Length: 0"), 200, "" },
  { "a chunked body", ok_with(CHUNKED, "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"), 200, "hello" },
  { "chunks with extensions and trailers",
    ok_with("\ntransfer-encoding: Chunked", "5;a=b\r\nhello\r\n0;x\r\nX-Sum: 1\r\n\r\n"), 200, "hello" },
  { "a body that ends with the connection", ok_with("", "hello") .. "\nclose", 200, "hello" },
  { "HTTP/1.0", send(answer("HTTP/1.0 200 OK", "hello")) .. "\nclose", 200, "hello" },
  { "a status without words", send(answer("HTTP/1.1 200 \nContent-Length: 2", "ok")), 200, "ok" },
  { "no body where none may be", send(answer "HTTP/1.1 204 None"), 204, "" },
  { "the head alone", ok_with("\nContent-Length: 5"), 200, "", request = { method = "HEAD" } },
  { "interim answers", send(answer "HTTP/1.1 100 Continue" .. answer "HTTP/1.1 103 Hints\nLink: x")
    .. "\n" .. ok_with("\nContent-Length: 2", "ok"), 200, "ok" },
  { "byte by byte", (answer(OK .. "\nContent-Length: 3", "abc"):gsub(".", function(c)
    return send(c) .. "\nwait 0.001\n" end)), 200, "abc" },
  { "the same length twice", ok_with("\nContent-Length: 2\nContent-Length: 2", "ok"), 200, "ok" },
  { "a redirect", send(answer "HTTP/1.1 302 Found\nLocation: http://127.0.0.1:1/\nContent-Length: 0"), 302, "" },
  { "a failure", send(answer("HTTP/1.1 500 Sorry\nContent-Length: 5", "sorry")), 500, "sorry" },

  { "no answer", "close", "network", "the connection was closed without an answer" },
  { "a reset", "reset", "network", "the connection" },
  { "a cut head", send "HTTP/1.1 200 OK\r\nContent-Le" .. "\nclose", "decode", "cut off after 27 bytes of headers",
    differs = true },
  { "a cut body", ok_with("\nContent-Length: 10", "hello") .. "\nclose", "decode", "cut off after 5 bytes" },
  { "a cut chunk", ok_with(CHUNKED, "a\r\nhello") .. "\nclose", "decode", "cut off after 5 bytes" },
  { "no last chunk", ok_with(CHUNKED, "5\r\nhello\r\n") .. "\nclose", "decode", "cut off after 5 bytes" },
  { "what is not HTTP", send "I do not speak HTTP\r\n\r\n" .. "\nclose", "decode", "not HTTP" },
  { "a line without end", "many 20000 aaaaaaaaaa\nclose", "decode", "headers are too long", differs = true },
  { "HTTP/2", send(answer "HTTP/2 200\nContent-Length: 0"), "decode", "not HTTP", differs = true },
  { "a status of two digits", send(answer "HTTP/1.1 20 OK\nContent-Length: 0") .. "\nclose", "decode", "not HTTP",
    differs = true },
  { "a header without colon", ok_with("\nContent-Length: 0\nwhat"), "decode", "not HTTP", differs = true },
  { "a blank before the colon", ok_with("\nContent-Length : 0"), "decode", "not HTTP", differs = true },
  { "a folded header", ok_with("\nX: a\n b\nContent-Length: 0"), "decode", "not HTTP", differs = true },
  { "NUL in a header", ok_with("\nX: a\0b\nContent-Length: 0"), "decode", "not HTTP", differs = true },
  { "LF alone", send "HTTP/1.1 200 OK\nContent-Length: 0\n\n", "decode", "not HTTP", differs = true },
  { "CR alone", send "HTTP/1.1 200 OK\r\nX: a\rb\r\n\r\n", "decode", "not HTTP", differs = true },
  { "too many headers", send "HTTP/1.1 200 OK\r\n" .. "\nmany 9000 X-Many: 1234567890%0D%0A", "decode",
    "headers are too long", differs = true },
  { "interim answers without end", "many 100 " .. "HTTP/1.1 100 Continue%0D%0A%0D%0A", "decode", "too many",
    differs = true },
  { "another protocol", send(answer "HTTP/1.1 101 Switching\nUpgrade: x"), "decode", "changes the protocol",
    differs = true },
  { "a length that is none", ok_with("\nContent-Length: -1"), "decode", "Content%-Length is none", differs = true },
  { "a length of hex digits", ok_with("\nContent-Length: 0x5", "hello"), "decode", "Content%-Length is none",
    differs = true },
  { "two lengths", ok_with("\nContent-Length: 2\nContent-Length: 3", "oki"), "decode", "Content%-Length is none",
    differs = true },
  { "a length and chunks", ok_with("\nContent-Length: 3" .. CHUNKED, "0\r\n\r\n"), "decode", "two ways",
    differs = true },
  { "another Transfer-Encoding", ok_with("\nTransfer-Encoding: gzip, chunked", "0\r\n\r\n"), "decode",
    "not chunked", differs = true },
  { "chunks of no length", ok_with(CHUNKED, "x\r\nhello\r\n0\r\n\r\n"), "decode", "chunks are broken",
    differs = true },
  { "chunks of enormous length", ok_with(CHUNKED, "ffffffffffffffffff\r\nhello"), "decode", "chunks are broken",
    differs = true },
  { "chunks without their end", ok_with(CHUNKED, "2\r\nhello\r\n0\r\n\r\n"), "decode", "chunks are broken",
    differs = true },
  { "compression", ok_with("\nContent-Encoding: gzip\nContent-Length: 2", "zz"), "decode", "compressed",
    differs = true },
  { "a long sized body", ok_with("\nContent-Length: 11", "hello world"), "decode", "more than 10 bytes",
    request = { max_reply = 10 } },
  { "a long chunked body", ok_with(CHUNKED, "6\r\nhello \r\n6\r\nworld!\r\n0\r\n\r\n"), "decode",
    "more than 10 bytes", request = { max_reply = 10 } },
  { "a long body that ends with the connection", ok_with("", "hello world") .. "\nclose", "decode",
    "more than 10 bytes", request = { max_reply = 10 } },
  { "silence", "hold", "timeout", "no answer within [%d.]+ s$", request = { timeout = 0.5 } },
  { "silence in a body", ok_with("\nContent-Length: 10", "hello") .. "\nhold", "timeout", "no answer within",
    request = { timeout = 0.5 } },
  { "an answer that takes for ever", ok_with("\nContent-Length: 1000") .. "\n" .. ("send x\nwait 0.05\n"):rep(400),
    "timeout", "no answer within", request = { timeout = 0.5 } },
  { "a receiver that does not read", "early\nhold", "timeout", "no answer within",
    request = { timeout = 0.5, large = 30000000 } },
}

describe("HTTP in nginx", function()
  local nginx, raw

  setup(function()
    raw = raw_server.start()
    nginx = nginx_lua.start { server = server }
  end)

  teardown(function()
    nginx:stop()
    raw:stop()
  end)

  local function ask(path, request)
    local status, body = nginx:request(path, { method = "POST", body = assert(mavilua.encode(request)) })
    assert.equal(200, status, body)
    return assert(mavilua.decode(body))
  end

  local function request_to(url, more)
    local request = { url = url .. "/secret-path?secret-query", timeout = 20 }
    for name, value in pairs(more or {}) do request[name] = value end
    return request
  end

  -- What libcurl makes of the same.
  local function by_libcurl(request)
    if request.large then request.body, request.large = ("x"):rep(request.large), nil end
    local reply, err = http.request(request)
    return reply or { kind = err.kind, sent = err.sent }
  end

  for _, case in ipairs(cases) do
    local name, program, outcome, text = table.unpack(case)
    it("takes as it should: " .. name, function()
      local url = raw:url(program)
      local got = ask("/send", request_to(url, case.request))
      assert.is_nil(got.misuse)
      assert.equal(outcome, got.kind or got.status, got.message)
      if got.kind then
        assert.matches(text, got.message)
        assert.matches("^127%.0%.0%.1:%d+: ", got.message)
        assert.is_nil(got.message:find("secret", 1, true))
        assert.is_true(got.sent)
      else
        assert.equal(text, got.body)
      end
      if case.differs then return end
      local other = by_libcurl(request_to(raw:url(program), case.request))
      assert.same({ other.kind or other.status, other.body, other.sent },
        { got.kind or got.status, got.body, got.sent })
    end)
  end

  it("gives headers in small letters, repeated ones joined", function()
    local url = raw:url(ok_with("\nX-Two: a\nx-two:  b \nContent-Length: 0"))
    assert.equal("a, b", ask("/send", request_to(url)).headers["x-two"])
  end)

  it("receives large bodies, sized and in chunks of any size", function()
    for _, program in ipairs { ok_with("\nContent-Length: 5000000") .. "\nmany 500000 0123456789",
      ok_with(CHUNKED) .. "\nmany 50000 64%0D%0A" .. ("0123456789"):rep(10) .. "%0D%0A\nsend 0%0D%0A%0D%0A",
      ok_with(CHUNKED) .. "\nmany 200000 1%0D%0Ax%0D%0A\nsend 0%0D%0A%0D%0A" } do
      local got = ask("/send", request_to(raw:url(program)))
      assert.equal(200, got.status, got.message)
      assert.equal(program:find("200000", 1, true) and 200000 or 5000000, got.length)
    end
  end)

  it("sends large bodies", function()
    local url = raw:url(ok_with("\nContent-Length: 0"))
    assert.equal(200, ask("/send", request_to(url, { large = 3000000 })).status)
    assert.equal(3000000, #raw:requests(url)[1].body)
  end)

  it("sends what was asked for and nothing else", function()
    local url = raw:url(ok_with("\nContent-Length: 0"))
    ask("/send", { url = url .. "/a?b=c#fragment", headers = { ["X-One"] = "1" }, body = "text", method = "PUT" })
    local head = raw:requests(url)[1].head
    local lines = {}
    for line in head:gmatch("[^\r\n]+") do lines[#lines + 1] = line end
    local place = url:match("//([^/]+)")
    assert.same({ "PUT " .. url:match("//[^/]+(.*)") .. "/a?b=c HTTP/1.1", "Host: " .. place,
      "Content-Type: application/json", "Content-Length: 4", "User-Agent: mavilua/" .. mavilua.version,
      "X-One: 1" }, lines)
  end)

  it("takes a name and password from the address", function()
    local url = raw:url(ok_with("\nContent-Length: 0"))
    ask("/send", { url = (url:gsub("//", "//ada:p%%40ss@")) })
    assert.matches("\r\nAuthorization: Basic YWRhOnBAc3M=\r\n", raw:requests(url)[1].head, 1, true)
  end)

  it("says what was surely not sent", function()
    for address, text in pairs { ["http://127.0.0.1:1"] = "^127.0.0.1:1: cannot connect: connection refused$",
      ["http://name.test"] = "^name.test:80: the name cannot be resolved: nginx has no resolver",
      ["http://[::1]:1"] = "^%[::1%]:1: cannot connect", ["http://a_b:99999"] = "^the address is malformed$",
      ["http://localhost:1"] = "^localhost:1: cannot connect" } do
      local got = ask("/send", { url = address, method = "POST" })
      assert.matches(text, got.message)
      assert.is_false(got.sent)
    end
  end)

  it("lets no text become another header or request", function()
    local url = raw:url(ok_with("\nContent-Length: 0"))
    local bad = {
      { url = url, headers = { ["X-A"] = "1\r\nX-B: 2" } }, { url = url, headers = { ["X-A"] = "1\nX-B: 2" } },
      { url = url, headers = { ["X-A: x\r\nX-B"] = "2" } }, { url = url, headers = { ["X A"] = "2" } },
      { url = url, headers = { ["X-A"] = "1\0" } }, { url = url .. "/e\r\nX-B: 2" }, { url = url .. "/ HTTP/1.1" },
      { url = url, method = "GET / HTTP/1.1\r\nX:" }, { url = url:gsub("//", "//a\r\nb@") },
    }
    for i, request in ipairs(bad) do
      assert.is_string(ask("/send", request).misuse, "case " .. i)
      request.method = request.method or "GET"
      assert.equal("usage", ask("/unchecked", request).kind, "case " .. i)
    end
    for _, name in ipairs { "Content-Length", "transfer-encoding" } do
      assert.equal("usage", ask("/send", { url = url, headers = { [name] = "5" }, body = "hello" }).kind)
    end
    assert.same({}, raw:requests(url))
  end)

  -- Sends to one address several times; the numbers of the connections.
  local function connections_of(url, count, more)
    for _ = 1, count do assert.is_truthy(ask("/send", request_to(url, more)).status) end
    local numbers = {}
    for i, request in ipairs(raw:requests(url)) do numbers[i] = request.connection end
    return numbers
  end

  it("uses a connection again", function()
    local numbers = connections_of(raw:url(ok_with("\nContent-Length: 2", "ok")), 3)
    assert.same({ numbers[1], numbers[1], numbers[1] }, numbers)
    numbers = connections_of(raw:url(ok_with(CHUNKED, "0\r\n\r\n")), 2)
    assert.equal(numbers[1], numbers[2])
  end)

  for name, program in pairs {
    ["is closed as it says"] = ok_with("\nConnection: x, Close\nContent-Length: 2", "ok"),
    ["is of HTTP/1.0"] = send(answer("HTTP/1.0 200 OK\nContent-Length: 2", "ok")),
    ["brought more than its answer"] = ok_with("\nContent-Length: 2", "okHTTP/1.1 500 Evil\r\n\r\n"),
    ["brought more than its last chunk"] = ok_with(CHUNKED, "2\r\nok\r\n0\r\n\r\nHTTP/1.1 500 Evil\r\n\r\n"),
  } do
    it("does not use one again that " .. name, function()
      local url = raw:url(program)
      local numbers = connections_of(url, 2)
      assert.not_equal(numbers[1], numbers[2])
      assert.equal("ok", ask("/send", request_to(url)).body)
    end)
  end

  it("drops a kept connection on which something comes unasked", function()
    local url = raw:url(ok_with("\nContent-Length: 2", "ok") .. "\nwait 0.05\n"
      .. send "HTTP/1.1 500 Evil\r\nContent-Length: 4\r\n\r\nevil", ok_with("\nContent-Length: 4", "next"))
    nginx:clear_log()
    assert.equal("ok", ask("/send", request_to(url)).body)
    process.await(function() return nginx:log():find("keepalive close handler", 1, true) end, "the unasked answer")
    assert.equal("next", ask("/send", request_to(url)).body)
  end)

  it("sends again what may be done twice, once a kept connection turns out to be closed", function()
    local ok = ok_with("\nContent-Length: 2", "ok")
    for _, how in ipairs { "close", "reset" } do
      local url = raw:url(ok, how, ok)
      assert.equal("ok", ask("/send", request_to(url)).body)
      assert.equal("ok", ask("/send", request_to(url)).body)
      local requests = raw:requests(url)
      assert.equal(3, #requests)
      assert.equal(requests[1].connection, requests[2].connection)
      assert.not_equal(requests[2].connection, requests[3].connection)
    end
  end)

  it("never sends again what may not be done twice", function()
    local ok = ok_with("\nContent-Length: 2", "ok")
    for _, body in ipairs { "text", "" } do
      local url = raw:url(ok, "close", ok)
      assert.equal("ok", ask("/send", request_to(url)).body)
      local got = ask("/send", request_to(url, { method = "POST", body = body }))
      assert.same({ "network", true }, { got.kind, got.sent })
      assert.equal(2, #raw:requests(url))
    end
  end)

  it("does not send again what was answered in part, or is late", function()
    local ok = ok_with("\nContent-Length: 2", "ok")
    for _, program in ipairs { send "HTTP/1.1 2" .. "\nclose", "hold" } do
      local url = raw:url(ok, program, ok)
      assert.equal("ok", ask("/send", request_to(url)).body)
      assert.is_string(ask("/send", request_to(url, { timeout = 0.5 })).kind)
      assert.equal(2, #raw:requests(url))
    end
  end)
end)
