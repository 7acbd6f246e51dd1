/*
 * The replication protocol of docs/protocol.md, for spin: replicas, the connections between them, an arbiter, and
 * every fault that the rules speak of, at every step. check.sh runs it. Its traps, each a rule that is broken by
 * -DTRAP_..., must be found.
 *
 * Each step of a replica is one of engine_step(): it is taken whole, and between two steps of one replica anything
 * may happen elsewhere. Time does not occur: what a timeout does, may happen at any moment.
 */
#include "bounds.pml"
#include "guest.pml"
#include "state.pml"
#include "properties.pml"
#include "replica.pml"
#include "claim.pml"
#include "faults.pml"
#include "witnesses.pml"

/* Coverage tells a step apart into its statements, to see that each of them is reached. */
#ifdef COVERAGE
#define STEP atomic
#else
#define STEP d_step
#endif

/* The end of each step. */
inline tidy()
{
    assert(!(witness));
    found = 0;
    n = 0;
    at = 0;
    start = 0;
    q = 0;
    need = 0;
    m_type = 0;
    m_term = 0;
    m_lsn = 0;
    m_released = 0;
    m_log = 0
}

#define is_up (R[me].life == UP)

proctype replica(byte me)
{
end:
    do
    /* live */
    :: STEP { is_up && may_execute(me) && may_send_down(me) -> execute(me); tidy() }
    :: STEP { is_up && may_end_epoch(me) && may_send_down(me) -> end_epoch(me); tidy() }
    :: STEP { is_up && may_release(me) -> release(me); tidy() }
    :: STEP { is_up && may_protect(me) && may_send_down(me) -> protect(me); tidy() }
    :: STEP { is_up && ack_is_here(me) -> read_ack(me); tidy() }

    /* backup */
    :: STEP { is_up && may_connect(me, (me + 1) % REPLICAS) -> connect(me, (me + 1) % REPLICAS); tidy() }
#if REPLICAS > 2
    :: STEP { is_up && may_connect(me, (me + 2) % REPLICAS) -> connect(me, (me + 2) % REPLICAS); tidy() }
#endif
    :: STEP { is_up && message_is_here(me) && nfull(up[me]) -> read_primary(me); tidy() }
    :: STEP { is_up && may_follow(me) -> follow(me); tidy() }
    :: STEP { is_up && may_go_live(me) -> go_live(me); tidy() }
#ifdef TRAP_RUNS_PAST_THE_END
    :: STEP { is_up && may_run_ahead(me) -> run_ahead(me); tidy() }
#endif
#ifdef TRAP_MESSAGE_LOST
    :: STEP { message_is_here(me) && R[me].phase == FOLLOWING && cuts > 0 -> lose_message(me); tidy() }
#endif

    /* both */
    :: STEP { is_up && may_suspect(me) -> suspect(me); tidy() }
    :: STEP { is_up && may_promote(me) -> promote(me); tidy() }
    :: STEP { R[me].claim == ASKED -> decide(me); tidy() } /* even if who asked sleeps */
    :: STEP { is_up && R[me].claim == ANSWER_WON -> win(me); tidy() }
    :: STEP { is_up && R[me].claim == ANSWER_LOST -> lose(me); tidy() }

    /* what befalls it */
    :: STEP { is_up && may_miss(me) -> miss(me); tidy() }
    :: STEP { is_up && crashes > 0 -> crash(me); tidy() }
    :: STEP { is_up && pauses > 0 -> pause(me); tidy() }
    :: STEP { R[me].life == ASLEEP -> wake(me); tidy() }
    :: STEP { R[me].life == DOWN && restarts > 0 -> restart(me); tidy() }
    :: STEP { may_cut(me) -> cut(me); tidy() }
    od
}

#ifdef LIVENESS
/* The faults may stop at any moment. Without this, a run would end only once all have happened. */
proctype weather()
{
    STEP { true -> calm() }
}

ltl goes_on { <> [] (beyond_help || one_is_live && protected_again) }
#endif

init
{
    STEP {
        for (q : 0 .. REPLICAS - 1) {
            R[q].peer = NOBODY;
            primary_of[q] = NOBODY;
            lost[q] = true
        }
        R[0].life = UP;
        R[0].phase = LIVE;
        R[0].term = 1;
        active_in[1] = 1;
        R[1].life = UP
    }
    atomic {
        run replica(0);
        run replica(1);
#if REPLICAS > 2
        run replica(2);
#endif
#ifdef LIVENESS
        run weather()
#endif
    }
}
