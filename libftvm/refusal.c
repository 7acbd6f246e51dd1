#include "libftvm/refusal.h"

#include <stdio.h>
#include <string.h>

bool refusal_is_news(struct refusal *last, const char *replica, const char *reason, uint64_t now_ns)
{
    bool again = last->reason[0] != '\0' && strcmp(last->replica, replica) == 0 &&
                 strcmp(last->reason, reason) == 0 && now_ns - last->at_ns < REFUSAL_KEPT_NS;
    snprintf(last->replica, sizeof last->replica, "%s", replica);
    snprintf(last->reason, sizeof last->reason, "%s", reason);
    last->at_ns = now_ns;
    return !again;
}
