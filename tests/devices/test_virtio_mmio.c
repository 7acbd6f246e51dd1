/* The register window, on the simplest device that has one. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/devices/support/driver.h"

struct bench {
    struct rig rig;
    struct driver driver;
};

static void setup(struct bench *bench)
{
    rig_init(&bench->rig);
    const struct device_ops *ops = device_ops(DEVICE_RNG);
    driver_init(&bench->driver, &bench->rig, ops, ops->create(&bench->rig, NULL));
}

static void teardown(struct bench *bench)
{
    bench->driver.ops->destroy(bench->driver.device);
    rig_free(&bench->rig);
}

Test(virtio_mmio, says_what_it_is)
{
    struct bench bench;
    setup(&bench);
    cr_assert_eq(driver_read(&bench.driver, 0x000), 0x74726976);
    cr_assert_eq(driver_read(&bench.driver, 0x004), 2);
    cr_assert_eq(driver_read(&bench.driver, 0x008), 4);
    cr_assert_eq(driver_read(&bench.driver, REG_QUEUE_SIZE_MAX), 64);
    driver_write(&bench.driver, REG_QUEUE_SELECT, 1);
    cr_assert_eq(driver_read(&bench.driver, REG_QUEUE_SIZE_MAX), 0, "no such queue");
    cr_assert_eq(driver_read(&bench.driver, 0x0b0), UINT32_MAX, "no shared memory");
    teardown(&bench);
}

Test(virtio_mmio, refuses_features_that_it_did_not_offer)
{
    struct bench bench;
    setup(&bench);
    cr_assert_not(driver_negotiate(&bench.driver, UINT64_C(1) << 40));
    driver_write(&bench.driver, REG_STATUS, 0x0f);
    cr_assert_eq(driver_read(&bench.driver, REG_STATUS) & STATUS_DRIVER_OK, 0);
    cr_assert(driver_negotiate(&bench.driver, 0));
    teardown(&bench);
}

Test(virtio_mmio, refuses_a_driver_without_version_1)
{
    struct bench bench;
    setup(&bench);
    driver_write(&bench.driver, REG_STATUS, 0x03);
    driver_write(&bench.driver, REG_STATUS, 0x0b);
    cr_assert_eq(driver_read(&bench.driver, REG_STATUS), 0x03);
    teardown(&bench);
}

Test(virtio_mmio, features_are_fixed_once_accepted)
{
    struct bench bench;
    setup(&bench);
    cr_assert(driver_negotiate(&bench.driver, 0));
    driver_write(&bench.driver, REG_DRIVER_FEATURES_SELECT, 0);
    driver_write(&bench.driver, REG_DRIVER_FEATURES, UINT32_C(1) << 29);
    driver_write(&bench.driver, REG_STATUS, 0x03);
    cr_assert_eq(driver_read(&bench.driver, REG_STATUS), 0x0b, "only a reset clears bits");
    teardown(&bench);
}

Test(virtio_mmio, a_queue_is_not_ready_before_features_are)
{
    struct bench bench;
    setup(&bench);
    driver_setup_queue(&bench.driver, 0, 8);
    cr_assert_eq(driver_read(&bench.driver, REG_QUEUE_READY), 0);
    cr_assert(driver_negotiate(&bench.driver, 0));
    driver_setup_queue(&bench.driver, 0, 8);
    cr_assert_eq(driver_read(&bench.driver, REG_QUEUE_READY), 1);
    teardown(&bench);
}

Test(virtio_mmio, needs_reset_after_a_queue_that_cannot_be)
{
    struct bench bench;
    setup(&bench);
    cr_assert(driver_negotiate(&bench.driver, 0));
    driver_setup_queue(&bench.driver, 0, 7);
    cr_assert(driver_needs_reset(&bench.driver));
    driver_write(&bench.driver, REG_STATUS, 0);
    cr_assert_eq(driver_read(&bench.driver, REG_STATUS), 0);
    cr_assert_eq(driver_read(&bench.driver, REG_QUEUE_READY), 0);
    teardown(&bench);
}

Test(virtio_mmio, a_broken_chain_stops_the_device_and_tells_the_driver)
{
    struct bench bench;
    setup(&bench);
    driver_start(&bench.driver, 1, 8, 0);
    driver_offer_head(&bench.driver, 0, 99);
    driver_notify(&bench.driver, 0);
    cr_assert(driver_needs_reset(&bench.driver));
    cr_assert(bench.rig.line_level);
    cr_assert_eq(driver_read(&bench.driver, REG_INTERRUPT_STATUS), 2);
    driver_write(&bench.driver, REG_INTERRUPT_ACK, 2);
    cr_assert_not(bench.rig.line_level);
    driver_notify(&bench.driver, 0);
    cr_assert_not(bench.rig.line_level, "it stays stopped");
    teardown(&bench);
}

Test(virtio_mmio, takes_nothing_before_driver_ok_and_everything_then)
{
    struct bench bench;
    struct driver_used used;
    setup(&bench);
    cr_assert(driver_negotiate(&bench.driver, 0));
    driver_setup_queue(&bench.driver, 0, 8);
    struct driver_segment segment = {DRIVER_BUFFERS, 16, true};
    driver_offer(&bench.driver, 0, &segment, 1);
    driver_notify(&bench.driver, 0);
    cr_assert_not(driver_take_used(&bench.driver, 0, &used));
    driver_write(&bench.driver, REG_STATUS, 0x0f);
    cr_assert(driver_take_used(&bench.driver, 0, &used));
    teardown(&bench);
}

/* Where the used ring lies on the available one, each chain returned makes more available. */
Test(virtio_mmio, rings_that_overlap_end_in_bounded_time)
{
    struct bench bench;
    setup(&bench);
    cr_assert(driver_negotiate(&bench.driver, 0));
    driver_setup_queue(&bench.driver, 0, 8);
    driver_write(&bench.driver, REG_QUEUE_READY, 0);
    uint32_t available = (uint32_t)bench.driver.queues[0].available;
    for (uint32_t shift = 0; shift < 64; shift += 4) {
        driver_write(&bench.driver, REG_QUEUE_READY, 0);
        driver_write(&bench.driver, REG_QUEUE_DEVICE, available - shift);
        driver_write(&bench.driver, REG_QUEUE_READY, 1);
        driver_write(&bench.driver, REG_STATUS, 0x0f);
        for (uint16_t i = 0; i < 8; i++) {
            driver_set_descriptor(&bench.driver, GUEST_RAM_START, i, DRIVER_BUFFERS, 16, FLAG_WRITE,
                                  0);
        }
        rig_store16(&bench.rig, available + 2, 8);
        driver_notify(&bench.driver, 0);
    }
    cr_assert(rig_all_writes_reported(&bench.rig));
    teardown(&bench);
}

Test(virtio_mmio, refuses_registers_that_are_not_read_as_words)
{
    struct bench bench;
    setup(&bench);
    uint64_t value;
    const struct device_ops *ops = bench.driver.ops;
    cr_assert_not(ops->read(bench.driver.device, 0, 1, &value));
    cr_assert_not(ops->read(bench.driver.device, 0, 8, &value));
    cr_assert_not(ops->read(bench.driver.device, 2, 4, &value));
    cr_assert_not(ops->write(bench.driver.device, REG_STATUS, 1, 0));
    cr_assert(ops->read(bench.driver.device, 0xfff, 1, &value));
    cr_assert_eq(value, 0);
    teardown(&bench);
}

Test(virtio_rng, fills_buffers_with_bytes_that_differ)
{
    struct bench bench;
    struct driver_used used;
    setup(&bench);
    driver_start(&bench.driver, 1, 8, 0);
    struct driver_segment segments[2] = {{DRIVER_BUFFERS, 40, true},
                                         {DRIVER_BUFFERS + 64, 8192, true}};
    driver_offer(&bench.driver, 0, &segments[0], 1);
    driver_offer(&bench.driver, 0, &segments[1], 1);
    driver_notify(&bench.driver, 0);
    cr_assert(bench.rig.line_level);
    cr_assert(driver_take_used(&bench.driver, 0, &used));
    cr_assert_eq(used.written, 40);
    cr_assert(driver_take_used(&bench.driver, 0, &used));
    cr_assert_eq(used.written, 4096, "bounded");
    const uint8_t *bytes = rig_at(&bench.rig, DRIVER_BUFFERS, 128);
    cr_assert_neq(memcmp(bytes, bytes + 64, 40), 0);
    cr_assert(rig_all_writes_reported(&bench.rig));
    teardown(&bench);
}
