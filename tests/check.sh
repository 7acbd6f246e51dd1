#!/bin/bash
# Runs the project's tests, stage by stage, and ends with one line "N passed, N failed".
#
#   tests/check.sh [STAGE...]      stages: house unit asan tsan clang fuzz model e2e (default: all)
#
# Each stage builds into a folder of its own below build/, in parallel; programs run one after the
# other, as two replicas under test want the machine for themselves. What a program printed is kept in
# build/check/, and shown if it failed.
set -u
cd "$(dirname "$0")/.." || exit 1

stages="${*:-house unit asan tsan clang fuzz model e2e}"
logs=build/check
jobs=$(nproc)
passed=0
failed=0
mkdir -p "$logs"

# count PASSED FAILED
count() {
    passed=$((passed + $1))
    failed=$((failed + $2))
}

show() {
    echo "---- $1"
    tail -n 60 "$1"
    echo "----"
}

# One check that is not a test program: step NAME COMMAND...
step() {
    local name=$1 log="$logs/$1.log"
    shift
    if "$@" >"$log" 2>&1; then
        echo "  pass  $name"
        count 1 0
    else
        echo "  FAIL  $name"
        show "$log"
        count 0 1
    fi
}

# One test program, whose last line counts its tests: Criterion's, or that of tests/support.
program() {
    local label=$1 binary=$2 log started=$SECONDS status line good bad
    log="$logs/$label-$(basename "$(dirname "$binary")")-$(basename "$binary").log"
    "$binary" >"$log" 2>&1
    status=$?
    line=$(grep -a 'Tested:' "$log" | tail -n 1)
    good=$(sed -n 's/.*Passing: *\([0-9]*\).*/\1/p' <<<"$line")
    bad=$(sed -n 's/.*Failing: *\([0-9]*\).*/\1/p' <<<"$line")
    crashed=$(sed -n 's/.*Crashing: *\([0-9]*\).*/\1/p' <<<"$line")
    bad=$((${bad:-0} + ${crashed:-0}))
    # A program that dies, or tests nothing, has failed whatever it counted.
    if [ "$status" != 0 ] && [ "$bad" = 0 ] || [ -z "$good" ]; then
        bad=$((bad + 1))
    fi
    count "${good:-0}" "$bad"
    if [ "$bad" = 0 ]; then
        echo "  pass  $label: $binary (${good} tests, $((SECONDS - started)) s)"
    else
        echo "  FAIL  $label: $binary (exit $status)"
        show "$log"
    fi
}

# programs LABEL PATTERN MAKE-ARGUMENTS...: builds the unit tests and runs those that match.
programs() {
    local label=$1 pattern=$2 list
    shift 2
    list=$(make -s "$@" list-unit-tests | grep -E "$pattern")
    # shellcheck disable=SC2086 # a list of targets
    if ! make -s -j"$jobs" "$@" $list >"$logs/build-$label.log" 2>&1; then
        echo "  FAIL  $label: does not build"
        show "$logs/build-$label.log"
        count 0 1
        return
    fi
    for binary in $list; do
        program "$label" "$binary"
    done
}

stage_house() {
    step format sh -c 'git ls-files "*.c" "*.h" | xargs clang-format --dry-run -Werror'
    step floors tests/house/floors.sh
    make -s -j"$jobs" all >"$logs/build-house.log" 2>&1
    step globals tests/house/globals.sh build
    step symbols tests/house/symbols.sh build
}

stage_unit() {
    make -s guest || count 0 1
    programs unit . BUILD=build
}

# The Linux boots are left to the plain build: they would take minutes here and show nothing more.
stage_asan() {
    programs asan '/(logging|replication|libftvm|riscv|devices|backends|cli)/|/vmm/test_(boot|description|disk|guests)' \
        BUILD=build/asan SANITIZE=address,undefined OPT=-O1
}

stage_tsan() {
    programs tsan '/(libftvm|backends)/|/cli/test_(pair|replica)' BUILD=build/tsan SANITIZE=thread OPT=-O1
}

stage_clang() {
    step clang make -s -j"$jobs" BUILD=build/clang CC=clang all
}

stage_fuzz() {
    step fuzz make -s fuzz
}

# counted STAGE TARGET: a target whose last line counts what passed and failed.
counted() {
    local log=$logs/$1.log line
    make -s -j"$jobs" "$2" 2>&1 | tee "$log"
    line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
    if [ -z "$line" ]; then
        echo "  FAIL  $1: ended without a count"
        count 0 1
        return
    fi
    count "$(sed 's/ passed.*//' <<<"$line")" "$(sed 's/.*, \([0-9]*\) failed.*/\1/' <<<"$line")"
}

stage_model() {
    counted model model
}

stage_e2e() {
    counted e2e check-e2e
}

for stage in $stages; do
    if [ "$(type -t "stage_$stage")" != function ]; then
        echo "check: no stage \"$stage\"; there are: house unit asan tsan clang fuzz model e2e" >&2
        exit 2
    fi
done
for stage in $stages; do
    echo "== $stage ($((SECONDS / 60)) min)"
    "stage_$stage"
done
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
