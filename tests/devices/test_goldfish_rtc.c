#include <criterion/criterion.h>

#include "vmm/devices/goldfish_rtc.h"

#define BASE_NS UINT64_C(1700000000123456789)

static uint64_t guest_time(void *context)
{
    return *(uint64_t *)context;
}

static uint64_t read_time(struct goldfish_rtc *rtc)
{
    uint64_t low, high;
    cr_assert(goldfish_rtc_read(rtc, 0, 4, &low));
    cr_assert(goldfish_rtc_read(rtc, 4, 4, &high));
    return high << 32 | low;
}

Test(goldfish_rtc, tells_base_plus_guest_time)
{
    uint64_t now_ns = 0;
    struct goldfish_rtc *rtc = goldfish_rtc_create(BASE_NS, guest_time, &now_ns);
    cr_assert_eq(read_time(rtc), BASE_NS);
    now_ns = UINT64_C(90) * 1000000000;
    cr_assert_eq(read_time(rtc), BASE_NS + now_ns);
    goldfish_rtc_destroy(rtc);
}

Test(goldfish_rtc, high_half_is_the_one_of_the_last_low_read)
{
    uint64_t now_ns = 0;
    struct goldfish_rtc *rtc = goldfish_rtc_create(UINT64_C(0x1ffffffff), guest_time, &now_ns);
    uint64_t low, high;
    cr_assert(goldfish_rtc_read(rtc, 0, 4, &low));
    now_ns = 1;
    cr_assert(goldfish_rtc_read(rtc, 4, 4, &high));
    cr_assert_eq(high << 32 | low, UINT64_C(0x1ffffffff));
    goldfish_rtc_destroy(rtc);
}

Test(goldfish_rtc, goes_on_from_where_the_guest_sets_it)
{
    uint64_t now_ns = 5000;
    struct goldfish_rtc *rtc = goldfish_rtc_create(BASE_NS, guest_time, &now_ns);
    cr_assert(goldfish_rtc_write(rtc, 4, 4, 3));
    cr_assert(goldfish_rtc_write(rtc, 0, 4, 7));
    cr_assert_eq(read_time(rtc), UINT64_C(0x300000007));
    now_ns += 10;
    goldfish_rtc_reset(rtc);
    cr_assert_eq(read_time(rtc), UINT64_C(0x300000011));
    goldfish_rtc_destroy(rtc);
}
