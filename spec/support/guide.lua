--- Reads the snippets of a guide, and tries them.
--
-- What a fence of `lua`, `sh` or `json` shows must work as it stands. An invisible comment in the line
-- above it may say more:
--   <!-- illustration -->      it is not tried
--   <!-- file: NAME -->        it is saved under that name for the snippets after it
--   <!-- try: LUA -->          of a bot: what is done with it once it is served, in words of `guide.steps`
-- A fence of `text` below a snippet is what it prints: "…" stands for anything, alone in a line for any
-- lines. A shell line with "…" in it is to be filled in, and is not tried.
local core = require "mavilua.core"
local http = require "mavilua.http"
local process = require "spec.support.process"

local guide = {}

-- ---- reading ---------------------------------------------------------------------------------------

local function read_fence(lines, start)
  local text, at = {}, start + 1
  while lines[at] ~= "```" do
    text[#text + 1] = assert(lines[at], "a fence without an end")
    at = at + 1
  end
  return table.concat(text, "\n") .. "\n", at
end

--- The snippets of a guide in order: {language, text, line, word, argument, expected}; `word` and
-- `argument` are of the comment above it, `expected` is the fence of `text` below it.
function guide.snippets(path)
  local lines, snippets, at = {}, {}, 1
  for line in (process.read(path)):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  while lines[at] do
    local language = lines[at]:match "^```(%a*)$"
    if language then
      local word, argument = (lines[at - 1] or ""):match "^<!%-%- (%a+):?%s*(.-) %-%->$"
      local snippet = { language = language, line = at, word = word, argument = argument }
      snippet.text, at = read_fence(lines, at)
      local last = snippets[#snippets]
      if language == "text" and last and last.ends == snippet.line - 1 then last.expected = snippet.text end
      snippet.ends = at
      snippets[#snippets + 1] = snippet
    end
    at = at + 1
  end
  return snippets
end

local function pattern_of(line)
  return "^" .. line:gsub("[%^$()%%.%[%]*+?-]", "%%%0"):gsub("…", ".*") .. "$"
end

-- The lines of a text without its last empty ones.
local function lines_of(text)
  local lines = {}
  for line in (text:gsub("%s*$", "") .. "\n"):gmatch "([^\n]*)\n" do lines[#lines + 1] = line end
  return lines
end

local function matches(expected, i, lines, j)
  if not expected[i] then return lines[j] == nil end
  if expected[i] == "…" then
    for k = j, #lines + 1 do
      if matches(expected, i + 1, lines, k) then return true end
    end
    return false
  end
  return lines[j] ~= nil and lines[j]:find(pattern_of(expected[i])) ~= nil and matches(expected, i + 1, lines, j + 1)
end

--- Raises when a snippet that says what it prints printed something else.
function guide.compare(snippet, printed)
  if not snippet.expected or matches(lines_of(snippet.expected), 1, lines_of(printed), 1) then return end
  error(("the guide says it prints\n%s\nbut it prints\n%s"):format(snippet.expected, printed), 0)
end

-- ---- a place to try them in ------------------------------------------------------------------------

-- Stands in the path as `mavilua`: servers go on in the background, and are ready when it returns.
local in_the_path = [[
#!/bin/sh
case $1 in
  serve) ready="host ready" ;;
  sandbox) ready="sandbox ready" ;;
  chat) [ ! -s "$GUIDE/sandbox" ] || export MAVILUA_SANDBOX_URL=$(cat "$GUIDE/sandbox") ;;
  run) export PATH="${MAVILUA_BIN%/*}:$PATH" ;;
  events|why) # of the host that stands for the guide's, which has not those very events
    MAVILUA_DB="$GUIDE/desk/mavilua.db" "$MAVILUA_BIN" "$@" --json >"$GUIDE/out" 2>&1 </dev/null && exit 0
    grep -q "no event\|no schedule" "$GUIDE/out" || { cat "$GUIDE/out" >&2; exit 1; }
    exit 0 ;;
esac
[ -n "$ready" ] || exec "$MAVILUA_BIN" "$@"
"$MAVILUA_BIN" "$@" >"$GUIDE/out" 2>"$GUIDE/err" </dev/null &
echo $! >>"$GUIDE/pids"
until grep -q "$ready" "$GUIDE/out"; do
  kill -0 $! 2>/dev/null || { cat "$GUIDE/err" >&2; exit 1; }
  sleep 0.02
done
sed -n 's/.*sandbox ready at //p' "$GUIDE/out" >"$GUIDE/sandbox"
]]

local place = {}
place.__index = place

--- A folder with the examples in it, and a host with a sandbox beside it that stands for those of the
-- guide.
function guide.place()
  local self = setmetatable({ root = process.folder() }, place)
  self.work = self.root .. "/desk"
  local copy = ("mkdir -p %s/bin %s && cp -r examples %s && cp examples/*.lua %s && cp examples/shop.lua %s/bot.lua")
  assert(os.execute(copy:format(self.root, self.work, self.work, self.work, self.work)))
  process.write(self.root .. "/bin/mavilua", in_the_path)
  assert(os.execute("chmod +x " .. self.root .. "/bin/mavilua"))
  process.write(self.root .. "/.curlrc", "silent\nshow-error\nfail-with-body\n")
  self.server = process.start { "serve", "--sandbox", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
    "--sandbox-listen", "127.0.0.1:0", "--db", self.work .. "/mavilua.db", self.work .. "/bot.lua", lines = 2 }
  self.sandbox, self.host = self.server.urls[1], self.server.urls[2]
  return self
end

function place:stop()
  self.server:stop()
end

function place:save(snippet)
  process.write(self.work .. "/" .. snippet.argument, snippet.text)
end

-- The guide's addresses are those of the servers that run here.
function place:here(text)
  local ports = { ["8080"] = self.host, ["8081"] = self.server.admin, ["8082"] = self.sandbox }
  return (text:gsub("http://127%.0%.0%.1:(808[012])", ports))
end

function place:environment()
  return {
    GUIDE = self.root, MAVILUA_BIN = process.bin, PATH = self.root .. "/bin:" .. os.getenv "PATH",
    CURL_HOME = self.root, MAVILUA_API_KEY = "sandbox", MAVILUA_BASE_URL = self.sandbox,
    MAVILUA_SANDBOX_URL = self.sandbox, MAVILUA_LISTEN = "127.0.0.1:0", MAVILUA_ADMIN = "127.0.0.1:0",
    MAVILUA_SANDBOX_LISTEN = "127.0.0.1:0", MAVILUA_DB = self.root .. "/snippet.db",
    MAVILUA_WEBHOOK_SECRET = "the-secret-of-a-guide",
  }
end

-- Ends the servers that a snippet started.
local function stop_started(root)
  for pid in process.read(root .. "/pids"):gmatch "%d+" do
    os.execute("kill " .. pid .. " 2>/dev/null")
    process.await(function() return not os.execute("kill -0 " .. pid .. " 2>/dev/null") end, "a server's end")
  end
  os.execute(("rm -f %s/pids %s/sandbox %s/snippet.db*"):format(root, root, root))
end

-- Without the lines that are to be filled in, and those for a Lua that cannot load this build's module.
local function tried_lines(text)
  local release = os.getenv "MAVILUA_MODE" == "release"
  return (text:gsub("[^\n]*\n", function(line)
    if line:find("…", 1, true) or not release and line:find "^lua5%.4 " then return "" end
  end))
end

--- Runs shell lines as they stand.
function place:shell(snippet)
  local script = "cd " .. self.work .. "\nset -e\n" .. self:here(tried_lines(snippet.text))
  local status, out, err = process.run { bin = "sh", "-c", script, env = self:environment() }
  stop_started(self.root)
  if status ~= 0 then error(("exit status %d\n%s%s"):format(status, out, err), 0) end
  guide.compare(snippet, out .. err)
end

local script_head = [[local mavilua = require "mavilua"; local bot = mavilua.client {}; local client_id, ids, ]]
  .. [[shop_url = 836058548, { 836058548, 836058551 }, "http://127.0.0.1:8082"; ]]

--- Runs a plain script.
function place:script(snippet)
  local path = process.write(self.work .. "/snippet.lua", self:here(script_head) .. snippet.text)
  local status, out, err = process.run { "run", path, env = self:environment() }
  if status ~= 0 then error(("exit status %d\n%s%s"):format(status, out, err), 0) end
  guide.compare(snippet, out .. err)
end

-- ---- bots ------------------------------------------------------------------------------------------

local bot_head = [[local mavilua = require "mavilua"; local host = require "mavilua.host"; ]]
  .. [[local bot = mavilua.client {}; ]]

local function fetch(url)
  return assert(assert(http.get(url)):json())
end

--- What can be done with a bot that is served: the words of `try`.
function guide.steps(server)
  local sandbox, steps, said = server.urls[1], {}, {}

  local function conversation()
    return fetch(("%s/_sandbox/messages?client_id=%d&since=%d"):format(sandbox, said.client_id, said.message_id))
  end

  --- Ada writes.
  function steps.say(text)
    local reply = assert(http.post(sandbox .. "/_sandbox/messages",
      { json = { platform_id = "guide", name = "Ada", message = text } }))
    assert(reply.ok, reply.body)
    said = reply:json()
  end

  --- The bot says something that has this in it.
  function steps.hear(text)
    process.await(function()
      for _, message in ipairs(conversation().messages) do
        if not message.client_replica and message.text:find(text, 1, true) then return true end
      end
    end, ("the bot to say %q"):format(text), 10)
  end

  --- Somebody calls a hook.
  function steps.post(path, body, status, part)
    local reply = assert(http.post(server.urls[2] .. path, { body = body }))
    assert(reply.status == status and (not part or reply.body:find(part, 1, true)),
      ("%s: %d %s"):format(path, reply.status, reply.body))
  end

  --- The host's summary comes to satisfy a function.
  function steps.summary(holds)
    process.await(function() return holds(fetch(server.admin .. "/api/summary")) end, "the summary")
  end

  --- There comes to be an event in this state whose reason has these parts.
  function steps.event(state, ...)
    local parts = { ... }
    process.await(function()
      local event = fetch(server.admin .. "/api/events?state=" .. state).events[1]
      for _, part in ipairs(parts) do
        if not event or not (event.reason or ""):find(part, 1, true) then return false end
      end
      return event ~= nil
    end, "an event that is " .. state)
  end

  --- Ada has so many orders.
  function steps.orders(count)
    local found = fetch(("%s/api/sandbox/get_orders?client_id=%d"):format(sandbox, said.client_id))
    assert(#found.order_id == count, core.encode(found))
  end

  return steps
end

local function try(bot, snippet)
  local server = process.start { "serve", "--sandbox", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0",
    "--sandbox-listen", "127.0.0.1:0", "--db", bot .. ".db", bot, lines = 2 }
  local good, problem = pcall(assert(load(snippet.argument, "=try", "t", guide.steps(server))))
  local status = server:stop()
  os.execute(("rm -f %s.db*"):format(bot))
  if not good then error(("%s\n%s"):format(problem, server:log()), 0) end
  assert(status == 0, server:log())
end

--- Loads a bot, and serves it if its snippet says what to try.
function place:bot(snippet)
  local head = snippet.text:find('require "mavilua.host"', 1, true) and "" or bot_head
  local path = process.write(self.root .. "/bot.lua", head .. snippet.text)
  local status, out, err = process.run { "check", path }
  if status ~= 0 then error(("mavilua check: exit status %d\n%s%s"):format(status, out, err), 0) end
  if snippet.word == "try" then try(path, snippet) end
end

return guide
