#!/bin/sh
# The sum over the suites that ran: what failed in them, a line each, then "N passed, N failed". Fails if anything did.
passed=0 failed=0
for count in build/results/*.count; do
  [ -e "$count" ] && read -r p f seconds <"$count" && [ "$f" != 0 ] || continue
  echo "== what failed in $(basename "$count" .count)"
  sh tools/failures.sh "${count%.count}.log"
done
for count in build/results/*.count; do
  [ -e "$count" ] || continue
  read -r p f seconds <"$count"
  printf '%-16s %6d passed %6d failed %6d s\n' "$(basename "$count" .count)" "$p" "$f" "$seconds"
  passed=$((passed + p)) failed=$((failed + f))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
