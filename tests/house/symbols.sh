#!/bin/bash
# No object of ours defines a function that the C library has: in one program ours would take its
# place for everybody. symbols.sh BUILD, after everything was built there.
set -eu -o pipefail
build=$1
library=$("${CC:-gcc}" -print-file-name=libc.so.6)

ours() {
    nm -g --defined-only "$build"/lib/*.a 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u
}

theirs() {
    nm -D --defined-only "$library" | awk 'NF == 3 { sub(/@.*/, "", $3); print $3 }' | sort -u
}

taken=$(comm -12 <(ours) <(theirs))
if [ -n "$taken" ]; then
    echo "names of the C library that are defined here, too:"
    echo "$taken"
    exit 1
fi
