#!/bin/bash
# Checks the model of the replication protocol with spin. Every configuration must hold, whole; every state of the
# witnesses must be reached; and every trap, which is the protocol with a rule broken, must be found, by the property
# that the table below names.
#
#   fault-injection/model/check.sh [--deep] [--trap NAME [--story]] [--list]
#
#   --trap NAME   this trap alone
#   --story       and how spin came to it, step by step
#   --deep        more faults of each kind, larger bounds: three times as long, 3 GiB
#   --list        names the configurations, witnesses and traps
#
# The last line counts what passed and failed. Everything is built in $BUILD/model (BUILD: build).
set -u
model=$(cd "$(dirname "$0")" && pwd)
out=${BUILD:-build}/model
memory_mib=3500
depth=100000
passed=0
failed=0
deep=
only=
story=
list=

usage() {
    echo "check.sh: $1; see the comment at the top of $0" >&2
    exit 2
}

while [ $# -gt 0 ]; do
    case $1 in
    --deep) deep=1 ;;
    --list) list=1 ;;
    --story) story=1 ;;
    --trap)
        [ $# -ge 2 ] || usage "--trap needs a name"
        only=$2
        shift
        ;;
    *) usage "unknown argument \"$1\"" ;;
    esac
    shift
done
[ -z "$story" ] || [ -n "$only" ] || usage "--story needs --trap NAME"

# NAME | what is checked | bounds. All of a configuration's safety properties, or promise 5 as LTL.
configurations="
revised, crash, cut and rejoin|safety|-DCRASHES=1 -DCUTS=1 -DRESTARTS=1
original, crash, cut and rejoin|safety|-DPROTOCOL=ORIGINAL -DCRASHES=1 -DCUTS=1 -DRESTARTS=1
revised, crash, cut, sleep, silent arbiter|safety|-DCRASHES=1 -DCUTS=1 -DPAUSES=1 -DOUTAGES=1 -DOPERATIONS=3
original, crash, cut, sleep, silent arbiter|safety|-DPROTOCOL=ORIGINAL -DCRASHES=1 -DCUTS=1 -DPAUSES=1 -DOUTAGES=1 -DOPERATIONS=3
revised, cuts, promotion by command, rejoin|safety|-DCUTS=2 -DPROMOTES=1 -DRESTARTS=1 -DOPERATIONS=3
original, cuts, promotion by command, rejoin|safety|-DPROTOCOL=ORIGINAL -DCUTS=2 -DPROMOTES=1 -DRESTARTS=1 -DOPERATIONS=3
revised, two failovers|safety|-DCRASHES=2 -DRESTARTS=2
revised, sleep and rejoin, three replicas|safety|-DREPLICAS=3 -DCRASHES=1 -DPAUSES=1 -DRESTARTS=1 -DOPERATIONS=3
revised, no arbiter, who is silent has crashed|safety|-DARBITER=0 -DCRASHES=2 -DRESTARTS=2
original, no arbiter, who is silent has crashed|safety|-DPROTOCOL=ORIGINAL -DARBITER=0 -DCRASHES=2 -DRESTARTS=2
revised, it goes on: crash, cut and rejoin|liveness|-DCRASHES=1 -DCUTS=1 -DRESTARTS=1 -DOPERATIONS=3
original, it goes on: crash, cut and rejoin|liveness|-DPROTOCOL=ORIGINAL -DCRASHES=1 -DCUTS=1 -DRESTARTS=1 -DOPERATIONS=2
revised, it goes on: cut, sleep, silent arbiter|liveness|-DCUTS=1 -DPAUSES=1 -DOUTAGES=1 -DOPERATIONS=2
original, it goes on: cut, sleep, silent arbiter|liveness|-DPROTOCOL=ORIGINAL -DCUTS=1 -DPAUSES=1 -DOUTAGES=1 -DOPERATIONS=2
revised, it goes on: two failovers|liveness|-DCRASHES=2 -DRESTARTS=2 -DOPERATIONS=2
"
deep_configurations="
revised, all faults|safety|-DCRASHES=1 -DCUTS=1 -DPAUSES=1 -DOUTAGES=1 -DRESTARTS=1 -DPROMOTES=1 -DOPERATIONS=3
original, all faults|safety|-DPROTOCOL=ORIGINAL -DCRASHES=1 -DCUTS=1 -DPAUSES=1 -DOUTAGES=1 -DRESTARTS=1 -DPROMOTES=1 -DOPERATIONS=3
revised, longer run, more in flight|safety|-DCRASHES=1 -DCUTS=1 -DRESTARTS=1 -DOPERATIONS=5 -DIN_FLIGHT=5
revised, sleep, cut and rejoin, three replicas|safety|-DREPLICAS=3 -DCRASHES=1 -DCUTS=1 -DPAUSES=1 -DRESTARTS=1 -DOPERATIONS=2
revised, it goes on: crash and rejoin, three replicas|liveness|-DREPLICAS=3 -DCRASHES=1 -DRESTARTS=1 -DOPERATIONS=2
revised, it goes on: all faults|liveness|-DCRASHES=1 -DCUTS=1 -DPAUSES=1 -DOUTAGES=1 -DRESTARTS=1 -DOPERATIONS=2
"

# NAME | bounds
witnesses="
protected-again|-DCRASHES=1 -DRESTARTS=1
taken-back|-DCRASHES=2 -DRESTARTS=1
both-live|-DCUTS=1
sleeper|-DPAUSES=1
primary-won|-DCUTS=1 -DRESTARTS=1
log-left|-DCRASHES=1
third|-DREPLICAS=3 -DCRASHES=2 -DRESTARTS=1 -DOPERATIONS=2
"

# NAME | the property that it must violate | bounds, in which the same protocol without the trap holds | what is wrong
traps="
no-arbiter|one_active_per_term|-DARBITER=0 -DCUTS=1|every claim wins, and a cable is cut
unacknowledged-value|survivor_has_what_left|-DCRASHES=1|an output waits for the last boundary, and not for a value behind it
no-claim|held_for_who_may_claim|-DCUTS=1|a primary that loses its backup goes on without a claim
output-while-claiming|overtaken_adds_nothing|-DCUTS=1|outputs leave while a primary's claim is under way
untold-claims|unprotected_holds_the_record|-DCUTS=1|a joiner claims that was not told PROTECTED
promise-before-holding|held_for_who_may_claim|-DCUTS=1|PROTECTED is sent before outputs are held
unknown-is-won|winner_holds_the_record|-DCUTS=1 -DOUTAGES=1|an arbiter that does not answer is taken for a yes
live-before-consumed|survivor_has_what_left|-DCRASHES=1|a winner goes live before it has executed its log
short-last-epoch|survivor_has_what_left|-DCRASHES=1|a survivor does not run the last epoch in full
kept-forgotten|none_left_out|-DCRASHES=1|a survivor drops its kept outputs
released-told-early|none_left_out|-DCRASHES=1|a boundary tells of outputs as released that are held
runs-past-the-end|backup_agrees_with_the_log|-DCRASHES=1|a backup runs an epoch whose end it does not know
original-goes-on|original_waits|-DPROTOCOL=ORIGINAL -DCRASHES=1|the original protocol does not wait at a boundary
message-lost|log_without_gaps|-DCUTS=1|a connection loses a message and goes on
old-connection-counts|terms_never_go_back|-DCUTS=1 -DRESTARTS=1 -DIN_FLIGHT=8|a message still counts that came over a connection given up
decides-again|what_left_never_changes|-DONLY_FROM_OUTSIDE -DCUTS=1|a winner decides the values of its last epoch anew
unknown-is-lost|goes_on|-DLIVENESS -DCUTS=1 -DOUTAGES=1 -DOPERATIONS=1|an arbiter that does not answer is taken for a no
new-claim-id|goes_on|-DLIVENESS -DCUTS=1 -DOUTAGES=1 -DOPERATIONS=1|a claim is asked again as another one
"

# Bounds that together reach every statement.
coverage="-DCRASHES=1 -DCUTS=1 -DRESTARTS=1 -DOPERATIONS=3
-DCUTS=1 -DOUTAGES=1 -DPROMOTES=1 -DPAUSES=1 -DOPERATIONS=3"

# The lines of a table.
rows() {
    grep -v '^$' <<<"$1"
}

if [ -n "$list" ]; then
    echo "configurations:"
    rows "$configurations" | sed 's/|.*//; s/^/  /'
    echo "configurations with --deep:"
    rows "$deep_configurations" | sed 's/|.*//; s/^/  /'
    echo "witnesses:"
    rows "$witnesses" | sed 's/|.*//; s/^/  /'
    echo "traps:"
    rows "$traps" | awk -F'|' '{ printf "  %-23s %s\n", $1, $4 }'
    exit 0
fi
if [ -n "$only" ] && ! rows "$traps" | grep -q "^$only|"; then
    usage "there is no trap \"$only\"; --list names them"
fi
for tool in spin gcc; do
    command -v "$tool" >/dev/null || usage "$tool is not installed: make deps"
done
mkdir -p "$out" || exit 1
out=$(cd "$out" && pwd)

pass() {
    echo "  pass  $1"
    passed=$((passed + 1))
}

fail() {
    echo "  FAIL  $1"
    failed=$((failed + 1))
}

# The verifier for one set of definitions, run to its end: verify DIRECTORY "DEFINITIONS" "COMPILER'S" "RUNNER'S".
# Leaves its output in DIRECTORY/result, and fails if that is not one of a search that was made.
verify() {
    local directory=$1
    rm -rf "$directory"
    mkdir -p "$directory"
    # shellcheck disable=SC2086 # lists of words
    (
        cd "$directory" || exit 1
        spin -a $2 "$model/protocol.pml" >compile 2>&1 &&
            gcc -w -DNOREDUCE -DMEMLIM=$memory_mib $3 -o pan pan.c >>compile 2>&1 &&
            ./pan -w22 -m$depth $4 >result 2>&1
    )
    grep -q '^State-vector' "$directory/result" 2>/dev/null
}

# A search is whole only if nothing cut it short.
cut_short() {
    grep -qE 'max search depth too small|out of memory|reached -DMEMLIM|Search not completed|too few bits|VECTORSZ' "$1"
}

errors() {
    sed -n 's/.*errors: \([0-9]*\).*/\1/p' "$1"
}

# The property that a search found violated.
violated() {
    if grep -q 'acceptance cycle (at' "$1"; then
        echo goes_on
    else
        sed -n 's/.*assertion violated .*||\([a-z_]*\)) (at depth.*/\1/p' "$1" | head -n 1
    fi
}

numbers() {
    awk '/states, stored/ && !n { n = $1 }
         /depth reached/ { sub(/.*depth reached /, ""); d = $1 + 0 }
         /total actual memory/ { m = int($1 + 0.5) }
         /elapsed time/ { t = $4 }
         END {
             while (n >= 1000) { s = sprintf(",%03d%s", n % 1000, s); n = int(n / 1000) }
             printf "%d%s states, depth %d, %s s, %d MiB", n, s, d, t, m
         }' "$1"
}

show() {
    echo "----"
    tail -n 25 "$1/compile" 2>/dev/null
    grep -vE '^ *$' "$1/result" 2>/dev/null | head -n 25
    echo "----"
}

check_configuration() {
    local name=$1 kind=$2 bounds=$3 directory
    directory=$out/$(tr -cs 'a-z\n' - <<<"$name")
    case $kind in
    safety) verify "$directory" "$bounds" "-O2 -DCOLLAPSE -DSAFETY" "" ;;
    liveness) verify "$directory" "-DLIVENESS $bounds" "-O2 -DCOLLAPSE" "-a -N goes_on" ;;
    esac
    if [ "$(errors "$directory/result")" = 0 ] && ! cut_short "$directory/result"; then
        pass "$name: $(numbers "$directory/result"), complete"
    else
        fail "$name: violates ${kind} ($(violated "$directory/result"))"
        show "$directory"
    fi
    rm -f "$directory/pan" "$directory"/pan.?
}

check_witness() {
    local name=$1 bounds=$2 directory=$out/witness-$1 macro
    macro=WITNESS_$(tr 'a-z-' 'A-Z_' <<<"$name")
    grep -q "($macro)" "$model/witnesses.pml" || usage "witnesses.pml has no $macro"
    verify "$directory" "-D$macro $bounds" "-O1 -DSAFETY -DBFS" ""
    # The assertion of a witness is a negation without a property's name.
    if [ "$(errors "$directory/result")" = 1 ] && grep -q 'assertion violated  *!(' "$directory/result"; then
        pass "witness $name reached in $(trail_steps "$directory") steps"
    else
        fail "witness $name not reached"
        show "$directory"
    fi
}

trail_steps() {
    grep -c '^[0-9]' "$1/protocol.pml.trail"
}

check_trap() {
    local name=$1 property=$2 bounds=$3 wrong=$4 directory=$out/trap-$1 macro found
    macro=TRAP_$(tr 'a-z-' 'A-Z_' <<<"$name")
    case $bounds in
    *-DLIVENESS*) verify "$directory" "-D$macro $bounds" "-O1 -DCOLLAPSE" "-a -N goes_on" ;;
    *) verify "$directory" "-D$macro $bounds" "-O1 -DSAFETY -DBFS" "" ;;
    esac
    found=$(violated "$directory/result")
    if [ "$found" = "$property" ]; then
        pass "trap $name found: violates $property (counterexample of $(trail_steps "$directory") steps)"
    else
        fail "trap $name: ${found:-nothing} is violated, and $property was to be"
        show "$directory"
    fi
    if [ -n "$story" ] && [ -n "$found" ]; then
        echo
        echo "$wrong:"
        # shellcheck disable=SC2086 # a list of words
        (cd "$directory" && spin -t -k protocol.pml.trail -B -D$macro $bounds "$model/protocol.pml") |
            sed -nE '/^ *([A-C] |A message|the arbiter)/s/^ */  /p'
        echo "which violates $found"
    fi
}

# The statements of the model, as "LINE => TEXT", that a run did not reach. An inline's statements occur once for each
# place that it is used at: one of these is enough.
unreached_statements() {
    awk 'FNR == 1 { file++ }
         file == 1 && /^\t.*, state [0-9]+, / { sub(/.*, state /, ""); unreached[process, $0 + 0] = 1 }
         file == 1 && /^unreached in/ { process = $NF }
         file == 2 && /^(proctype|init|claim)/ { process = $NF }
         file == 2 && /^\tstate / {
             state = $2
             sub(/^.*pml:/, "")
             if ((process, state) in unreached) { not[$0] = 1 } else { reached[$0] = 1 }
         }
         END { for (s in not) if (!(s in reached)) print s }' "$1/result" "$1/statements" | sort
}

# Every statement is reached in one of these runs, in which a step is told apart into its statements.
check_coverage() {
    local directory=$out/coverage run=0 bounds left
    while read -r bounds; do
        run=$((run + 1))
        if ! verify "$directory-$run" "-DCOVERAGE $bounds" "-O2 -DCOLLAPSE -DSAFETY" "" ||
            [ "$(errors "$directory-$run/result")" != 0 ] || cut_short "$directory-$run/result"; then
            fail "coverage: no whole search with $bounds"
            show "$directory-$run"
            return
        fi
        (cd "$directory-$run" && ./pan -d) >"$directory-$run/statements"
        unreached_statements "$directory-$run" >"$directory-$run/unreached"
    done <<<"$coverage"
    left=$(sort "$directory"-[0-9]*/unreached | uniq -c | awk -v runs=$run '$1 == runs' | grep -v -- '-end-')
    if [ -z "$left" ]; then
        pass "coverage: each of $(grep -c '=>' "$directory-1/statements") statements is reached"
    else
        fail "coverage: never reached"
        cut -c 1-200 <<<"$left"
    fi
}

if [ -n "$only" ]; then
    while IFS='|' read -r name property bounds wrong; do
        [ "$name" != "$only" ] || check_trap "$name" "$property" "$bounds" "$wrong"
    done < <(rows "$traps")
    [ "$failed" = 0 ]
    exit
fi
if [ -n "$deep" ]; then
    memory_mib=8000
    configurations=$configurations$deep_configurations
fi
while IFS='|' read -r name kind bounds; do
    check_configuration "$name" "$kind" "$bounds"
done < <(rows "$configurations")
check_coverage
while IFS='|' read -r name bounds; do
    check_witness "$name" "$bounds"
done < <(rows "$witnesses")
while IFS='|' read -r name property bounds wrong; do
    check_trap "$name" "$property" "$bounds" "$wrong"
done < <(rows "$traps")
echo
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
