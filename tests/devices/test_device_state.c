/* What all devices have in common: saving, loading, and not believing what they load. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/devices/support/driver.h"
#include "tests/devices/support/state_bytes.h"

struct bench {
    struct rig rig;
    struct disk *disk;
    const struct device_ops *ops;
    void *device;
};

static void setup(struct bench *bench, enum device_kind kind)
{
    rig_init(&bench->rig);
    bench->disk = fake_disk_create(TEST_DISK_SIZE);
    bench->ops = device_ops(kind);
    bench->device = bench->ops->create(&bench->rig, bench->disk);
}

static void teardown(struct bench *bench)
{
    bench->ops->destroy(bench->device);
    fake_disk_destroy(bench->disk);
    rig_free(&bench->rig);
}

/* Brings a device to where it has something to save: queues, a backlog, requests in flight. */
static void make_busy(struct bench *bench)
{
    static const uint8_t input[200] = {0x8a, 0x8b, 0x8c};
    if (bench->ops->virtio) {
        struct driver driver;
        driver_init(&driver, &bench->rig, bench->ops, bench->device);
        driver_start(&driver, 2, 8, UINT64_C(3) << 28);
        rig_store32(&bench->rig, DRIVER_BUFFERS, 0);
        struct driver_segment segments[3] = {{DRIVER_BUFFERS, 16, false},
                                             {DRIVER_BUFFERS + 0x100, 1024, true},
                                             {DRIVER_BUFFERS + 0x10, 1, true}};
        driver_offer(&driver, 0, segments, 3);
        driver_offer(&driver, 0, segments, 3);
        driver_notify(&driver, 0);
        driver_offer(&driver, 1, segments, 2);
        driver_notify(&driver, 1);
    } else {
        for (unsigned offset = 0; offset < 64; offset++) {
            bench->ops->write(bench->device, offset, offset < 8 ? 1 : 4, 0x15);
        }
    }
    for (unsigned i = 0; i < 5; i++) {
        bench->ops->deliver(bench->device, input, sizeof input);
    }
}

static struct state_bytes save(struct bench *bench)
{
    struct state_bytes saved = {0};
    struct state_writer writer = state_bytes_writer(&saved);
    bench->ops->save(bench->device, &writer);
    cr_assert_eq(writer.error, 0);
    return saved;
}

static int load(struct bench *bench, struct state_bytes *saved)
{
    struct state_reader reader = state_bytes_reader(saved);
    bench->ops->load(bench->device, &reader);
    return reader.error;
}

Test(device_state, a_loaded_device_has_the_same_digest_and_saves_the_same)
{
    for (enum device_kind kind = 0; kind < DEVICE_KINDS; kind++) {
        struct bench one, other;
        setup(&one, kind);
        setup(&other, kind);
        uint64_t idle = one.ops->digest(one.device);
        cr_assert_eq(idle, other.ops->digest(other.device));
        make_busy(&one);
        cr_assert_neq(idle, one.ops->digest(one.device), "%s", one.ops->name);
        struct state_bytes saved = save(&one);
        cr_assert_eq(load(&other, &saved), 0, "%s", one.ops->name);
        cr_assert_eq(saved.position, saved.size);
        cr_assert_eq(one.ops->digest(one.device), other.ops->digest(other.device), "%s",
                     one.ops->name);
        struct state_bytes again = save(&other);
        cr_assert_eq(saved.size, again.size);
        cr_assert_arr_eq(saved.data, again.data, saved.size);
        cr_assert_eq(one.rig.line_level, other.rig.line_level, "%s", one.ops->name);
        state_bytes_free(&again);
        state_bytes_free(&saved);
        teardown(&other);
        teardown(&one);
    }
}

Test(device_state, a_device_may_load_again_over_what_it_was_doing)
{
    for (enum device_kind kind = 0; kind < DEVICE_KINDS; kind++) {
        struct bench bench;
        setup(&bench, kind);
        make_busy(&bench);
        uint64_t digest = bench.ops->digest(bench.device);
        struct state_bytes saved = save(&bench);
        bench.ops->reset(bench.device);
        cr_assert_eq(load(&bench, &saved), 0, "%s", bench.ops->name);
        cr_assert_eq(bench.ops->digest(bench.device), digest, "%s", bench.ops->name);
        state_bytes_free(&saved);
        teardown(&bench);
    }
}

Test(device_state, a_state_that_is_cut_short_fails)
{
    for (enum device_kind kind = 0; kind < DEVICE_KINDS; kind++) {
        struct bench bench;
        setup(&bench, kind);
        make_busy(&bench);
        struct state_bytes saved = save(&bench);
        size_t whole = saved.size;
        for (saved.size = 0; saved.size < whole; saved.size += saved.size < 300 ? 1 : 97) {
            cr_assert_neq(load(&bench, &saved), 0, "%s cut at %zu", bench.ops->name, saved.size);
        }
        saved.size = whole;
        cr_assert_eq(load(&bench, &saved), 0);
        state_bytes_free(&saved);
        teardown(&bench);
    }
}

/* Loaded or refused, the device stays usable and saves a state that loads. */
static void try_damaged(struct bench *bench, struct state_bytes *damaged)
{
    load(bench, damaged);
    bench->ops->deliver(bench->device, "\x81\x02\x83 some input of some length", 30);
    if (bench->ops->virtio) {
        bench->ops->write(bench->device, REG_QUEUE_NOTIFY, 4, 0);
        bench->ops->write(bench->device, REG_QUEUE_NOTIFY, 4, 1);
    }
    struct state_bytes saved = save(bench);
    cr_assert_eq(load(bench, &saved), 0, "%s", bench->ops->name);
    state_bytes_free(&saved);
}

Test(device_state, a_damaged_state_harms_nobody)
{
    static const uint8_t values[] = {0x00, 0x01, 0x7f, 0x80, 0xff};
    for (enum device_kind kind = 0; kind < DEVICE_KINDS; kind++) {
        struct bench bench;
        setup(&bench, kind);
        make_busy(&bench);
        struct state_bytes saved = save(&bench);
        size_t end = saved.size < 400 ? saved.size : 400; /* beyond that it is plain data */
        for (size_t i = 0; i < end; i++) {
            uint8_t good = saved.data[i];
            for (unsigned v = 0; v < sizeof values; v++) {
                saved.data[i] = values[v];
                try_damaged(&bench, &saved);
            }
            saved.data[i] = good;
        }
        state_bytes_free(&saved);
        teardown(&bench);
    }
}

Test(device_state, a_state_of_another_device_is_refused)
{
    for (enum device_kind kind = 0; kind < DEVICE_KINDS; kind++) {
        struct bench one, other;
        setup(&one, kind);
        setup(&other, (kind + 1) % DEVICE_KINDS);
        struct state_bytes saved = save(&one);
        cr_assert_neq(load(&other, &saved), 0);
        state_bytes_free(&saved);
        teardown(&other);
        teardown(&one);
    }
}

Test(device_state, a_reset_brings_back_power_on)
{
    for (enum device_kind kind = 0; kind < DEVICE_KINDS; kind++) {
        struct bench bench, fresh;
        if (kind == DEVICE_PLIC || kind == DEVICE_RTC || kind == DEVICE_RNG || kind == DEVICE_BLK) {
            continue; /* lines, time, the generator and requests in flight outlive a reset */
        }
        setup(&bench, kind);
        setup(&fresh, kind);
        make_busy(&bench);
        bench.ops->reset(bench.device);
        cr_assert_eq(bench.ops->digest(bench.device), fresh.ops->digest(fresh.device), "%s",
                     bench.ops->name);
        cr_assert_not(bench.rig.line_level);
        teardown(&fresh);
        teardown(&bench);
    }
}
