/* Which refusals are told. Times are arguments. */
#include <criterion/criterion.h>

#include "libftvm/refusal.h"

#define SECOND UINT64_C(1000000000)

Test(refusal, the_first_is_news_and_the_same_again_is_none)
{
    struct refusal last = {0};
    cr_expect(refusal_is_news(&last, "left", "there is a backup already", 0));
    cr_expect_not(refusal_is_news(&last, "left", "there is a backup already", SECOND / 5));
}

Test(refusal, another_reason_or_another_joiner_is_news)
{
    struct refusal last = {0};
    refusal_is_news(&last, "left", "there is a backup already", 0);
    cr_expect(refusal_is_news(&last, "right", "there is a backup already", 1));
    cr_expect(refusal_is_news(&last, "right", "the machine is ending", 2));
    cr_expect(refusal_is_news(&last, "left", "there is a backup already", 3));
}

Test(refusal, one_that_tries_on_stays_old_however_long)
{
    struct refusal last = {0};
    refusal_is_news(&last, "", "why", 0);
    for (uint64_t i = 1; i < 100; i++) {
        cr_assert_not(refusal_is_news(&last, "", "why", i * SECOND));
    }
}

Test(refusal, one_that_had_given_up_is_news)
{
    struct refusal last = {0};
    refusal_is_news(&last, "left", "why", SECOND);
    cr_expect(refusal_is_news(&last, "left", "why", SECOND + REFUSAL_KEPT_NS));
}
