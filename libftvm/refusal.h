/*
 * Which refusals of joiners are news. Who is refused for a reason that may pass asks again five
 * times a second; it is told of once, until it is another replica or another reason, or until it
 * has given up and comes anew. The time comes as an argument.
 */
#ifndef LIBFTVM_REFUSAL_H
#define LIBFTVM_REFUSAL_H

#include <stdbool.h>
#include <stdint.h>

#include <ftvm/ftvm.h>

#include "logging/message.h"

/* Who has been silent for that long has given up. */
#define REFUSAL_KEPT_NS UINT64_C(10000000000)

/* The last one. All zero: there was none. */
struct refusal {
    char replica[FTVM_MAX_NAME + 1];
    char reason[LOG_MAX_REASON];
    uint64_t at_ns;
};

/* Takes it as the last one. */
bool refusal_is_news(struct refusal *last, const char *replica, const char *reason,
                     uint64_t now_ns);

#endif
