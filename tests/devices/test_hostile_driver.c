/* Drivers that break every rule, from many seeds; meant for a build with sanitizers. */
#include <criterion/criterion.h>

#include "tests/devices/support/hostile.h"

#define SEEDS         200u
#define SESSION_BYTES 4096u

static void fill(uint8_t *bytes, size_t size, uint64_t seed)
{
    uint64_t state = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 0; i < size; i++) {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes[i] = (uint8_t)(state >> 32);
    }
}

static void run_seeds(enum device_kind kind)
{
    const struct device_ops *ops = device_ops(kind);
    unsigned reset_needed = 0;
    unsigned used = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        uint8_t bytes[SESSION_BYTES];
        struct hostile_outcome first, second;
        fill(bytes, sizeof bytes, seed);
        hostile_session(ops, bytes, sizeof bytes, true, &first);
        hostile_session(ops, bytes, sizeof bytes, false, &second);
        cr_assert(first.writes_reported, "%s, seed %lu", ops->name, seed);
        cr_assert(first.states_loaded, "%s, seed %lu", ops->name, seed);
        cr_assert_eq(first.device_digest, second.device_digest, "%s, seed %lu", ops->name, seed);
        cr_assert_eq(first.memory_digest, second.memory_digest, "%s, seed %lu", ops->name, seed);
        cr_assert_eq(first.output_digest, second.output_digest, "%s, seed %lu", ops->name, seed);
        cr_assert_eq(first.used, second.used, "%s, seed %lu", ops->name, seed);
        reset_needed += first.needed_reset;
        used += first.used > 3;
    }
    cr_log_info("%s: %u sessions broke rules, %u got work done\n", ops->name, reset_needed, used);
    if (ops->virtio) { /* else the sessions reach nothing */
        cr_assert_gt(reset_needed, SEEDS / 4);
        cr_assert_gt(used, SEEDS / 8);
    }
}

Test(hostile_driver, plic_survives)
{
    run_seeds(DEVICE_PLIC);
}

Test(hostile_driver, uart16550_survives)
{
    run_seeds(DEVICE_UART);
}

Test(hostile_driver, goldfish_rtc_survives)
{
    run_seeds(DEVICE_RTC);
}

Test(hostile_driver, virtio_net_survives)
{
    run_seeds(DEVICE_NET);
}

Test(hostile_driver, virtio_blk_survives)
{
    run_seeds(DEVICE_BLK);
}

Test(hostile_driver, virtio_console_survives)
{
    run_seeds(DEVICE_CONSOLE);
}

Test(hostile_driver, virtio_rng_survives)
{
    run_seeds(DEVICE_RNG);
}
