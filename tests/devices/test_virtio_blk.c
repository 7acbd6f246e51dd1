#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "tests/devices/support/driver.h"
#include "tests/devices/support/state_bytes.h"
#include "vmm/devices/virtio_blk.h"

#define QUEUE_SIZE 64u
#define SECTORS    (TEST_DISK_SIZE / DISK_SECTOR_SIZE)

#define IN           0u
#define OUT          1u
#define FLUSH        4u
#define GET_ID       8u
#define DISCARD      11u
#define WRITE_ZEROES 13u

#define OK          0u
#define IOERR       1u
#define UNSUPPORTED 2u
#define UNTOUCHED   0xffu

/* Each request of a test has a slot in memory: header, status, data. */
#define SLOT(n)   (DRIVER_BUFFERS + 0x4000u * (n))
#define HEADER(n) SLOT(n)
#define STATUS(n) (SLOT(n) + 0x20u)
#define DATA(n)   (SLOT(n) + 0x1000u)

struct bench {
    struct rig rig;
    struct driver driver;
    struct disk *disk;
    struct virtio_blk *blk;
};

static void setup(struct bench *bench)
{
    rig_init(&bench->rig);
    bench->disk = fake_disk_create(TEST_DISK_SIZE);
    const struct device_ops *ops = device_ops(DEVICE_BLK);
    bench->blk = ops->create(&bench->rig, bench->disk);
    driver_init(&bench->driver, &bench->rig, ops, bench->blk);
    driver_start(&bench->driver, 1, QUEUE_SIZE, 0);
}

static void teardown(struct bench *bench)
{
    cr_assert(rig_all_writes_reported(&bench->rig));
    virtio_blk_destroy(bench->blk);
    fake_disk_destroy(bench->disk);
    rig_free(&bench->rig);
}

static void request(struct bench *bench, unsigned slot, uint32_t type, uint64_t sector,
                    uint32_t size)
{
    const uint8_t untouched = UNTOUCHED;
    rig_store32(&bench->rig, HEADER(slot), type);
    rig_store64(&bench->rig, HEADER(slot) + 8, sector);
    rig_store(&bench->rig, STATUS(slot), &untouched, 1);
    bool writable = type == IN || type == GET_ID;
    struct driver_segment segments[3] = {{HEADER(slot), 16, false}, {DATA(slot), size, writable}};
    unsigned count = size > 0 ? 2 : 1;
    segments[count++] = (struct driver_segment){STATUS(slot), 1, true};
    driver_offer(&bench->driver, 0, segments, count);
    driver_notify(&bench->driver, 0);
}

static uint8_t status(struct bench *bench, unsigned slot)
{
    return *rig_at(&bench->rig, STATUS(slot), 1);
}

static int complete(struct bench *bench, uint64_t id, int result)
{
    uint8_t payload[VIRTIO_BLK_COMPLETION_SIZE];
    virtio_blk_encode_completion(payload, id, result);
    return virtio_blk_deliver(bench->blk, payload, sizeof payload);
}

Test(virtio_blk, describes_itself)
{
    struct bench bench;
    setup(&bench);
    cr_assert_eq(driver_read(&bench.driver, REG_CONFIG), SECTORS);
    cr_assert_eq(driver_read(&bench.driver, REG_CONFIG + 4), 0);
    cr_assert_eq(driver_read(&bench.driver, REG_CONFIG + 8), 65536);
    cr_assert_eq(driver_read(&bench.driver, REG_CONFIG + 12), 126);
    cr_assert_eq(driver_read(&bench.driver, REG_CONFIG + 20), 512);
    request(&bench, 0, GET_ID, 0, 20);
    cr_assert_eq(status(&bench, 0), OK);
    cr_assert_str_eq((char *)rig_at(&bench.rig, DATA(0), 20), "serial-0");
    cr_assert_eq(bench.disk->submitted_count, 0);
    teardown(&bench);
}

Test(virtio_blk, a_read_lands_at_its_completion_and_not_before)
{
    struct bench bench;
    struct driver_used used;
    setup(&bench);
    memset(bench.disk->data + 3 * 512, 0xd5, 1024);
    request(&bench, 0, IN, 3, 1024);
    cr_assert_eq(virtio_blk_in_flight(bench.blk), 1);
    cr_assert_eq(*rig_at(&bench.rig, DATA(0), 1), 0);
    cr_assert_eq(status(&bench, 0), UNTOUCHED);
    cr_assert_not(bench.rig.line_level);
    cr_assert_eq(complete(&bench, 0, 0), 0);
    cr_assert_eq(virtio_blk_in_flight(bench.blk), 0);
    cr_assert_eq(*rig_at(&bench.rig, DATA(0), 1), 0xd5);
    cr_assert_eq(*rig_at(&bench.rig, DATA(0) + 1023, 1), 0xd5);
    cr_assert_eq(status(&bench, 0), OK);
    cr_assert(bench.rig.line_level);
    cr_assert(driver_take_used(&bench.driver, 0, &used));
    cr_assert_eq(used.written, 1025);
    teardown(&bench);
}

Test(virtio_blk, a_write_takes_its_data_at_submission)
{
    struct bench bench;
    setup(&bench);
    memset(rig_at(&bench.rig, DATA(0), 512), 0x11, 512);
    rig_store(&bench.rig, DATA(0), rig_at(&bench.rig, DATA(0), 512), 512);
    request(&bench, 0, OUT, 7, 512);
    const uint8_t later = 0x22;
    rig_store(&bench.rig, DATA(0), &later, 1);
    cr_assert_eq(complete(&bench, 0, 0), 0);
    cr_assert_eq(status(&bench, 0), OK);
    cr_assert_eq(bench.disk->data[7 * 512], 0x11);
    teardown(&bench);
}

Test(virtio_blk, completes_out_of_order_flush_discard_and_zeroes)
{
    struct bench bench;
    setup(&bench);
    memset(bench.disk->data, 0xff, TEST_DISK_SIZE);
    request(&bench, 0, FLUSH, 0, 0);
    rig_store64(&bench.rig, DATA(1), 4);
    rig_store32(&bench.rig, DATA(1) + 8, 2);
    request(&bench, 1, DISCARD, 0, 16);
    rig_store64(&bench.rig, DATA(2), 8);
    rig_store32(&bench.rig, DATA(2) + 8, 1);
    rig_store32(&bench.rig, DATA(2) + 12, 1);
    request(&bench, 2, WRITE_ZEROES, 0, 16);
    cr_assert_eq(virtio_blk_in_flight(bench.blk), 3);
    cr_assert_eq(complete(&bench, 2, 0), 0);
    cr_assert_eq(complete(&bench, 0, 0), 0);
    cr_assert_eq(complete(&bench, 1, 0), 0);
    for (unsigned i = 0; i < 3; i++) {
        cr_assert_eq(status(&bench, i), OK);
    }
    cr_assert_eq(bench.disk->data[4 * 512], 0);
    cr_assert_eq(bench.disk->data[6 * 512 - 1], 0);
    cr_assert_eq(bench.disk->data[6 * 512], 0xff);
    cr_assert_eq(bench.disk->data[8 * 512], 0);
    teardown(&bench);
}

Test(virtio_blk, what_breaks_the_rules_fails_at_once_without_the_disk)
{
    struct bench bench;
    setup(&bench);
    const struct {
        uint32_t type;
        uint64_t sector;
        uint32_t size;
        uint8_t status;
    } cases[] = {
        {IN, SECTORS, 512, IOERR},
        {IN, SECTORS - 1, 1024, IOERR},
        {IN, UINT64_MAX, 512, IOERR},
        {OUT, UINT64_MAX / 512 + 1, 512, IOERR},
        {IN, 0, 511, IOERR},
        {OUT, 0, 513, IOERR},
        {7, 0, 512, UNSUPPORTED},
        {UINT32_MAX, 0, 0, UNSUPPORTED},
        {DISCARD, 0, 15, IOERR},
        {DISCARD, 0, 32, IOERR},
        {IN, 0, 0, OK},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        request(&bench, i, cases[i].type, cases[i].sector, cases[i].size);
        cr_assert_eq(status(&bench, i), cases[i].status, "case %u", i);
    }
    rig_store64(&bench.rig, DATA(0), SECTORS - 1);
    rig_store32(&bench.rig, DATA(0) + 8, 2);
    request(&bench, 0, DISCARD, 0, 16);
    cr_assert_eq(status(&bench, 0), IOERR);
    rig_store32(&bench.rig, DATA(0) + 12, 1);
    request(&bench, 0, DISCARD, 0, 16);
    cr_assert_eq(status(&bench, 0), UNSUPPORTED);
    cr_assert_eq(bench.disk->submitted_count, 0);
    cr_assert_not(driver_needs_reset(&bench.driver));
    teardown(&bench);
}

Test(virtio_blk, a_request_without_header_or_status_stops_the_device)
{
    struct bench bench;
    struct driver_segment no_status[1] = {{HEADER(0), 16, false}};
    struct driver_segment no_header[1] = {{STATUS(0), 1, true}};
    struct driver_segment short_header[2] = {{HEADER(0), 15, false}, {STATUS(0), 1, true}};
    const struct {
        const struct driver_segment *segments;
        unsigned count;
    } cases[] = {{no_status, 1}, {no_header, 1}, {short_header, 2}};
    for (unsigned i = 0; i < 3; i++) {
        setup(&bench);
        driver_offer(&bench.driver, 0, cases[i].segments, cases[i].count);
        driver_notify(&bench.driver, 0);
        cr_assert(driver_needs_reset(&bench.driver), "case %u", i);
        teardown(&bench);
    }
}

Test(virtio_blk, a_failure_in_the_log_gives_no_data)
{
    struct bench bench;
    setup(&bench);
    memset(bench.disk->data, 0xd5, 512);
    request(&bench, 0, IN, 0, 512);
    cr_assert_eq(complete(&bench, 0, -EIO), 0);
    cr_assert_eq(status(&bench, 0), IOERR);
    cr_assert_eq(*rig_at(&bench.rig, DATA(0), 1), 0);
    teardown(&bench);
}

Test(virtio_blk, a_failure_of_this_replica_alone_is_reported_to_the_machine)
{
    struct bench bench;
    setup(&bench);
    bench.disk->next_status = -EIO;
    request(&bench, 0, IN, 0, 512);
    request(&bench, 1, IN, 0, 512);
    cr_assert_eq(complete(&bench, 0, -EIO), 0, "failed on both");
    cr_assert_eq(complete(&bench, 1, 0), -EIO);
    teardown(&bench);
}

Test(virtio_blk, ignores_completions_it_does_not_wait_for)
{
    struct bench bench;
    setup(&bench);
    request(&bench, 0, FLUSH, 0, 0);
    cr_assert_eq(complete(&bench, 17, 0), 0);
    cr_assert_eq(virtio_blk_deliver(bench.blk, "short", 5), 0);
    cr_assert_eq(complete(&bench, 0, 0), 0);
    unsigned rises = bench.rig.line_rises;
    cr_assert_eq(complete(&bench, 0, -EIO), 0, "announced twice");
    cr_assert_eq(status(&bench, 0), OK);
    cr_assert_eq(bench.rig.line_rises, rises);
    teardown(&bench);
}

Test(virtio_blk, a_reset_forgets_the_chains_and_still_takes_the_requests)
{
    struct bench bench;
    setup(&bench);
    memset(bench.disk->data, 0xd5, 512);
    request(&bench, 0, IN, 0, 512);
    driver_write(&bench.driver, REG_STATUS, 0);
    cr_assert_eq(virtio_blk_in_flight(bench.blk), 1);
    driver_start(&bench.driver, 1, QUEUE_SIZE, 0);
    cr_assert_eq(complete(&bench, 0, 0), 0);
    struct driver_used used;
    cr_assert_not(driver_take_used(&bench.driver, 0, &used), "the new driver did not ask");
    cr_assert_eq(bench.disk->finished_count, 0);
    cr_assert_eq(status(&bench, 0), UNTOUCHED);
    cr_assert_eq(*rig_at(&bench.rig, DATA(0), 1), 0);
    cr_assert_not(bench.rig.line_level);
    teardown(&bench);
}

Test(virtio_blk, waits_when_its_table_is_full_and_goes_on_at_completions)
{
    struct bench bench;
    setup(&bench);
    driver_start(&bench.driver, 1, 256, 0);
    rig_store32(&bench.rig, HEADER(0), FLUSH);
    driver_set_descriptor(&bench.driver, GUEST_RAM_START, 0, HEADER(0), 16, FLAG_NEXT, 1);
    driver_set_descriptor(&bench.driver, GUEST_RAM_START, 1, STATUS(0), 1, FLAG_WRITE, 0);
    for (unsigned i = 0; i < 256; i++) {
        driver_offer_head(&bench.driver, 0, 0);
    }
    driver_notify(&bench.driver, 0);
    cr_assert_eq(virtio_blk_in_flight(bench.blk), VIRTIO_BLK_MAX_IN_FLIGHT);
    driver_offer_head(&bench.driver, 0, 0);
    driver_notify(&bench.driver, 0);
    cr_assert_eq(bench.disk->submitted_count, VIRTIO_BLK_MAX_IN_FLIGHT);
    cr_assert_eq(complete(&bench, 5, 0), 0);
    cr_assert_eq(bench.disk->submitted_count, VIRTIO_BLK_MAX_IN_FLIGHT + 1);
    teardown(&bench);
}

Test(virtio_blk, a_joiner_completes_what_was_in_flight)
{
    struct bench bench;
    setup(&bench);
    memset(bench.disk->data, 0xd5, 512);
    request(&bench, 0, IN, 0, 512);
    request(&bench, 1, OUT, 9, 512);
    request(&bench, 2, FLUSH, 0, 0);
    struct state_bytes saved = {0};
    struct state_writer writer = state_bytes_writer(&saved);
    virtio_blk_save(bench.blk, &writer);
    cr_assert_eq(writer.error, 0);

    struct bench joiner;
    setup(&joiner);
    memcpy(joiner.rig.memory.host, bench.rig.memory.host, RIG_RAM_SIZE);
    memcpy(joiner.rig.reported, bench.rig.memory.host, RIG_RAM_SIZE);
    struct state_reader reader = state_bytes_reader(&saved);
    virtio_blk_load(joiner.blk, &reader);
    cr_assert_eq(reader.error, 0);
    cr_assert_eq(saved.position, saved.size);
    cr_assert_eq(virtio_blk_digest(joiner.blk), virtio_blk_digest(bench.blk));
    for (unsigned id = 0; id < 3; id++) {
        cr_assert_eq(complete(&bench, id, 0), 0);
        cr_assert_eq(complete(&joiner, id, 0), 0);
        cr_assert_eq(status(&joiner, id), OK);
    }
    cr_assert_eq(virtio_blk_digest(joiner.blk), virtio_blk_digest(bench.blk));
    cr_assert_arr_eq(joiner.rig.memory.host, bench.rig.memory.host, RIG_RAM_SIZE);
    cr_assert_eq(*rig_at(&joiner.rig, DATA(0), 1), 0xd5);
    state_bytes_free(&saved);
    teardown(&joiner);
    teardown(&bench);
}
