#!/bin/sh
# deb.sh ROOT PACKAGE: makes a Debian package of what `make install DESTDIR=ROOT PREFIX=/usr` has put below
# ROOT. Adds what Debian has besides: documentation, the unit for systemd (not enabled), control files.
# MAINTAINER and SOURCE_DATE_EPOCH may be set.
set -eu
umask 022
root=$1
package=$2
version=$(sed -n 's/.*MV_VERSION "\(.*\)".*/\1/p' csrc/base/version.h)
architecture=$(dpkg --print-architecture)
maintainer=${MAINTAINER:-mavilua developers <mavilua@example.com>}
export SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(stat -c %Y CHANGELOG.md)}"
doc=$root/usr/share/doc/mavilua
unit=$root/lib/systemd/system/mavilua.service

# What the linker needs and people who look for errors do not, as all of Debian has it.
strip_objects() {
  strip --remove-section=.comment --remove-section=.note "$root/usr/bin/mavilua"
  find "$root/usr/lib" -name '*.so*' -type f -exec strip --strip-unneeded --remove-section=.comment {} +
  find "$root/usr/lib" -name '*.so*' -type f -exec chmod 644 {} +
  find "$root/usr/lib" -name '*.a' -type f -exec strip --strip-debug --enable-deterministic-archives {} +
}

# Debian's shells look elsewhere for completion.
move_completion() {
  [ -d "$root/usr/share/zsh/site-functions" ] || return 0
  mv "$root/usr/share/zsh/site-functions" "$root/usr/share/zsh/vendor-completions"
}

# CHANGELOG.md's newest section in Debian's form.
write_changelog() {
  printf 'mavilua (%s) unstable; urgency=medium\n\n' "$version"
  sed -n '/^## /,/^## [^U]/p' CHANGELOG.md | sed '/^## /d' | awk '
    /^- / { if (entry) print entry; entry = substr($0, 3); next }
    NF { sub(/^ +/, ""); entry = entry " " $0 }
    END { if (entry) print entry }' | while read -r entry; do
    printf '%s\n' "$entry" | fold -s -w 74 | sed -e '1s/^/  * /' -e '2,$s/^/    /' -e 's/ *$//'
  done
  printf '\n -- %s  %s\n' "$maintainer" "$(LC_ALL=C date -u -R -d "@$SOURCE_DATE_EPOCH")"
}

write_copyright() {
  cat <<EOF
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: mavilua

Files: *
$(sed -n 's/^Copyright (c) /Copyright: /p' LICENSE)
License: Expat
$(sed -e '1,/^Copyright/d' LICENSE | sed -e '1{/^$/d}' -e 's/^$/./' -e 's/^/ /')
EOF
}

add_documentation() {
  mkdir -p "$doc/examples"
  write_changelog | gzip -9n >"$doc/changelog.gz"
  write_copyright >"$doc/copyright"
  cp README.md docs/*.md "$doc/"
  cp -r examples/. "$doc/examples/"
  find "$root/usr/share/man" -type f -exec gzip -9nf {} +
  find "$doc" -type f -exec chmod 644 {} +
}

add_unit() {
  mkdir -p "${unit%/*}"
  sed -e 's|/usr/local/bin/mavilua|/usr/bin/mavilua|' \
    -e 's|Copy to /etc/systemd/system/, put|It is not enabled: put|' \
    -e 's|systemctl daemon-reload && systemctl enable|systemctl enable|' \
    -e '/^Description=/a Documentation=man:mavilua(1) man:mavilua.conf(5)' \
    examples/systemd/mavilua.service >"$unit"
}

# The libraries that program and modules are linked with, as packages with versions.
depends() {
  work=$(mktemp -d)
  mkdir "$work/debian"
  printf 'Source: mavilua\n\nPackage: mavilua\nArchitecture: any\n' >"$work/debian/control"
  objects=$(find "$root/usr/bin/mavilua" "$root/usr/lib" -type f \( -name mavilua -o -name '*.so*' \))
  (cd "$work" && dpkg-shlibdeps -O --ignore-missing-info $objects 2>/dev/null) | sed 's/^shlibs:Depends=//'
  rm -r "$work"
}

write_control() {
  cat <<EOF
Package: mavilua
Version: $version
Architecture: $architecture
Maintainer: $maintainer
Installed-Size: $(du -k -s --apparent-size "$root" | cut -f 1)
Depends: $(depends)
Recommends: ca-certificates, tzdata
Suggests: liblua5.4-dev, lua5.4, lua-cjson, nginx
Section: net
Priority: optional
Description: automation for chatbots and a small CRM in Lua
 People who run chatbots and a small CRM on Mavibot or Salebot write their
 automation in Lua: with a module that has every action of the platform's HTTP
 API, a host that runs scripts per webhook and on schedules and loses nothing
 that it acknowledged, and a sandbox of the platform for trying and testing.
 .
 This package holds the program, the module for Lua 5.4, Lua 5.1 and LuaJIT, and
 the library for C and C++.
EOF
}

# systemd is told of the unit; a service that runs is stopped before its program goes, and started anew with
# a new one. Nothing is enabled, and the service's data stay.
write_scripts() {
  cat >"$root/DEBIAN/postinst" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = configure ] && [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
  if [ -n "${2:-}" ]; then deb-systemd-invoke try-restart mavilua.service || true; fi
fi
EOF
  cat >"$root/DEBIAN/prerm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
  deb-systemd-invoke stop mavilua.service || true
fi
EOF
  cat >"$root/DEBIAN/postrm" <<'EOF'
#!/bin/sh
set -e
if [ "$1" = remove ] && [ -z "${DPKG_ROOT:-}" ] && [ -d /run/systemd/system ]; then
  systemctl daemon-reload || true
fi
EOF
  chmod 755 "$root/DEBIAN/postinst" "$root/DEBIAN/prerm" "$root/DEBIAN/postrm"
}

add_control() {
  write_control >"$work_control"
  mkdir "$root/DEBIAN"
  mv "$work_control" "$root/DEBIAN/control"
  chmod 644 "$root/DEBIAN/control"
  (cd "$root" && find lib usr -type f | LC_ALL=C sort | xargs -d '\n' md5sum) >"$root/DEBIAN/md5sums"
  # The library that others link with: the linker's list is made anew, and their packages need this one.
  echo 'activate-noawait ldconfig' >"$root/DEBIAN/triggers"
  soname=$(find "$root/usr/lib" -name 'libmavilua.so.[0-9]' -printf '%f')
  echo "libmavilua ${soname##*.} mavilua (>= $version)" >"$root/DEBIAN/shlibs"
  write_scripts
}

work_control=$(mktemp)
strip_objects
move_completion
add_documentation
add_unit
add_control
dpkg-deb --root-owner-group --build "$root" "$package" >/dev/null
echo "$package"
