#include <criterion/criterion.h>
#include <string.h>

#include "tests/devices/support/driver.h"
#include "vmm/devices/virtio_console.h"

#define RX 0u
#define TX 1u

struct bench {
    struct rig rig;
    struct driver driver;
    struct virtio_console *console;
};

static void setup(struct bench *bench)
{
    rig_init(&bench->rig);
    const struct device_ops *ops = device_ops(DEVICE_CONSOLE);
    bench->console = ops->create(&bench->rig, NULL);
    driver_init(&bench->driver, &bench->rig, ops, bench->console);
    driver_start(&bench->driver, 2, 8, 0);
}

static void teardown(struct bench *bench)
{
    cr_assert(rig_all_writes_reported(&bench->rig));
    virtio_console_destroy(bench->console);
    rig_free(&bench->rig);
}

Test(virtio_console, gathers_what_the_guest_prints)
{
    struct bench bench;
    setup(&bench);
    rig_store(&bench.rig, DRIVER_BUFFERS, "hello, world", 12);
    struct driver_segment pieces[2] = {{DRIVER_BUFFERS, 5, false}, {DRIVER_BUFFERS + 5, 7, false}};
    driver_offer(&bench.driver, TX, pieces, 1);
    driver_offer(&bench.driver, TX, pieces + 1, 1);
    driver_notify(&bench.driver, TX);
    driver_offer(&bench.driver, TX, pieces, 2);
    driver_notify(&bench.driver, TX);
    cr_assert_eq(bench.rig.output_count, 0);
    virtio_console_flush(bench.console);
    cr_assert_eq(bench.rig.output_count, 1);
    cr_assert_eq(bench.rig.outputs[0].size, 24);
    cr_assert_arr_eq(bench.rig.outputs[0].data, "hello, worldhello, world", 24);
    teardown(&bench);
}

Test(virtio_console, gives_what_is_typed_as_the_guest_makes_room)
{
    struct bench bench;
    struct driver_used used;
    setup(&bench);
    virtio_console_deliver(bench.console, "typed ahead", 11);
    struct driver_segment buffers[2] = {{DRIVER_BUFFERS, 6, true}, {DRIVER_BUFFERS + 6, 64, true}};
    driver_offer(&bench.driver, RX, buffers, 1);
    driver_offer(&bench.driver, RX, buffers + 1, 1);
    driver_notify(&bench.driver, RX);
    cr_assert(bench.rig.line_level);
    cr_assert(driver_take_used(&bench.driver, RX, &used));
    cr_assert_eq(used.written, 6);
    cr_assert(driver_take_used(&bench.driver, RX, &used));
    cr_assert_eq(used.written, 5);
    cr_assert_arr_eq(rig_at(&bench.rig, DRIVER_BUFFERS, 11), "typed ahead", 11);
    driver_offer(&bench.driver, RX, buffers, 1);
    virtio_console_deliver(bench.console, "x", 1);
    cr_assert(driver_take_used(&bench.driver, RX, &used));
    cr_assert_eq(used.written, 1);
    teardown(&bench);
}

Test(virtio_console, bounds_what_waits)
{
    struct bench bench;
    static uint8_t flood[VIRTIO_CONSOLE_BACKLOG_BYTES + 100];
    struct driver_used used;
    setup(&bench);
    memset(flood, 'a', sizeof flood);
    virtio_console_deliver(bench.console, flood, sizeof flood);
    struct driver_segment room = {DRIVER_BUFFERS, 2 * VIRTIO_CONSOLE_BACKLOG_BYTES, true};
    driver_offer(&bench.driver, RX, &room, 1);
    driver_notify(&bench.driver, RX);
    cr_assert(driver_take_used(&bench.driver, RX, &used));
    cr_assert_eq(used.written, VIRTIO_CONSOLE_BACKLOG_BYTES);
    teardown(&bench);
}
