#!/bin/sh
# demo.sh PROGRAM [--stay]: host and sandbox with examples/shop.lua, and a scripted conversation. With
# --stay they go on serving until Ctrl-C.
program=$1
stay=$2
case $program in /*) ;; *) program=$(pwd)/$program ;; esac
examples=$(dirname "$0")
folder=$(mktemp -d)
host=
finish() {
  trap - EXIT INT TERM
  if [ -n "$host" ]; then
    kill "$host" 2>/dev/null
    wait "$host"
    status=$?
  fi
  rm -rf "$folder"
  exit "${1:-${status:-0}}"
}
trap 'finish' INT TERM HUP
trap 'finish $?' EXIT

# With --stay at the usual ports, so that `mavilua chat` finds the sandbox; otherwise at free ones.
if [ "$stay" = --stay ]; then
  listen=127.0.0.1:8080 admin=127.0.0.1:8081 sandbox=127.0.0.1:8082
else
  listen=127.0.0.1:0 admin=127.0.0.1:0 sandbox=127.0.0.1:0
fi
[ -t 1 ] && MAVILUA_COLOR=1
export MAVILUA_COLOR PAYMENT_SECRET=demo-payment-secret SHOP_REMIND_EVERY=2s SHOP_REMIND_AFTER=1

# In a session of its own: Ctrl-C comes here alone, and the host is told once, by `finish`.
mkfifo "$folder/ready"
setsid "$program" serve --sandbox --sandbox-listen "$sandbox" --listen "$listen" --admin "$admin" \
  --db "$folder/shop.db" "$examples/shop.lua" >"$folder/ready" 2>"$folder/log" &
host=$!
{ read -r sandbox_line && read -r host_line; } <"$folder/ready"
if [ -z "$host_line" ]; then
  echo "demo: the host did not start:" >&2
  cat "$folder/log" >&2
  finish 69
fi
sandbox_url=${sandbox_line##* }
host_url=$(echo "$host_line" | sed 's/.* ready at \([^ ]*\).*/\1/')
admin_url=$(echo "$host_line" | sed 's/.*(admin \(.*\))/\1/')

echo "$sandbox_line"
echo "$host_line"
echo
if ! "$program" run "$examples/demo.lua" "$sandbox_url" "$host_url" "$admin_url" "$PAYMENT_SECRET"; then
  echo "demo: failed; the host's log:" >&2
  tail -n 20 "$folder/log" >&2
  finish 70
fi
[ "$stay" = --stay ] || finish 0

echo
echo "The shop goes on. In another terminal: $program chat --url $sandbox_url"
echo "Say hello, or: order tea. Ctrl-C stops."
wait "$host"
host=
