#!/bin/bash
# hooks.sh BUILD: the plain build has nothing of the hooks: no code, no data, no name in a table of
# symbols, and it never asks for the page.
set -u
cd "$(dirname "$0")/../.." || exit 1
binary=${1:-build}/ftvm
status=0

[ -f "$binary" ] || { echo "there is no $binary"; exit 1; }
symbols=$(nm "$binary" | grep -iE ' [a-z] (.*_)?(hooks?|undo)_')
if [ -n "$symbols" ]; then
    echo "$binary has symbols of the hooks:"
    echo "$symbols"
    status=1
fi
if grep -qa 'FTVM_HOOKS' <(objcopy -O binary --only-section=.rodata "$binary" /dev/stdout); then
    echo "$binary knows the variable FTVM_HOOKS"
    status=1
fi
exit $status
