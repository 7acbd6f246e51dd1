#!/bin/bash
# all.sh BUILD: every test of an example, one after the other; ends with "N passed, N failed".
set -u
passed=0
failed=0
for test in "$(dirname "$0")"/*.sh; do
    case ${test##*/} in all.sh | pair.sh) continue ;; esac
    echo "${test##*/}"
    said=$(bash "$test" "$1" 2>&1)
    echo "$said"
    read -r good bad < <(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed$/\1 \2/p' <<<"$said")
    # One that dies before it has counted has failed.
    passed=$((passed + ${good:-0}))
    failed=$((failed + ${bad:-1}))
done
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
