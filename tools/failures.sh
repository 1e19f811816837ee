#!/bin/sh
# failures.sh LOG: what failed in a suite and why, without the rest of its log: the parts of the items of
# tools/lanes.sh that failed, of a suite without lanes the end. At most 120 lines of each.
awk '
  function show(from, to, i) {
    for (i = to - from > 119 ? to - 119 : from; i <= to; i++)
      if (line[i] !~ /^[-+]+$/) print line[i]
    shown = 1
  }
  /^-- [^ ]+$/ { begun = NR }
  { line[NR] = $0 }
  /: failed with exit status [0-9]+$/ { show(begun, NR) }
  END { if (!shown) show(1, NR) }' "$1"
