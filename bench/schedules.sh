#!/bin/sh
# schedules.sh PROGRAM [COUNT] [SECONDS]: what COUNT schedules (10000) in all zones of the machine cost
# while none of them is due: processor time, beside the same host with none, and the time to load them.
program=${1:-build/release/mavilua}
count=${2:-10000}
seconds=${3:-20}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

cat >"$folder/none.lua" <<'LUA'
require("mavilua.host").on("message", print)
LUA
cat >"$folder/many.lua" <<'LUA'
local host = require "mavilua.host"
host.on("message", print)
local zones = {}
for line in io.lines "/usr/share/zoneinfo/tzdata.zi" do
  local zone = line:match "^Z (%S+)" or line:match "^L %S+ (%S+)"
  zones[#zones + 1] = zone
end
table.sort(zones)
local far = os.date("!*t", os.time() + 40 * 86400).month -- not within a month
for i = 1, tonumber(os.getenv "COUNT") do
  local when = ("%d %d %d %d *"):format(i % 60, i // 60 % 24, i % 28 + 1, far)
  host.cron(when, { name = "s" .. i, timezone = zones[i % #zones + 1] }, print)
end
LUA

# Clock ticks (a hundred a second) that the process has used.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

run() {
  mkfifo "$folder/ready"
  start=$(date +%s%N)
  COUNT=$count MAVILUA_WEBHOOK_SECRET=0123456789abcdef "$program" serve --workers 1 --listen 127.0.0.1:0 \
    --admin 127.0.0.1:0 --db "$folder/$1.db" "$folder/$1.lua" >"$folder/ready" 2>"$folder/log" &
  pid=$!
  read -r _ <"$folder/ready" || { cat "$folder/log" >&2; exit 1; }
  took=$((($(date +%s%N) - start) / 1000000))
  rm -f "$folder/ready"
  sleep 2
  before=$(ticks "$pid")
  sleep "$seconds"
  used=$((($(ticks "$pid") - before) * 10))
  memory=$(awk '/^VmRSS/ { print $2 }' "/proc/$pid/status")
  kill "$pid" && wait "$pid"
  echo "$2: ready after $took ms, $((memory / 1024)) MiB, $used ms of processor time in $seconds s"
}

run none "no schedules"
run many "$count schedules"
