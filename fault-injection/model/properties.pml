/*
 * What must hold, each with the promise and the rules of docs/protocol.md that it stands for. A violation is told by
 * the property's name.
 */
#define HOLDS(name, condition) assert((condition) || name)

/* Of histories, seen from inside; left away, only what the world sees is judged. */
#ifdef ONLY_FROM_OUTSIDE
#define HISTORY_HOLDS(name, condition) skip
#else
#define HISTORY_HOLDS(name, condition) HOLDS(name, condition)
#endif

bool one_active_per_term;          /* promise 1; R7 */
bool unprotected_holds_the_record; /* promise 1; R4, R7: who lets outputs leave without a backup has won */
bool held_for_who_may_claim;       /* promise 1; R9: outputs wait from before the other may claim */
bool overtaken_adds_nothing;       /* promise 1; R4, R7: it lets leave only what the survivor's history has */
bool survivor_has_what_left;       /* promise 2; R4, R5, R7 */
bool what_left_never_changes;      /* promise 2; R3, R6, R8 */
bool none_left_out;                /* promise 4; R6, R8 */
bool backup_agrees_with_the_log;   /* promise 3; R2, R6 */
bool log_without_gaps;             /* promise 3; R5, R6 */
bool terms_never_go_back;          /* promise 1; R6, R7 */
bool winner_holds_the_record;      /* promise 1; R7 */
bool original_waits;               /* R2, with `original` */

/* The world: what left, and the entries which that depends on. */
byte world_outputs = 0;
byte world_entries = 0;
int world_log = 0;
byte active_in[TERMS]; /* by term: who was active in it, plus one */

byte q;
byte need;

/* Who may be the one that goes on, by what the record says. */
#define holds_the_record(r) (!ARBITER || record_term == R[r].term && record_owner == r)
#define won_unawares(r) \
    (R[r].claim != NO_CLAIM && record_term == R[r].term + 1 && record_owner == r && record_claim == R[r].claim_id)
#define may_go_on(r) \
    (R[r].life != DOWN && (R[r].phase >= DRAINING || R[r].may_claim) && \
     (record_term == R[r].term || won_unawares(r)))

inline check_active(me)
{
    HOLDS(one_active_per_term, active_in[R[me].term] == 0 || active_in[R[me].term] == me + 1);
    active_in[R[me].term] = me + 1
}

/* Before output number `output` leaves. */
inline check_release(me, output)
{
    if
    :: !R[me].is_protected ->
        check_active(me);
        HOLDS(unprotected_holds_the_record, holds_the_record(me));
        q = 0;
        do
        :: q < REPLICAS ->
            HOLDS(held_for_who_may_claim,
                  q == me || R[q].life == DOWN || !R[q].may_claim || R[q].term != R[me].term);
            q++
        :: else -> break
        od
    :: else -> skip
    fi;
    HOLDS(none_left_out, (output) <= world_outputs + 1);
    find_entries_before(R[me].log, R[me].lsn, operation_of(output));
    need = found;
    if
    :: (output) <= world_outputs ->
        find_entries_before(world_log, world_entries, operation_of(output));
        HOLDS(what_left_never_changes, found == need && prefix(R[me].log, need) == prefix(world_log, need))
    :: else ->
        HOLDS(what_left_never_changes,
              need >= world_entries && prefix(R[me].log, world_entries) == world_log);
        world_outputs = (output);
        world_entries = need;
        world_log = prefix(R[me].log, need)
    fi;
    q = 0;
    do
    :: q < REPLICAS ->
        if
        :: q != me && record_term > R[me].term && may_go_on(q) ->
            find_entries_before(R[q].log, R[q].lsn, operation_of(output));
            HISTORY_HOLDS(overtaken_adds_nothing,
                  found == need && prefix(R[q].log, need) == prefix(R[me].log, need) &&
                  (R[q].phase != LIVE || operation_of(output) <= R[q].position))
        :: else -> skip
        fi;
        q++
    :: else -> break
    od
}

/* A backup that goes live makes, from its own history, all that ever left. */
inline check_survivor(me)
{
    find_entries_before(R[me].log, R[me].lsn, operation_of(world_outputs));
    HISTORY_HOLDS(survivor_has_what_left,
          outputs_made(R[me].position) >= world_outputs &&
          (world_outputs == 0 || found == world_entries) && prefix(R[me].log, world_entries) == world_log)
}

/*
 * Promise 5 (R7, R9), at the end of every run, when no fault is left: the machine is not lost but by crashes that
 * the protocol does not survive; exactly one replica is live; all outputs have left; and it is protected again if there
 * is anybody to protect it.
 */
bool beyond_help = false; /* a crash took the last that could go on */

#define serves(r) \
    (R[r].life == UP && R[r].phase == LIVE && R[r].claim == NO_CLAIM && holds_the_record(r) && \
     R[r].position == OPERATIONS && R[r].released == outputs_made(OPERATIONS))
#if REPLICAS == 2
#define anybody_goes_on (may_go_on(0) || may_go_on(1))
#define one_is_live     (serves(0) && R[1].phase != LIVE || serves(1) && R[0].phase != LIVE)
#define protected_again \
    (R[0].is_protected && R[1].may_claim || R[1].is_protected && R[0].may_claim || \
     R[0].life == DOWN || R[1].life == DOWN)
#else
#define anybody_goes_on (may_go_on(0) || may_go_on(1) || may_go_on(2))
#define one_is_live \
    (serves(0) && R[1].phase != LIVE && R[2].phase != LIVE || serves(1) && R[0].phase != LIVE && R[2].phase != LIVE || \
     serves(2) && R[0].phase != LIVE && R[1].phase != LIVE)
#define protected_again \
    (R[0].is_protected && (R[1].may_claim || R[2].may_claim) || \
     R[1].is_protected && (R[0].may_claim || R[2].may_claim) || \
     R[2].is_protected && (R[0].may_claim || R[1].may_claim) || \
     (R[0].life != UP) + (R[1].life != UP) + (R[2].life != UP) >= 2)
#endif
