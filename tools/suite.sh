#!/bin/sh
# suite.sh NAME SECONDS COMMAND…: runs a suite within a time limit, shows and keeps its output
# (build/results/NAME.log) and records what it counted (build/results/NAME.count: passed failed seconds).
name=$1 seconds=$2
shift 2
mkdir -p build/results
log=build/results/$name.log
rm -f "build/results/$name.count"
echo "== $name"
begun=$(date +%s)
{ timeout -k 10 "$seconds" "$@" 2>&1; echo $? >"$log.status"; } | tee "$log"
status=$(cat "$log.status")
rm -f "$log.status"
# Unit tests print "name: N passed, N failed"; busted "N successes / N failures / N errors / N pending".
counts=$(awk '
  /: [0-9]+ passed, [0-9]+ failed$/ { passed += $(NF-3); failed += $(NF-1) }
  / success(es)? \/ .* failures? \/ .* errors? \/ / {
    gsub(/\033\[[0-9;]*m/, "")
    passed += $1; failed += $4 + $7
  }
  END { print passed + 0, failed + 0 }' "$log")
passed=${counts% *} failed=${counts#* }
if [ "$status" != 0 ]; then
  [ "$failed" = 0 ] && failed=1
  [ "$status" = 124 ] && echo "$name: stopped after $seconds seconds" >&2
  echo "$name: failed with exit status $status" >&2
elif [ "$passed$failed" = 00 ]; then
  passed=1 # a check that counts nothing itself, such as a linter
fi
echo "$passed $failed $(($(date +%s) - begun))" >"build/results/$name.count"
[ "$failed" = 0 ]
