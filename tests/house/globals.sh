#!/bin/bash
# globals.sh BUILD: no object file of the project has mutable data: two replicas live in one process.
# By section and not by nm's letters, as constant tables of pointers stand in .data.rel.ro.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0
objects=$(find "${1:-build}"/{logging,replication,libftvm,vmm,cli} -name '*.o' ! -name 'log.pb-c.o')
[ -n "$objects" ] || { echo "nothing is built in ${1:-build}"; exit 1; }
for object in $objects; do
    mutable=$(objdump -t "$object" | grep -E ' O \.(data|bss|tdata|tbss)(\.[^r][^ ]*)?[[:space:]]')
    if [ -n "$mutable" ]; then
        echo "$object has mutable globals:"
        echo "$mutable"
        status=1
    fi
done
exit $status
