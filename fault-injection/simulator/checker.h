/*
 * The checkers: what must be true of a run whatever goes wrong in it, each with a name and the
 * promise or rule of docs/protocol.md that it stands for. Some watch while the run goes on
 * (watch.h), some look at what it has come to (checks.h), most do both. A violation names its
 * checker.
 */
#ifndef FAULT_INJECTION_SIMULATOR_CHECKER_H
#define FAULT_INJECTION_SIMULATOR_CHECKER_H

#define CHECKERS(X)                                                                                \
    X(ACTIVE, "one-active", "promise 1: one active replica in a term, nothing after a lost claim") \
    X(OUTPUTS, "output-rule", "R4, R7: what leaves is in the backup's log, or the record is mine") \
    X(HISTORY, "history", "promise 2: every output that left is in the survivor's history")        \
    X(ORDER, "order", "promise 4: outputs in order, at least once, no number left out")            \
    X(CLIENTS, "clients", "promise 2: nothing acknowledged to a client is lost")                   \
    X(TIME, "time-and-terms", "promise 3: neither time nor a term goes back")                      \
    X(LOG, "log", "R2, R3, R5: entries without gap, acknowledged after receipt, of one term")      \
    X(DIGESTS, "digests", "R6: equal states at equal positions, a difference ends the backup")     \
    X(INPUTS, "inputs", "promise 3: each input at the next boundary, once, in order")              \
    X(BOUNDS, "bounds", "limits: queues and lag stay within them")                                 \
    X(CROOKED, "crooked", "R5, R6: what no correct replica sends is not believed")                 \
    X(ENDS, "ends", "a replica ends for a reason that was given it")                               \
    X(START, "start-of-day", "a primary does not take the term of a living one")                   \
    X(LIVENESS, "liveness", "promise 5: one survivor, that finds a backup, and outputs flow")

#define CHECKER_ENUM(id, name, what) CHECKER_##id,
enum checker { CHECKER_NONE, CHECKERS(CHECKER_ENUM) CHECKER_COUNT };
#undef CHECKER_ENUM

const char *checker_name(enum checker checker);
const char *checker_what(enum checker checker);

#endif
