#!/bin/sh
# soname.sh PACKAGE NAME: under which name a program would ask for the library NAME of a package of
# pkg-config, such as libcurl.so.4. CC and LDFLAGS as for the program.
set -eu
stub=$(mktemp)
trap 'rm -f "$stub"' EXIT
libs=$(pkg-config --libs "$1")
echo 'extern int mavilua_stub; int mavilua_stub;' |
  ${CC:-cc} ${LDFLAGS:-} -shared -fPIC -x c - -x none -o "$stub" -Wl,--no-as-needed $libs
name=$(LC_ALL=C readelf -d "$stub" | sed -n "s/.*(NEEDED).*\[\(lib$2[.-][^]]*\)\].*/\1/p" | head -n 1)
if [ -z "$name" ]; then
  echo "soname.sh: no shared library of $1 is installed ($libs)" >&2
  exit 1
fi
echo "$name"
