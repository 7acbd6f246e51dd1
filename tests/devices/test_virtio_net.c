#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devices/support/driver.h"
#include "tests/devices/support/state_bytes.h"
#include "vmm/devices/virtio_net.h"

#define RX         0u
#define TX         1u
#define QUEUE_SIZE 8u
#define HEADER     12u

struct bench {
    struct rig rig;
    struct driver driver;
    struct virtio_net *net;
};

static void setup(struct bench *bench)
{
    rig_init(&bench->rig);
    const struct device_ops *ops = device_ops(DEVICE_NET);
    bench->net = ops->create(&bench->rig, NULL);
    driver_init(&bench->driver, &bench->rig, ops, bench->net);
    driver_start(&bench->driver, 2, QUEUE_SIZE, 0);
}

static void teardown(struct bench *bench)
{
    cr_assert(rig_all_writes_reported(&bench->rig));
    virtio_net_destroy(bench->net);
    rig_free(&bench->rig);
}

static void offer_rx(struct bench *bench, unsigned slot, uint32_t size)
{
    struct driver_segment segment = {DRIVER_BUFFERS + 0x800 * slot, size, true};
    driver_offer(&bench->driver, RX, &segment, 1);
}

static void deliver(struct bench *bench, uint8_t mark, size_t size)
{
    uint8_t frame[2000];
    memset(frame, mark, sizeof frame);
    virtio_net_deliver(bench->net, frame, size);
}

static void expect_rx(struct bench *bench, unsigned slot, uint8_t mark, uint32_t size)
{
    static const uint8_t header[HEADER] = {[10] = 1};
    struct driver_used used;
    cr_assert(driver_take_used(&bench->driver, RX, &used));
    cr_assert_eq(used.written, HEADER + size);
    const uint8_t *bytes = rig_at(&bench->rig, DRIVER_BUFFERS + 0x800 * slot, HEADER + size);
    cr_assert_arr_eq(bytes, header, HEADER);
    cr_assert_eq(bytes[HEADER], mark);
    cr_assert_eq(bytes[HEADER + size - 1], mark);
}

Test(virtio_net, shows_its_mac)
{
    struct bench bench;
    setup(&bench);
    for (unsigned i = 0; i < 6; i++) {
        uint64_t byte;
        cr_assert(virtio_net_read(bench.net, REG_CONFIG + i, 1, &byte));
        cr_assert_eq(byte, test_mac[i]);
    }
    teardown(&bench);
}

Test(virtio_net, sends_plain_frames_whole_or_scattered)
{
    struct bench bench;
    setup(&bench);
    uint8_t frame[HEADER + 60];
    for (unsigned i = 0; i < sizeof frame; i++) {
        frame[i] = (uint8_t)i;
    }
    rig_store(&bench.rig, DRIVER_BUFFERS, frame, sizeof frame);
    struct driver_segment whole[1] = {{DRIVER_BUFFERS, sizeof frame, false}};
    struct driver_segment pieces[3] = {{DRIVER_BUFFERS, 5, false},
                                       {DRIVER_BUFFERS + 5, 20, false},
                                       {DRIVER_BUFFERS + 25, sizeof frame - 25, false}};
    driver_offer(&bench.driver, TX, whole, 1);
    driver_offer(&bench.driver, TX, pieces, 3);
    driver_notify(&bench.driver, TX);
    cr_assert_eq(bench.rig.output_count, 2);
    for (unsigned i = 0; i < 2; i++) {
        cr_assert_eq(bench.rig.outputs[i].size, 60);
        cr_assert_arr_eq(bench.rig.outputs[i].data, frame + HEADER, 60);
    }
    struct driver_used used;
    cr_assert(driver_take_used(&bench.driver, TX, &used));
    cr_assert(driver_take_used(&bench.driver, TX, &used));
    cr_assert(bench.rig.line_level);
    teardown(&bench);
}

Test(virtio_net, drops_frames_of_impossible_sizes_yet_returns_their_buffers)
{
    struct bench bench;
    setup(&bench);
    const uint32_t sizes[] = {1, HEADER, HEADER + 13, HEADER + VIRTIO_NET_MAX_FRAME + 1};
    for (unsigned i = 0; i < 4; i++) {
        struct driver_segment segment = {DRIVER_BUFFERS, sizes[i], false};
        driver_offer(&bench.driver, TX, &segment, 1);
    }
    driver_notify(&bench.driver, TX);
    cr_assert_eq(bench.rig.output_count, 0);
    struct driver_used used;
    for (unsigned i = 0; i < 4; i++) {
        cr_assert(driver_take_used(&bench.driver, TX, &used));
    }
    teardown(&bench);
}

Test(virtio_net, receives_into_the_guests_buffers)
{
    struct bench bench;
    setup(&bench);
    offer_rx(&bench, 0, 1526);
    offer_rx(&bench, 1, 1526);
    driver_notify(&bench.driver, RX);
    deliver(&bench, 0xaa, 60);
    cr_assert(bench.rig.line_level);
    deliver(&bench, 0xbb, 1514);
    expect_rx(&bench, 0, 0xaa, 60);
    expect_rx(&bench, 1, 0xbb, 1514);
    teardown(&bench);
}

Test(virtio_net, keeps_frames_in_order_while_there_is_no_buffer)
{
    struct bench bench;
    setup(&bench);
    for (unsigned i = 0; i < 5; i++) {
        deliver(&bench, (uint8_t)(0x10 + i), 100 + i);
    }
    cr_assert_not(bench.rig.line_level);
    offer_rx(&bench, 0, 1526);
    offer_rx(&bench, 1, 1526);
    driver_notify(&bench.driver, RX);
    expect_rx(&bench, 0, 0x10, 100);
    expect_rx(&bench, 1, 0x11, 101);
    offer_rx(&bench, 2, 1526); /* without a notify: the next delivery finds it */
    deliver(&bench, 0x15, 105);
    expect_rx(&bench, 2, 0x12, 102);
    for (unsigned i = 0; i < 4; i++) {
        offer_rx(&bench, i, 1526);
    }
    driver_notify(&bench.driver, RX);
    for (unsigned i = 0; i < 3; i++) {
        expect_rx(&bench, i, (uint8_t)(0x13 + i), 103 + i);
    }
    cr_assert_eq(virtio_net_dropped(bench.net), 0);
    teardown(&bench);
}

Test(virtio_net, bounds_its_backlog)
{
    struct bench bench;
    setup(&bench);
    unsigned fit = VIRTIO_NET_BACKLOG_BYTES / 1504;
    for (unsigned i = 0; i < fit + 10; i++) {
        deliver(&bench, (uint8_t)i, 1500);
    }
    cr_assert_eq(virtio_net_dropped(bench.net), 10);
    for (unsigned i = 0; i < fit; i++) {
        offer_rx(&bench, 0, 1526);
        driver_notify(&bench.driver, RX);
        expect_rx(&bench, 0, (uint8_t)i, 1500);
    }
    teardown(&bench);
}

Test(virtio_net, drops_a_frame_that_does_not_fit_and_keeps_the_buffer)
{
    struct bench bench;
    struct driver_used used;
    setup(&bench);
    offer_rx(&bench, 0, HEADER + 100);
    deliver(&bench, 0xaa, 101);
    cr_assert_not(driver_take_used(&bench.driver, RX, &used));
    deliver(&bench, 0xbb, 100);
    expect_rx(&bench, 0, 0xbb, 100);
    cr_assert_eq(virtio_net_dropped(bench.net), 1);
    teardown(&bench);
}

Test(virtio_net, drops_what_comes_before_the_driver_is_up)
{
    struct bench bench;
    struct driver_used used;
    setup(&bench);
    driver_write(&bench.driver, REG_STATUS, 0);
    deliver(&bench, 0xaa, 60);
    driver_start(&bench.driver, 2, QUEUE_SIZE, 0);
    offer_rx(&bench, 0, 1526);
    driver_notify(&bench.driver, RX);
    cr_assert_not(driver_take_used(&bench.driver, RX, &used));
    teardown(&bench);
}

Test(virtio_net, learns_the_guests_address_from_its_frames)
{
    struct bench bench;
    setup(&bench);
    uint8_t frame[HEADER + 42] = {0};
    memcpy(frame + HEADER + 6, test_mac, 6);
    memcpy(frame + HEADER + 12, (const uint8_t[]){8, 6, 0, 1, 8, 0, 6, 4}, 8);
    memcpy(frame + HEADER + 28, (const uint8_t[]){192, 168, 1, 2}, 4);
    rig_store(&bench.rig, DRIVER_BUFFERS, frame, sizeof frame);
    cr_assert_eq(virtio_net_ipv4(bench.net), 0);
    struct driver_segment segment = {DRIVER_BUFFERS, sizeof frame, false};
    driver_offer(&bench.driver, TX, &segment, 1);
    driver_notify(&bench.driver, TX);
    uint32_t address = virtio_net_ipv4(bench.net);
    cr_assert_arr_eq(&address, ((const uint8_t[]){192, 168, 1, 2}), 4);
    teardown(&bench);
}

Test(virtio_net, event_index_spares_interrupts)
{
    struct bench bench;
    setup(&bench);
    driver_start(&bench.driver, 2, QUEUE_SIZE, UINT64_C(1) << 29);
    rig_store16(&bench.rig, bench.driver.queues[RX].available + 4 + 2 * QUEUE_SIZE, 3);
    for (unsigned i = 0; i < 4; i++) {
        offer_rx(&bench, i, 1526);
    }
    for (unsigned i = 0; i < 4; i++) {
        cr_assert_not(bench.rig.line_level);
        deliver(&bench, 1, 60);
    }
    cr_assert(bench.rig.line_level);
    teardown(&bench);
}

Test(virtio_net, refuses_a_backlog_that_is_not_whole_frames)
{
    static const uint8_t lengths[] = {0, 13, 59, 61, 255};
    struct bench bench;
    struct state_bytes saved = {0};
    struct state_writer writer = state_bytes_writer(&saved);
    setup(&bench);
    deliver(&bench, 0xaa, 60);
    virtio_net_save(bench.net, &writer);
    uint8_t *length = saved.data + saved.size - 64; /* in front of the last and only frame */
    cr_assert_eq(*length, 60);
    for (unsigned i = 0; i < sizeof lengths; i++) {
        *length = lengths[i];
        struct state_reader reader = state_bytes_reader(&saved);
        virtio_net_load(bench.net, &reader);
        cr_assert_neq(reader.error, 0, "length %u", lengths[i]);
    }
    state_bytes_free(&saved);
    teardown(&bench);
}
