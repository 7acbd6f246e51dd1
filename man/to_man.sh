#!/bin/sh
# One manual page: man/to_man.sh man/NAME.SECTION.md VERSION, to standard output.
set -eu
source=$1
version=$2
page=$(basename "$source" .md)
seconds=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct -- "$source" 2>/dev/null || true)}
date=$(date -u -d "@${seconds:-$(stat -c %Y "$source")}" +%Y-%m-%d)

# Behind: a heading needs no paragraph below it, and "C" is no font.
pandoc -f markdown-smart -t man -s \
    -M title="$(echo "${page%.*}" | tr '[:lower:]' '[:upper:]')" -M section="${page##*.}" \
    -M header="ftvm manual" -M footer="ftvm $version" -M date="$date" "$source" |
    awk '/^\.PP$/ && heading { heading = 0; next }
         { heading = /^\.S[HS]/; gsub(/\\f\[C\]/, "\\f[R]"); print }'
