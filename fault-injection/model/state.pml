/*
 * What a replica knows, what is under way, and the arbiter's record. The names are those of replication/engine_state.h.
 */
#define NOBODY REPLICAS

#define DOWN   0
#define UP     1
#define ASLEEP 2

#define CONNECTING 0
#define JOINING    1
#define FOLLOWING  2
#define DRAINING   3
#define LIVE       4

/* How far a live replica's joiner has come. */
#define NONE        0
#define WAITING     1
#define LOADING     2
#define CATCHING_UP 3
#define PROTECTING  4

/* A claim, from the first question to the answer's arrival. */
#define NO_CLAIM    0
#define ASKED       1
#define ANSWER_WON  2
#define ANSWER_LOST 3

typedef replica_state {
    byte life;
    byte phase;
    byte term;
    byte peer;     /* the other end of its connection */
    byte reign;    /* of a live one: which of all */
    int log;       /* entries appended or received */
    byte lsn;      /* how many */
    byte consumed; /* of these, executed */
    byte boundary; /* backup: the last one received */
    byte position; /* operations executed */
    byte start;    /* at which the epoch began */
    byte released; /* outputs that have left, or are known to */
    byte waits_for[OUTPUTS + 1]; /* the entry that a held output remembers */
    byte acked;
    byte joiner;
    bool is_protected; /* live: outputs wait for acknowledgements */
    bool may_claim;    /* backup: was told PROTECTED */
    byte claim;
    byte claim_id
};
replica_state R[REPLICAS];

/* Connections, each named after the joiner that opened it: what is under way on it, down from the primary and up to
 * it. On one that is lost each end still reads what it may, and then finds the end: so any suffix may be missing. */
mtype = { WELCOME, STATE, VALUE, BOUNDARY, PROTECTED, ACK };
chan down[REPLICAS] = [IN_FLIGHT] of { mtype, byte, byte, byte, int }; /* term, lsn, released, log or entry */
chan up[REPLICAS] = [IN_FLIGHT] of { mtype, byte, byte };              /* term, lsn */
bool lost[REPLICAS];
byte primary_of[REPLICAS]; /* of whoever opened it */

mtype m_type;
byte m_term;
byte m_lsn;
byte m_released;
int m_log;

/* The record at the arbiter. */
byte record_term = 1;
byte record_owner = 0;
byte record_claim = 0;

/* Faults that are left. */
byte crashes = CRASHES;
byte cuts = CUTS;
byte pauses = PAUSES;
byte outages = OUTAGES;
byte restarts = RESTARTS;
byte promotes = PROMOTES;

byte reigns = 0;
