#include "tests/riscv/lockstep/run.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/riscv/csr.h"

#define LONGEST_NAP_NS UINT64_C(1000000000)

static bool create_hart(struct run *run, const struct hart_config *config)
{
    struct hart_callbacks callbacks = world_callbacks(&run->world);

    run->memory = (struct guest_memory){.start = GUEST_RAM_START, .size = PROGRAM_RAM};
    run->memory.host = aligned_alloc(GUEST_PAGE_SIZE, PROGRAM_RAM);
    if (run->memory.host == NULL) {
        return false;
    }
    run->hart = hart_create(&run->memory, &callbacks, config);
    run->world.hart = run->hart;
    run->world.memory = run->memory;
    return run->hart != NULL;
}

static void begin(struct run *run)
{
    const struct program *program = run->program;
    struct hart *hart = run->hart;

    hart_reset(hart, program->task_pc, 0);
    hart_set_clock(hart, &program->clock);
    for (unsigned i = 1; i < 32; i++) {
        hart_set_x(hart, i, program->x[i]);
        hart_set_f(hart, i, program->f[i]);
    }
    hart_set_csr(hart, CSR_FCSR, program->fcsr);
    hart_set_csr(hart, CSR_SSTATUS, program->sstatus);
    hart_set_csr(hart, CSR_SIE, program->sie);
    hart_set_csr(hart, CSR_STVEC, program->stvec);
    hart_set_csr(hart, CSR_SATP, program->satp);
    hart_set_stimecmp(hart, program->stimecmp);
}

static void save(const struct hart *hart, struct state_buffer *buffer)
{
    struct state_writer writer = state_buffer_writer(buffer);
    hart_save(hart, &writer);
    if (writer.error != 0) {
        abort();
    }
}

static void load(struct hart *hart, struct state_buffer *buffer)
{
    struct state_reader reader = state_buffer_reader(buffer);
    hart_load(hart, &reader);
    if (reader.error != 0) {
        abort();
    }
}

struct run *run_create(const struct program *program, const struct manner *manner)
{
    struct run *run = calloc(1, sizeof *run);

    if (run == NULL) {
        return NULL;
    }
    run->program = program;
    run->manner = *manner;
    run->world.program = program;
    if (!create_hart(run, &manner->config)) {
        run_destroy(run);
        return NULL;
    }
    begin(run);
    save(run->hart, &run->beginning);
    run_restart(run);
    return run;
}

void run_restart(struct run *run)
{
    run->choices = choices_from_seed(run->manner.seed);
    run->next_event = 0;
    run->world.count = 0;
    run->beginning.read = 0;
    memcpy(run->memory.host, run->program->ram, PROGRAM_RAM);
    load(run->hart, &run->beginning);
}

void run_destroy(struct run *run)
{
    if (run != NULL) {
        hart_destroy(run->hart);
        free(run->memory.host);
        world_destroy(&run->world);
        free(run);
    }
}

static void reload(struct run *run)
{
    const struct manner *manner = &run->manner;
    struct guest_memory old_memory = run->memory;
    struct hart *old = run->hart;
    struct state_buffer buffer = {0};

    save(old, &buffer);
    if (!create_hart(run, run->reloads++ % 2 == 0 ? &manner->other_config : &manner->config)) {
        abort();
    }
    memcpy(run->memory.host, old_memory.host, PROGRAM_RAM);
    load(run->hart, &buffer);
    hart_destroy(old);
    free(old_memory.host);
}

static void disturb(struct run *run)
{
    const struct manner *manner = &run->manner;

    if (manner->drop_one_in != 0 && choose_one_in(&run->choices, manner->drop_one_in)) {
        hart_fence_i(run->hart);
        hart_sfence_vma(run->hart);
    }
    if (manner->reload_one_in != 0 && choose_one_in(&run->choices, manner->reload_one_in)) {
        reload(run);
    }
}

static uint64_t next_cut(struct run *run)
{
    enum cuts cuts = run->manner.cuts;

    if (cuts == CUT_MIXED) {
        cuts = (enum cuts)choose(&run->choices, CUT_MIXED);
    }
    switch (cuts) {
    case CUT_EVERY: return 1;
    case CUT_SHORT: return 1 + choose(&run->choices, 9);
    case CUT_LONG: return 1 + choose(&run->choices, 700);
    default: return UINT64_MAX;
    }
}

/* An idle hart goes on at once, its clock where its timer wants it. */
static void wake(struct run *run)
{
    uint64_t now = hart_time_ns(run->hart);
    uint64_t until = hart_wake_time_ns(run->hart);

    if (!run->program->environment_clock && until > now && until - now < LONGEST_NAP_NS) {
        struct hart_clock clock = {.clock_ns = until,
                                   .position = hart_position(run->hart),
                                   .rate_q32 = run->program->clock.rate_q32};
        hart_set_clock(run->hart, &clock);
    }
}

static void advance(struct run *run, uint64_t position)
{
    while (hart_position(run->hart) < position) {
        uint64_t left = position - hart_position(run->hart);
        uint64_t cut = next_cut(run);
        uint64_t end = hart_position(run->hart) + (cut < left ? cut : left);
        enum hart_stop stop = hart_run(run->hart, end);
        if (stop != HART_STOP_POSITION) {
            world_record(&run->world, RECORD_STOP, 0, stop);
        }
        if (stop == HART_STOP_IDLE) {
            wake(run);
        }
        disturb(run);
    }
}

static void restore(struct run *run)
{
    size_t size = FRAME_CODE * GUEST_PAGE_SIZE;

    memcpy(run->memory.host, run->program->ram, size);
    hart_memory_written(run->hart, GUEST_RAM_START, size);
    hart_set_csr(run->hart, CSR_STVEC, run->program->stvec);
    hart_set_csr(run->hart, CSR_SATP, run->program->satp);
    world_choose_task(&run->world);
}

static void happen(struct run *run, const struct program_event *event)
{
    uint8_t *host = run->memory.host;
    struct hart_clock clock = {.clock_ns = hart_time_ns(run->hart) + event->size,
                               .position = event->position,
                               .rate_q32 = event->value};

    switch (event->kind) {
    case EVENT_CHECK: break;
    case EVENT_CLOCK: hart_set_clock(run->hart, &clock); break;
    case EVENT_EXTERNAL: hart_set_external_interrupt(run->hart, event->value != 0); break;
    case EVENT_SOFTWARE: hart_set_software_interrupt(run->hart, event->value != 0); break;
    case EVENT_WRITE:
        memcpy(host + (event->address - GUEST_RAM_START), &event->value, event->size);
        hart_memory_written(run->hart, event->address, event->size);
        break;
    case EVENT_COPY:
        memmove(host + (event->address - GUEST_RAM_START), host + (event->value - GUEST_RAM_START),
                event->size);
        hart_memory_written(run->hart, event->address, event->size);
        break;
    case EVENT_RESTORE: restore(run); break;
    case EVENT_TASK: world_choose_task(&run->world); break;
    }
}

void run_to(struct run *run, uint64_t position)
{
    const struct program *program = run->program;

    while (run->next_event < program->event_count &&
           program->events[run->next_event].position < position) {
        const struct program_event *event = &program->events[run->next_event++];
        advance(run, event->position);
        happen(run, event);
    }
    advance(run, position);
}
