#!/bin/bash
# The code in the comment at the head of ftvm.h compiles, within tests/docs/frames/head.c: who begins
# by copying it has calls that are complete.
set -u
cd "$(dirname "$0")/../.." || exit 1
header=libftvm/include/ftvm/ftvm.h
code=$(sed -n '1,/\*\//s/^ \*     //p' $header)
frame=$(<tests/docs/frames/head.c)
lines=$(wc -l <<<"$code")
if [ "$lines" -lt 10 ] || [[ $frame != *'/* LISTING */'* ]]; then
    echo "head: $header has $lines lines of code in its head, or the frame no place for them"
    exit 1
fi
gcc -std=gnu11 -Wall -Wextra -Werror -Ilibftvm/include -fsyntax-only -x c - <<<"${frame/'/* LISTING */'/"$code"}" || exit 1
echo "head: $lines lines of code"
