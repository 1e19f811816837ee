#!/bin/sh
# first.sh LINE… <LINES: the lines of the input that are named, in the order of the names, then the others.
input=$(cat)
printf '%s\n' "$@" "$input" | awk -v named=$# '
  NR <= named { name[NR] = $0; next }
  { there[$0] = 1; line[++lines] = $0 }
  END {
    for (i = 1; i <= named; i++)
      if (there[name[i]]) { print name[i]; delete there[name[i]] }
    for (i = 1; i <= lines; i++)
      if (line[i] in there) print line[i]
  }'
