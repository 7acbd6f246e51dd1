/*
 * The lab's hand on a replica of the build with hooks (`make HOOKS=1`): a page of memory that both
 * have mapped (fault-injection/hooks/page.h). A replica of the plain build never looks at it; what
 * is armed there does not come about.
 *
 * replica_start_primary() and replica_start_backup() make a page where struct replica_options asks
 * for it. Functions that return bool and take the lab leave a line in lab->error before they return
 * false.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_HOOKS_H
#define FAULT_INJECTION_LAB_FAULTS_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault-injection/hooks/page.h" /* enum hooks_action, enum hooks_disk */
#include "fault-injection/lab/lab.h"

struct hooks_page; /* mapped */

/* Creates and maps; NULL after lab_fail(). */
struct hooks_page *hooks_open(struct lab *lab, const char *path);
void hooks_close(struct hooks_page *page); /* NULL is fine */
/* Does a replica look at the page? */
bool hooks_attached(const struct hooks_page *page);

/* `event` is POINT:COUNT: the COUNT-th time from now on, 1 or more, that the replica passes the
 * point; ":COUNT" may be left out for the next time. Replaces what was armed before. */
bool hooks_arm(struct lab *lab, struct hooks_page *page, const char *event,
               enum hooks_action action);
/* False if it comes about already, though hooks_fired() may not say so yet. */
bool hooks_disarm(struct hooks_page *page);
/* Did what was armed last come about, and when (lab_now_ns())? */
bool hooks_fired(const struct hooks_page *page, uint64_t *at_ns);
bool hooks_wait(const struct hooks_page *page, struct lab *lab, unsigned timeout_ms);
/* How often a point was passed since the replica began; 0 for a name that is none. */
uint64_t hooks_passed(const struct hooks_page *page, const char *point);

void hooks_disk(struct hooks_page *page, enum hooks_disk mode);
uint64_t hooks_disk_failures(const struct hooks_page *page); /* served so far */
/* From the next opening of its image on, the replica keeps what power_drop_unsynced() needs. */
void hooks_keep_undo(struct hooks_page *page);
/* How far the replica's clocks are off from now on. The monotonic one only ever jumps forward: less
 * than it has already is ignored. */
void hooks_clock(struct hooks_page *page, uint64_t monotonic_ns, int64_t wall_ns);

/* False, with one line that says what is wrong and which points there are. */
bool hooks_event_valid(const char *event, char *error, size_t error_size);

#endif
