/*
 * The guest: a deterministic function of its log. It executes a fixed program of outputs and values, "o v o o v o ...",
 * and what an output says depends on all entries before it. Epochs have a greatest length of two operations; who is
 * live may end one after the first.
 *
 * The log is a number with four bits for each entry: what it is, and in whose reign it was decided. Two replicas that
 * decide the same entry each for itself never decide it alike, as inputs, clock and values are theirs, so any
 * divergence shows.
 */
#define MAX_ENTRIES 7
#define MAX_LENGTH  2
#define VALUE_ENTRY 3 /* 1 and 2: a boundary, by the length of the epoch that it ends */

#define entry(log, n)     (((log) >> (4 * ((n) - 1))) & 15)
#define kind(log, n)      (entry(log, n) & 3)
#define prefix(log, n)    ((log) & ((1 << (4 * (n))) - 1))
#define with(log, n, new) ((log) | ((new) << (4 * ((n) - 1))))

/* Operations count from 1: every third asks for a value, from the second on. */
#define asks_value(operation)    ((operation) % 3 == 2)
#define next_value(operation)    ((operation) + 3 - (((operation) + 1) % 3))
#define outputs_made(operations) ((operations) - ((operations) + 1) / 3)
#define operation_of(output)     ((output) + (output) / 2)
#define OUTPUTS                  outputs_made(OPERATIONS)

/* Scratch of a step; zero between steps. */
byte found;
byte n;
byte at;
byte start;

/* `found`: how many of the first `count` entries of the log stand before an operation. */
inline find_entries_before(history, count, operation)
{
    found = 0;
    at = 0;
    start = 0;
    do
    :: found >= (count) -> break
    :: else ->
        if
        :: kind(history, found + 1) == VALUE_ENTRY -> at = next_value(at)
        :: else ->
            start = start + kind(history, found + 1);
            at = start
        fi;
        if
        :: at >= (operation) -> break
        :: else -> found++
        fi
    od
}

/* `found`: the last boundary among them, or 0. */
inline find_last_boundary(history, count)
{
    found = (count);
    do
    :: found > 0 && kind(history, found) == VALUE_ENTRY -> found--
    :: else -> break
    od
}

/* `found`: the first boundary behind entry `after`, or 0. */
inline find_next_boundary(history, count, after)
{
    found = (after) + 1;
    do
    :: found <= (count) && kind(history, found) == VALUE_ENTRY -> found++
    :: else -> break
    od;
    if
    :: found > (count) -> found = 0
    :: else -> skip
    fi
}
