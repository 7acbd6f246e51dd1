/*
 * A fault as an experiment names it: what goes wrong, whom it befalls, when, and for how long. Text
 * only; faults.h makes it happen.
 *
 *     KIND[:KEY=VALUE[,KEY=VALUE...]]
 *
 *     kill:at=primary,after=2s            stop:at=backup,for=3s,random=5s
 *     delay:ms=20,jitter-ms=5,for=10s     kill:at=primary,event=sent-BOUNDARY:12
 *
 * Times are numbers with s or ms behind them (without: ms). `at` is primary (default), backup or
 * either. With an event and `after`, the event counts from `after` on.
 *
 * What a protected pair makes of each, when timeout-ms and stuck-ms are as users have them (1000,
 * 10000), and what faults_recover() therefore has to sort out:
 *
 *     kind           expected of the pair
 *     none           nothing
 *     kill           the victim is lost; the other goes on alone
 *     stop           shorter than timeout-ms: a pause. Longer: the other goes on alone, and the
 *                    victim ends fenced when it is continued. In between: either
 *     power-cycle    the victim is lost, and so is what its image had not synced; the other goes on
 *                    alone after timeout-ms, as nothing says goodbye
 *     unplug         channel: one of both wins the claim after timeout-ms, the other ends fenced;
 *                    shorter than that, nothing. lan: nothing but silence for the client. Both: as
 *                    the channel; if the victim's host wins, the client waits for the heal
 *     one-way        as unplug of the channel: who hears nothing claims
 *     delay          nothing, but outputs wait for longer; above timeout-ms as unplug
 *     limit          nothing, or what is behind too far is given up; outputs wait for longer
 *     stall          as unplug of the channel
 *     corrupt        a checksum finds it and ends the connection: both claim, one ends fenced. With
 *                    a joiner: the joiner ends lost. Nothing, if nothing passes that could be hit
 *     reset          both claim, one ends fenced
 *     disk-full      the victim ends at its first request that fails, and the other goes on alone:
 *     disk-error     the guest never sees it. Nothing, if it asks nothing of its disk meanwhile
 *     clock-jump     forward, at the primary: the guest's clock jumps with it. Else nothing: the
 *                    wall clock of a host is not asked, and a backup's is not the guest's
 *     starve         a slow guest (primary) or a guest that waits for its backup; a starved one may
 *                    be taken for lost, then it ends fenced
 *     arbiter-gone   nothing; but while it is gone, whoever loses the other waits
 *     flip-bit       backup: it diverges when the digest comes by, or dies of it, or nobody ever
 *                    reads it. primary: the backup diverges, and the damage stays
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_FAULT_H
#define FAULT_INJECTION_LAB_FAULTS_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAULT_TEXT_SIZE 160u

enum fault_kind {
    FAULT_NONE,         /* nothing goes wrong: what the others are compared with */
    FAULT_KILL,         /* SIGKILL of the replica's process */
    FAULT_STOP,         /* SIGSTOP, and SIGCONT after `for` */
    FAULT_POWER_CYCLE,  /* all of the host at once, and what it had not synced is dropped */
    FAULT_UNPLUG,       /* both cables of the victim's host, or `link=channel|lan` alone */
    FAULT_ONE_WAY,      /* what the victim sends over the channel is held; it hears all */
    FAULT_DELAY,        /* of the channel: `ms`, `jitter-ms`, for each direction */
    FAULT_LIMIT,        /* of the channel: `kbit` per second */
    FAULT_STALL,        /* of the channel: nothing moves, connections stay open */
    FAULT_CORRUPT,      /* of the channel: `bits`: so many bits of what passes, from now on */
    FAULT_RESET,        /* of the channel: connections are reset with bytes in flight */
    FAULT_DISK_FULL,    /* the victim's image answers ENOSPC */
    FAULT_DISK_ERROR,   /* the victim's image answers EIO */
    FAULT_CLOCK_JUMP,   /* of the victim's host: `by` (may be negative: of the wall clock alone) */
    FAULT_STARVE,       /* the victim gets `percent` of a processor */
    FAULT_ARBITER_GONE, /* the arbiter's storage cannot be reached, from either host */
    FAULT_FLIP_BIT,     /* in the victim's guest memory, once */
    FAULT_KINDS
};

enum fault_victim { FAULT_AT_PRIMARY, FAULT_AT_BACKUP, FAULT_AT_EITHER /* drawn */ };

struct fault {
    enum fault_kind kind;
    enum fault_victim victim;
    uint64_t after_ms;  /* from the moment at which the experiment asks for it */
    uint64_t random_ms; /* and up to so much more, drawn */
    char event[48];    /* "" or POINT:COUNT: when the victim passes that hook the COUNT-th time from
                          now on (hooks.h) */
    uint64_t for_ms;   /* then it is healed; 0: when the round ends */
    int64_t amount[2]; /* the kind's own parameters, in the order in which they are named above.
                          Delays in microseconds, jumps of clocks in milliseconds */
    char link[12];     /* FAULT_UNPLUG: "", "channel" or "lan" */
};

const char *fault_kind_name(enum fault_kind kind); /* "power-cycle" */

/* False, with one line that says what is wrong and what there is. */
bool fault_parse(struct fault *fault, const char *text, char *error, size_t error_size);
/* The text that gives it again. */
void fault_format(const struct fault *fault, char text[FAULT_TEXT_SIZE]);

/* Only replicas of the build with hooks can suffer it. */
bool fault_needs_hooks(const struct fault *fault);
/* Only a guest with a disk can. */
bool fault_needs_disk(const struct fault *fault);

/* One of those from which a pair must recover with nothing lost, with all of it drawn: kind,
 * victim, moment (within `within_ms`), length, parameters. Same seed, same fault. Who cannot have
 * it (see above) draws again, with another seed. */
void fault_draw(struct fault *fault, uint64_t seed, uint64_t within_ms);

#endif
