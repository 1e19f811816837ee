local core = require "mavilua.core"
local http = require "mavilua.http"
local mavilua = require "mavilua"
local process = require "spec.support.process"
local socket = require "socket"
local support = require "spec.support.sandbox"

local function certificate(name)
  local folder = process.folder()
  local cert, key = folder .. "/cert.pem", folder .. "/key.pem"
  assert(os.execute(("openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 "
    .. "-subj /CN=%s -addext subjectAltName=DNS:%s,IP:127.0.0.1 -keyout %s -out %s 2>/dev/null")
    :format(name, name, key, cert)))
  return cert, key
end

describe("a sandbox with a certificate", function()
  local box, cert, key
  setup(function()
    cert, key = certificate "localhost"
    box = support.start { "--tls-cert", cert, "--tls-key", key }
  end)
  teardown(function() box:stop() end)

  it("is ready at https", function()
    assert.matches("^https://127%.0%.0%.1:%d+$", box.url)
  end)

  it("serves who trusts it, and no other", function()
    local bot = mavilua.client { api_key = "sandbox", base_url = box.url, ca_file = cert, retries = 0 }
    assert.equal(50, #assert(bot:get_clients {}).clients)
    local reply = assert(http.request { url = box.url .. "/_sandbox/clock", ca_file = cert })
    assert.equal("real", reply:json().mode)
    -- reading all that the machine trusts takes its time under a sanitizer
    local distrustful = mavilua.client { api_key = "sandbox", base_url = box.url, retries = 0, connect_timeout = 30 }
    local answer, err = distrustful:get_clients {}
    assert.is_nil(answer)
    assert.equal("certificate", err.kind)
  end)

  it("serves the program's commands that are given its certificate", function()
    local env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = box.url, MAVILUA_CA_FILE = "" }
    local code, out, err = process.run { "call", "get_clients", '{"limit":1}', "--ca-file", cert, env = env }
    assert.equal(0, code, err)
    assert.matches('"clients"', out, 1, true)
    code, out, err = process.run {
      "chat", "--url", box.url, "--ca-file", cert, "--wait", "0", stdin = "hi\n", env = env }
    assert.equal(0, code, err)
    assert.matches("You> hi", out, 1, true)
    code, out, err = process.run {
      "repl", "--ca-file", cert, stdin = "#bot:get_clients{limit = 1}.clients\n", env = env }
    assert.same({ 0, "1\n" }, { code, out }, err)
    env.MAVILUA_CA_FILE = cert
    assert.equal(0, (process.run { "call", "get_clients", env = env }))
  end)

  it("tells those that are not which option helps", function()
    local env = { MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = box.url, MAVILUA_CA_FILE = "" }
    local code, _, err = process.run { "call", "get_clients", env = env }
    assert.equal(69, code)
    assert.matches("ca_file names a PEM file", err, 1, true)
    code, _, err = process.run { "chat", "--url", box.url, stdin = "hi\n", env = env }
    assert.equal(69, code)
    assert.matches("--ca-file names a PEM file", err, 1, true)
    code, _, err = process.run { "call", "get_clients", "--ca-file", "/none.pem", env = env }
    assert.equal(66, code)
    assert.matches("/none.pem", err, 1, true)
  end)

  it("plays faults there, too", function()
    local trusting = { url = box.url .. "/_sandbox/faults", ca_file = cert, method = "POST" }
    trusting.json = { kind = "drop_after", times = 1 }
    assert.equal(200, assert(http.request(trusting)).status)
    local bot = mavilua.client { api_key = "sandbox", base_url = box.url, ca_file = cert, retries = 0 }
    local answer, err = bot:broadcast { clients = { 836058548 }, message = "x" }
    assert.is_nil(answer)
    assert.equal("ambiguous", err.kind)
  end)

  it("leaves the processor alone while a client hesitates in the middle of its first words", function()
    local client = assert(socket.connect(box.url:match "//([%d.]+):(%d+)"))
    assert(client:send "\22\3\1")
    local before = process.ticks(box.server.pid)
    core.sleep(1)
    local used = process.ticks(box.server.pid) - before
    client:close()
    assert.is_true(used < 25, ("used %d of 100 ticks of a second"):format(used))
  end)

  it("says what is wrong with a certificate", function()
    local _, other = certificate "other.example"
    local missing = process.folder() .. "/nothing.pem"
    for words, args in pairs {
      [missing] = { "--tls-cert", missing, "--tls-key", key },
      ["certificate"] = { "--tls-cert", cert },
      ["PEM"] = { "--tls-cert", key, "--tls-key", cert },
      ["key"] = { "--tls-cert", cert, "--tls-key", other },
    } do
      local status, out, err = process.run { "sandbox", "--listen", "127.0.0.1:0", table.unpack(args) }
      assert.not_equal(0, status, words)
      assert.equal("", out)
      assert.matches(words, err, 1, true)
    end
  end)
end)
