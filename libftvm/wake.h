/*
 * Putting a thread to sleep until another has news for it (futex). The sleeper takes a ticket,
 * looks once more whether there is something to do, and sleeps if nobody has woken since the
 * ticket; so no wake-up is lost, and waking a thread that does not sleep costs no system call.
 */
#ifndef LIBFTVM_WAKE_H
#define LIBFTVM_WAKE_H

#include <stdatomic.h>
#include <stdint.h>

struct wake {
    _Atomic uint32_t sequence;
    _Atomic uint32_t sleepers;
};

uint32_t wake_ticket(struct wake *wake);
/* Returns after wake_all() since the ticket, at `until_ns` (CLOCK_MONOTONIC; UINT64_MAX for never),
 * or spuriously. */
void wake_sleep(struct wake *wake, uint32_t ticket, uint64_t until_ns);
void wake_all(struct wake *wake);

#endif
