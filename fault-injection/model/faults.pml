/*
 * What befalls a replica and its connection.
 */
inline crash(me)
{
    crashes--;
    printf("%c crashes\n", 'A' + me);
    end_replica(me);
    beyond_help = beyond_help || !anybody_goes_on
}

inline pause(me)
{
    pauses--;
    printf("%c is paused\n", 'A' + me);
    R[me].life = ASLEEP
}

inline wake(me)
{
    printf("%c wakes up\n", 'A' + me);
    R[me].life = UP
}

inline restart(me)
{
    restarts--;
    printf("%c starts, to join\n", 'A' + me);
    R[me].life = UP
}

#define may_cut(joiner) (cuts > 0 && connected(joiner) && R[joiner].phase != LIVE && !lost[joiner])

inline cut(joiner)
{
    cuts--;
    printf("%c and %c are cut off\n", 'A' + joiner, 'A' + R[joiner].peer);
    lost[joiner] = true
}

#ifdef TRAP_MESSAGE_LOST
inline lose_message(joiner)
{
    cuts--;
    down[joiner]?m_type, m_term, m_lsn, m_released, m_log;
    printf("A message on its way to %c is lost\n", 'A' + joiner)
}
#endif

/* Faults stop. */
inline calm()
{
    crashes = 0;
    cuts = 0;
    pauses = 0;
    outages = 0;
    restarts = 0;
    promotes = 0
}
