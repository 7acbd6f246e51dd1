#include "libftvm/check/check_seen.h"

#include <inttypes.h>
#include <stdio.h>

static void see_step(struct seen *seen, const struct track *track, const struct step *step,
                     uint64_t unit_ns)
{
    if (step->call.kind == CALL_VALUE) {
        return;
    }
    seen->ran_out += step->call.kind == CALL_BOUNDARY;
    seen->idle += step->call.kind == CALL_IDLE;
    seen->guest_ns = step->entry->boundary.clock_ns;
    seen->running_ns = (step->call.position - track->start) * unit_ns;
}

struct seen seen_in(const struct track *track, uint64_t unit_ns)
{
    struct seen seen = {0};
    for (size_t i = 0; i < track->count; i++) {
        see_step(&seen, track, &track->steps[i], unit_ns);
    }
    return seen;
}

const char *seen_time(uint64_t time_ns, char text[SEEN_TIME_SIZE])
{
    static const struct {
        uint64_t ns;
        const char *name;
    } units[] = {{1000000000, "s"}, {1000000, "ms"}, {1000, "us"}};
    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        uint64_t whole = time_ns / units[i].ns;
        uint64_t tenths = time_ns % units[i].ns / (units[i].ns / 10);
        if (whole > 0 && (whole >= 100 || tenths == 0)) {
            snprintf(text, SEEN_TIME_SIZE, "%" PRIu64 " %s", whole, units[i].name);
            return text;
        }
        if (whole > 0) {
            snprintf(text, SEEN_TIME_SIZE, "%" PRIu64 ".%" PRIu64 " %s", whole, tenths,
                     units[i].name);
            return text;
        }
    }
    snprintf(text, SEEN_TIME_SIZE, "%" PRIu64 " ns", time_ns);
    return text;
}
