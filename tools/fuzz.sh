#!/bin/sh
# fuzz.sh SECONDS FOLDER: runs each fuzzer of the folder that long, two at a time, over the corpus it
# keeps beside itself.
seconds=$1
find "$2" -maxdepth 1 -name 'fuzz_*' -type f -not -name '*.*' | xargs -P 2 -n 1 sh -c '
  seconds=$0 fuzzer=$1 name=$(basename "$1")
  mkdir -p "$fuzzer.corpus"
  if "$fuzzer" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -verbosity=0 \
      -artifact_prefix="$fuzzer.found-" "$fuzzer.corpus" >"$fuzzer.log" 2>&1; then
    echo "$name: 1 passed, 0 failed"
  else
    tail -n 60 "$fuzzer.log"
    echo "$name: 0 passed, 1 failed"
    exit 1
  fi' "$seconds"
