/*
 * A page of memory that the fault lab shares with one replica of the build with hooks
 * (`make HOOKS=1`): a file, mapped by both. The lab arms a point of the protocol and says what
 * shall happen there, how the replica's disk and clocks behave; the replica counts and obeys.
 *
 * The one header that both sides include; it knows nothing of either. The plain build of a replica
 * takes the names of the points from it and nothing else, and links nothing of this folder. All
 * fields are atomic: either side may look or write at any time.
 */
#ifndef FAULT_INJECTION_HOOKS_PAGE_H
#define FAULT_INJECTION_HOOKS_PAGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOOKS_VARIABLE "FTVM_HOOKS" /* names the file in a replica's environment */
#define HOOKS_MAGIC    UINT64_C(0x736b6f6f486d7446)
#define HOOKS_VERSION  1u /* of all that stands below */
#define HOOKS_NAME     24 /* bytes of a point's name, at most */

/* In the order of the messages' numbers (logging/message.h); libftvm/hooks.h checks that. */
#define HOOKS_MESSAGES(X, WHEN, PREFIX)                                                            \
    X(WHEN##HELLO, PREFIX "HELLO")                                                                 \
    X(WHEN##WELCOME, PREFIX "WELCOME")                                                             \
    X(WHEN##REFUSE, PREFIX "REFUSE")                                                               \
    X(WHEN##STATE_BEGIN, PREFIX "STATE_BEGIN")                                                     \
    X(WHEN##STATE_CHUNK, PREFIX "STATE_CHUNK")                                                     \
    X(WHEN##STATE_END, PREFIX "STATE_END")                                                         \
    X(WHEN##VALUE, PREFIX "VALUE")                                                                 \
    X(WHEN##BOUNDARY, PREFIX "BOUNDARY")                                                           \
    X(WHEN##ACK, PREFIX "ACK")                                                                     \
    X(WHEN##PROTECTED, PREFIX "PROTECTED")                                                         \
    X(WHEN##HEARTBEAT, PREFIX "HEARTBEAT")                                                         \
    X(WHEN##BYE, PREFIX "BYE")

/* sent: just after the frame was handed to the connection, which gives it to the socket at once
 * unless bytes before it wait there. received: before the engine hears of it. emit: of each output
 * that is released. claim: around the arbiter's answer, which the engine does not know yet.
 * release: of the arbiter's record, before it is asked. promoted: this replica is live, and its
 * machine does not know yet. */
#define HOOKS_POINTS(X)                                                                            \
    HOOKS_MESSAGES(X, HOOKS_SENT_, "sent-")                                                        \
    HOOKS_MESSAGES(X, HOOKS_RECEIVED_, "received-")                                                \
    X(HOOKS_BEFORE_EMIT, "before-emit")                                                            \
    X(HOOKS_AFTER_EMIT, "after-emit")                                                              \
    X(HOOKS_BEFORE_CLAIM, "before-claim")                                                          \
    X(HOOKS_AFTER_CLAIM, "after-claim")                                                            \
    X(HOOKS_BEFORE_RELEASE, "before-release")                                                      \
    X(HOOKS_PROMOTED, "promoted")

#define HOOKS_ENUMERATOR(POINT, NAME) POINT,
enum hooks_point { HOOKS_POINTS(HOOKS_ENUMERATOR) HOOKS_POINT_COUNT };
#undef HOOKS_ENUMERATOR

enum hooks_action {
    HOOKS_REPORT, /* note the time and go on */
    HOOKS_KILL,   /* the replica kills itself: SIGKILL */
    HOOKS_STOP    /* the replica stops itself: SIGSTOP */
};

enum hooks_disk {
    HOOKS_DISK_SOUND,
    HOOKS_DISK_FULL,  /* what needs room answers ENOSPC */
    HOOKS_DISK_ERROR, /* everything answers EIO */
    HOOKS_DISK_TORN   /* of a write only the first half of its sectors arrives; then EIO */
};

struct hooks_page {
    _Atomic uint64_t magic; /* written last by who makes the page */
    _Atomic uint32_t version, size;
    _Atomic uint32_t pid; /* of the replica that has mapped it; 0: none yet */

    _Atomic uint32_t armings;  /* how often something was armed */
    _Atomic uint64_t armed;    /* packed (page.c); 0: nothing */
    _Atomic uint32_t fired;    /* the number of the arming that fired last */
    _Atomic uint64_t fired_ns; /* when: CLOCK_MONOTONIC of the host, without offset */
    _Atomic uint64_t passed[HOOKS_POINT_COUNT]; /* how often each point was passed */

    _Atomic uint32_t disk;          /* enum hooks_disk */
    _Atomic uint32_t keep_undo;     /* undo.h; read when an image is opened */
    _Atomic uint64_t disk_failures; /* served */

    _Atomic uint64_t monotonic_ns; /* added to the replica's CLOCK_MONOTONIC; only grows */
    _Atomic int64_t wall_ns;       /* added to its CLOCK_REALTIME */
};

/* All return 0 or a negative errno. A page that exists is made anew. Attaching refuses, with
 * -EPROTO, a file that is no page of this version. */
int hooks_page_create(struct hooks_page **page, const char *path);
int hooks_page_attach(struct hooks_page **page, const char *path);
/* The page that the environment names. No page, and 0, if it names none; if that cannot be had,
 * also a line that says so. */
int hooks_page_attach_named(struct hooks_page **page, char *error, size_t error_size);
void hooks_page_unmap(struct hooks_page *page); /* NULL is fine */

const char *hooks_point_name(enum hooks_point point);
bool hooks_point_find(const char *name, size_t length, enum hooks_point *point);

/* The `count`-th passing of the point from now on, 1 or more. What was armed before is not any
 * more. */
void hooks_page_arm(struct hooks_page *page, enum hooks_point point, uint32_t count,
                    enum hooks_action action);
/* False if nothing is armed any more: it fires, though hooks_page_fired() may not say so yet. */
bool hooks_page_disarm(struct hooks_page *page);
/* Did what was armed last fire, and when? */
bool hooks_page_fired(const struct hooks_page *page, uint64_t *at_ns);

/* The replica is at the point; any thread of it. Does what is armed: after HOOKS_KILL this does not
 * return. */
void hooks_page_pass(struct hooks_page *page, enum hooks_point point);

#endif
