#include "fault-injection/simulator/explore_rows.h"

const char *explore_row_name(enum explore_row row)
{
    static const char *const names[EXPLORE_ROWS] = {
        [EXPLORE_PAIR] = "a pair",
        [EXPLORE_ORIGINAL] = "of the original protocol",
        [EXPLORE_INPUT_ENDED] = "whose inputs end epochs",
        [EXPLORE_FIRST_JOIN] = "from the first join on",
        [EXPLORE_ARBITER] = "an arbiter hard to reach",
        [EXPLORE_SLEEP] = "sleeps, and is told to swap",
        [EXPLORE_ANOTHER] = "one more that joins",
    };
    return names[row];
}

struct explore_options explore_row_options(enum explore_row row)
{
    struct explore_options options = explore_defaults();
    options.depth = 10;
    switch (row) {
    case EXPLORE_ORIGINAL:
        options.protocol = ENGINE_ORIGINAL;
        options.depth = 12;
        break;
    case EXPLORE_INPUT_ENDED: options.input_ended = true; break;
    case EXPLORE_FIRST_JOIN:
        options.start = EXPLORE_FROM_JOIN;
        options.depth = 18; /* far enough for promotions */
        options.budget = (struct explore_budget){.crashes = 1, .breaks = 1, .timers = 1};
        break;
    case EXPLORE_ARBITER:
        options.depth = 12;
        options.budget = (struct explore_budget){.breaks = 1, .timers = 2, .arbiter_faults = 2};
        break;
    case EXPLORE_SLEEP:
        options.depth = 9;
        options.budget =
            (struct explore_budget){.crashes = 1, .timers = 2, .pauses = 1, .promotions = 1};
        break;
    case EXPLORE_ANOTHER:
        options.depth = 9;
        options.budget =
            (struct explore_budget){.crashes = 1, .breaks = 1, .timers = 1, .joiners = 1};
        break;
    default: break;
    }
    return options;
}
