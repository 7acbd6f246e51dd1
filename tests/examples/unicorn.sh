#!/bin/bash
# unicorn.sh BUILD: the machine of examples/unicorn, a pair of it that survives, its input and its
# computations over losses, and what it says of wrong arguments and guests.
build=$(realpath "$1")
unicorn=$build/examples/unicorn
. "$(dirname "$0")/pair.sh"
may_take_over="backup, protected"

# The guest ticks from the beginning, so that it has numbers.
start_primary() {
    exec "$unicorn/unicorn-pair" primary --listen "$1" < <(echo "tick 100" && exec cat)
}
start_backup() {
    exec "$unicorn/unicorn-pair" backup --join "$2" --listen "$1"
}
# The ticks that were told.
numbers() {
    tr '\r' '\n' <"$1" | sed -nE 's/^.*\[tick ([0-9]+) at .*/\1/p'
}

# succeeds WHAT COMMAND...
succeeds() {
    local what=$1
    shift
    if "$@" >"$what.out" 2>"$what.err"; then
        pass "$what"
    else
        fail "$what" "exit code $?"
    fi
}

type_at() {
    echo "$2" >&"${keys[$1]}"
}

says() {
    grep -qE "$2" "$1.out"
}

# The guest's clock in milliseconds: as it told last on "up", and with its last tick.
clock_ms() {
    local seconds thousandths
    IFS=. read -r seconds thousandths < <(tr '\r' '\n' <"$1.out" | sed -nE "s/^.*$2 ([0-9]+\.[0-9]{3}).*/\1/p" | tail -n 1)
    echo $((seconds * 1000 + 10#${thousandths:-0}))
}

for test in test_cpu test_state test_determinism; do
    succeeds "$test" "$build/tests/unicorn/$test"
done

survives_two_losses

# What is typed and what is computed survive.
one=$(free_address)
two=$(free_address)
three=$(free_address)
run early start_primary "$one"
run middle start_backup "$two" "$one"
eventually protects middle
eventually has_numbers early 2
lose early
type_at middle uptime
if eventually says middle '^up [0-9]'; then
    pass the_survivor_takes_input
else
    fail the_survivor_takes_input "no answer"
fi
gone=$(($(clock_ms middle up) - $(clock_ms early at)))
if [ "$gone" -ge 0 ] && [ "$gone" -lt 20000 ]; then
    pass time_goes_on_where_it_was
else
    fail time_goes_on_where_it_was "it went on by $gone ms"
fi
run late start_backup "$three" "$two"
eventually protects late
type_at middle "primes 3000000"
eventually says middle 'primes 3000000'
lose middle
limit_s=60
if eventually says late '^216816 primes below 3000000'; then
    pass a_computation_ends_right_on_another_host
else
    fail a_computation_ends_right_on_another_host "no such line"
fi
limit_s=20
run last start_backup "$one" "$three"
eventually protects last
type_at late off
for name in late last; do
    wait "${pids[$name]}"
    succeeds "a_guest_that_is_off_ends_$name" [ $? = 0 ]
done
succeeds nothing_diverged sh -c '! grep -li diverge ./*.err'

fails no_role 2 '^usage: unicorn-pair' "$unicorn/unicorn-pair"
fails unknown_option 2 'usage: unicorn-pair' "$unicorn/unicorn-pair" backup --fast
fails no_guest 1 '^unicorn-pair: no guest in nowhere' "$unicorn/unicorn-pair" primary nowhere --listen "$(free_address)"
head -c 1048577 /dev/zero >large
fails guest_too_large 1 'larger than the board' "$unicorn/unicorn-pair" primary large --listen "$(free_address)"
printf '\xff\xff\xff\xff' >illegal
succeeds a_guest_that_faults_ends_in_good_order "$unicorn/unicorn-pair" primary illegal --listen "$(free_address)"
succeeds and_its_console_says_so grep -q '^guest: .* in the block at 0x80000000' a_guest_that_faults_ends_in_good_order.out
report
