#!/bin/sh
# fuzz.sh SECONDS CFLAGS LIBS: builds each csrc/test/fuzz_*.c with libFuzzer and the
# sanitizers and runs it that long over its corpus (build/fuzz/NAME).
seconds=$1 cflags=$2 libs=$3
mkdir -p build/fuzz
failed=0
sources=$(ls csrc/*/*.c | grep -v -e '^csrc/test/' -e '^csrc/cli/main.c')
flags="-std=c11 -D_GNU_SOURCE -O1 -g -Icsrc -pthread $cflags"
flags="$flags -fsanitize=address,undefined -fno-sanitize-recover=undefined"
for f in $sources build/release/gen/embedded.c; do
  o=build/fuzz/obj/$(echo "$f" | tr / _).o
  mkdir -p build/fuzz/obj
  # shellcheck disable=SC2086
  [ "$o" -nt "$f" ] || echo "clang $flags -fsanitize=fuzzer-no-link -c -o $o $f"
done | xargs -r -P 2 -d '\n' -n 1 sh -c || exit 1
for f in csrc/test/fuzz_*.c; do
  name=$(basename "$f" .c)
  mkdir -p "build/fuzz/$name"
  # shellcheck disable=SC2086
  clang $flags -fsanitize=fuzzer -o "build/fuzz/$name.run" "$f" build/fuzz/obj/*.o -Wl,-E $libs -lm -ldl || exit 1
  if "build/fuzz/$name.run" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=0 \
      -verbosity=0 -artifact_prefix="build/fuzz/$name-" "build/fuzz/$name"; then
    echo "$name: 1 passed, 0 failed"
  else
    echo "$name: 0 passed, 1 failed"
    failed=1
  fi
done
exit $failed
