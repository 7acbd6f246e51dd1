#!/bin/bash
# counter.sh BUILD: a pair of examples/counter survives, and what is wrong is said.
counter=$(realpath "$1/examples/counter/counter")
. "$(dirname "$0")/pair.sh"

start_primary() {
    exec "$counter" primary "$1"
}
start_backup() {
    exec "$counter" backup "$1" "$2"
}
stop_replica() {
    echo 0 >&"${keys[$1]}"
}

survives_two_losses

# The numbers of a replica grow by so much at its end.
grows_by() {
    local last before
    read -r before last < <(numbers "$1.out" | tail -n 2 | paste -sd' ')
    [ "${last:-0}" = $((${before:-0} + $2)) ]
}

# What was typed is part of the state.
typed=$(free_address)
run typist start_primary "$typed"
run survivor start_backup "$(free_address)" "$typed"
eventually protects survivor
printf 7 >&"${keys[typist]}"
eventually grows_by typist 7
lose typist
if eventually has_numbers survivor 3 && grows_by survivor 7; then
    pass a_key_counts_after_the_loss
else
    fail a_key_counts_after_the_loss "the step is not 7"
fi
printf 0 >&"${keys[survivor]}"
wait "${pids[survivor]}"

taken=$(free_address)
run holder start_primary "$taken"
eventually has_numbers holder 1

fails no_role 2 '^usage: counter' "$counter"
fails unknown_role 2 '^usage: counter' "$counter" tertiary
fails no_port_in_address 1 "^counter: address 'here' has no port" "$counter" primary here
fails another_is_active 1 '^counter: .* is held by' "$counter" primary "$(free_address)"
fails port_in_use 1 "^counter: .*$taken.*in use" "$counter" backup "$taken" "$taken"
fails no_primary 1 '^counter: no primary at .*refused' "$counter" backup "$(free_address)" "$(free_address)"
mkdir elsewhere
fails another_arbiter 1 '^counter: .* is not the arbiter of primary' \
    env -C elsewhere "$counter" backup "$(free_address)" "$taken"
report
