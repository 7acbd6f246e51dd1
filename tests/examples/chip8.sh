#!/bin/bash
# chip8.sh BUILD: a pair of examples/chip8 plays on, picture by picture as the machine alone does.
chip8=$(realpath "$1/examples/chip8/chip8")
programs=$(realpath "$1/examples/chip8/programs")
reference=$(realpath "$1/tests/chip8/reference")
. "$(dirname "$0")/pair.sh"

play() {
    exec "$chip8" "$1" --headless --arbiter file:arbiter "${@:2}"
}
start_primary() {
    play primary --listen "$1" "$programs/clock.ch8"
}
start_backup() {
    play backup --listen "$1" --join "$2"
}

# A picture's number is that of the same line, frame and digest, in the machine's own sequence; a
# picture that is not in it is 0. One that a successor shows again, to its own player, counts once.
numbers() {
    grep '^screen' "$1" | awk 'NR == FNR { at[$0] = FNR; next } { print at[$0] + 0 }' clock.lines - | uniq
}
"$reference" "$programs/clock.ch8" 30000 | grep '^screen' >clock.lines
survives_two_losses

# Keys are part of the state: the one that was struck before the loss is shown after it, and others are
# taken. A key typed to a backup is nothing.
shown() {
    [ "$(grep -c '^screen' "$1.out")" -ge "$2" ]
}
is_quiet() {
    local before
    before=$(grep -c '^screen' "$1.out")
    sleep 0.5
    [ "$(grep -c '^screen' "$1.out")" = "$before" ]
}
rm arbiter
at=$(free_address)
run player play primary --listen "$at" "$programs/selftest.ch8"
run heir play backup --listen "$(free_address)" --join "$at"
eventually protects heir
eventually is_quiet player
before=$(grep -c '^screen' player.out)
printf f >&"${keys[heir]}"
printf 5 >&"${keys[player]}" # no key of the machine, either
is_quiet player && [ "$(grep -c '^screen' player.out)" = "$before" ] && pass keys_of_a_backup_are_ignored ||
    fail keys_of_a_backup_are_ignored "something was drawn"
printf q >&"${keys[player]}"
eventually shown player $((before + 1))
is_quiet player
told=$(tail -n 1 player.out)
lose player
if eventually shown heir 1 && [ "$(head -n 1 heir.out)" = "$told" ]; then
    pass the_screen_is_there_after_the_loss
else
    fail the_screen_is_there_after_the_loss "the successor shows another one"
fi
before=$(grep -c '^screen' heir.out)
printf v >&"${keys[heir]}"
if eventually shown heir $((before + 1)); then
    pass a_key_is_obeyed_after_the_loss
else
    fail a_key_is_obeyed_after_the_loss "nothing happened"
fi
kill -TERM "${pids[heir]}"
wait "${pids[heir]}"

# A program that may not go on halts both replicas, and both say why.
printf '\x62\x01\x00\x00' >bad.ch8
rm -f arbiter
at=$(free_address)
run halting play primary --wait-backup --listen "$at" bad.ch8
run follower play backup --join "$at"
wait "${pids[halting]}"
halted=$?
wait "${pids[follower]}"
if [ "$halted $?" = "0 0" ] && grep -q '^message halted at 0x202: there is no such instruction' halting.out; then
    pass a_bad_program_halts_the_pair
else
    fail a_bad_program_halts_the_pair "exit codes $halted and $?"
fi
unset "pids[halting]" "pids[follower]"

fails no_command 2 '^usage: chip8' "$chip8"
fails no_program 2 '^chip8: a primary needs one program' "$chip8" primary --headless
fails a_backup_with_program 2 '^chip8: a backup gets its program' "$chip8" backup --headless x.ch8
fails bad_speed 2 "^chip8: --speed: '9x' is no number from 60 to" "$chip8" primary --speed 9x x.ch8
fails no_file 1 '^chip8: nowhere.ch8: No such file' "$chip8" primary --headless nowhere.ch8
fails no_terminal 1 '^chip8: standard input and output: no terminal' "$chip8" primary bad.ch8
head -c 3585 /dev/zero >large.ch8
fails too_large 1 '^chip8: large.ch8: too large' "$chip8" primary --headless large.ch8
fails no_primary 1 '^chip8: no primary' "$chip8" backup --headless --join "$(free_address)" --arbiter file:arbiter
rm -f arbiter
run holder play primary --listen "$(free_address)" "$programs/worm.ch8"
eventually shown holder 1
lose holder
fails another_is_active 1 '^chip8: .*--take-over' \
    "$chip8" primary --headless --listen "$(free_address)" --arbiter file:arbiter "$programs/worm.ch8"
report
