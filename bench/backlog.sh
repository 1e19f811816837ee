#!/bin/sh
# backlog.sh PROGRAM HTTP_LOAD [COUNT [BURSTS]]: loads a backlog of COUNT events into a host (a million) and works it
# off; prints the rates with that many and with a thousand waiting, and the memory.
program=${1:-build/release/mavilua}
http_load=${2:-build/release/bench/http_load}
count=${3:-1000000}
here=$(dirname "$0")
folder=$(mktemp -d "${TMPDIR:-.}/bench.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill -9 "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
mkfifo "$folder/gate" "$folder/ready"
# A worker that reads from the gate stands still; what comes meanwhile waits on disk.
cat >"$folder/bot.lua" <<LUA
local host = require "mavilua.host"
local function exists(path)
  local file = io.open(path)
  return file and file:close()
end
host.on("message", "hold", function()
  if not exists "$folder/closed" then return end
  local held <close> = assert(io.open("$folder/held", "a"))
  held:write "x"
  held:flush()
  local gate <close> = assert(io.open "$folder/gate")
  gate:read(1)
end, { timeout = "1d" })
host.on("message", function() end, { timeout = "1d" })
LUA
MAVILUA_WEBHOOK_SECRET=0123456789abcdef "$program" serve --listen 127.0.0.1:0 --admin 127.0.0.1:0 --workers 2 \
  --db "$folder/bot.db" "$folder/bot.lua" >"$folder/ready" 2>"$folder/log" &
pid=$!
read -r ready <"$folder/ready" || { cat "$folder/log" >&2; exit 1; }
url=$(echo "$ready" | sed 's/.* ready at \([^ ,]*\).*/\1/')/webhook/0123456789abcdef
admin=$(echo "$ready" | sed 's/.*admin \([^)]*\)).*/\1/')
"$program" run "$here/backlog.lua" "$url" "$admin" "$folder" "$pid" "$http_load" "$count" $4
