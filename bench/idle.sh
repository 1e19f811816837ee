#!/bin/sh
# idle.sh PROGRAM: memory of an idle host with one script, and the time from its start to its ready
# line (best of five). Prints both.
program=${1:-build/release/mavilua}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cat >"$folder/bot.lua" <<'LUA'
local host = require "mavilua.host"
host.on("message", function(event) host.log.info("got", { text = event.text }) end)
LUA
best=
memory=
for _ in 1 2 3 4 5; do
  rm -f "$folder"/bot.db*
  mkfifo "$folder/ready"
  start=$(date +%s%N)
  MAVILUA_WEBHOOK_SECRET=0123456789abcdef "$program" serve --listen 127.0.0.1:0 --admin 127.0.0.1:0 \
    --db "$folder/bot.db" "$folder/bot.lua" >"$folder/ready" 2>"$folder/log" &
  pid=$!
  read -r _ <"$folder/ready" || { cat "$folder/log" >&2; exit 1; }
  took=$((($(date +%s%N) - start) / 1000000))
  rm -f "$folder/ready"
  memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
  kill "$pid" && wait "$pid"
  [ -n "$best" ] && [ "$best" -le "$took" ] || best=$took
done
echo "ready after $best ms, $((memory / 1024)) MiB resident ($memory KiB)"
