#!/bin/sh
# scale.sh PROGRAM PEERS [CLIENTS [QUESTIONS [ROUNDS]]]: fills a sandbox on a file through its API with a
# million clients of ten variables each (or as many as asked for), then asks it (only QUESTIONS whose text
# holds that). Prints what filling took, the memory of the process, the size of the file, and what each
# question takes beside the bare SQL on a copy of the file. `make bench-scale` runs it. Takes 1.3 KiB of
# disk a client.
program=$1
peers=$2
count=${3:-1000000}
here=$(dirname "$0")
folder=$(mktemp -d)
pid=
trap 'kill $pid 2>/dev/null; rm -rf "$folder"' EXIT

start() {
  : >"$folder/ready"
  "$program" sandbox --listen 127.0.0.1:0 --db "$folder/many.db" >"$folder/ready" 2>"$folder/log" &
  pid=$!
  until grep -q ready "$folder/ready"; do
    kill -0 "$pid" || { cat "$folder/log" >&2; exit 1; }
    sleep 0.1
  done
  url=$(sed 's/.* //' "$folder/ready")
}
memory() { awk -v what="$1:" '$1 == what { printf "%.0f MiB", $2 / 1024 }' "/proc/$pid/status"; }

start
"$program" run "$here/scale.lua" "$url" "$count" || exit 1
echo "memory of the sandbox: $(memory VmRSS), $(memory VmHWM) at most while it was filled"
kill "$pid" && wait "$pid"
size=$(stat -c %s "$folder/many.db")
echo "the file: $((size >> 20)) MiB, $((size / count)) bytes a client with its variables"
cp "$folder/many.db" "$folder/copy.db"
start
"$program" run "$here/scale_queries.lua" "$url" "$count" "$peers" "$folder/copy.db" "$4" "${5:-12}" || exit 1
echo "memory of the sandbox: $(memory VmRSS), $(memory VmHWM) at most while it was asked"
