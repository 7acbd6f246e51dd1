/*
 * What a replica does, one inline for each step of it. Each is atomic, as engine_step() is; between any two, anything
 * else may happen.
 */

/* ---- Connections ---------------------------------------------------------------------------------------------- */

/* Of a live replica the connection that its joiner opened, of all others their own. */
#define channel_of(r)  (R[r].phase == LIVE -> R[r].peer : r)
#define connected(r)   (R[r].peer != NOBODY)
#define is_broken(r) \
    (R[r].phase == LIVE -> (lost[R[r].peer] || primary_of[R[r].peer] != r) : lost[r])
#define may_send_down(r) (!connected(r) || is_broken(r) || nfull(down[R[r].peer]))

inline forget_what_comes(r)
{
    if
#ifndef TRAP_OLD_CONNECTION_COUNTS
    :: connected(r) && R[r].phase != LIVE ->
        do
        :: nempty(down[r]) -> down[r]?m_type, m_term, m_lsn, m_released, m_log
        :: empty(down[r]) -> break
        od
#endif
    :: connected(r) && R[r].phase == LIVE && primary_of[R[r].peer] == r ->
        do
        :: nempty(up[R[r].peer]) -> up[R[r].peer]?m_type, m_term, m_lsn
        :: empty(up[R[r].peer]) -> break
        od
    :: else -> skip
    fi
}

/* What still comes over a connection that was given up does not count. */
inline give_up_peer(r)
{
    forget_what_comes(r);
    if
    :: connected(r) && (R[r].phase != LIVE || primary_of[R[r].peer] == r) -> lost[channel_of(r)] = true
    :: else -> skip
    fi;
    R[r].peer = NOBODY
}

inline end_replica(r)
{
    give_up_peer(r);
    n = 0;
    do
    :: n <= OUTPUTS -> R[r].waits_for[n] = 0; n++
    :: else -> break
    od;
    R[r].life = DOWN;
    R[r].phase = CONNECTING;
    R[r].term = 0;
    R[r].reign = 0;
    R[r].log = 0;
    R[r].lsn = 0;
    R[r].consumed = 0;
    R[r].boundary = 0;
    R[r].position = 0;
    R[r].start = 0;
    R[r].released = 0;
    R[r].acked = 0;
    R[r].joiner = NONE;
    R[r].is_protected = false;
    R[r].may_claim = false;
    R[r].claim = NO_CLAIM
}

/* ---- A live replica ------------------------------------------------------------------------------------------- */

#define has_value_next(r) asks_value(R[r].position + 1)

/* `original`: an epoch does not begin before its boundary is acknowledged (R2). */
#ifdef TRAP_ORIGINAL_GOES_ON
#define epoch_may_begin(r) true
#else
#define epoch_may_begin(r) \
    (PROTOCOL == REVISED || !R[r].is_protected || R[r].position > R[r].start || R[r].acked >= R[r].lsn)
#endif

inline check_original(me)
{
    HOLDS(original_waits,
          PROTOCOL == REVISED || !R[me].is_protected || R[me].position > R[me].start || R[me].acked >= R[me].lsn)
}

#define may_execute(r) \
    (R[r].phase == LIVE && R[r].position < OPERATIONS && R[r].position - R[r].start < MAX_LENGTH && epoch_may_begin(r))

inline append(me, what)
{
    assert(R[me].lsn < MAX_ENTRIES && R[me].reign < 4);
    R[me].lsn++;
    R[me].log = with(R[me].log, R[me].lsn, (what) + 4 * R[me].reign);
    R[me].consumed = R[me].lsn
}

#ifdef TRAP_RELEASED_TOLD_EARLY
#define told_released(r) outputs_made(R[r].position)
#else
#define told_released(r) R[r].released
#endif

inline send_entry(me, type)
{
    if
    :: R[me].joiner >= LOADING && connected(me) && !is_broken(me) ->
        printf("%c -> %c %e %d, term %d\n", 'A' + me, 'A' + R[me].peer, type, R[me].lsn, R[me].term);
        down[R[me].peer]!type, R[me].term, R[me].lsn, told_released(me), entry(R[me].log, R[me].lsn)
    :: else -> printf("%c appends %e %d, for itself\n", 'A' + me, type, R[me].lsn)
    fi
}

/* R4: an output remembers the last entry before it. */
#ifdef TRAP_UNACKNOWLEDGED_VALUE
#define last_entry_before_output(r) \
    (kind(R[r].log, R[r].lsn) == VALUE_ENTRY && R[r].lsn > 0 -> R[r].lsn - 1 : R[r].lsn)
#else
#define last_entry_before_output(r) R[r].lsn
#endif

/* R3 for a value. */
inline execute(me)
{
    check_original(me);
    R[me].position++;
    if
    :: asks_value(R[me].position) ->
        append(me, VALUE_ENTRY);
        send_entry(me, VALUE)
    :: else ->
        printf("%c makes output %d\n", 'A' + me, outputs_made(R[me].position));
        R[me].waits_for[outputs_made(R[me].position)] = last_entry_before_output(me)
    fi
}

/* R2. A joiner that waits for the state gets it here; it is the state at the start of an epoch, so one that has just
 * begun needs no further boundary. No output is held then, as those of an unprotected primary leave at once. */
#define may_end_epoch(r) \
    (R[r].phase == LIVE && epoch_may_begin(r) && \
     (R[r].position > R[r].start || R[r].joiner == WAITING) && \
     (R[r].joiner != WAITING || R[r].released == outputs_made(R[r].position)))

inline end_epoch(me)
{
    check_original(me);
    if
    :: R[me].position > R[me].start ->
        append(me, R[me].position - R[me].start);
        R[me].start = R[me].position;
        send_entry(me, BOUNDARY)
    :: else -> skip
    fi;
    if
    :: R[me].joiner == WAITING ->
        R[me].joiner = LOADING;
        R[me].acked = R[me].lsn;
        if
        :: !is_broken(me) ->
            printf("%c -> %c STATE at %d\n", 'A' + me, 'A' + R[me].peer, R[me].lsn);
            down[R[me].peer]!STATE, R[me].term, R[me].lsn, outputs_made(R[me].position), R[me].log
        :: else -> skip
        fi
    :: else -> skip
    fi
}

/* R4: it leaves once that one is acknowledged; at once without a backup; not while a claim is under way. */
#define next_output(r) (R[r].released + 1)
#ifdef TRAP_OUTPUT_WHILE_CLAIMING
#define is_held(r) (R[r].claim == NO_CLAIM && R[r].is_protected && R[r].waits_for[next_output(r)] > R[r].acked)
#else
#define is_held(r) (R[r].claim != NO_CLAIM || R[r].is_protected && R[r].waits_for[next_output(r)] > R[r].acked)
#endif
#define may_release(r) (R[r].phase == LIVE && R[r].released < outputs_made(R[r].position) && !is_held(r))

inline release(me)
{
    check_release(me, next_output(me));
    R[me].released++;
    R[me].waits_for[R[me].released] = 0;
    printf("%c emits %d\n", 'A' + me, R[me].released)
}

/* A connection that was given up is not read any more, so no acknowledgement of an earlier term is ever seen. */
#define ack_is_here(r) \
    (R[r].phase == LIVE && R[r].joiner >= LOADING && connected(r) && primary_of[R[r].peer] == r && nempty(up[R[r].peer]))

inline read_ack(me)
{
    up[R[me].peer]?m_type, m_term, m_lsn;
    HOLDS(terms_never_go_back, m_term == R[me].term);
    printf("%c -> %c ACK %d arrives\n", 'A' + R[me].peer, 'A' + me, m_lsn);
    HOLDS(log_without_gaps, m_lsn >= R[me].acked && m_lsn <= R[me].lsn);
    R[me].acked = m_lsn;
    if
    :: R[me].joiner == LOADING -> R[me].joiner = CATCHING_UP /* the first one says: loaded */
    :: else -> skip
    fi
}

inline tell_protected(me)
{
    printf("%c -> %c PROTECTED\n", 'A' + me, 'A' + R[me].peer);
    if
    :: !is_broken(me) -> down[R[me].peer]!PROTECTED, R[me].term, R[me].lsn, 0, 0
    :: else -> skip
    fi
}

/* R9: outputs wait from here on, and then the joiner is told. When it is near enough is not said here. */
inline protect(me)
{
#ifdef TRAP_PROMISE_BEFORE_HOLDING
    if
    :: R[me].joiner == CATCHING_UP ->
        R[me].joiner = PROTECTING;
        tell_protected(me)
    :: else -> R[me].is_protected = true
    fi
#else
    R[me].is_protected = true;
    R[me].joiner = PROTECTING;
    tell_protected(me)
#endif
}

#ifdef TRAP_PROMISE_BEFORE_HOLDING
#define may_protect(r) \
    (R[r].phase == LIVE && (R[r].joiner == CATCHING_UP || R[r].joiner == PROTECTING && !R[r].is_protected) && connected(r))
#else
#define may_protect(r) (R[r].phase == LIVE && R[r].joiner == CATCHING_UP)
#endif

/* ---- A joiner and a backup ------------------------------------------------------------------------------------ */

/* The handshake is one step; whom the primary refuses tries again. */
#define may_connect(r, p) \
    (R[r].phase == CONNECTING && !connected(r) && (p) != (r) && R[p].life == UP && R[p].phase == LIVE && \
     R[p].joiner == NONE && R[p].claim == NO_CLAIM && !connected(p))

inline connect(me, p)
{
    printf("%c joins %c\n", 'A' + me, 'A' + (p));
#if REPLICAS > 2
    /* What its connection before this one has left unread at a primary that slept. */
    do
    :: nempty(up[me]) -> up[me]?m_type, m_term, m_lsn
    :: empty(up[me]) -> break
    od;
#endif
    lost[me] = false;
    primary_of[me] = (p);
    R[me].peer = (p);
    R[p].peer = me;
    R[p].joiner = WAITING;
    down[me]!WELCOME, R[p].term, 0, 0, 0
}

inline send_ack(me)
{
    if
    :: !lost[me] -> up[me]!ACK, R[me].term, R[me].lsn
    :: else -> skip
    fi
}

/* R5, R6, R9: what comes from the primary. */
#define message_is_here(r) (R[r].phase < DRAINING && connected(r) && nempty(down[r]))

inline read_primary(me)
{
    down[me]?m_type, m_term, m_lsn, m_released, m_log;
    HOLDS(terms_never_go_back, m_type == WELCOME && m_term >= R[me].term || m_term == R[me].term);
    if
    :: m_type == WELCOME ->
        R[me].term = m_term;
        R[me].phase = JOINING
    :: m_type == STATE ->
        printf("%c has loaded the state\n", 'A' + me);
        R[me].phase = FOLLOWING;
        R[me].log = m_log;
        R[me].lsn = m_lsn;
        R[me].consumed = m_lsn;
        R[me].boundary = m_lsn;
        R[me].released = m_released;
        find_entries_before(m_log, m_lsn, OPERATIONS + 1);
        R[me].start = start;
        R[me].position = start;
        send_ack(me)
    :: m_type == VALUE || m_type == BOUNDARY ->
        printf("%c receives %e %d\n", 'A' + me, m_type, m_lsn);
        HOLDS(log_without_gaps, R[me].phase == FOLLOWING && m_lsn == R[me].lsn + 1);
        R[me].log = with(R[me].log, m_lsn, m_log);
        R[me].lsn = m_lsn;
        if
        :: m_type == BOUNDARY ->
            R[me].boundary = m_lsn;
            R[me].released = (m_released > R[me].released -> m_released : R[me].released)
        :: else -> skip
        fi;
        send_ack(me)
    :: m_type == PROTECTED ->
        printf("%c may take over from here on\n", 'A' + me);
        HOLDS(log_without_gaps, R[me].phase == FOLLOWING && m_lsn <= R[me].lsn);
        R[me].may_claim = true
    fi
}

/* R6: an epoch runs when the record of its end is here, and up to there. `found` is that record; between it and what was
 * consumed stand the epoch's values. */
#ifdef TRAP_LIVE_BEFORE_CONSUMED
#define may_follow(r) (R[r].phase == FOLLOWING && R[r].consumed < R[r].boundary)
#else
#define may_follow(r) \
    ((R[r].phase == FOLLOWING || R[r].phase == DRAINING) && R[r].consumed < R[r].boundary)
#endif

inline follow(me)
{
    find_next_boundary(R[me].log, R[me].lsn, R[me].consumed);
    at = R[me].start + kind(R[me].log, found);
    HOLDS(backup_agrees_with_the_log,
          R[me].position <= at &&
          at - outputs_made(at) - (R[me].start - outputs_made(R[me].start)) == found - R[me].consumed - 1);
    R[me].position = at;
    R[me].start = at;
    R[me].consumed = found;
    printf("%c has executed up to %d\n", 'A' + me, found)
}

#ifdef TRAP_RUNS_PAST_THE_END
#define may_run_ahead(r) \
    (R[r].phase == FOLLOWING && R[r].consumed == R[r].lsn && R[r].position < OPERATIONS && \
     R[r].position - R[r].start < MAX_LENGTH && !has_value_next(r))

inline run_ahead(me)
{
    R[me].position++;
    printf("%c executes operation %d, not knowing where its epoch ends\n", 'A' + me, R[me].position)
}
#endif

/* R7, R8: the log is executed to its end and the epoch behind that in full, or up to a value that nobody has decided. */
#ifdef TRAP_LIVE_BEFORE_CONSUMED
#define may_go_live(r) (R[r].phase == DRAINING)
#else
#define may_go_live(r) (R[r].phase == DRAINING && R[r].consumed >= R[r].boundary)
#endif

#ifdef TRAP_SHORT_LAST_EPOCH
#define runs_on(r) false
#else
#define runs_on(r) true
#endif

#ifdef TRAP_KEPT_FORGOTTEN
#define first_to_emit_again(r) outputs_made(R[r].position)
#else
#define first_to_emit_again(r) \
    (R[r].released < outputs_made(R[r].position) -> R[r].released : outputs_made(R[r].position))
#endif

inline go_live(me)
{
#ifdef TRAP_LIVE_BEFORE_CONSUMED
    R[me].lsn = R[me].consumed;
    R[me].log = prefix(R[me].log, R[me].lsn);
#endif
    do
    :: R[me].position < OPERATIONS && R[me].position - R[me].start < MAX_LENGTH &&
       (R[me].consumed < R[me].lsn || runs_on(me) && !has_value_next(me)) ->
        R[me].position++;
        if
        :: asks_value(R[me].position) ->
            R[me].consumed++
#ifdef TRAP_DECIDES_AGAIN
            ;
            R[me].log = prefix(R[me].log, R[me].consumed - 1);
            R[me].log = with(R[me].log, R[me].consumed, VALUE_ENTRY + 4 * (reigns + 1))
#endif
        :: else -> skip
        fi
    :: else -> break
    od;
    HOLDS(backup_agrees_with_the_log, R[me].consumed == R[me].lsn);
    R[me].phase = LIVE;
    R[me].may_claim = false;
    R[me].joiner = NONE;
    R[me].acked = R[me].lsn;
    reigns++;
    R[me].reign = reigns;
    R[me].boundary = 0;
    R[me].released = first_to_emit_again(me);
    printf("%c is live in term %d, with %d outputs made and %d known released\n", 'A' + me, R[me].term,
           outputs_made(R[me].position), R[me].released);
    check_survivor(me);
    check_active(me)
}

