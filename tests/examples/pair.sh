# What the tests of examples have in common: replicas that are real processes, lost by SIGKILL, and
# what must be true of their outputs. Sourced by tests/examples/NAME.sh, which says:
#
#   start_primary LISTEN              becomes (exec) a primary that listens there
#   start_backup LISTEN PRIMARY       becomes a backup of the one at PRIMARY, that listens at LISTEN
#   numbers FILE                      the outputs in FILE as numbers that grow by one, a line each;
#                                     here: those lines that are numbers
#   may_take_over                     the pattern of a line that a backup says when it protects; here
#                                     "may take over"
#   stop_replica NAME                 ends a pair in good order by its primary; here: SIGTERM
#
# and calls survives_two_losses, fails, and at its end, report. All of it happens in a directory of
# its own, in which a replica NAME has NAME.out, NAME.err and a terminal, the descriptor ${keys[NAME]}.
set -u

scratch=$(mktemp -d)
declare -A pids keys
passed=0
failed=0
may_take_over="may take over"
limit_s=20

end_all() {
    exec 2>/dev/null # the shell would tell of each
    for pid in "${pids[@]}"; do
        kill -KILL "$pid" 2>/dev/null
    done
    rm -rf "$scratch"
}
trap end_all EXIT
cd "$scratch" || exit 1

pass() {
    echo "  pass  $1"
    passed=$((passed + 1))
}

# fail WHAT WHY: with what the replicas said.
fail() {
    echo "  FAIL  $1: $2"
    tail -n 15 -- *.err *.out 2>/dev/null
    failed=$((failed + 1))
}

report() {
    echo "$passed passed, $failed failed"
    [ "$failed" = 0 ]
    exit
}

free_address() {
    python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print("127.0.0.1:%d" % s.getsockname()[1])'
}

numbers() {
    grep -xE '[0-9]+' "$1"
}

stop_replica() {
    kill -TERM "${pids[$1]}"
}

# run NAME COMMAND...: in the background, with a terminal that nobody types at yet.
run() {
    local name=$1
    shift
    mkfifo "$name.keys"
    ("$@" <"$name.keys" >"$name.out" 2>"$name.err") &
    pids[$name]=$!
    exec {keys[$name]}>"$name.keys"
}

lose() {
    kill -KILL "${pids[$1]}"
    wait "${pids[$1]}" 2>/dev/null
    unset "pids[$1]"
}

# eventually COMMAND...: within the limit.
eventually() {
    local deadline=$((SECONDS + limit_s))
    until "$@"; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.05
    done
}

protects() {
    grep -q "$may_take_over" "$1.err"
}

# has_numbers NAME COUNT: it has made that many outputs.
has_numbers() {
    [ "$(numbers "$1.out" | wc -l)" -ge "$2" ]
}

# go_on NAME...: the outputs of replicas, each of which took over from the one before it. Within one
# they follow each other; a successor may repeat what its predecessor made last, and leaves out nothing.
go_on() {
    local name before_first=0 before_last=0 first last count
    for name in "$@"; do
        first=$(numbers "$name.out" | head -n 1)
        last=$(numbers "$name.out" | tail -n 1)
        count=$(numbers "$name.out" | wc -l)
        if [ "$count" = 0 ] || [ $((last - first + 1)) != "$count" ] ||
            [ "$(numbers "$name.out" | sort -n | uniq | wc -l)" != "$count" ]; then
            echo "those of $name do not follow each other"
            return 1
        fi
        if [ "$before_last" != 0 ] && { [ "$first" -gt $((before_last + 1)) ] || [ "$first" -lt "$before_first" ]; }; then
            echo "$name begins with $first; its predecessor had made $before_first to $before_last"
            return 1
        fi
        before_first=$first
        before_last=$last
    done
}

# Three replicas: the second survives the first, the third joins it and survives it, too.
survives_two_losses() {
    local one two why
    one=$(free_address)
    two=$(free_address)
    run first start_primary "$one"
    eventually has_numbers first 1 || { fail primary "makes no outputs"; return; }
    run second start_backup "$two" "$one"
    eventually protects second || { fail backup "does not protect"; return; }
    pass a_backup_joins
    eventually has_numbers first 3
    lose first
    eventually has_numbers second 3 || { fail failover "the backup does not go on"; return; }
    run third start_backup "$one" "$two"
    eventually protects third || { fail reprotection "no new backup can join"; return; }
    pass a_new_backup_joins_the_survivor
    eventually has_numbers second 6
    lose second
    eventually has_numbers third 3 || { fail second_failover "the new backup does not go on"; return; }
    stop_replica third
    wait "${pids[third]}"
    local status=$?
    unset "pids[third]"
    if [ "$status" = 0 ]; then
        pass ends_in_good_order
    else
        fail ends_in_good_order "exit code $status"
    fi
    if why=$(go_on first second third); then
        pass outputs_go_on_over_two_losses
    else
        fail outputs_go_on_over_two_losses "$why"
    fi
}

# fails WHAT EXIT-CODE PATTERN COMMAND...: it ends by itself, with this code and one line on stderr
# that matches.
fails() {
    local what=$1 code=$2 pattern=$3 status
    shift 3
    timeout $limit_s "$@" </dev/null >"$what.out" 2>"$what.err"
    status=$?
    if [ $status != "$code" ]; then
        fail "$what" "exit code $status, not $code"
    elif [ "$(wc -l <"$what.err")" != 1 ] || ! grep -qE "$pattern" "$what.err"; then
        fail "$what" "not one line like \"$pattern\""
    else
        pass "$what"
    fi
}
