#include <criterion/criterion.h>

#include "vmm/devices/plic.h"

#define PRIORITY(source) (4u * (source))
#define PENDING          0x1000u
#define ENABLE           0x2000u
#define THRESHOLD        0x200000u
#define CLAIM            0x200004u

static void set_external(void *context, bool level)
{
    *(bool *)context = level;
}

static uint32_t get(struct plic *plic, uint64_t offset)
{
    uint64_t value = 0;
    cr_assert(plic_read(plic, offset, 4, &value));
    return (uint32_t)value;
}

static void put(struct plic *plic, uint64_t offset, uint32_t value)
{
    cr_assert(plic_write(plic, offset, 4, value));
}

static struct plic *create(bool *external)
{
    struct plic *plic = plic_create(set_external, external);
    for (unsigned source = 1; source < PLIC_SOURCES; source++) {
        put(plic, PRIORITY(source), 1);
    }
    put(plic, ENABLE, 0xffffffff);
    put(plic, ENABLE + 4, 0xffffffff);
    return plic;
}

Test(plic, a_line_interrupts_until_claimed_and_again_if_still_high_at_completion)
{
    bool external = false;
    struct plic *plic = create(&external);
    plic_set_interrupt(plic, 10, true);
    cr_assert(external);
    cr_assert_eq(get(plic, PENDING), 1u << 10);
    cr_assert_eq(get(plic, CLAIM), 10);
    cr_assert_not(external);
    cr_assert_eq(get(plic, CLAIM), 0);
    put(plic, CLAIM, 10);
    cr_assert(external, "the line is still high");
    cr_assert_eq(get(plic, CLAIM), 10);
    plic_set_interrupt(plic, 10, false);
    put(plic, CLAIM, 10);
    cr_assert_not(external);
    plic_destroy(plic);
}

Test(plic, a_line_that_rises_while_claimed_waits_for_the_completion)
{
    bool external = false;
    struct plic *plic = create(&external);
    plic_set_interrupt(plic, 10, true);
    cr_assert_eq(get(plic, CLAIM), 10);
    plic_set_interrupt(plic, 10, false);
    plic_set_interrupt(plic, 10, true);
    cr_assert_not(external);
    put(plic, CLAIM, 10);
    cr_assert(external);
    plic_destroy(plic);
}

Test(plic, claims_by_priority_then_by_number)
{
    bool external = false;
    struct plic *plic = create(&external);
    put(plic, PRIORITY(40), 3);
    plic_set_interrupt(plic, 7, true);
    plic_set_interrupt(plic, 3, true);
    plic_set_interrupt(plic, 40, true);
    cr_assert_eq(get(plic, PENDING + 4), 1u << 8);
    cr_assert_eq(get(plic, CLAIM), 40);
    cr_assert_eq(get(plic, CLAIM), 3);
    cr_assert_eq(get(plic, CLAIM), 7);
    cr_assert_eq(get(plic, CLAIM), 0);
    plic_destroy(plic);
}

Test(plic, threshold_enable_and_priority_zero_mask)
{
    bool external = false;
    struct plic *plic = create(&external);
    plic_set_interrupt(plic, 3, true);
    put(plic, THRESHOLD, 1);
    cr_assert_not(external);
    put(plic, THRESHOLD, 0);
    cr_assert(external);
    put(plic, ENABLE, 0);
    cr_assert_not(external);
    put(plic, ENABLE, 1u << 3);
    cr_assert(external);
    put(plic, PRIORITY(3), 0);
    cr_assert_not(external);
    cr_assert_eq(get(plic, CLAIM), 0);
    plic_destroy(plic);
}

Test(plic, completion_of_what_is_not_enabled_is_ignored)
{
    bool external = false;
    struct plic *plic = create(&external);
    plic_set_interrupt(plic, 3, true);
    cr_assert_eq(get(plic, CLAIM), 3);
    put(plic, ENABLE, 0);
    put(plic, CLAIM, 3);
    put(plic, ENABLE, 0xffffffff);
    cr_assert_not(external);
    put(plic, CLAIM, 0);
    put(plic, CLAIM, 64);
    put(plic, CLAIM, 0xffffffff);
    cr_assert_not(external);
    put(plic, CLAIM, 3);
    cr_assert(external);
    plic_destroy(plic);
}

Test(plic, source_zero_does_not_exist)
{
    bool external = false;
    struct plic *plic = create(&external);
    put(plic, PRIORITY(0), 7);
    plic_set_interrupt(plic, 0, true);
    plic_set_interrupt(plic, 64, true);
    cr_assert_not(external);
    cr_assert_eq(get(plic, ENABLE) & 1, 0);
    cr_assert_eq(get(plic, PRIORITY(0)), 0);
    plic_destroy(plic);
}

Test(plic, refuses_accesses_that_are_not_words)
{
    bool external = false;
    struct plic *plic = create(&external);
    uint64_t value;
    cr_assert_not(plic_read(plic, CLAIM, 8, &value));
    cr_assert_not(plic_read(plic, CLAIM, 1, &value));
    cr_assert_not(plic_read(plic, CLAIM + 2, 4, &value));
    cr_assert_not(plic_write(plic, ENABLE, 2, 1));
    cr_assert_eq(get(plic, PLIC_SIZE - 4), 0);
    plic_destroy(plic);
}
