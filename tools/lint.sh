#!/bin/sh
# lint.sh CFLAGS: every check that reads code instead of running it. Fails when any finds something.
cflags=$1
failed=0
step() {
  echo "-- $1"
  shift
  "$@" || { failed=1; echo "lint: failed: $1" >&2; }
}

for compiler in gcc clang; do
  step "$compiler: warnings are errors" \
    make -s -j2 B="build/lint-$compiler" CC="$compiler" WERROR=-Werror all units
done
step luacheck luacheck -q lua spec examples tools bench
step cppcheck cppcheck -q -j2 --std=c11 --error-exitcode=1 --inline-suppr \
  --enable=warning,performance,portability --suppress=missingIncludeSystem --suppress=unknownMacro \
  --suppress=ctunullpointer --suppress=normalCheckLevelMaxBranches -Icsrc csrc

# The tests are left out: their checks are written to be read, and clang-tidy is slow.
tidy() {
  find csrc -name '*.c' -not -path 'csrc/test/*' -print0 |
    xargs -0 -P 2 -n 8 sh -c 'clang-tidy --quiet "$@" -- '"$cflags"' 2>/dev/null' tidy
}
step clang-tidy tidy
[ "$failed" = 0 ] && echo "lint: clean"
exit $failed
