/*
 * Suspicion, claims and the arbiter (R7, replication/engine_claim.c and arbiter_rules.c).
 */

/* The connection has ended, or nothing is heard. A cable that is cut, and silence that is none, are a connection lost. */
#define may_suspect(r) (connected(r) && (is_broken(r) || R[R[r].peer].life != UP))

inline start_claim(me)
{
    R[me].claim = ASKED;
    R[me].claim_id++;
    printf("%c claims term %d\n", 'A' + me, R[me].term + 1)
}

inline suspect(me)
{
    printf("%c suspects %c\n", 'A' + me, 'A' + R[me].peer);
    need = R[me].joiner;
    give_up_peer(me);
    R[me].joiner = NONE;
    if
    :: R[me].phase == CONNECTING || R[me].claim != NO_CLAIM -> skip
    :: R[me].phase == LIVE && R[me].claim == NO_CLAIM ->
        if
#ifdef TRAP_NO_CLAIM
        :: need == PROTECTING ->
            R[me].is_protected = false;
            printf("%c goes on unprotected, without a claim\n", 'A' + me)
#else
        :: need == PROTECTING -> start_claim(me)
#endif
        :: else -> skip /* a joiner that was not told may not claim: no claim is needed against it */
        fi
    :: (R[me].phase == JOINING || R[me].phase == FOLLOWING) && R[me].claim == NO_CLAIM ->
        if
#ifdef TRAP_UNTOLD_CLAIMS
        :: R[me].phase == FOLLOWING -> start_claim(me)
#else
        :: R[me].may_claim -> start_claim(me)
#endif
        :: else ->
            printf("%c ends, lost\n", 'A' + me);
            end_replica(me)
        fi
    fi
}

#define may_promote(r) (promotes > 0 && R[r].phase == FOLLOWING && R[r].may_claim && R[r].claim == NO_CLAIM)

inline promote(me)
{
    promotes--;
    printf("%c is told to take over\n", 'A' + me);
    start_claim(me)
}

/* The arbiter's one step: a pure function of claim and record. */
inline decide(me)
{
    HOLDS(terms_never_go_back, record_term >= R[me].term);
    if
    :: record_term == R[me].term ->
        record_term++;
        record_owner = me;
        record_claim = R[me].claim_id;
        R[me].claim = ANSWER_WON;
        printf("the arbiter gives term %d to %c\n", record_term, 'A' + me)
    :: won_unawares(me) ->
        R[me].claim = ANSWER_WON;
        printf("the arbiter says that term %d is %c's already\n", record_term, 'A' + me)
    :: else ->
#if ARBITER
        R[me].claim = ANSWER_LOST;
        printf("the arbiter refuses %c: term %d is %c's\n", 'A' + me, record_term, 'A' + record_owner)
#else
        R[me].claim = ANSWER_WON;
        printf("the arbiter, which is none, gives term %d to %c as well\n", record_term, 'A' + me)
#endif
    fi
}

inline win(me)
{
    R[me].claim = NO_CLAIM;
    R[me].term++;
    printf("%c has won term %d\n", 'A' + me, R[me].term);
    HOLDS(winner_holds_the_record, holds_the_record(me));
    if
    :: R[me].phase == LIVE ->
        R[me].is_protected = false;
        R[me].acked = R[me].lsn;
        check_active(me)
    :: else ->
        give_up_peer(me);
        R[me].phase = DRAINING
    fi
}

inline lose(me)
{
    printf("%c is fenced\n", 'A' + me);
    end_replica(me)
}

/* The arbiter is not reached, or has decided and its answer is lost: the replica cannot tell. It asks again, with the
 * same id. */
#define may_miss(r) (outages > 0 && R[r].claim != NO_CLAIM)

inline miss(me)
{
    outages--;
    printf("%c cannot reach the arbiter\n", 'A' + me);
#ifdef TRAP_UNKNOWN_IS_WON
    win(me)
#else
#ifdef TRAP_UNKNOWN_IS_LOST
    lose(me)
#else
    R[me].claim = ASKED;
#ifdef TRAP_NEW_CLAIM_ID
    R[me].claim_id++
#endif
#endif
#endif
}
