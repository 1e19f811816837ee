#!/bin/sh
# Installs the Debian packages named that are not there yet. Without the right to install, prints the
# one line to run and fails.
missing=
for package in "$@"; do
  # Another node than Debian's will do, with the npm that came with it.
  case $package in
    nodejs) command -v node >/dev/null 2>&1 && continue ;;
    npm) command -v npm >/dev/null 2>&1 && continue ;;
  esac
  case "$(dpkg-query -W -f='${Status}' "$package" 2>/dev/null)" in
    *" installed") ;;
    *) missing="$missing $package" ;;
  esac
done
[ -z "$missing" ] && exit 0

if [ "$(id -u)" = 0 ]; then
  as_root=
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
  as_root=sudo
else
  echo "mavilua: packages are missing; as root, run:" >&2
  echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
  exit 1
fi
echo "installing:$missing"
log=$(mktemp)
# Lists that cannot be fetched need not mean that the packages cannot.
if ! { $as_root apt-get -o Acquire::Retries=3 update
       DEBIAN_FRONTEND=noninteractive $as_root apt-get -o Acquire::Retries=3 install -y \
         --no-install-recommends $missing; } >"$log" 2>&1; then
  tail -n 20 "$log" >&2
  echo "mavilua: the packages could not be installed:$missing" >&2
  rm -f "$log"
  exit 1
fi
rm -f "$log"
