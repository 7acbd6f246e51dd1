#include "machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "state.h"

/* At the start of a block, with something pending. */
static bool attend(void *context)
{
    struct machine *machine = context;
    return machine->off || machine->result < 0 ||
           cpu_takes(&machine->cpu, devices_pending(machine)) >= 0;
}

struct machine *machine_create(const void *image, size_t size, const struct machine_host *host,
                               const char **why)
{
    if (size > BOARD_RAM_SIZE) {
        *why = "the guest is larger than the board's memory";
        return NULL;
    }
    struct machine *machine = calloc(1, sizeof *machine);
    void *ram =
        mmap(NULL, BOARD_RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (machine == NULL || ram == MAP_FAILED) {
        if (ram != MAP_FAILED) {
            munmap(ram, BOARD_RAM_SIZE);
        }
        free(machine);
        *why = "out of memory";
        return NULL;
    }
    machine->ram = ram;
    machine->host = *host;
    if (size > 0) {
        memcpy(ram, image, size);
    }
    uc_err error = cpu_open(&machine->cpu, ram, attend, machine);
    if (error == UC_ERR_OK) {
        error = devices_map(machine);
    }
    if (error != UC_ERR_OK) {
        machine_destroy(machine);
        *why = uc_strerror(error);
        return NULL;
    }
    return machine;
}

void machine_destroy(struct machine *machine)
{
    if (machine != NULL) {
        cpu_close(&machine->cpu);
        munmap(machine->ram, BOARD_RAM_SIZE);
        free(machine);
    }
}

static int deliver(void *context, uint32_t device, const void *data, size_t size)
{
    if (device == MACHINE_CONSOLE) {
        devices_type(context, data, size);
    }
    return 0;
}

static int emit(void *context, uint64_t number, uint32_t device, const void *data, size_t size)
{
    struct machine *machine = context;
    (void)number;
    return device == MACHINE_CONSOLE ? machine->host.emit(machine->host.context, data, size) : 0;
}

static void promoted(void *context, enum ftvm_settle settle)
{
    struct machine *machine = context;
    (void)settle; /* nothing here is in flight but outputs, and those are the library's */
    machine->host.live(machine->host.context);
}

/* The guest did what this processor cannot do. */
static void fault(struct machine *machine)
{
    char text[MACHINE_LINE_SIZE];
    int length =
        snprintf(text, sizeof text, "\nguest: %s in the block at 0x%llx\n",
                 machine->cpu.fault == UC_ERR_OK ? "lost its way" : uc_strerror(machine->cpu.fault),
                 (unsigned long long)machine->cpu.pc);
    devices_flush(machine);
    memcpy(machine->line, text, (size_t)length);
    machine->line_length = (uint32_t)length;
    machine->off = true;
}

/* One epoch's work, until it is over, or the guest sleeps or is off. */
static void run_epoch(struct machine *machine)
{
    struct cpu *cpu = &machine->cpu;
    while (!machine->off && machine->result >= 0) {
        uint64_t pending = devices_pending(machine);
        if (machine->waits && !cpu_wakes(cpu, pending)) {
            return;
        }
        machine->waits = false;
        ftvm_position end = ftvm_stop_at(machine->node, cpu->position);
        if (end <= cpu->position) {
            return;
        }
        int number = cpu_takes(cpu, pending);
        if (number >= 0) {
            cpu_interrupt(cpu, number);
        }
        switch (cpu_run(cpu, end)) {
        case CPU_STOPPED: break;
        case CPU_WAITS: machine->waits = true; break;
        case CPU_FAULT: fault(machine); break;
        }
    }
}

/* The epoch is over: everything leaves, inputs enter. */
static int end_epoch(struct machine *machine)
{
    struct ftvm_epoch next;
    ftvm_position position = machine->cpu.position;
    int result;
    devices_flush(machine);
    if (machine->result < 0) {
        return machine->result;
    }
    if (machine->off) {
        result = ftvm_halt(machine->node, position);
    } else if (machine->waits) {
        bool timed = cpu_wakes(&machine->cpu, UINT64_C(1) << BOARD_IRQ_TIMER);
        uint64_t wake_ns = timed ? machine->timer_ns : UINT64_MAX;
        result = ftvm_idle(machine->node, position, wake_ns, &next);
    } else {
        result = ftvm_boundary(machine->node, position, &next);
    }
    if (result >= 0) {
        machine->epoch = next;
        devices_changed(machine);
    }
    return result;
}

int machine_run(struct machine *machine, struct ftvm_node *node)
{
    const struct ftvm_machine_ops ops = {
        .size = sizeof ops,
        .deliver = deliver,
        .emit = emit,
        .save = state_save,
        .load = state_load,
        .digest = state_digest,
        .promoted = promoted,
        .state_size = state_size,
    };
    machine->node = node;
    int result = ftvm_begin(node, &ops, machine, 0, &machine->epoch);
    if (result < 0) {
        return result;
    }
    machine->cpu.position = machine->epoch.position;
    devices_changed(machine);
    while (result >= 0) {
        run_epoch(machine);
        result = end_epoch(machine);
    }
    return result;
}
