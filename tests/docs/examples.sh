#!/bin/bash
# examples.sh PREFIX: the examples installed there build by their own Makefiles, for who has flags of
# his own, too.
set -u
cd "$(dirname "$0")/../.." || exit 1
prefix=$(realpath "${1:?where is ftvm installed?}")
work=build/check-docs/examples
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib MAKEFLAGS=
built=0
status=0

rm -rf "$work"
mkdir -p "$work"
for makefile in "$prefix"/share/doc/ftvm/examples/*/Makefile; do
    folder=${makefile%/Makefile}
    name=${folder##*/}
    cp -r "$folder" "$work/$name" && make -C "$work/$name" CFLAGS="-O2 -Werror" || status=1
    built=$((built + 1))
done
echo "examples: $built built"
[ "$built" -ge 3 ] || status=1
exit $status
