--- The transport inside nginx: HTTP/1.1 over cosockets, one exchange at a time on a connection, connections kept.
-- Its failures are those of the transport over libcurl: what failed before the request was written was surely
-- not sent; all else may have been. Redirects are not followed; certificates are verified.
-- @internal mavilua.resty.send
local address = require "mavilua.resty.address"
local answer = require "mavilua.resty.answer"
local core = require "mavilua.core"
local reader = require "mavilua.resty.reader"

local IDLE = 30000   -- milliseconds that a connection may be idle; the other side has likely closed an older one
local KEPT = 64      -- idle connections for each pool
local TRIES = 6      -- to connect to a name's addresses
local SLICE = 32768  -- bytes written at once: the time left is looked at in between

local function fail(kind, words, lost)
  error({ kind = kind, words = words, lost = lost }, 0)
end

-- Seconds that are left; raises when none are.
local function left(deadline)
  local seconds = deadline - core.now()
  if seconds <= 0 then fail("timeout") end
  return seconds
end

local function limit(call, deadline)
  local milliseconds = math.ceil(left(deadline) * 1000)
  call.socket:settimeouts(milliseconds, milliseconds, milliseconds)
end

-- ---- connecting ------------------------------------------------------------------------------------

local function explain_connect(problem)
  if problem == "timeout" then fail("timeout") end
  if problem:find("no resolver defined", 1, true) then
    fail("network", "the name cannot be resolved: nginx has no resolver; add one to its http block, such as: "
      .. "resolver 127.0.0.53;")
  end
  if problem:find("could not be resolved (110:", 1, true) then fail("timeout") end -- nginx's resolver_timeout
  local reason = problem:match("could not be resolved(.*)$")
  if reason then fail("network", "the name cannot be resolved" .. reason) end
  fail("network", "cannot connect: " .. problem)
end

-- What to connect to, one after the other. nginx's resolver does not read /etc/hosts; of a name's addresses nginx
-- takes any, so that the next try may well meet another.
local function hosts_of(to)
  if to.host == "localhost" then return { "127.0.0.1", "[::1]" } end
  if to.literal then return { to.host } end
  local hosts = {}
  for i = 1, TRIES do hosts[i] = to.host end
  return hosts
end

local function is_final(problem)
  return problem == "timeout" or problem:find("resolve", 1, true)
end

-- Connections that may stand for each other have one pool; what was not verified is never taken for what was.
local function pool_of(call, fresh)
  local to, verified = call.to, call.request.verify ~= false
  return ("mavilua %s %s%s%s"):format(to.scheme, to.shown, verified and "" or " unverified", fresh and " fresh" or "")
end

-- nginx's own limit to connecting does not count the time that its resolver takes: another thread does.
local function connect_by_name(call, deadline, options)
  local ok, problem
  local connecting = ngx.thread.spawn(function()
    ok, problem = call.socket:connect(call.to.host, call.to.port, options)
  end)
  if ok or problem then return ok, problem end -- the connection was a kept one
  local timing = ngx.thread.spawn(function() ngx.sleep(left(deadline)) end)
  local ended, why = ngx.thread.wait(connecting, timing)
  ngx.thread.kill(connecting)
  ngx.thread.kill(timing)
  if not ended then error(why, 0) end
  if not ok and not problem then fail("timeout") end
  return ok, problem
end

local function connect_to(call, deadline, host, options)
  limit(call, deadline)
  if call.to.literal or host ~= call.to.host then return call.socket:connect(host, call.to.port, options) end
  return connect_by_name(call, deadline, options)
end

local function open(call, deadline, fresh)
  local options = { pool = pool_of(call, fresh), pool_size = KEPT }
  local problem
  for _, host in ipairs(hosts_of(call.to)) do
    local ok
    ok, problem = connect_to(call, deadline, host, options)
    if ok then return end
    if is_final(problem) then break end
  end
  explain_connect(problem)
end

local REFUSED = "the certificate is not trusted, or is of another name"
local TRUST = " (whom nginx trusts: lua_ssl_trusted_certificate; how many between: lua_ssl_verify_depth)"
local TESTS = " (verify = false checks nothing: for tests alone)"

local trust_hints = {
  { "unable to get local issuer certificate", TRUST }, { REFUSED, TRUST },
  { "unable to verify the first certificate", TRUST }, { "signed certificate", TRUST }, -- by itself
  { "certificate chain too long", " (lua_ssl_verify_depth)" },
}

-- nginx tells of a certificate as OpenSSL does ("10: certificate has expired"), or in words of its own;
-- of what else ends a handshake only that it failed.
local function is_of_certificate(problem)
  return problem:find("certificate", 1, true) ~= nil or problem:find("^%d+: ") ~= nil
end

local function explain_tls(call, problem)
  if problem == "timeout" then fail("timeout") end
  local kind, last = "network", ""
  if is_of_certificate(problem) then kind, last = "certificate", TESTS end
  for _, hint in ipairs(trust_hints) do
    if problem:find(hint[1], 1, true) then problem = problem .. hint[2] end
  end
  if call.to.literal and problem:find("mismatch", 1, true) then
    problem = problem .. " (nginx checks certificates against names, not addresses)"
  end
  fail(kind, "TLS failed: " .. problem .. last)
end

local function secure(call, deadline)
  if call.to.scheme ~= "https" then return end
  limit(call, deadline)
  local name = call.to.host:gsub("^%[(.*)%]$", "%1")
  local ok, problem = call.socket:sslhandshake(false, name, call.request.verify ~= false)
  if not ok and problem then explain_tls(call, problem) end
  -- Of a handshake that ends at once lua-nginx-module 0.10.23 tells no failure: it has just closed the socket.
  if not call.socket:getreusedtimes() then explain_tls(call, REFUSED) end
end

-- `fresh`: not one of the kept ones. Sets `call.reused`.
local function connect(call, fresh)
  local deadline = math.min(call.deadline, core.now() + (call.request.connect_timeout or 5))
  call.socket = ngx.socket.tcp()
  open(call, deadline, fresh)
  call.reused = (call.socket:getreusedtimes() or 0) > 0
  if not call.reused then secure(call, deadline) end
end

-- ---- the request -----------------------------------------------------------------------------------

local function check_line(text, pattern)
  if not text:find(pattern) then fail("usage", "a part of the request has characters that it may not have") end
  return text
end

-- Every part is checked here once more, whoever made it: no text becomes another header or request.
local function head_of(call)
  local request, to = call.request, call.to
  local lines, present = {}, {}
  for name, value in pairs(request.headers or {}) do
    lines[#lines + 1] = check_line(name, "^[%w!#$%%&'*+.^_`|~-]+$") .. ": "
      .. check_line(tostring(value), "^[^%z\1-\8\10-\31\127]*$")
    present[name:lower()] = true
  end
  if present["content-length"] or present["transfer-encoding"] then
    fail("usage", "Content-Length and Transfer-Encoding are the transport's own headers")
  end
  table.sort(lines)
  local function add(name, value)
    if value and not present[name:lower()] then table.insert(lines, 1, name .. ": " .. value) end
  end
  local has_body = request.body and request.body ~= ""
  add("Content-Length", (has_body or request.method == "POST") and #(request.body or ""))
  add("Content-Type", has_body and "application/json")
  add("User-Agent", "mavilua/" .. core.version)
  add("Authorization", to.credentials)
  add("Host", to.name)
  local first = ("%s %s HTTP/1.1"):format(check_line(request.method, "^%a+$"), check_line(to.target, "^/[!-~]*$"))
  return first .. "\r\n" .. table.concat(lines, "\r\n") .. "\r\n\r\n"
end

local function write(call, text)
  for from = 1, #text, SLICE do
    limit(call, call.deadline)
    call.sent = true
    local ok, problem = call.socket:send(text:sub(from, from + SLICE - 1))
    if not ok then
      if problem == "timeout" then fail("timeout") end
      fail("network", "the connection broke while sending: " .. problem, true)
    end
  end
end

-- ---- the exchange ----------------------------------------------------------------------------------

local function let_go(call, again)
  local socket = call.socket
  call.socket = nil
  if not socket then return end
  if not (again and socket:setkeepalive(IDLE, KEPT)) then socket:close() end
end

local function exchange(call, fresh)
  connect(call, fresh)
  call.source = reader.new(call.socket, function() limit(call, call.deadline) end)
  write(call, call.head .. (call.request.body or ""))
  local status, headers, body, again = answer.read(call.source, call.request)
  let_go(call, again and not fresh)
  return { status = status, headers = headers, body = body, seconds = core.now() - call.started }
end

local function try(call, fresh)
  local ok, outcome = pcall(exchange, call, fresh)
  if ok then return outcome end
  let_go(call, false)
  if type(outcome) ~= "table" or not outcome.kind then error(outcome, 0) end
  return nil, outcome
end

-- A kept connection that the other side had closed meanwhile: nothing of an answer came. What may be
-- done twice is sent again at once; of the rest nobody knows.
local function was_stale(call, problem)
  return problem.lost and call.reused and not call.request.once and (not call.source or call.source.received == 0)
end

local function words_of(call, problem)
  if problem.words then return problem.words end
  return ("no answer within %.3g s%s"):format(core.now() - call.started,
    call.sent and "" or " (not even a connection)")
end

local function failure(call, problem)
  local words = words_of(call, problem)
  local shown = call.to and call.to.shown .. ": " or ""
  return nil, { kind = problem.kind, message = shown .. words, sent = call.sent }
end

local function prepare(call)
  local to, words = address.parse(call.request.url)
  if not to then fail("usage", words) end
  call.to = to
  call.head = head_of(call)
end

--- Sends a request.
-- @param request table: `method`, `url`, `headers` (name -> value), `body`, `timeout` (seconds, 30),
--   `connect_timeout` (seconds, 5), `max_reply` (bytes, 64 MiB), `verify` (true), `once` (may not be sent twice)
-- @return {status, headers, body, seconds}; or nil and {kind, message, sent}: kind "network", "timeout", "certificate",
--   "decode" or "usage"; `message` names host and port, never path or query; `sent` false: no byte of it has left
local function send(request)
  local started = core.now()
  local call = { request = request, started = started, deadline = started + (request.timeout or 30), sent = false }
  local ok, problem = pcall(prepare, call)
  if not ok then
    if type(problem) ~= "table" then error(problem, 0) end
    return failure(call, problem)
  end
  local reply
  reply, problem = try(call, false)
  if not reply and was_stale(call, problem) then reply, problem = try(call, true) end
  if not reply then return failure(call, problem) end
  return reply
end

return send
