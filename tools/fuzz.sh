#!/bin/sh
# fuzz.sh SECONDS FOLDER: runs each fuzzer of the folder that long, two at a time, over the corpus it
# keeps beside itself. It begins with the lines of csrc/test/corpus/NAME.txt, each of them an input
# (\r and \n stand for themselves).
seconds=$1
find "$2" -maxdepth 1 -name 'fuzz_*' -type f -not -name '*.*' | sort | xargs -P 2 -n 1 sh -c '
  seconds=$0 fuzzer=$1 name=$(basename "$1") given=csrc/test/corpus/$(basename "$1").txt
  mkdir -p "$fuzzer.corpus" "$fuzzer.given"
  [ ! -f "$given" ] || awk -v into="$fuzzer.given/" "{
    gsub(/\\\\r/, \"\r\"); gsub(/\\\\n/, \"\n\")
    file = into NR; printf \"%s\", \$0 >file; close(file) }" "$given"
  if "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
      -artifact_prefix="$fuzzer.found-" "$fuzzer.corpus" "$fuzzer.given" >"$fuzzer.log" 2>&1; then
    echo "$name: 1 passed, 0 failed"
  else
    tail -n 60 "$fuzzer.log"
    echo "$name: 0 passed, 1 failed"
    exit 1
  fi' "$seconds"
