#!/bin/sh
# What smoke.sh does with the packages in a fresh Debian, as its root: /packages has them, and pair.c.
set -eu
cd /packages
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8 MANPAGER=cat
names="ftvm libftvm0 libftvm-dev"
version=$(dpkg-deb --field ftvm_*.deb Version)

pass() {
    echo "  pass  $1"
}

fail() {
    echo "inside: $1"
    exit 1
}

# Other programs' memory of pages that they showed is not ours.
ours() {
    find / -xdev -name '*ftvm*' ! -path '/packages/*' ! -path '/var/cache/man/*' | sort
}

install() {
    apt-get install -y -qq --no-install-recommends "$@"
}

rm -f ./*-dbgsym_*.deb
before=$(ours)
install ./*.deb
dpkg --audit
[ -z "$(dpkg --audit)" ] || fail "dpkg is not content"
# shellcheck disable=SC2086 # a list of words
dpkg -L $names | grep -v "^/\.$" | sort -u >files
pass packages-install

ftvm --version
ftvm --version | grep -qx "ftvm $version" || fail "ftvm is not of version $version"
ftvm --help >/dev/null
pass packages-command

if grep -q '^/usr/share/man/man1/ftvm' files; then
    install man-db
    for page in $(sed -n 's|^/usr/share/man/man[1-9]/\(.*\)\.gz$|\1|p' files); do
        man -w "${page##*.}" "${page%.*}"
        man --warnings "${page##*.}" "${page%.*}" 2>&1 >/dev/null | grep . && fail "$page is not a clean page"
    done
    pass packages-manual
fi

install gcc libc6-dev pkgconf
[ "$(pkg-config --modversion ftvm)" = "$version" ] || fail "pkg-config says another version"
flags=$(pkg-config --cflags --libs ftvm)
every_flag=$(pkg-config --static --cflags --libs ftvm)
echo "shared: $flags; static: $every_flag"
case "$flags" in *-lev*) fail "who links the shared library need not name what that needs" ;; esac

# shellcheck disable=SC2086 # flags are words
gcc -Wall -Wextra -Werror pair.c $flags -o pair-shared
ldd pair-shared
ldd pair-shared | grep -q 'libftvm\.so\.0 => /' || fail "not linked with the shared library"
./pair-shared /packages/arbiter-shared
pass packages-shared

# shellcheck disable=SC2086
gcc -Wall -Wextra -static pair.c $every_flag -o pair-static
./pair-static /packages/arbiter-static
pass packages-static

# As a reader of the manual does it. The other examples want libraries of their own.
install make
for example in counter threads; do
    [ -d /usr/share/doc/ftvm/examples/$example ] || continue
    cp -r /usr/share/doc/ftvm/examples/$example .
    make -C $example CFLAGS="-O2 -g -Werror"
    [ $example != counter ] || ftvm-check --epochs 50 counter/counter.so
    pass packages-example-$example
done

# shellcheck disable=SC2086
apt-get purge -y -qq $names
while read -r path; do
    [ -e "$path" ] || [ -L "$path" ] || continue
    [ -d "$path" ] && dpkg -S "$path" >/dev/null 2>&1 || fail "$path is still there"
done <files
[ "$(ours)" = "$before" ] || fail "left behind: $(ours)"
pass packages-remove
