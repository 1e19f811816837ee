#!/bin/sh
# ack.sh [PROGRAM] [RATE] [SECONDS]: how long a webhook's acknowledgement takes under a steady load, and
# beside it, before and after, how long one fsync of the same disk takes.
program=${1:-build/release/mavilua}
rate=${2:-2000}
seconds=${3:-10}
here=$(dirname "$0")
folder=$(mktemp -d "${TMPDIR:-.}/bench.XXXXXX")
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$folder"' EXIT
cat >"$folder/bot.lua" <<'LUA'
local host = require "mavilua.host"
host.on("message", function() end)
LUA

# Milliseconds of one write of a page and its fsync: the mean of 300.
fsync_ms() {
  begun=$(date +%s%N)
  dd if=/dev/zero of="$folder/page" bs=4k count=300 conv=notrunc oflag=dsync 2>/dev/null
  echo "$begun $(date +%s%N)" | awk '{ printf "%.3f", ($2 - $1) / 300 / 1e6 }'
}

mkfifo "$folder/ready"
MAVILUA_WEBHOOK_SECRET=0123456789abcdef "$program" serve --listen 127.0.0.1:0 --admin 127.0.0.1:0 \
  --db "$folder/bot.db" "$folder/bot.lua" >"$folder/ready" 2>"$folder/log" &
pid=$!
read -r ready <"$folder/ready" || { cat "$folder/log" >&2; exit 1; }
url=$(echo "$ready" | sed 's/.* ready at \([^ ,]*\).*/\1/')/webhook/0123456789abcdef

before=$(fsync_ms)
"$program" run "$here/ack.lua" "$url" "$rate" 1 >/dev/null
result=$("$program" run "$here/ack.lua" "$url" "$rate" "$seconds") || exit 1
after=$(fsync_ms)
kill "$pid" && wait "$pid"
pid=

echo "$result $before $after" | awk -v rate="$rate" '{
  fsync = ($7 + $8) / 2
  printf "%d acknowledged, %d failed, at %d a second of %d asked\n", $1, $2, $6, rate
  printf "acknowledgement: median %.2f ms, 99th percentile %.2f ms, longest %.2f ms\n", $3, $4, $5
  printf "one fsync: %.2f ms before, %.2f ms after\n", $7, $8
  printf "99th percentile / fsync = %.1f\n", $4 / fsync
}'
