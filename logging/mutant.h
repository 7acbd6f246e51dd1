/*
 * Mutants: deliberate faults in the protocol, each a named switch. The simulator turns on one at a
 * time and must find each: that is the proof that its checks are worth something.
 *
 * Only a build with FTVM_MUTANTS has them, the simulator's own; it defines mutant_is_on(). In the
 * product's build MUTANT(NAME) is the constant false, and nothing of this reaches an object file
 * (tests/house/mutants.sh). Rules, promises and limits are those of docs/protocol.md.
 */
#ifndef LOGGING_MUTANT_H
#define LOGGING_MUTANT_H

#include <stdbool.h>

/* X(NAME, "name", "what goes wrong, and what that breaks") */

/* R1, R2: inputs and boundaries of a live replica. */
#define MUTANTS_OF_BOUNDARIES(X)                                                                   \
    X(INPUT_LOST, "input-lost",                                                                    \
      "a live replica takes the inputs of a boundary and delivers none (R2)")                      \
    X(INPUT_WAITS_LONGER, "input-waits-longer",                                                    \
      "every second boundary leaves the inputs waiting (R2)")                                      \
    X(INPUT_NOT_IN_THE_RECORD, "input-not-in-the-record",                                          \
      "the primary delivers inputs that its record does not tell (R2)")                            \
    X(INPUTS_REVERSED, "inputs-reversed",                                                          \
      "inputs that wait together are delivered last first (R2, promise 3)")                        \
    X(BACKUP_TAKES_INPUTS, "backup-takes-inputs",                                                  \
      "a backup keeps its own devices' inputs, and delivers them when live (R1)")                  \
    X(ENTRY_NUMBER_LEFT_OUT, "entry-number-left-out",                                              \
      "a boundary's number leaves one out (the log is without gaps)")                              \
    X(RATE_NOT_TOLD, "rate-not-told",                                                              \
      "the record does not tell that the clock's rate has changed (R2)")                           \
    X(LENGTH_NOT_TOLD, "length-not-told",                                                          \
      "the record does not tell that the greatest length has changed (R2)")                        \
    X(BOUNDARY_TELLS_MADE, "boundary-tells-made",                                                  \
      "a boundary tells outputs made as released (R6, promise 4)")                                 \
    X(HEARTBEAT_TELLS_MADE, "heartbeat-tells-made",                                                \
      "a heartbeat tells outputs made as released (R6, promise 4)")                                \
    X(ORIGINAL_DOES_NOT_WAIT, "original-does-not-wait",                                            \
      "a protected guest does not wait for its boundary's acknowledgement (R2)")                   \
    X(IDLE_DEAF_TO_INPUTS, "idle-deaf-to-inputs",                                                  \
      "an input does not wake a guest that idles (R1, promise 5)")                                 \
    X(IDLE_DEAF_TO_TIMER, "idle-deaf-to-timer",                                                    \
      "its timer does not wake a guest that idles (promise 5)")                                    \
    X(IDLE_DEAF_TO_JOINERS, "idle-deaf-to-joiners",                                                \
      "a joiner does not wake a guest that idles (R9)")

/* R3, R4: values and outputs. */
#define MUTANTS_OF_OUTPUTS(X)                                                                      \
    X(VALUE_NOT_LOGGED, "value-not-logged",                                                        \
      "the primary answers a value and makes no entry of it (R3)")                                 \
    X(OUTPUT_ENTRY_EARLY, "output-entry-early", "an output leaves an entry before it may (R4)")    \
    X(OUTPUT_UNACKNOWLEDGED, "output-unacknowledged", "outputs wait for no acknowledgement (R4)")  \
    X(OUTPUT_DURING_CLAIM, "output-during-claim", "outputs leave while a claim is under way (R4)") \
    X(REFUSED_TAKEN_FOR_LEFT, "refused-taken-for-left",                                            \
      "an output that could not leave counts as left (R4)")                                        \
    X(REFUSED_LOST, "refused-lost", "an output that could not leave is not offered again (R4)")    \
    X(PROTECTED_WITHOUT_REFUSED, "protected-without-refused",                                      \
      "a joiner may claim that lacks outputs which could not leave (R9)")                          \
    X(OUTPUTS_REVERSED, "outputs-reversed",                                                        \
      "outputs that leave together leave last first (promise 4)")                                  \
    X(ACK_OF_ANOTHER_TERM, "ack-of-another-term",                                                  \
      "an acknowledgement of another term counts (R4)")                                            \
    X(ACK_BEYOND_THE_LOG, "ack-beyond-the-log",                                                    \
      "an acknowledgement of what was never sent counts (R4)")                                     \
    X(ACK_GOES_BACK, "ack-goes-back", "an acknowledgement may take back an earlier one (R5)")

/* R5: acknowledgements. */
#define MUTANTS_OF_ACKNOWLEDGEMENTS(X)                                                             \
    X(ACK_BEFORE_RECEIPT, "ack-before-receipt",                                                    \
      "the backup acknowledges the entry after the last that it has (R5)")                         \
    X(ACK_ONLY_WHAT_WAS_EXECUTED, "ack-only-what-was-executed",                                    \
      "the backup acknowledges only what it has executed (R5)")                                    \
    X(RECEIVED_TOLD_AS_EXECUTED, "received-told-as-executed",                                      \
      "the backup tells as executed what it has received (limits: lag)")                           \
    X(EXECUTED_NOT_TOLD, "executed-not-told",                                                      \
      "what was executed is told only with the next entry (promise 5)")                            \
    X(ACK_BEFORE_THE_LOAD, "ack-before-the-load",                                                  \
      "a joiner acknowledges before it has loaded the state (R9)")

/* R6: a backup executes the log. */
#define MUTANTS_OF_THE_BACKUP(X)                                                                   \
    X(ENTRY_OF_ANOTHER_TERM, "entry-of-another-term",                                              \
      "a backup takes an entry of another term (R6)")                                              \
    X(ENTRY_OUT_OF_ORDER, "entry-out-of-order",                                                    \
      "a backup takes an entry that is not the next one (R6)")                                     \
    X(POSITION_UNCHECKED, "position-unchecked", "the position of a boundary is not compared (R6)") \
    X(VALUE_POSITION_UNCHECKED, "value-position-unchecked",                                        \
      "the position of a value is not compared (R6)")                                              \
    X(DIGEST_UNCHECKED, "digest-unchecked", "the machine's digest is not compared (R6)")           \
    X(CHAIN_UNCHECKED, "chain-unchecked", "the log's digest is not compared (R6)")                 \
    X(CHAIN_WITHOUT_INPUTS, "chain-without-inputs",                                                \
      "the log's digest does not cover the inputs (R6)")                                           \
    X(VALUE_OF_THE_BACKUP, "value-of-the-backup", "a backup answers a value with its own (R6)")    \
    X(CLOCK_NOT_TAKEN, "clock-not-taken",                                                          \
      "a backup computes its clock on, instead of taking the boundary's (R6)")                     \
    X(LAST_INPUT_DROPPED, "last-input-dropped",                                                    \
      "a backup delivers all inputs of a boundary but the last (R6)")                              \
    X(EPOCH_RUN_WITHOUT_ITS_END, "epoch-run-without-its-end",                                      \
      "a backup runs an epoch whose end it does not know (R6)")                                    \
    X(BACKUP_EMITS, "backup-emits", "a backup lets its outputs leave (R6, promise 1)")             \
    X(KEPT_NEVER_DROPPED, "kept-never-dropped",                                                    \
      "kept outputs that are known released are not dropped (R6)")                                 \
    X(KEPT_DROPPED_EARLY, "kept-dropped-early",                                                    \
      "a kept output is dropped one before it is known released (R6, promise 4)")                  \
    X(HEARTBEAT_OF_ANOTHER_TERM, "heartbeat-of-another-term",                                      \
      "what a heartbeat of another term tells as released counts (R6)")

/* R7: suspicion and claims. */
#define MUTANTS_OF_CLAIMS(X)                                                                       \
    X(NO_HEARTBEATS, "no-heartbeats", "nothing is said when there is nothing to say (R7)")         \
    X(SILENCE_UNNOTICED, "silence-unnoticed", "silence is never suspected (R7)")                   \
    X(BROKEN_CONNECTION_UNNOTICED, "broken-connection-unnoticed",                                  \
      "a connection's end is no reason for a suspicion (R7)")                                      \
    X(OWN_PAUSE_NOT_FORGIVEN, "own-pause-not-forgiven",                                            \
      "time in which the process stood still is held against others (time)")                       \
    X(SLEEP_TAKEN_FOR_HANG, "sleep-taken-for-hang",                                                \
      "a lone primary that slept takes its vCPU for stuck (time)")                                 \
    X(HANG_IN_LOAD_UNNOTICED, "hang-in-load-unnoticed",                                            \
      "a joiner whose vCPU thread hangs in the load is not noticed (limits: stuck)")               \
    X(HANG_UNNOTICED, "hang-unnoticed",                                                            \
      "a vCPU thread that reaches no boundary is not noticed (limits: stuck)")                     \
    X(PRIMARY_WITHOUT_CLAIM, "primary-without-claim",                                              \
      "a primary that loses its backup goes on without a claim (R7)")                              \
    X(BACKUP_WITHOUT_CLAIM, "backup-without-claim",                                                \
      "a backup that loses its primary goes live without a claim (R7)")                            \
    X(UNTOLD_CLAIMS, "untold-claims", "a joiner that was not told PROTECTED claims (R9)")          \
    X(UNTOLD_PROMOTED, "untold-promoted",                                                          \
      "a joiner that was not told PROTECTED claims by command (R9)")                               \
    X(LOST_IS_WON_PRIMARY, "lost-is-won-primary",                                                  \
      "a primary takes a lost claim for won (R7, promise 1)")                                      \
    X(LOST_IS_WON_BACKUP, "lost-is-won-backup",                                                    \
      "a backup takes a lost claim for won (R7, promise 1)")                                       \
    X(UNREACHABLE_IS_WON, "unreachable-is-won",                                                    \
      "an arbiter that does not answer is taken for a win (R7, promise 1)")                        \
    X(UNREACHABLE_IS_LOST, "unreachable-is-lost",                                                  \
      "an arbiter that does not answer is taken for a loss (R7, promise 5)")                       \
    X(RELEASED_IS_WON, "released-is-won",                                                          \
      "a record that was released is taken for a win (R7, ends: stopped)")                         \
    X(CLAIM_NOT_ASKED_AGAIN, "claim-not-asked-again",                                              \
      "a claim without an answer is never asked again (R7, promise 5)")                            \
    X(CLAIM_ID_NEW_AT_RETRY, "claim-id-new-at-retry",                                              \
      "a claim is asked again with another id (R7, promise 5)")                                    \
    X(TERM_NOT_RAISED, "term-not-raised", "the winner of a claim stays in its term (promise 1)")   \
    X(ARBITER_IGNORES_TERM, "arbiter-ignores-term",                                                \
      "the arbiter grants a claim whatever term it is for (R7, promise 1)")                        \
    X(ARBITER_FORGETS_WINNER, "arbiter-forgets-winner",                                            \
      "the arbiter does not know a claim again that it has granted (R7)")                          \
    X(ARBITER_GRANTS_RELEASED, "arbiter-grants-released",                                          \
      "the arbiter grants a claim after a released record (ends: stopped)")                        \
    X(ARBITER_BELIEVES_OLD_RECORD, "arbiter-believes-old-record",                                  \
      "the arbiter grants from a record older than the claim's term (R7)")                         \
    X(START_OVER_A_LIVING_ONE, "start-over-a-living-one",                                          \
      "a new machine starts over an active record (promise 1)")                                    \
    X(RELEASE_BY_ANOTHER, "release-by-another",                                                    \
      "a replica releases a record that another holds (ends: stopped)")                            \
    X(RECORD_NOT_SYNCED, "record-not-synced",                                                      \
      "the record is not on disk when it takes the old one's place (R7)")                          \
    X(DIRECTORY_NOT_SYNCED, "directory-not-synced",                                                \
      "the directory is not on disk when the claim is answered (R7)")                              \
    X(LOCK_NOT_TAKEN, "lock-not-taken", "the record is changed without its lock (R7, promise 1)")  \
    X(LOCK_COUNTED_LATE, "lock-counted-late",                                                      \
      "the lock's time is counted from after it was granted (R7, promise 1)")                      \
    X(LOCK_TRUSTED_FOR_EVER, "lock-trusted-for-ever",                                              \
      "the record is written however long ago it was read (R7, promise 1)")

/* R8: going live; time. */
#define MUTANTS_OF_GOING_LIVE(X)                                                                   \
    X(LOG_THROWN_AWAY, "log-thrown-away",                                                          \
      "a winner goes live before the end of its log (R7, promise 2)")                              \
    X(LAST_EPOCH_CUT, "last-epoch-cut",                                                            \
      "a winner ends the epoch behind its log early (R7, promise 2)")                              \
    X(KEPT_FORGOTTEN, "kept-forgotten",                                                            \
      "kept outputs do not leave when a backup goes live (R8, promise 4)")                         \
    X(KEPT_FIRST_FORGOTTEN, "kept-first-forgotten",                                                \
      "the first of the kept outputs does not leave (R8, promise 4)")                              \
    X(PROMOTION_NOT_TOLD, "promotion-not-told",                                                    \
      "the machine is not told that it was promoted (R8)")                                         \
    X(CLOCK_OF_THE_HOST, "clock-of-the-host",                                                      \
      "a survivor's guest gets the time of the survivor's host (time)")                            \
    X(CLOCK_VALUE_FORGOTTEN, "clock-value-forgotten",                                              \
      "a clock may be earlier than a value of it (time, promise 3)")                               \
    X(CLOCK_SET_BACK, "clock-set-back",                                                            \
      "a boundary sets the clock to the host's though it is later (time, promise 3)")

/* R9: joining. */
#define MUTANTS_OF_JOINING(X)                                                                      \
    X(PROTECTED_AT_ONCE, "protected-at-once",                                                      \
      "a joiner is told PROTECTED before it has nearly caught up (R9)")                            \
    X(PROTECTED_BEFORE_HELD, "protected-before-held",                                              \
      "a joiner is told PROTECTED before outputs are held (R9, promise 1)")                        \
    X(PROMISE_BEYOND_THE_LOG, "promise-beyond-the-log",                                            \
      "a joiner believes PROTECTED about entries that it does not have (R9)")                      \
    X(FIRST_BACKUP_NOT_AWAITED, "first-backup-not-awaited",                                        \
      "the guest runs before its first backup is there (joining)")                                 \
    X(ENTRIES_FROM_THE_LOAD_ON, "entries-from-the-load-on",                                        \
      "entries between the save and the load are not sent (R9)")                                   \
    X(STATE_OF_AN_ENTRY_BEFORE, "state-of-an-entry-before",                                        \
      "the state is told to be that of the entry before (R9)")                                     \
    X(STATE_COUNTS_AN_OUTPUT_MORE, "state-counts-an-output-more",                                  \
      "the state is told to have made one more output (R9, promise 4)")                            \
    X(STATE_UNCHECKED, "state-unchecked", "a state that arrived damaged is loaded (R9)")           \
    X(SECOND_JOINER, "second-joiner",                                                              \
      "a joiner takes the place of a backup that may claim (handshake)")                           \
    X(JOIN_DURING_CLAIM, "join-during-claim",                                                      \
      "a joiner is let in while a claim is under way (handshake)")                                 \
    X(STALE_PRIMARY_JOINED, "stale-primary-joined",                                                \
      "a replica joins a primary of an earlier term (handshake)")                                  \
    X(FIRST_JOINER_KEPT, "first-joiner-kept",                                                      \
      "a new machine waits for ever for a first backup that does not load (limits)")               \
    X(SLOW_JOINER_KEPT, "slow-joiner-kept",                                                        \
      "a joiner that does not load holds up the guest for ever (limits)")                          \
    X(SLOW_JOINER_COSTS_THE_GUEST, "slow-joiner-costs-the-guest",                                  \
      "a joiner that takes no state ends its primary (limits)")

/* Ends, limits, frames. */
#define MUTANTS_OF_ENDS(X)                                                                         \
    X(RECORD_KEPT_AT_THE_END, "record-kept-at-the-end",                                            \
      "a machine that ends in good order does not release its record (ends)")                      \
    X(HALT_LEAVES_OUTPUTS, "halt-leaves-outputs",                                                  \
      "a guest's halt does not wait for its outputs (ends: halted)")                               \
    X(PARTS_BEFORE_THE_END_OF_THE_LOG, "parts-before-the-end-of-the-log",                          \
      "a backup does not execute what it holds when its primary has stopped (ends)")               \
    X(LAG_WITHOUT_LIMIT, "lag-without-limit",                                                      \
      "the primary runs on however far its backup is behind (limits)")                             \
    X(HELD_WITHOUT_LIMIT, "held-without-limit",                                                    \
      "the guest runs on however many outputs are held (limits)")                                  \
    X(CRC_UNCHECKED, "crc-unchecked", "a damaged frame is taken (frames)")

#define MUTANTS(X)                                                                                 \
    MUTANTS_OF_BOUNDARIES(X)                                                                       \
    MUTANTS_OF_OUTPUTS(X)                                                                          \
    MUTANTS_OF_ACKNOWLEDGEMENTS(X)                                                                 \
    MUTANTS_OF_THE_BACKUP(X)                                                                       \
    MUTANTS_OF_CLAIMS(X)                                                                           \
    MUTANTS_OF_GOING_LIVE(X)                                                                       \
    MUTANTS_OF_JOINING(X)                                                                          \
    MUTANTS_OF_ENDS(X)

#define MUTANT_ENUMERATOR(name, text, about) MUTANT_##name,
enum mutant { MUTANT_NONE, MUTANTS(MUTANT_ENUMERATOR) MUTANT_COUNT };
#undef MUTANT_ENUMERATOR

bool mutant_is_on(enum mutant mutant);

#ifdef FTVM_MUTANTS
#define MUTANT(name) mutant_is_on(MUTANT_##name)
#else
#define MUTANT(name) false
#endif

#endif
