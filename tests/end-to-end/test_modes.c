/* Pairs with other options than the standard one, each with a boot of its own. */
#include "tests/end-to-end/tests.h"

static bool fail_over_twice(struct fixture *fixture)
{
    return fixture_check(fixture) && fixture_fail_over(fixture) && fixture_protect(fixture) &&
           fixture_fail_over(fixture) && fixture_check(fixture);
}

bool test_failover_under_the_original_protocol(struct fixture *fixture)
{
    static const struct replica_options options = {.primary_extra = {"--protocol", "original"}};

    return fixture_start(fixture, &options) && fixture_connect(fixture) && fail_over_twice(fixture);
}

bool test_failover_with_a_logged_clock(struct fixture *fixture)
{
    static const struct replica_options options = {.primary_extra = {"--clock", "logged"}};

    return fixture_start(fixture, &options) && fixture_connect(fixture) && fail_over_twice(fixture);
}

/* The guest boots and works alone for a while: its backup gets a state and not a beginning. */
bool test_joining_a_guest_that_has_run_long(struct fixture *fixture)
{
    return fixture_start_alone(fixture, &fixture_standard) && fixture_connect(fixture) &&
           lab_sleep(&fixture->lab, 3000) && fixture_protect(fixture) && fixture_check(fixture) &&
           fixture_fail_over(fixture) && fixture_check(fixture);
}
