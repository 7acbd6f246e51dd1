#!/bin/sh
# Installs, through apt, what building, testing and demonstrating needs on Debian, and the packages
# that its arguments name. Does nothing, and needs no privileges, when all of it is there.
set -eu

packages="
gcc g++ clang clang-format make pkg-config git
libprotobuf-c-dev protobuf-c-compiler libxxhash-dev libev-dev libpcap-dev libslirp-dev libfdt-dev
libjansson-dev libinih-dev libzstd-dev
libcriterion-dev libclang-rt-14-dev qemu-user gcc-riscv64-linux-gnu libc6-dev-riscv64-cross
binutils-riscv64-linux-gnu
debian-archive-keyring xz-utils cpio gzip
iproute2 procps kmod
gnuplot-nox spin libunicorn-dev
debhelper devscripts fakeroot lintian mmdebstrap
python3 pandoc doxygen graphviz man-db mandoc redis-tools netcat-openbsd systemd
$*
"

installed() {
    test "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed
}

missing=
for package in $packages; do
    installed "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
    echo "deps: everything is installed"
    exit 0
fi
echo "deps: installing$missing"
as_root=
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null || {
        echo "deps: not root and no sudo: as root, run: apt-get install$missing" >&2
        exit 1
    }
    as_root=sudo
fi
$as_root apt-get update -qq
# shellcheck disable=SC2086 # a list of words
$as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing
