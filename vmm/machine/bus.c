#include "vmm/machine/bus.h"

#include <assert.h>

/* ---- Address map ---- */

static bool virtio_access_read(struct machine *machine, unsigned slot, uint64_t offset,
                               unsigned size, uint64_t *value)
{
    if (slot == MACHINE_SLOT_RNG) {
        return virtio_rng_read(machine->rng, offset, size, value);
    }
    if (slot == MACHINE_SLOT_CONSOLE) {
        return virtio_console_read(machine->virtio_console, offset, size, value);
    }
    if (slot < MACHINE_SLOT_NIC) {
        return virtio_blk_read(machine->blk[slot - MACHINE_SLOT_DISK], offset, size, value);
    }
    return virtio_net_read(machine->net[slot - MACHINE_SLOT_NIC], offset, size, value);
}

static bool virtio_access_write(struct machine *machine, unsigned slot, uint64_t offset,
                                unsigned size, uint64_t value)
{
    if (slot == MACHINE_SLOT_RNG) {
        return virtio_rng_write(machine->rng, offset, size, value);
    }
    if (slot == MACHINE_SLOT_CONSOLE) {
        return virtio_console_write(machine->virtio_console, offset, size, value);
    }
    if (slot < MACHINE_SLOT_NIC) {
        return virtio_blk_write(machine->blk[slot - MACHINE_SLOT_DISK], offset, size, value);
    }
    return virtio_net_write(machine->net[slot - MACHINE_SLOT_NIC], offset, size, value);
}

/* `size` bytes at `address` are inside the window; `offset` is where. */
static bool in_window(uint64_t address, unsigned size, uint64_t start, uint64_t length,
                      uint64_t *offset)
{
    *offset = address - start;
    return address >= start && *offset < length && size <= length - *offset;
}

bool bus_mmio_read(void *context, uint64_t address, unsigned size, uint64_t *value)
{
    struct machine *machine = context;
    uint64_t offset;
    if (in_window(address, size, PLIC_ADDRESS, PLIC_SIZE, &offset)) {
        return plic_read(machine->plic, offset, size, value);
    }
    if (in_window(address, size, MACHINE_UART_ADDRESS, UART16550_SIZE, &offset)) {
        return uart16550_read(machine->uart, offset, size, value);
    }
    if (in_window(address, size, MACHINE_VIRTIO_ADDRESS, MACHINE_SLOTS * VIRTIO_MMIO_SIZE,
                  &offset)) {
        unsigned slot = (unsigned)(offset / VIRTIO_MMIO_SIZE);
        return machine_slot_exists(&machine->description, slot) &&
               virtio_access_read(machine, slot, offset % VIRTIO_MMIO_SIZE, size, value);
    }
    if (in_window(address, size, MACHINE_RTC_ADDRESS, GOLDFISH_RTC_SIZE, &offset)) {
        return goldfish_rtc_read(machine->rtc, offset, size, value);
    }
    return false;
}

bool bus_mmio_write(void *context, uint64_t address, unsigned size, uint64_t value)
{
    struct machine *machine = context;
    uint64_t offset;
    if (in_window(address, size, PLIC_ADDRESS, PLIC_SIZE, &offset)) {
        return plic_write(machine->plic, offset, size, value);
    }
    if (in_window(address, size, MACHINE_UART_ADDRESS, UART16550_SIZE, &offset)) {
        return uart16550_write(machine->uart, offset, size, value);
    }
    if (in_window(address, size, MACHINE_VIRTIO_ADDRESS, MACHINE_SLOTS * VIRTIO_MMIO_SIZE,
                  &offset)) {
        unsigned slot = (unsigned)(offset / VIRTIO_MMIO_SIZE);
        return machine_slot_exists(&machine->description, slot) &&
               virtio_access_write(machine, slot, offset % VIRTIO_MMIO_SIZE, size, value);
    }
    if (in_window(address, size, MACHINE_RTC_ADDRESS, GOLDFISH_RTC_SIZE, &offset)) {
        return goldfish_rtc_write(machine->rtc, offset, size, value);
    }
    return false;
}

/* ---- Interrupts, outputs ---- */

void bus_set_interrupt(void *context, unsigned line, bool level)
{
    struct machine *machine = context;
    plic_set_interrupt(machine->plic, line, level);
}

void bus_set_external(void *context, bool level)
{
    struct machine *machine = context;
    hart_set_external_interrupt(machine->hart, level);
}

void bus_fail(struct machine *machine, int error)
{
    if (machine->error == 0) {
        machine->error = error;
    }
    hart_request_stop(machine->hart);
}

void bus_output(void *context, uint32_t device, const void *data, size_t size)
{
    struct machine *machine = context;
    assert(size <= FTVM_MAX_OUTPUT);
    /* Without a node (power-on before the run, tests) nothing leaves. */
    if (machine->node == NULL || machine->error != 0) {
        return;
    }
    int result = ftvm_output(machine->node, device, data, size);
    if (result < 0) {
        bus_fail(machine, result);
    }
}

void bus_memory_written(void *context, uint64_t address, uint64_t size)
{
    struct machine *machine = context;
    hart_memory_written(machine->hart, address, size);
}

void bus_flush_consoles(struct machine *machine)
{
    uart16550_flush(machine->uart);
    if (machine->virtio_console != NULL) {
        virtio_console_flush(machine->virtio_console);
    }
}
