#!/bin/bash
# install.sh BUILD: make install puts everything in its place below a folder with a space in its name,
# make uninstall takes it all away and nothing else, and what cannot be right is refused.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
folder="$PWD/build/check/a folder"
doc=$folder/usr/share/doc/ftvm
status=0

fail() {
    printf '%s\n' "$@"
    status=1
}

run() {
    make -s BUILD="$build" "$1" PREFIX=/usr LIBDIR=/usr/lib/multiarch DESTDIR="$folder" || fail "make $1 failed"
}

files() {
    (cd "$folder" && find . ! -type d | sort)
}

rm -rf "$folder"
make -s BUILD="$build" all || exit 1
touch "$build/check-install"
run install
run install
expected=$(
    echo ./usr/bin/ftvm
    printf './usr/lib/multiarch/%s\n' libftvm.a libftvm.so libftvm.so.0 pkgconfig/ftvm.pc
    (cd libftvm/include && printf './usr/include/%s\n' ftvm/*.h)
    [ ! -d examples/counter ] || (cd examples && printf './usr/share/doc/ftvm/examples/%s\n' counter/*.c)
    (cd man && for page in *.md; do
        page=${page%.md}
        [ ! -f "$page.md" ] || echo "./usr/share/man/man${page##*.}/$page"
    done)
)
missing=$(comm -23 <(sort <<<"$expected") <(files))
[ -z "$missing" ] || fail "not installed:" "$missing"
built=$(find "$build" -path build/check -prune -o -type f -newer "$build/check-install" -print)
[ -z "$built" ] || fail "installing built:" "$built"
[ -z "$(find "$folder" ! -type l ! -perm -444)" ] || fail "not everybody may read it"

mkdir -p "$doc"
touch "$doc/somebody-elses"
run uninstall
[ "$(files)" = ./usr/share/doc/ftvm/somebody-elses ] || fail "left behind, or taken from others:" "$(files)"
[ ! -e "$folder/usr/include/ftvm" ] || fail "the headers' folder is still there"
run uninstall

for prefix in usr "/a folder" ""; do
    make -s BUILD="$build" install PREFIX="$prefix" DESTDIR="$folder/wrong" 2>/dev/null && fail "PREFIX=\"$prefix\" is taken"
    [ ! -e "$folder/wrong" ] || fail "PREFIX=\"$prefix\" left something"
done
rm -rf "$folder" "$build/check-install"
exit $status
