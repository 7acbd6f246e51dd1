#!/bin/bash
# mutants.sh BUILD: the product has no mutants (logging/mutant.h). A switch that can be turned on
# would show as a reference to mutant_is_on().
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${1:-build}
archives=$(find "$build/lib" -name '*.a')
[ -n "$archives" ] || { echo "nothing is built in $build"; exit 1; }
# shellcheck disable=SC2086 # a list of archives
found=$(nm -A $archives 2>/dev/null | grep -i mutant)
if [ -n "$found" ]; then
    echo "mutants in the product:"
    echo "$found"
    exit 1
fi
