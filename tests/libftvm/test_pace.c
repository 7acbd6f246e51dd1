/* When an epoch of a live replica ends. Times and speeds are arguments. */
#include <criterion/criterion.h>

#include "libftvm/pace.h"

#define US         UINT64_C(1000)
#define MS         UINT64_C(1000000)
#define START      UINT64_C(5000000)
#define LENGTH     UINT64_C(8000000)
#define BEGAN_NS   UINT64_C(777000)
#define RATE_HALF  (UINT64_C(1) << 31) /* half a nanosecond each: 2000 million a second */
#define FIRST_STOP (START + 200000)    /* a slice of 100 us at that rate */

static struct pace started(void)
{
    struct pace pace = {.min_ns = 100 * US, .max_ns = 4 * MS};
    pace_start(&pace, START, LENGTH, RATE_HALF, BEGAN_NS);
    return pace;
}

Test(pace, the_first_slice_is_the_shortest_epoch_by_the_rate)
{
    struct pace pace = started();
    cr_assert_eq(pace_next(&pace, START, BEGAN_NS, false), FIRST_STOP);
}

Test(pace, an_epoch_has_at_least_one_slice_whatever_waits)
{
    struct pace pace = started();
    cr_assert_eq(pace_next(&pace, START, BEGAN_NS + 50 * MS, true), FIRST_STOP);
}

Test(pace, what_waits_ends_the_epoch_after_the_shortest)
{
    struct pace pace = started();
    cr_assert_eq(pace_next(&pace, FIRST_STOP, BEGAN_NS + 100 * US, true), FIRST_STOP);
}

Test(pace, nothing_waits_and_it_runs_on)
{
    struct pace pace = started();
    cr_assert_eq(pace_next(&pace, FIRST_STOP, BEGAN_NS + 100 * US, false), FIRST_STOP + 200000);
}

Test(pace, what_waits_does_not_end_an_epoch_that_was_much_too_short)
{
    struct pace pace = started();
    cr_assert_gt(pace_next(&pace, FIRST_STOP, BEGAN_NS + 50 * US, true), FIRST_STOP);
    /* Nearly long enough is long enough: another slice would be twice too long. */
    cr_assert_eq(pace_next(&pace, FIRST_STOP, BEGAN_NS + 80 * US, true), FIRST_STOP);
}

Test(pace, the_longest_time_ends_it_though_nothing_waits)
{
    struct pace pace = started();
    cr_assert_gt(pace_next(&pace, FIRST_STOP, BEGAN_NS + 4 * MS - 1, false), FIRST_STOP);
    cr_assert_eq(pace_next(&pace, FIRST_STOP, BEGAN_NS + 4 * MS, false), FIRST_STOP);
}

Test(pace, slices_follow_the_speed_that_is_seen)
{
    struct pace pace = started();
    /* A hundredth of the speed: the next slice is a hundredth, too. */
    cr_assert_eq(pace_next(&pace, START + 2000, BEGAN_NS + 100 * US, false), START + 2000 + 2000);
}

Test(pace, a_guest_that_hardly_moves_moves_on)
{
    struct pace pace = started();
    cr_assert_eq(pace_next(&pace, START + 1, BEGAN_NS + 3 * MS, false), START + 2);
}

Test(pace, no_stop_is_beyond_the_end)
{
    struct pace pace = started();
    uint64_t near_end = START + LENGTH - 10;
    cr_assert_eq(pace_next(&pace, near_end, BEGAN_NS + 3 * MS, false), START + LENGTH);
    cr_assert_eq(pace_next(&pace, START + LENGTH, BEGAN_NS + 3 * MS, false), START + LENGTH);
    cr_assert_eq(pace_next(&pace, START + LENGTH + 3, BEGAN_NS, false), START + LENGTH + 3);
}

Test(pace, an_epoch_without_a_rate_has_one_slice)
{
    struct pace pace = {.min_ns = 100 * US, .max_ns = 4 * MS};
    pace_start(&pace, START, 10, 0, BEGAN_NS);
    cr_assert_eq(pace_next(&pace, START, BEGAN_NS, false), START + 10);
}
