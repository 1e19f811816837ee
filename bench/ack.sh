#!/bin/sh
# ack.sh PROGRAM PEERS [RATE] [SECONDS] [ROUNDS]: how long a webhook's acknowledgement takes under a
# steady load, and beside it, before and after, how long one fsync of the same disk takes; the median
# of the rounds, as disks have their moods. PEERS: the folder of http_load. `make bench-ack` builds both.
program=$1
peers=$2
rate=${3:-2000}
seconds=${4:-5}
rounds=${5:-7}
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
round=0
while [ "$round" -lt "$rounds" ]; do
  round=$((round + 1))
  before=$(fsync_ms)
  result=$(load "$seconds" "$((round * 1000000 + 1))") || exit 1
  echo "$result $before $(fsync_ms)"
done >"$folder/rounds"
kill "$pid" && wait "$pid"
pid=

awk -v rate="$rate" '{
  fsync = ($6 + $7) / 2
  ratio[NR] = $4 / 1000 / fsync
  printf "%d a second of %d asked: median %.2f ms, 99th percentile %.2f ms; one fsync %.2f ms; %.1f times\n",
    $1, rate, $3 / 1000, $4 / 1000, fsync, ratio[NR]
}
END {
  for (i = 2; i <= NR; i++)
    for (k = i; k > 1 && ratio[k] < ratio[k - 1]; k--) { swap = ratio[k]; ratio[k] = ratio[k - 1]; ratio[k - 1] = swap }
  printf "99th percentile / fsync = %.1f (median; %.1f to %.1f)\n", ratio[int((NR + 1) / 2)], ratio[1], ratio[NR]
}' "$folder/rounds"
