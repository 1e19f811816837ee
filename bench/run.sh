#!/bin/sh
# run.sh BUILD [full|quick|smoke] [PATTERN]: the program of that build beside its peers. Prints a table and
# writes results.json and results.svg beside this file (or into $BENCH_OUT). PATTERN: only rows whose group or
# name holds it. `make bench` and `make bench-quick` build and install what it takes.
#
# This part makes the folder on a real disk (not in a tmpfs: what is durable must be), and takes care that
# nothing of it is left, whatever happens.
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:-build/release}" && pwd) || exit 1
[ -z "$BENCH_OUT" ] || mkdir -p "$BENCH_OUT" || exit 1
folder=$(mktemp -d "${TMPDIR:-/var/tmp}/mavilua-bench.XXXXXX") || exit 1
chmod 711 "$folder"
finish() {
  [ ! -f "$folder/pids" ] || xargs kill <"$folder/pids" 2>/dev/null
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 130' INT TERM
LUA_PATH="${here%/bench}/?.lua;;" "$build/mavilua" run "$here/run.lua" "$build" "$here" "$folder" "${2:-full}" "$3"
