#include <string.h>

#include "machine.h"

/* Bytes leave through the node, which says when. */
void devices_flush(struct machine *machine)
{
    if (machine->line_length == 0 || machine->result < 0) {
        return;
    }
    int result = ftvm_output(machine->node, MACHINE_CONSOLE, machine->line, machine->line_length);
    machine->line_length = 0;
    if (result < 0) {
        machine->result = result;
    }
}

static void print(struct machine *machine, char byte)
{
    machine->line[machine->line_length++] = byte;
    if (byte == '\n' || machine->line_length == MACHINE_LINE_SIZE) {
        devices_flush(machine);
        devices_changed(machine);
    }
}

static uint32_t take(struct machine *machine)
{
    if (machine->input_count == 0) {
        return 0;
    }
    uint8_t byte = machine->input[machine->input_head];
    machine->input_head = (machine->input_head + 1) % MACHINE_INPUT_SIZE;
    machine->input_count--;
    devices_changed(machine);
    return byte;
}

void devices_type(struct machine *machine, const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size && machine->input_count < MACHINE_INPUT_SIZE; i++) {
        uint32_t at = (machine->input_head + machine->input_count) % MACHINE_INPUT_SIZE;
        machine->input[at] = bytes[i];
        machine->input_count++;
    }
    devices_changed(machine);
}

static uint32_t half(uint64_t value, uint64_t offset)
{
    return (uint32_t)(offset % 8 == 0 ? value : value >> 32);
}

static uint64_t with_half(uint64_t value, uint64_t offset, uint32_t new_half)
{
    unsigned shift = offset % 8 == 0 ? 0 : 32;
    return (value & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)new_half << shift;
}

static uint64_t clock_now(const struct machine *machine)
{
    return ftvm_epoch_clock(&machine->epoch, machine->cpu.position);
}

static uint64_t read_io(uc_engine *engine, uint64_t offset, unsigned size, void *context)
{
    struct machine *machine = context;
    (void)engine;
    if (size != 4) {
        return 0;
    }
    switch (offset) {
    case BOARD_CONSOLE: return take(machine);
    case BOARD_WAITING: return machine->input_count;
    case BOARD_CLOCK:
    case BOARD_CLOCK + 4: return half(clock_now(machine), offset);
    case BOARD_TIMER:
    case BOARD_TIMER + 4: return half(machine->timer_ns, offset);
    default: return 0;
    }
}

static void write_io(uc_engine *engine, uint64_t offset, unsigned size, uint64_t value,
                     void *context)
{
    struct machine *machine = context;
    (void)engine;
    if (size != 4) {
        return;
    }
    switch (offset) {
    case BOARD_CONSOLE: print(machine, (char)value); break;
    case BOARD_TIMER:
    case BOARD_TIMER + 4:
        machine->timer_ns = with_half(machine->timer_ns, offset, (uint32_t)value);
        devices_changed(machine);
        break;
    case BOARD_POWER:
        machine->off = true;
        devices_changed(machine);
        break;
    default: break;
    }
}

uc_err devices_map(struct machine *machine)
{
    machine->timer_ns = UINT64_MAX;
    return uc_mmio_map(machine->cpu.engine, BOARD_IO, BOARD_IO_SIZE, read_io, machine, write_io,
                       machine);
}

uint64_t devices_pending(const struct machine *machine)
{
    uint64_t pending = 0;
    if (machine->cpu.position >= machine->timer_position) {
        pending |= UINT64_C(1) << BOARD_IRQ_TIMER;
    }
    if (machine->input_count != 0) {
        pending |= UINT64_C(1) << BOARD_IRQ_CONSOLE;
    }
    return pending;
}

/* The processor asks from there on, at each block, whether an interrupt is to be taken. */
void devices_changed(struct machine *machine)
{
    machine->timer_position = machine->timer_ns == UINT64_MAX
                                  ? UINT64_MAX
                                  : ftvm_epoch_position(&machine->epoch, machine->timer_ns);
    bool now = machine->off || machine->result < 0 || machine->input_count != 0;
    machine->cpu.attention = now ? 0 : machine->timer_position;
}
