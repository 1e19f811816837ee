#!/bin/sh
# sandbox.sh PROGRAM PEERS [SECONDS] [CONNECTIONS]: how soon a sandbox is ready, and how many calls of
# its API it answers beside a libmicrohttpd that answers two bytes. Both get the same requests from the
# same client, by turns; the ratio is that of the best round of each. `make bench-sandbox` runs it.
program=$1
peers=$2
seconds=${3:-0.4}
connections=${4:-32}
rounds=15
clients=500
folder=$(mktemp -d)
sandbox=
bare=
trap 'kill $sandbox $bare 2>/dev/null; rm -rf "$folder"' EXIT
mkfifo "$folder/ready"

fail() {
  echo "sandbox.sh: $1" >&2
  exit 1
}

# Sets sandbox, url and took (µs from the start to the line that tells it is ready).
start() {
  begin=$(date +%s%N)
  "$program" sandbox --listen 127.0.0.1:0 >"$folder/ready" 2>"$folder/log" &
  sandbox=$!
  read -r line <"$folder/ready" || fail "$(cat "$folder/log")"
  took=$((($(date +%s%N) - begin) / 1000))
  url=${line##* }
}

for _ in 1 2 3 4 5 6 7 8 9 10; do
  start
  echo "$took"
  kill "$sandbox" && wait "$sandbox"
done | sort -n | awk '{ took[NR] = $1 / 1000 }
  END { printf "ready after %.1f ms (best of %d starts, median %.1f)\n", took[1], NR, (took[5] + took[6]) / 2 }'

start
"$peers/bare_mhd" >"$folder/bare" &
bare=$!
until [ -s "$folder/bare" ]; do sleep 0.05; done
items=$(seq "$clients" | sed 's/.*/{"platform_id":"1000&","group_id":"tea_corner_bot","client_type":1}/' | paste -sd,)
first=$(curl -s "$url/api/sandbox/load_clients" -d "[$items]" | sed 's/[^[]*\[[^]]*"id":\([0-9]*\)}\].*/\1/')
first=$((first - clients + 1))

# NAME URL BODY: a round of one of them
round() {
  rate=$("$peers/http_load" "$2" "$connections" "$seconds" "$first" "$clients" "$3") || fail "$1"
  echo "$1	${rate%%	*}" >>"$folder/rates"
}
read_body='{"client_id":#}'
write_body='{"client_id":#,"message":"Your parcel is here"}'
for _ in $(seq "$rounds"); do
  round bare "$(cat "$folder/bare")/" "$read_body"
  round get_variables "$url/api/sandbox/get_variables" "$read_body"
  round message "$url/api/sandbox/message" "$write_body"
done
awk -F '\t' '$2 > best[$1] { best[$1] = $2 }
  END { printf "two bytes from libmicrohttpd: %d/s\n", best["bare"]
    printf "get_variables: %d/s, %.2f of that\n", best["get_variables"], best["get_variables"] / best["bare"]
    printf "message: %d/s, %.2f of that\n", best["message"], best["message"] / best["bare"] }' "$folder/rates"
