#!/bin/sh
# nginx.sh PROGRAM PEERS CORE [SECONDS]: how long a static page takes from an nginx of one worker that is
# idle, and from one in which 200 requests at a time wait for an action of 300 ms. By turns; the medians
# are those of the best round of each. CORE: the folder of the module for LuaJIT. `make bench-nginx` runs it.
program=$1
peers=$2
core=$(realpath "$3")
seconds=${4:-2}
rounds=5
pending=200
folder=$(mktemp -d)
sandbox=
nginx=
trap 'kill $sandbox $nginx 2>/dev/null; wait; rm -rf "$folder"' EXIT
mkfifo "$folder/ready"

fail() {
  echo "nginx.sh: $1" >&2
  cat "$folder/log" "$folder/error.log" >&2
  exit 1
}

"$program" sandbox --listen 127.0.0.1:0 >"$folder/ready" 2>"$folder/log" &
sandbox=$!
read -r line <"$folder/ready" || fail "no sandbox"
url=${line##* }
curl -sf "$url/_sandbox/faults" -d '[{"kind":"delay","delay_ms":300,"action":"get_messages"}]' >"$folder/faults" ||
  fail "the sandbox takes no fault"

configure() {
  [ "$(id -u)" = 0 ] && echo "user root;"
  cat <<CONF
load_module /usr/lib/nginx/modules/ndk_http_module.so;
load_module /usr/lib/nginx/modules/ngx_http_lua_module.so;
worker_processes 1;
pid pid;
error_log $folder/error.log warn;
events { worker_connections 2048; }
http {
  access_log off;
  client_body_temp_path tmp; proxy_temp_path tmp; fastcgi_temp_path tmp; uwsgi_temp_path tmp; scgi_temp_path tmp;
  lua_package_path '$PWD/lua/?.lua;$PWD/lua/?/init.lua;;';
  lua_package_cpath '$core/?.so;;';
  init_by_lua_block { bot = require("mavilua").client { api_key = "sandbox", base_url = "$url", retries = 0 } }
  server {
    listen 127.0.0.1:$1;
    keepalive_requests 1000000;
    location = /static { return 200 "static"; }
    location = /call { content_by_lua_block {
      assert(bot:get_messages())
      ngx.header.content_length = 2
      ngx.print "ok"
    } }
  }
}
CONF
}

# nginx cannot pick a free port itself.
port=$((20000 + $$ % 20000))
until [ -s "$folder/pid" ]; do
  port=$((port + 1))
  configure "$port" >"$folder/nginx.conf"
  nginx -p "$folder" -e "$folder/error.log" -c nginx.conf 2>>"$folder/log" || [ "$port" -lt 50000 ] || fail "no nginx"
done
nginx=$(cat "$folder/pid")

# NAME: a round of the static page over one connection
static() {
  "$peers/http_load" "http://127.0.0.1:$port/static" 1 "$seconds" 1 1 >"$folder/round" || fail "$1"
  echo "$1	$(cut -f 3,4 "$folder/round")" >>"$folder/times"
}

for _ in $(seq "$rounds"); do
  static idle
  "$peers/http_load" "http://127.0.0.1:$port/call" "$pending" "$((seconds + 2))" 1 1 >>"$folder/calls" &
  load=$!
  sleep 1
  static loaded
  wait "$load" || fail "a call failed"
done
awk -F '\t' 'FNR == NR { if (!calls || $4 < worst) { worst = $4; rate = $1; calls = 1 } next }
  !($1 in half) || $2 < half[$1] { half[$1] = $2; most[$1] = $3 }
  END { printf "static page, idle worker: %.0f µs (99th %.0f)\n", half["idle"], most["idle"]
    printf "static page, 200 requests in an action of 300 ms: %.0f µs (99th %.0f), %.1f times that\n",
      half["loaded"], most["loaded"], half["loaded"] / half["idle"]
    printf "those requests: %.0f/s, the 99th of 100 within %.0f ms\n", rate, worst / 1000 }' \
  "$folder/calls" "$folder/times"
