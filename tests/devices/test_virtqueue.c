/* The virtqueue walker against chains that a driver must not make, and those that it may. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/devices/support/driver.h"
#include "vmm/devices/virtqueue.h"

#define SIZE 8u

/* A bare queue, without transport: rings at fixed places, as driver_setup_queue() puts them. */
struct bench {
    struct rig rig;
    struct driver driver;
    struct virtqueue queue;
    struct virtqueue_chain chain;
};

static void setup(struct bench *bench, bool indirect, bool event_index)
{
    rig_init(&bench->rig);
    bench->driver = (struct driver){.rig = &bench->rig};
    bench->driver.queues[0] = (struct driver_queue){
        .size = SIZE,
        .descriptors = GUEST_RAM_START,
        .available = GUEST_RAM_START + 0x8000,
        .used = GUEST_RAM_START + 0xa000,
    };
    virtqueue_wire(&bench->queue, 256, &bench->rig.memory, &bench->rig.host);
    virtqueue_reset(&bench->queue);
    bench->queue.size = SIZE;
    bench->queue.descriptors_address = bench->driver.queues[0].descriptors;
    bench->queue.available_address = bench->driver.queues[0].available;
    bench->queue.used_address = bench->driver.queues[0].used;
    bench->queue.indirect = indirect;
    bench->queue.event_index = event_index;
    cr_assert(virtqueue_enable(&bench->queue));
}

static void describe(struct bench *bench, uint16_t index, uint64_t address, uint32_t size,
                     uint16_t flags, uint16_t next)
{
    driver_set_descriptor(&bench->driver, GUEST_RAM_START, index, address, size, flags, next);
}

static int pop_head(struct bench *bench, uint16_t head)
{
    driver_offer_head(&bench->driver, 0, head);
    return virtqueue_pop(&bench->queue, &bench->chain);
}

Test(virtqueue, hands_out_readable_then_writable_segments)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 2, DRIVER_BUFFERS, 16, FLAG_NEXT, 5);
    describe(&bench, 5, DRIVER_BUFFERS + 0x100, 32, FLAG_NEXT | FLAG_WRITE, 0);
    describe(&bench, 0, DRIVER_BUFFERS + 0x200, 1, FLAG_WRITE, 0);
    cr_assert_eq(pop_head(&bench, 2), 1);
    cr_assert_eq(bench.chain.head, 2);
    cr_assert_eq(bench.chain.readable.count, 1);
    cr_assert_eq(bench.chain.readable.size, 16);
    cr_assert_eq(bench.chain.writable.count, 2);
    cr_assert_eq(bench.chain.writable.size, 33);
    cr_assert_eq(bench.chain.writable.segments[1].address, DRIVER_BUFFERS + 0x200);
    cr_assert_eq(virtqueue_pop(&bench.queue, &bench.chain), 0);
    rig_free(&bench.rig);
}

Test(virtqueue, refuses_a_chain_that_loops)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 0, DRIVER_BUFFERS, 16, FLAG_NEXT, 1);
    describe(&bench, 1, DRIVER_BUFFERS, 16, FLAG_NEXT, 0);
    cr_assert_lt(pop_head(&bench, 0), 0);
    cr_assert_eq(bench.queue.next_available, 0, "nothing is taken on error");
    describe(&bench, 0, DRIVER_BUFFERS, 0, FLAG_NEXT, 0);
    cr_assert_lt(virtqueue_pop(&bench.queue, &bench.chain), 0, "nor one of empty descriptors");
    rig_free(&bench.rig);
}

Test(virtqueue, refuses_indices_outside_the_table)
{
    struct bench bench;
    setup(&bench, false, false);
    cr_assert_lt(pop_head(&bench, SIZE), 0);
    rig_free(&bench.rig);
    setup(&bench, false, false);
    describe(&bench, 0, DRIVER_BUFFERS, 16, FLAG_NEXT, SIZE);
    cr_assert_lt(pop_head(&bench, 0), 0);
    rig_free(&bench.rig);
    setup(&bench, false, false);
    describe(&bench, 0, DRIVER_BUFFERS, 16, FLAG_NEXT, 0xffff);
    cr_assert_lt(pop_head(&bench, 0), 0);
    rig_free(&bench.rig);
}

/* What lies behind the table looks like a descriptor, and is still not one. */
Test(virtqueue, refuses_a_good_descriptor_behind_the_table)
{
    struct bench bench;
    setup(&bench, true, false);
    describe(&bench, SIZE, DRIVER_BUFFERS, 16, 0, 0);
    cr_assert_lt(pop_head(&bench, SIZE), 0);
    rig_free(&bench.rig);
    setup(&bench, true, false);
    uint64_t table = DRIVER_BUFFERS + 0x1000;
    describe(&bench, 0, table, 16, FLAG_INDIRECT, 0);
    driver_set_descriptor(&bench.driver, table, 0, DRIVER_BUFFERS, 16, FLAG_NEXT, 1);
    driver_set_descriptor(&bench.driver, table, 1, DRIVER_BUFFERS, 16, 0, 0);
    cr_assert_lt(pop_head(&bench, 0), 0);
    rig_free(&bench.rig);
}

Test(virtqueue, refuses_a_good_table_inside_a_table)
{
    struct bench bench;
    setup(&bench, true, false);
    uint64_t table = DRIVER_BUFFERS + 0x1000;
    uint64_t inner = DRIVER_BUFFERS + 0x2000;
    describe(&bench, 0, table, 16, FLAG_INDIRECT, 0);
    driver_set_descriptor(&bench.driver, table, 0, inner, 16, FLAG_INDIRECT, 0);
    driver_set_descriptor(&bench.driver, inner, 0, DRIVER_BUFFERS, 16, 0, 0);
    cr_assert_lt(pop_head(&bench, 0), 0);
    rig_free(&bench.rig);
}

Test(virtqueue, refuses_slices_outside_memory)
{
    static const struct {
        uint64_t address;
        uint32_t size;
    } bad[] = {
        {GUEST_RAM_START - 1, 1},
        {GUEST_RAM_START - 1, 2},
        {GUEST_RAM_START + RIG_RAM_SIZE, 1},
        {GUEST_RAM_START + RIG_RAM_SIZE - 1, 2},
        {GUEST_RAM_START, UINT32_MAX},
        {0, 16},
        {UINT64_MAX, 1},
        {UINT64_MAX - 3, 16},
        {UINT64_MAX, 0},
    };
    for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bench bench;
        setup(&bench, false, false);
        describe(&bench, 0, bad[i].address, bad[i].size, 0, 0);
        cr_assert_lt(pop_head(&bench, 0), 0, "case %u", i);
        rig_free(&bench.rig);
    }
}

Test(virtqueue, accepts_the_last_byte_of_memory)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 0, GUEST_RAM_START + RIG_RAM_SIZE - 1, 1, FLAG_WRITE, 0);
    cr_assert_eq(pop_head(&bench, 0), 1);
    const uint8_t byte = 42;
    virtio_buffer_write(&bench.chain.writable, &bench.rig.host, 0, &byte, 1);
    cr_assert_eq(*rig_at(&bench.rig, GUEST_RAM_START + RIG_RAM_SIZE - 1, 1), 42);
    cr_assert(rig_all_writes_reported(&bench.rig));
    rig_free(&bench.rig);
}

Test(virtqueue, refuses_a_readable_descriptor_after_a_writable_one)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 0, DRIVER_BUFFERS, 16, FLAG_NEXT | FLAG_WRITE, 1);
    describe(&bench, 1, DRIVER_BUFFERS, 16, 0, 0);
    cr_assert_lt(pop_head(&bench, 0), 0);
    rig_free(&bench.rig);
}

Test(virtqueue, skips_empty_descriptors)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 0, DRIVER_BUFFERS, 0, FLAG_NEXT, 1);
    describe(&bench, 1, DRIVER_BUFFERS, 4, FLAG_WRITE, 0);
    cr_assert_eq(pop_head(&bench, 0), 1);
    cr_assert_eq(bench.chain.readable.count, 0);
    cr_assert_eq(bench.chain.writable.count, 1);
    rig_free(&bench.rig);
}

Test(virtqueue, refuses_an_available_index_that_jumps)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 0, DRIVER_BUFFERS, 16, 0, 0);
    rig_store16(&bench.rig, bench.queue.available_address + 2, SIZE + 1);
    cr_assert_lt(virtqueue_pop(&bench.queue, &bench.chain), 0);
    rig_store16(&bench.rig, bench.queue.available_address + 2, 0xffff); /* backwards */
    cr_assert_lt(virtqueue_pop(&bench.queue, &bench.chain), 0);
    rig_store16(&bench.rig, bench.queue.available_address + 2, SIZE);
    cr_assert_eq(virtqueue_pop(&bench.queue, &bench.chain), 1);
    rig_free(&bench.rig);
}

Test(virtqueue, follows_an_indirect_table_after_direct_descriptors)
{
    struct bench bench;
    setup(&bench, true, false);
    uint64_t table = DRIVER_BUFFERS + 0x1000;
    describe(&bench, 0, DRIVER_BUFFERS, 16, FLAG_NEXT, 1);
    describe(&bench, 1, table, 32, FLAG_INDIRECT, 0);
    driver_set_descriptor(&bench.driver, table, 0, DRIVER_BUFFERS, 8, FLAG_NEXT, 1);
    driver_set_descriptor(&bench.driver, table, 1, DRIVER_BUFFERS, 64, FLAG_WRITE, 0);
    cr_assert_eq(pop_head(&bench, 0), 1);
    cr_assert_eq(bench.chain.readable.size, 24);
    cr_assert_eq(bench.chain.writable.size, 64);
    rig_free(&bench.rig);
}

Test(virtqueue, refuses_abuse_of_indirect_tables)
{
    uint64_t table = DRIVER_BUFFERS + 0x1000;
    const struct {
        const char *what;
        bool negotiated;
        uint64_t address;
        uint32_t size;
        uint16_t outer_flags;
        uint16_t inner_flags;
        uint16_t inner_next;
    } cases[] = {
        {"not negotiated", false, table, 16, FLAG_INDIRECT, 0, 0},
        {"with a next", true, table, 16, FLAG_INDIRECT | FLAG_NEXT, 0, 0},
        {"nested", true, table, 16, FLAG_INDIRECT, FLAG_INDIRECT, 0},
        {"empty", true, table, 0, FLAG_INDIRECT, 0, 0},
        {"a piece of a descriptor", true, table, 15, FLAG_INDIRECT, 0, 0},
        {"not a whole number", true, table, 17, FLAG_INDIRECT, 0, 0},
        {"outside memory", true, GUEST_RAM_START + RIG_RAM_SIZE, 16, FLAG_INDIRECT, 0, 0},
        {"across the end", true, GUEST_RAM_START + RIG_RAM_SIZE - 16, 32, FLAG_INDIRECT, 0, 0},
        {"next outside the table", true, table, 16, FLAG_INDIRECT, FLAG_NEXT, 1},
        {"next is itself", true, table, 16, FLAG_INDIRECT, FLAG_NEXT, 0},
        {"huge", true, table, 0xfffffff0, FLAG_INDIRECT, 0, 0},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct bench bench;
        setup(&bench, cases[i].negotiated, false);
        describe(&bench, 0, cases[i].address, cases[i].size, cases[i].outer_flags, 0);
        driver_set_descriptor(&bench.driver, table, 0, DRIVER_BUFFERS, 16, cases[i].inner_flags,
                              cases[i].inner_next);
        cr_assert_lt(pop_head(&bench, 0), 0, "%s", cases[i].what);
        rig_free(&bench.rig);
    }
}

Test(virtqueue, bounds_the_length_of_a_chain)
{
    struct bench bench;
    setup(&bench, true, false);
    uint64_t table = DRIVER_BUFFERS + 0x1000;
    for (unsigned length = VIRTQUEUE_MAX_SEGMENTS - 1; length <= VIRTQUEUE_MAX_SEGMENTS; length++) {
        describe(&bench, 0, table, 16 * length, FLAG_INDIRECT, 0);
        for (unsigned i = 0; i < length; i++) {
            driver_set_descriptor(&bench.driver, table, (uint16_t)i, DRIVER_BUFFERS, 1,
                                  i + 1 < length ? FLAG_NEXT : 0, (uint16_t)(i + 1));
        }
        int result = pop_head(&bench, 0);
        if (length < VIRTQUEUE_MAX_SEGMENTS) { /* the one that points to the table counts too */
            cr_assert_eq(result, 1);
            cr_assert_eq(bench.chain.readable.count, length);
        } else {
            cr_assert_lt(result, 0);
        }
    }
    rig_free(&bench.rig);
}

Test(virtqueue, refuses_rings_that_are_not_in_memory_or_misaligned)
{
    struct bench bench;
    setup(&bench, false, false);
    struct virtqueue *queue = &bench.queue;
    uint64_t end = GUEST_RAM_START + RIG_RAM_SIZE;
    const struct {
        uint64_t descriptors, available, used;
        uint16_t size;
        bool good;
    } cases[] = {
        {GUEST_RAM_START, GUEST_RAM_START + 0x8000, GUEST_RAM_START + 0xa000, 8, true},
        {GUEST_RAM_START, GUEST_RAM_START + 0x8000, GUEST_RAM_START + 0xa000, 0, false},
        {GUEST_RAM_START, GUEST_RAM_START + 0x8000, GUEST_RAM_START + 0xa000, 3, false},
        {GUEST_RAM_START, GUEST_RAM_START + 0x8000, GUEST_RAM_START + 0xa000, 512, false},
        {GUEST_RAM_START + 8, GUEST_RAM_START + 0x8000, GUEST_RAM_START + 0xa000, 8, false},
        {GUEST_RAM_START, GUEST_RAM_START + 0x8001, GUEST_RAM_START + 0xa000, 8, false},
        {GUEST_RAM_START, GUEST_RAM_START + 0x8000, GUEST_RAM_START + 0xa002, 8, false},
        {end - 16 * 8, end - 20, end - 68, 8, true},
        {end - 16 * 7, end - 20, end - 68, 8, false},
        {end - 16 * 8, end - 18, end - 68, 8, false},
        {end - 16 * 8, end - 20, end - 64, 8, false},
        {0, 0, 0, 8, false},
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        queue->descriptors_address = cases[i].descriptors;
        queue->available_address = cases[i].available;
        queue->used_address = cases[i].used;
        queue->size = cases[i].size;
        cr_assert_eq(virtqueue_enable(queue), cases[i].good, "case %u", i);
    }
    rig_free(&bench.rig);
}

Test(virtqueue, event_index_needs_its_place_in_the_rings)
{
    struct bench bench;
    setup(&bench, false, true);
    uint64_t end = GUEST_RAM_START + RIG_RAM_SIZE;
    bench.queue.available_address = end - 20; /* just enough without */
    cr_assert_not(virtqueue_enable(&bench.queue));
    bench.queue.available_address = end - 22;
    cr_assert(virtqueue_enable(&bench.queue));
    rig_free(&bench.rig);
}

Test(virtqueue, returns_chains_in_the_order_they_are_put)
{
    struct bench bench;
    setup(&bench, false, false);
    for (unsigned round = 0; round < 3 * SIZE; round++) { /* over the end of the ring */
        describe(&bench, round % SIZE, DRIVER_BUFFERS, 16, FLAG_WRITE, 0);
        cr_assert_eq(pop_head(&bench, round % SIZE), 1);
        virtqueue_put_used(&bench.queue, bench.chain.head, round);
        struct driver_used used;
        cr_assert_not(driver_take_used(&bench.driver, 0, &used), "not before it is published");
        cr_assert(virtqueue_publish(&bench.queue));
        cr_assert(driver_take_used(&bench.driver, 0, &used));
        cr_assert_eq(used.head, round % SIZE);
        cr_assert_eq(used.written, round);
    }
    cr_assert(rig_all_writes_reported(&bench.rig));
    rig_free(&bench.rig);
}

Test(virtqueue, obeys_the_drivers_wish_for_no_interrupt)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 0, DRIVER_BUFFERS, 16, 0, 0);
    rig_store16(&bench.rig, bench.queue.available_address, 1);
    cr_assert_eq(pop_head(&bench, 0), 1);
    virtqueue_put_used(&bench.queue, 0, 0);
    cr_assert_not(virtqueue_publish(&bench.queue));
    rig_free(&bench.rig);
}

Test(virtqueue, interrupts_when_the_used_event_is_passed)
{
    struct bench bench;
    setup(&bench, false, true);
    describe(&bench, 0, DRIVER_BUFFERS, 16, 0, 0);
    uint64_t used_event = bench.queue.available_address + 4 + 2 * SIZE;
    uint64_t available_event = bench.queue.used_address + 4 + 8 * SIZE;
    rig_store16(&bench.rig, used_event, 2); /* tell me of the third */
    for (unsigned i = 0; i < 5; i++) {
        cr_assert_eq(pop_head(&bench, 0), 1);
        virtqueue_put_used(&bench.queue, 0, 0);
        cr_assert_eq(virtqueue_publish(&bench.queue), i == 2, "used %u", i);
        cr_assert_eq(rig_load16(&bench.rig, available_event), i + 1);
    }
    cr_assert(rig_all_writes_reported(&bench.rig));
    rig_free(&bench.rig);
}

Test(virtqueue, unpop_gives_the_same_chain_again)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 3, DRIVER_BUFFERS, 16, FLAG_WRITE, 0);
    cr_assert_eq(pop_head(&bench, 3), 1);
    virtqueue_unpop(&bench.queue);
    cr_assert_eq(virtqueue_pop(&bench.queue, &bench.chain), 1);
    cr_assert_eq(bench.chain.head, 3);
    rig_free(&bench.rig);
}

Test(virtqueue, copies_across_segments)
{
    struct bench bench;
    setup(&bench, false, false);
    describe(&bench, 0, DRIVER_BUFFERS, 3, FLAG_WRITE | FLAG_NEXT, 1);
    describe(&bench, 1, DRIVER_BUFFERS + 0x10, 1, FLAG_WRITE | FLAG_NEXT, 2);
    describe(&bench, 2, DRIVER_BUFFERS + 0x20, 4, FLAG_WRITE, 0);
    cr_assert_eq(pop_head(&bench, 0), 1);
    const struct virtio_buffer *buffer = &bench.chain.writable;
    char text[9] = "";
    cr_assert_eq(virtio_buffer_write(buffer, &bench.rig.host, 0, "abcdefghij", 10), 8);
    cr_assert_eq(virtio_buffer_write(buffer, &bench.rig.host, 2, "CDE", 3), 3);
    cr_assert_eq(virtio_buffer_write(buffer, &bench.rig.host, 8, "x", 1), 0);
    cr_assert_eq(virtio_buffer_read(buffer, 0, text, 9), 8);
    cr_assert_str_eq(text, "abCDEfgh");
    cr_assert_eq(virtio_buffer_read(buffer, 7, text, 9), 1);
    cr_assert_null(virtio_buffer_span(buffer, 2, 2));
    cr_assert_not_null(virtio_buffer_span(buffer, 4, 4));
    cr_assert_null(virtio_buffer_span(buffer, 8, 1));
    cr_assert(rig_all_writes_reported(&bench.rig));
    rig_free(&bench.rig);
}
