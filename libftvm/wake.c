#include "libftvm/wake.h"

#include <limits.h>
#include <linux/futex.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

uint32_t wake_ticket(struct wake *wake)
{
    return atomic_load(&wake->sequence);
}

void wake_sleep(struct wake *wake, uint32_t ticket, uint64_t until_ns)
{
    struct timespec until = {(time_t)(until_ns / 1000000000u), (long)(until_ns % 1000000000u)};
    /* Announced before the kernel compares the sequence: whoever raises it after that sees the
     * sleeper, whoever raised it before makes the comparison fail. */
    atomic_fetch_add(&wake->sleepers, 1);
    if (atomic_load(&wake->sequence) == ticket) {
        /* The form that takes an absolute time. */
        syscall(SYS_futex, &wake->sequence, FUTEX_WAIT_BITSET_PRIVATE, ticket,
                until_ns == UINT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    }
    atomic_fetch_sub(&wake->sleepers, 1);
}

void wake_all(struct wake *wake)
{
    atomic_fetch_add(&wake->sequence, 1);
    if (atomic_load(&wake->sleepers) > 0) {
        syscall(SYS_futex, &wake->sequence, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    }
}
