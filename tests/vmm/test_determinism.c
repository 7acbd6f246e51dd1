/*
 * The machine's contract: one log run again gives the same, to the bit, however the execution is
 * cut into pieces, and also from a state that was saved in the middle.
 */
#include "tests/vmm/guests.h"

#define RANDOM_CHUNKS UINT64_MAX

static const struct machine_local work = {.kernel = TEST_GUESTS "/work.img"};
static const struct machine_local joiner = {.kernel = NULL};

/* Records the guest at work. With a stop, only so far. */
static uint64_t record(struct guest_run *run, struct recording *recording,
                       const struct machine_description *description, uint64_t stop,
                       uint64_t save_at)
{
    guest_prepare(run, description, &work, recording);
    run->prompt = "work: ready";
    run->answer = "typed at the console\n";
    run->node.epoch_length = 20000;
    run->node.stop_position = stop;
    run->node.save_at = save_at;
    guest_go(run);
    cr_assert(run->result == (stop == UINT64_MAX ? FTVM_E_HALTED : FTVM_E_STOPPED));
    return machine_full_digest(run->machine);
}

/* Plays a recording on a new machine; from a saved state if there is one. Returns its digest. */
static uint64_t play(struct recording *recording, const struct machine_description *description,
                     uint64_t chunk, const struct guest_run *saved)
{
    struct guest_run run;
    guest_prepare(&run, description, saved != NULL ? &joiner : &work, recording);
    run.node.playback = true;
    run.node.role = FTVM_ROLE_BACKUP;
    run.node.seed = 99;
    run.node.chunk = chunk;
    if (saved != NULL) {
        run.node.load = &saved->node.saved;
        run.node.load_at = saved->node.saved_boundary;
    }
    guest_go(&run);
    cr_assert(run.result == FTVM_E_HALTED || run.result == FTVM_E_STOPPED, "%s: %s",
              ftvm_strerror(run.result), run.node.divergence);
    cr_assert(run.node.at == recording->count);
    uint64_t digest = machine_full_digest(run.machine);
    guest_free(&run);
    return digest;
}

static void repeats(const struct machine_description *description, const uint64_t *chunks,
                    size_t count, uint64_t stop)
{
    struct recording recording = {0};
    struct guest_run run;
    uint64_t digest = record(&run, &recording, description, stop, UINT64_MAX);
    for (size_t i = 0; i < count; i++) {
        cr_expect(play(&recording, description, chunks[i], NULL) == digest, "chunks of %llu",
                  (unsigned long long)chunks[i]);
    }
    guest_free(&run);
    recording_free(&recording);
}

Test(determinism, one_log_repeats_in_any_chunks)
{
    static const uint64_t chunks[] = {0, 4096, RANDOM_CHUNKS};
    struct machine_description description = guest_description();
    repeats(&description, chunks, 3, UINT64_MAX);
}

/* On the primary the guest was looked at every so often, and some epochs ended there; a backup is
 * told where, and is stopped nowhere else or everywhere else. */
Test(determinism, epochs_that_were_cut_short_repeat_in_any_chunks)
{
    static const uint64_t chunks[] = {0, 4096, RANDOM_CHUNKS};
    struct machine_description description = guest_description();
    struct recording recording = {0};
    struct guest_run run;
    guest_prepare(&run, &description, &work, &recording);
    run.prompt = "work: ready";
    run.answer = "typed at the console\n";
    run.node.epoch_length = 40000;
    run.node.cuts = true;
    guest_go(&run);
    cr_assert(run.result == FTVM_E_HALTED);
    uint64_t digest = machine_full_digest(run.machine);
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        cr_expect(play(&recording, &description, chunks[i], NULL) == digest, "chunks of %llu",
                  (unsigned long long)chunks[i]);
    }
    guest_free(&run);
    recording_free(&recording);
}

Test(determinism, one_log_repeats_in_the_smallest_chunks)
{
    static const uint64_t chunks[] = {1, 7};
    struct machine_description description = guest_description();
    repeats(&description, chunks, 2, 1000000);
}

/* Such a hart looks at its timer when its clock is set, so here the epochs are part of the log. */
Test(determinism, one_log_repeats_with_a_logged_clock)
{
    static const uint64_t chunks[] = {0, 0};
    struct machine_description description = guest_description();
    description.clock = MACHINE_CLOCK_LOGGED;
    repeats(&description, chunks, 2, UINT64_MAX);
}

Test(determinism, a_state_from_the_middle_goes_on_alike)
{
    struct machine_description description = guest_description();
    static const uint64_t epochs[] = {1, 40, 333};
    for (size_t i = 0; i < sizeof epochs / sizeof epochs[0]; i++) {
        struct recording recording = {0};
        struct guest_run run;
        uint64_t digest = record(&run, &recording, &description, UINT64_MAX, epochs[i]);
        cr_assert(run.node.saved.size > 0);
        cr_expect(play(&recording, &description, 0, &run) == digest);
        cr_expect(play(&recording, &description, RANDOM_CHUNKS, &run) == digest);
        guest_free(&run);
        recording_free(&recording);
    }
}

Test(determinism, a_changed_input_is_found)
{
    struct recording recording = {0};
    struct guest_run run, other;
    struct machine_description description = guest_description();
    record(&run, &recording, &description, UINT64_MAX, UINT64_MAX);
    guest_prepare(&other, &description, &work, &recording);
    other.node.playback = true;
    for (size_t i = 0; i < recording.count; i++) {
        if (recording.boundaries[i].input_count > 0) {
            recording.boundaries[i].inputs[0].data[3] ^= 1;
        }
    }
    guest_go(&other);
    cr_assert(other.result == FTVM_E_DIVERGED);
    guest_free(&other);
    guest_free(&run);
    recording_free(&recording);
}

/* Loads a state, and runs on from there. */
static int load(const struct guest_run *saved, struct recording *recording,
                const struct machine_description *description, const struct bytes *state)
{
    struct guest_run run;
    guest_prepare(&run, description, &joiner, recording);
    run.node.playback = true;
    run.node.load = state;
    run.node.load_at = saved->node.saved_boundary;
    guest_go(&run);
    guest_free(&run);
    return run.result;
}

Test(determinism, a_state_cut_short_is_refused)
{
    struct recording recording = {0};
    struct guest_run run;
    struct machine_description description = guest_description();
    record(&run, &recording, &description, 1000000, 20);
    struct bytes cut = run.node.saved;
    for (cut.size = 0; cut.size < run.node.saved.size; cut.size += 1 + cut.size / 10) {
        cr_assert(load(&run, &recording, &description, &cut) < 0, "cut at %zu", cut.size);
    }
    guest_free(&run);
    recording_free(&recording);
}

/* A state comes from the network: whatever is in it, nothing breaks but the guest. */
Test(determinism, a_damaged_state_does_no_harm)
{
    struct recording recording = {0};
    struct guest_run run;
    struct machine_description description = guest_description();
    record(&run, &recording, &description, 500000, 10);
    struct bytes damaged = run.node.saved;
    uint64_t random = 7;
    for (unsigned i = 0; i < 400; i++) {
        random = random * UINT64_C(6364136223846793005) + 1;
        /* Mostly in the first bytes, where the counts are. */
        size_t at = (random >> 33) % (i % 4 == 0 ? damaged.size : 2048);
        uint8_t flip = (uint8_t)(1u << (random >> 60) % 8);
        damaged.data[at] ^= flip;
        load(&run, &recording, &description, &damaged);
        damaged.data[at] ^= flip;
    }
    cr_assert(load(&run, &recording, &description, &damaged) == FTVM_E_STOPPED);
    guest_free(&run);
    recording_free(&recording);
}
