#!/bin/bash
# Runs the project's tests, stage by stage, and ends with one line "N passed, N failed".
#
#   tests/check.sh [STAGE...]      stages: house docs unit packages hooks asan tsan clang examples fuzz sim model e2e lab
#                                  (default: all)
#
# Each stage builds into a folder of its own below build/, in parallel. Programs that only compute run
# so too; the others one after the other, as two replicas under test want the machine for themselves.
# What a program printed is kept in build/check/, and shown if it failed.
set -u
cd "$(dirname "$0")/.." || exit 1

stages="${*:-house docs unit packages hooks asan tsan clang examples fuzz sim model e2e lab}"
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

# Programs without threads that wait for each other, sockets, or a clock.
computes='/tests/(logging|riscv|devices)/|/replication/test_(engine|every|explore|traces)|/libftvm/test_(check_(faults|rules)|memory)'

log_of() {
    local label=$1 binary=$2
    echo "$logs/$label-$(basename "$(dirname "$binary")")-$(basename "$binary").log"
}

# Runs a program, and leaves what it printed and how it ended: run LOG BINARY
run() {
    local log=$1 binary=$2 started=$SECONDS
    "$binary" >"$log" 2>&1
    echo "$? $((SECONDS - started))" >"$log.end"
}
export -f run

# One test program that has run, whose last line counts its tests: Criterion's, or that of
# tests/support.
program() {
    local label=$1 binary=$2 log=$3 status seconds line good bad
    read -r status seconds <"$log.end"
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
        echo "  pass  $label: $binary (${good} tests, $seconds s)"
    else
        echo "  FAIL  $label: $binary (exit $status)"
        show "$log"
    fi
}

# programs LABEL PATTERN MAKE-ARGUMENTS...: builds the unit tests and runs those that match.
programs() {
    local label=$1 pattern=$2 list log
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
        log=$(log_of "$label" "$binary")
        rm -f "$log.end"
        [[ ! $binary =~ $computes ]] || printf '%s\n%s\n' "$log" "$binary"
    done | xargs -r -d '\n' -n 2 -P "$jobs" bash -c 'run "$@"' run
    for binary in $list; do
        log=$(log_of "$label" "$binary")
        [ -e "$log.end" ] || run "$log" "$binary"
        program "$label" "$binary" "$log"
    done
}

stage_house() {
    step format sh -c 'git ls-files "*.c" "*.h" | xargs clang-format --dry-run -Werror'
    step floors tests/house/floors.sh
    make -s -j"$jobs" all >"$logs/build-house.log" 2>&1
    step globals tests/house/globals.sh build
    step symbols tests/house/symbols.sh build
    step exports tests/house/exports.sh build
    step mutants tests/house/mutants.sh build
    step cplusplus make -s check-cplusplus
    step hooks tests/house/hooks.sh build
}

# The documentation: it can be made, no link in it is dead, what it says of options, files and calls is
# so, and its listings are executed and compiled.
stage_docs() {
    step docs-make make -s -j"$jobs" docs man docs-prefix
    step docs-links tests/docs/links.py build/docs build/check-docs/prefix/share/doc/ftvm
    step docs-head tests/docs/head.sh
    step docs-examples tests/docs/examples.sh build/check-docs/prefix
    step docs-api tests/docs/api.py build/api-xml
    step docs-man tests/docs/man.py build
    step docs-diagrams tests/docs/diagrams.sh
    step docs-listing tests/docs/test_listing.py
    make -s guest || count 0 1
    counted listings check-listings
}

stage_unit() {
    make -s guest || count 0 1
    programs unit . BUILD=build
}

# As somebody gets it who installs it.
stage_packages() {
    counted packages check-packages
}

# The build that the fault lab reaches into: its hooks, and that it is the same library otherwise.
stage_hooks() {
    programs hooks '/tests/(hooks|libftvm|backends)/' BUILD=build/hooks HOOKS=1
}

# The Linux boots are left to the plain build: they would take minutes here and show nothing more.
stage_asan() {
    programs asan '/(logging|replication|libftvm|riscv|devices|backends|cli|lab)/|/vmm/test_(boot|description|disk|guests)' \
        BUILD=build/asan SANITIZE=address,undefined OPT=-O1
}

stage_tsan() {
    programs tsan '/(libftvm|backends)/|/cli/test_(pair|replica)' BUILD=build/tsan SANITIZE=thread OPT=-O1
}

stage_clang() {
    step clang make -s -j"$jobs" BUILD=build/clang CC=clang all build/clang/ftvm-sim build/clang/ftvm-lab
}

# The examples, as pairs of processes that lose replicas.
stage_examples() {
    counted examples check-examples
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

# Pairs in virtual time: seeds, all short runs, and every mutant of the protocol must be found.
stage_sim() {
    local sim=build/ftvm-sim checked=build/asan/ftvm-sim
    step build-sim make -s -j"$jobs" "$sim"
    step sim-seeds "$sim" --seconds 60
    step sim-explore "$sim" --explore --deeper 1
    step sim-mutants "$sim" --mutants
    step build-sim-asan make -s -j"$jobs" BUILD=build/asan SANITIZE=address,undefined OPT=-O1 "$checked"
    step sim-seeds-asan "$checked" --runs 6000
}

stage_model() {
    counted model model
}

stage_e2e() {
    counted e2e check-e2e
}

# Fifty real faults on living pairs, each of them a test.
stage_lab() {
    local log=$logs/lab.log line finished total wrong
    make -s -j"$jobs" check-lab 2>&1 | tee "$log"
    line=$(grep -aE '^[0-9]+ of [0-9]+ runs done, [0-9]+ wrong' "$log" | tail -n 1)
    if [ -z "$line" ]; then
        echo "  FAIL  lab: ended without a count"
        count 0 1
        return
    fi
    read -r finished total wrong < <(sed -E 's/^([0-9]+) of ([0-9]+) runs done, ([0-9]+) wrong.*/\1 \2 \3/' <<<"$line")
    count $((finished - wrong)) $((total - finished + wrong))
}

for stage in $stages; do
    if [ "$(type -t "stage_$stage")" != function ]; then
        echo "check: no stage \"$stage\"; there are: house docs unit packages hooks asan tsan clang examples fuzz sim model e2e lab" >&2
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
