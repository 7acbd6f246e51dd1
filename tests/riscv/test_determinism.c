/*
 * The same program gives the same states at the same positions, however it is cut into calls of
 * hart_run(), and whether it goes on in the same hart, in one loaded from a saved state, or in one
 * whose caches were dropped.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/riscv/support/guest_host.h"
#include "tests/riscv/support/state_buffer.h"

#define CHECKPOINT  4999u /* instructions between two compared states */
#define CHECKPOINTS 400u

struct record {
    unsigned count;
    uint64_t hart[CHECKPOINTS];
    uint64_t memory[CHECKPOINTS];
};

/* How a run is disturbed; none of it may show. */
struct disturbance {
    uint64_t chunk;        /* longest call of hart_run(); 0: random */
    unsigned reload_every; /* checkpoints between moves into a fresh hart; 0: never */
    bool drop_caches;      /* between all calls */
};

static uint64_t random_number(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return *state >> 33;
}

/* A hart with nothing but the saved state and a copy of the memory. */
static void move_to_fresh_hart(struct guest_host *host)
{
    struct guest_host fresh;
    struct state_buffer buffer = {0};
    struct state_writer writer = state_buffer_writer(&buffer);
    struct state_reader reader = state_buffer_reader(&buffer);

    hart_save(host->hart, &writer);
    cr_assert_eq(writer.error, 0);
    guest_host_start(&fresh, "mixture");
    memcpy(fresh.memory.host, host->memory.host, GUEST_HOST_RAM);
    hart_load(fresh.hart, &reader);
    cr_assert_eq(reader.error, 0);
    *fresh.outcome = *host->outcome;
    fresh.outcome->hart = fresh.hart;
    guest_host_stop(host);
    *host = fresh;
}

static void run(const struct disturbance *how, struct record *record)
{
    struct guest_host host;
    uint64_t random = 42;
    uint64_t end = 0;

    guest_host_start(&host, "mixture");
    record->count = 0;
    while (!host.outcome->finished && record->count < CHECKPOINTS) {
        struct hart_clock clock = {.position = end, .clock_ns = hart_time_ns(host.hart) + 1000};
        clock.rate_q32 = (UINT64_C(7) + end % 13) << 31;
        hart_set_clock(host.hart, &clock);
        hart_set_software_interrupt(host.hart, record->count % 3 == 0);
        end += CHECKPOINT;
        while (!host.outcome->finished && hart_position(host.hart) < end) {
            uint64_t chunk = how->chunk != 0 ? how->chunk : 1 + random_number(&random) % 700;
            uint64_t to = hart_position(host.hart) + chunk;
            hart_run(host.hart, to < end ? to : end);
            if (how->drop_caches) {
                hart_fence_i(host.hart);
                hart_sfence_vma(host.hart);
            }
        }
        record->hart[record->count] = hart_digest(host.hart);
        record->memory[record->count] = XXH3_64bits(host.memory.host, GUEST_HOST_RAM);
        record->count++;
        if (how->reload_every != 0 && record->count % how->reload_every == 0) {
            move_to_fresh_hart(&host);
        }
    }
    cr_expect(host.outcome->finished);
    cr_expect_eq(host.outcome->line, 0, "line %llu", (unsigned long long)host.outcome->line);
    guest_host_stop(&host);
}

static void expect_same(struct disturbance how)
{
    static struct record undisturbed, disturbed;

    run(&(struct disturbance){.chunk = UINT64_MAX >> 1}, &undisturbed);
    run(&how, &disturbed);
    cr_expect_gt(undisturbed.count, 20);
    cr_expect_eq(disturbed.count, undisturbed.count);
    for (unsigned i = 0; i < undisturbed.count; i++) {
        cr_assert_eq(disturbed.hart[i], undisturbed.hart[i], "hart differs at checkpoint %u", i);
        cr_assert_eq(disturbed.memory[i], undisturbed.memory[i], "memory differs at %u", i);
    }
}

Test(determinism, chunks_of_one_instruction)
{
    expect_same((struct disturbance){.chunk = 1});
}

Test(determinism, chunks_of_seven_instructions)
{
    expect_same((struct disturbance){.chunk = 7});
}

Test(determinism, chunks_of_4096_instructions)
{
    expect_same((struct disturbance){.chunk = 4096});
}

Test(determinism, random_chunks)
{
    expect_same((struct disturbance){.chunk = 0});
}

Test(determinism, saved_and_loaded_into_a_fresh_hart)
{
    expect_same((struct disturbance){.chunk = UINT64_MAX >> 1, .reload_every = 1});
}

Test(determinism, reloaded_now_and_then_between_random_chunks)
{
    expect_same((struct disturbance){.chunk = 0, .reload_every = 7});
}

Test(determinism, caches_dropped_between_random_chunks)
{
    expect_same((struct disturbance){.chunk = 0, .drop_caches = true});
}

Test(determinism, caches_dropped_after_every_instruction, .timeout = 120)
{
    expect_same((struct disturbance){.chunk = 1, .drop_caches = true});
}
