#!/bin/sh
# lint.sh CFLAGS: every check that reads code instead of running it. Fails when any finds something.
cflags=$1
failed=0
step() {
  echo "-- $*"
  "$@" || { failed=1; echo "lint: failed: $1" >&2; }
}

sources=$(ls csrc/*/*.c)
for compiler in gcc clang; do
  echo "-- $compiler: warnings are errors"
  for f in $sources; do
    # shellcheck disable=SC2086
    $compiler $(echo "$cflags" | sed 's/-O[0-9]//') -Werror -fsyntax-only "$f" || failed=1
  done
done
step luacheck -q lua spec examples
step cppcheck -q --std=c11 --error-exitcode=1 --inline-suppr --enable=warning,performance,portability \
  --suppress=missingIncludeSystem --suppress=unknownMacro --suppress=normalCheckLevelMaxBranches -Icsrc csrc
echo "-- clang-tidy"
# shellcheck disable=SC2086
echo "$sources" | xargs -P 2 -n 6 sh -c 'flags=$0; clang-tidy --quiet "$@" -- $flags 2>/dev/null' "$cflags" || failed=1
[ "$failed" = 0 ] && echo "lint: clean"
exit $failed
