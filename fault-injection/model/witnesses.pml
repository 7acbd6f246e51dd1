/*
 * What the model must be able to reach, or it would prove nothing: a run with one of these must come to that state.
 */
#if defined(WITNESS_PROTECTED_AGAIN) /* the backup took over, and is protected by the one that had crashed */
#define witness (R[1].phase == LIVE && R[1].is_protected && R[0].may_claim)
#elif defined(WITNESS_TAKEN_BACK) /* and that one took over in turn, and goes on alone */
#define witness (R[0].phase == LIVE && R[0].reign == 2 && R[0].released == OUTPUTS)
#elif defined(WITNESS_BOTH_LIVE) /* a primary that was overtaken holds outputs beside a live survivor */
#define witness (R[0].phase == LIVE && R[1].phase == LIVE && R[0].released < outputs_made(R[0].position))
#elif defined(WITNESS_SLEEPER) /* one that slept while it was overtaken wakes up with outputs that may still leave */
#define witness (pauses == 0 && R[0].life == UP && R[1].phase == LIVE && R[1].released > 0 && may_release(0))
#elif defined(WITNESS_PRIMARY_WON) /* a primary won the claim against a living backup, which is fenced, and joins anew */
#define witness (R[0].phase == LIVE && R[0].term == 2 && R[1].may_claim && R[1].term == 2)
#elif defined(WITNESS_LOG_LEFT) /* a winner still has log to execute */
#define witness (R[1].phase == DRAINING && R[1].consumed < R[1].boundary)
#elif defined(WITNESS_THIRD) /* a third replica takes over from the second, which took over from the first */
#define witness (R[2].phase == LIVE && R[2].term == 3)
#else
#define witness false
#endif
