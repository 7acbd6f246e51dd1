#!/bin/bash
# The floors of the house: each folder includes only its own headers and those of the floors below;
# vmm/ and what stands on it see the library through <ftvm/ftvm.h> alone.
set -u
cd "$(dirname "$0")/../.." || exit 1
status=0

# allow FOLDER PATTERN: quoted includes in FOLDER must begin with PATTERN.
allow() {
    local found
    found=$(grep -rnE '^#include "' --include='*.[ch]' "$1" 2>/dev/null | grep -vE "#include \"($2)")
    if [ -n "$found" ]; then
        echo "$1 includes what is not below it:"
        echo "$found"
        status=1
    fi
}

allow logging logging/
allow replication '(replication|logging)/'
allow libftvm '(libftvm|replication|logging)/|fault-injection/hooks/page\.h'
allow vmm 'vmm/|fault-injection/hooks/(page|undo)\.h'
allow cli '(cli|vmm)/'
allow cli/ftvm-check cli/ftvm-check/
# Those that are copied out of the tree include files beside them.
allow examples '(examples/|fault-injection/lab/|[a-z0-9_]+\.[ch]")'
allow fault-injection/hooks fault-injection/hooks/
allow fault-injection/lab 'fault-injection/(lab/|hooks/(page|undo)\.h)'
allow fault-injection/simulator '(fault-injection/simulator/|replication/|logging/)'
allow vmm/state vmm/state/
allow vmm/riscv 'vmm/(riscv/|state/|memory\.h)'
allow vmm/devices 'vmm/(devices/|state/|backends/disk\.h|memory\.h)'
allow vmm/backends 'vmm/backends/|fault-injection/hooks/(page|undo)\.h'

# The hooks stand below everything, and only these reach for them.
reaching=$(grep -rlE '^#include "fault-injection/hooks/' --include='*.[ch]' logging replication libftvm vmm cli |
    grep -vxE 'libftvm/hooks\.h|vmm/backends/disk_calls/faulty\.c')
if [ -n "$reaching" ]; then
    echo "the fault lab's hooks are included by:"
    echo "$reaching"
    status=1
fi

# The engine: no I/O, no clock, no thread.
impure=$(grep -nE '#include <(ev|pthread|time|unistd|sys/|poll|errno)|clock_gettime|rand\(' replication/engine*.[ch])
if [ -n "$impure" ]; then
    echo "the engine must be pure:"
    echo "$impure"
    status=1
fi

# Memory of a node comes through logging/memory.h alone, and goes back there. The check of a machine's
# determinism is no replica: it takes malloc's.
taken=$(grep -rnE '\b((m|c|re|aligned_)alloc|reallocarray|posix_memalign|strn?dup|v?asprintf|free)\(' \
    --include='*.[ch]' logging replication libftvm |
    grep -vE '^(logging/memory\.c|libftvm/(hooks|check)/|libftvm/include/)')
if [ -n "$taken" ]; then
    echo "memory is taken past logging/memory.h:"
    echo "$taken"
    status=1
fi
exit $status
