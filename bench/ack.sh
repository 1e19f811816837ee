#!/bin/sh
# ack.sh PROGRAM PEERS [RATE] [SECONDS]: how long a webhook's acknowledgement takes under a steady load,
# and beside it, before and after, how long one fsync of the same disk takes. PEERS: the folder of
# http_load. `make bench-ack` builds both.
program=$1
peers=$2
rate=${3:-2000}
seconds=${4:-10}
folder=$(mktemp -d "${TMPDIR:-.}/bench.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
cat >"$folder/bot.lua" <<'LUA'
local host = require "mavilua.host"
host.on("message", function() end)
LUA

# Milliseconds of one page written to the end of a file and its fsync: the mean of 300.
fsync_ms() {
  rm -f "$folder/page"
  begun=$(date +%s%N)
  dd if=/dev/zero of="$folder/page" bs=4k count=300 oflag=dsync 2>/dev/null
  echo "$begun $(date +%s%N)" | awk '{ printf "%.3f", ($2 - $1) / 300 / 1e6 }'
}

mkfifo "$folder/ready"
MAVILUA_WEBHOOK_SECRET=0123456789abcdef "$program" serve --listen 127.0.0.1:0 --admin 127.0.0.1:0 \
  --db "$folder/bot.db" "$folder/bot.lua" >"$folder/ready" 2>"$folder/log" &
pid=$!
read -r ready <"$folder/ready" || { cat "$folder/log" >&2; exit 1; }
url=$(echo "$ready" | sed 's/.* ready at \([^ ,]*\).*/\1/')/webhook/0123456789abcdef

body='{"id":#,"client":{"id":#,"recepient":"5","client_type":1,"name":"Ada","group":"g"},"message":"hello",'
body=$body'"attachments":[],"message_id":null,"project_id":1,"is_input":1,"delivered":1}'
load() {
  "$peers/http_load" -r "$rate" "$url" 64 "$1" "$2" 1000000 "$body"
}
load 1 1 >/dev/null || exit 1
before=$(fsync_ms)
result=$(load "$seconds" 2000000) || exit 1
after=$(fsync_ms)
kill "$pid" && wait "$pid"
pid=

echo "$result $before $after" | awk -v rate="$rate" '{
  fsync = ($6 + $7) / 2 * 1000
  printf "%d a second of %d asked\n", $1, rate
  printf "acknowledgement: median %.2f ms, 99th percentile %.2f ms\n", $3 / 1000, $4 / 1000
  printf "one fsync: %.2f ms before, %.2f ms after\n", $6, $7
  printf "99th percentile / fsync = %.1f\n", $4 / fsync
}'
