#!/bin/sh
# fresh.sh ROOT TARGET…: makes a Debian 12 root at ROOT with gcc and make and nothing else (unless it
# is there), puts a copy of the committed tree into it, and runs `make TARGET` for each target there.
# Needs root and debootstrap. Certificates that NODE_EXTRA_CA_CERTS names are taken along.
set -e
root=$1
shift
if [ ! -x "$root/usr/bin/gcc" ]; then
  debootstrap --variant=minbase --include=gcc,make bookworm "$root" http://deb.debian.org/debian
fi
cp /etc/resolv.conf "$root/etc/resolv.conf"
mountpoint -q "$root/proc" || mount -t proc proc "$root/proc"
mountpoint -q "$root/dev/pts" || mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -sf pts/ptmx "$root/dev/ptmx"
trap 'umount "$root/proc" "$root/dev/pts"' EXIT
rm -rf "$root/src/mavilua"
mkdir -p "$root/src/mavilua"
git archive HEAD | tar -x -C "$root/src/mavilua"
certificates=
if [ -n "$NODE_EXTRA_CA_CERTS" ]; then
  cp "$NODE_EXTRA_CA_CERTS" "$root/etc/extra-certificates.pem"
  certificates=NODE_EXTRA_CA_CERTS=/etc/extra-certificates.pem
fi
for target in "$@"; do
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root $certificates make -C /src/mavilua "$target"
done
