#!/bin/bash
# exports.sh BUILD: the shared library defines exactly the functions that the headers declare with
# FTVM_API, under a version of its linker map, and is called what its own version says; the static
# library has the same global names. So does what Debian's package says that it has, in that version.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
headers=libftvm/include/ftvm
status=0

version=$(sed -nE 's/^#define FTVM_VERSION_(MAJOR|MINOR|PATCH) +([0-9]+).*/\2/p' $headers/ftvm.h | paste -sd.)
shared=$build/libftvm.so.$version
static=$build/libftvm.a
soname=libftvm.so.${version%%.*}
[ -f "$shared" ] && [ -f "$static" ] || {
    echo "there is no $shared or no $static: make library"
    exit 1
}

fail() {
    printf '%s\n' "$@"
    status=1
}

# The name before the first parenthesis of each declaration, with comments and macros gone.
declared=$(for header in "$headers"/*.h; do "${CC:-gcc}" -E -P -Ilibftvm/include "$header"; done | tr '\n' ' ' |
    grep -oE '__attribute__\(\(visibility\("default"\)\)\)[^;]*;' |
    sed -E 's/^__attribute__\(\(visibility\("default"\)\)\)//; s/\(.*//; s/.*[^a-z0-9_]//' | sort -u)
[ -n "$declared" ] || fail "found no declarations in $headers"

# agree FILE NAMES: they are what is declared.
agree() {
    local missing extra
    missing=$(comm -23 <(echo "$declared") <(sort -u <<<"$2"))
    extra=$(comm -13 <(echo "$declared") <(sort -u <<<"$2"))
    [ -z "$missing" ] || fail "$1 does not have:" "$missing"
    [ -z "$extra" ] || fail "$1 has, and no header declares with FTVM_API:" "$extra"
}

agree "$shared" "$(nm -D --defined-only "$shared" | sed -nE 's/^[0-9a-f]+ [^A] ([^@]*).*/\1/p')"
agree "$static" "$(nm -g --defined-only "$static" | sed -nE 's/^[0-9a-f]+ . (.*)/\1/p')"
agree debian/libftvm0.symbols "$(sed -nE 's/^ ([a-z][^@]*)@.*/\1/p' debian/libftvm0.symbols)"

unversioned=$(nm -D --defined-only "$shared" | grep -vE '@@FTVM_[0-9.]+$| A FTVM_[0-9.]+$')
[ -z "$unversioned" ] || fail "$shared has names without a version:" "$unversioned"

named=$(readelf -d "$shared" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
[ "$named" = "$soname" ] || fail "$shared calls itself \"$named\", not $soname"
for link in "$build/$soname" "$build/libftvm.so"; do
    [ "$(readlink "$link")" = "${shared##*/}" ] || fail "$link does not lead to $shared"
done

packaged=$(sed -nE '1s/.*\((.*)\).*/\1/p' debian/changelog)
[ "$packaged" = "$version" ] || fail "debian/changelog is of $packaged, ftvm.h of $version"
exit $status
