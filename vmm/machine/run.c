/*
 * The vCPU loop: epoch after epoch under a node, as <ftvm/ftvm.h> has it.
 */
#include "vmm/machine/run.h"

#include "vmm/machine/bus.h"
#include "vmm/machine/digest.h"
#include "vmm/machine/machine_state.h"
#include "vmm/machine/world.h"

uint64_t run_environment_time_ns(void *context)
{
    struct machine *machine = context;
    uint64_t clock_ns;
    if (machine->node == NULL || machine->error != 0) {
        return machine->last_clock_ns;
    }
    int result = ftvm_clock(machine->node, hart_position(machine->hart), &clock_ns);
    if (result < 0) {
        bus_fail(machine, result);
        return machine->last_clock_ns;
    }
    machine->last_clock_ns = clock_ns;
    return clock_ns;
}

uint64_t run_guest_time_ns(void *context)
{
    struct machine *machine = context;
    return machine->description.clock == MACHINE_CLOCK_LOGGED ? run_environment_time_ns(machine)
                                                              : hart_time_ns(machine->hart);
}

/* At each boundary: a copy under a lock that nobody holds for longer than a copy. */
void run_publish_counters(struct machine *machine)
{
    struct hart_counters now;

    hart_get_counters(machine->hart, &now);
    pthread_mutex_lock(&machine->counters_lock);
    machine->counters = now;
    pthread_mutex_unlock(&machine->counters_lock);
}

void machine_get_counters(struct machine *machine, struct hart_counters *counters)
{
    pthread_mutex_lock(&machine->counters_lock);
    *counters = machine->counters;
    pthread_mutex_unlock(&machine->counters_lock);
}

static void start_epoch(struct machine *machine, const struct ftvm_epoch *epoch)
{
    const struct hart_clock clock = {
        .clock_ns = epoch->clock_ns,
        .position = epoch->position,
        .rate_q32 = epoch->rate_q32,
    };
    machine->epoch = *epoch;
    machine->last_clock_ns = epoch->clock_ns;
    hart_set_clock(machine->hart, &clock);
}

static enum hart_stop run_hart(struct machine *machine, uint64_t end)
{
    return machine->trace != NULL ? trace_run(machine->trace, machine->hart, end)
                                  : hart_run(machine->hart, end);
}

/* Runs to the epoch's end, or where the library ends it for an input's sake. */
static enum hart_stop run_guest(struct machine *machine)
{
    enum hart_stop stop = HART_STOP_POSITION;
    uint64_t position = hart_position(machine->hart);
    for (;;) {
        uint64_t end = ftvm_stop_at(machine->node, position);
        if (end <= position) {
            return stop;
        }
        stop = run_hart(machine, end);
        position = hart_position(machine->hart);
        if (stop != HART_STOP_POSITION) {
            return stop;
        }
    }
}

/* One epoch, and the boundary behind it. Negative: the run has ended. */
static int run_epoch(struct machine *machine)
{
    struct ftvm_epoch next;
    enum hart_stop stop = run_guest(machine);
    uint64_t position = hart_position(machine->hart);
    int result;

    run_publish_counters(machine);
    bus_flush_consoles(machine);
    if (machine->power == POWER_RESET) {
        machine->power = POWER_ON;
        if (!machine_power_on(machine)) {
            return FTVM_E_MACHINE;
        }
    }
    world_announce_rest(machine);
    if (machine->error != 0) {
        return machine->error;
    }
    if (machine->power == POWER_OFF) {
        result = ftvm_halt(machine->node, position);
        return result < 0 ? result : FTVM_E_HALTED;
    }
    if (stop == HART_STOP_IDLE) {
        result = ftvm_idle(machine->node, position, hart_wake_time_ns(machine->hart), &next);
    } else {
        result = ftvm_boundary(machine->node, position, &next);
    }
    if (result >= 0) {
        start_epoch(machine, &next);
    }
    return result;
}

static int run_under(struct machine *machine)
{
    static const struct ftvm_machine_ops ops = {
        .size = sizeof ops,
        .deliver = world_deliver,
        .emit = world_emit,
        .save = machine_state_save,
        .load = machine_state_load,
        .digest = machine_digest,
        .promoted = world_promoted,
        .state_size = machine_state_size,
    };
    struct ftvm_epoch first;
    int result = ftvm_begin(machine->node, &ops, machine, hart_position(machine->hart), &first);
    if (result < 0) {
        return result;
    }
    if (machine->starts_active) {
        world_wake_backends(machine);
    }
    start_epoch(machine, &first);
    do {
        result = run_epoch(machine);
    } while (result >= 0);
    return result;
}

int machine_run(struct machine *machine, struct ftvm_node *node)
{
    /* The reactor runs before the machine does: who waits for a backup may still quit. */
    world_attach(machine, node);
    int result = reactor_start(machine->reactor) == 0 ? run_under(machine) : FTVM_E_SYSTEM;
    world_detach(machine);
    reactor_stop(machine->reactor);
    return result;
}
