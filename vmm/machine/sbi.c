#include "vmm/machine/sbi.h"

#include "vmm/machine/bus.h"

#define A0 10u
#define A1 11u
#define A6 16u
#define A7 17u

/* Chapter 3: binary encoding. */
#define SBI_SUCCESS               0
#define SBI_ERR_FAILED            (-1)
#define SBI_ERR_NOT_SUPPORTED     (-2)
#define SBI_ERR_INVALID_PARAM     (-3)
#define SBI_ERR_ALREADY_AVAILABLE (-6)

#define EXTENSION_BASE   0x10u
#define EXTENSION_TIME   0x54494d45u
#define EXTENSION_IPI    0x735049u
#define EXTENSION_RFENCE 0x52464e43u
#define EXTENSION_HSM    0x48534du
#define EXTENSION_SRST   0x53525354u
#define EXTENSION_DBCN   0x4442434eu
/* Chapter 5: legacy extensions, whose number is the function. */
#define LEGACY_CONSOLE_PUTCHAR 0x01u
#define LEGACY_CONSOLE_GETCHAR 0x02u
#define LEGACY_SHUTDOWN        0x08u

#define SPECIFICATION_VERSION  0x02000000u
#define IMPLEMENTATION_ID      0x6674766du /* "ftvm": outside the numbers that are given out */
#define IMPLEMENTATION_VERSION 1u

/* One write to the debug console; the caller is told how much was taken and goes on. */
#define CONSOLE_WRITE_LIMIT 4096u

struct result {
    int64_t error;
    uint64_t value;
};

static struct result success(uint64_t value)
{
    return (struct result){SBI_SUCCESS, value};
}

static struct result failure(int64_t error)
{
    return (struct result){error, 0};
}

static uint64_t argument(const struct machine *machine, unsigned index)
{
    return hart_get_x(machine->hart, A0 + index);
}

static bool has_extension(uint64_t extension)
{
    switch (extension) {
    case EXTENSION_BASE:
    case EXTENSION_TIME:
    case EXTENSION_IPI:
    case EXTENSION_RFENCE:
    case EXTENSION_HSM:
    case EXTENSION_SRST:
    case EXTENSION_DBCN:
    case LEGACY_CONSOLE_PUTCHAR:
    case LEGACY_CONSOLE_GETCHAR:
    case LEGACY_SHUTDOWN: return true;
    default: return false;
    }
}

/* Chapter 4. */
static struct result base(struct machine *machine, uint64_t function)
{
    switch (function) {
    case 0: return success(SPECIFICATION_VERSION);
    case 1: return success(IMPLEMENTATION_ID);
    case 2: return success(IMPLEMENTATION_VERSION);
    case 3: return success(has_extension(argument(machine, 0)));
    case 4:                    /* mvendorid */
    case 5:                    /* marchid */
    case 6: return success(0); /* mimpid; 0 is "not implemented" for all three */
    default: return failure(SBI_ERR_NOT_SUPPORTED);
    }
}

/* Chapter 6. */
static struct result timer(struct machine *machine, uint64_t function)
{
    if (function != 0) {
        return failure(SBI_ERR_NOT_SUPPORTED);
    }
    hart_set_stimecmp(machine->hart, argument(machine, 0));
    return success(0);
}

/* Section 3.1: a mask of harts and the hart of its bit 0, or all harts if that is -1. Error, or
 * whether our only hart is meant. */
static int64_t select_hart(uint64_t mask, uint64_t mask_base, bool *selected)
{
    if (mask_base == UINT64_MAX) {
        *selected = true;
        return SBI_SUCCESS;
    }
    *selected = mask_base == 0 && (mask & 1) != 0;
    bool others = mask_base == 0 ? (mask & ~UINT64_C(1)) != 0 : mask != 0;
    return others ? SBI_ERR_INVALID_PARAM : SBI_SUCCESS;
}

/* Chapter 7. */
static struct result ipi(struct machine *machine, uint64_t function)
{
    bool selected;
    if (function != 0) {
        return failure(SBI_ERR_NOT_SUPPORTED);
    }
    int64_t error = select_hart(argument(machine, 0), argument(machine, 1), &selected);
    if (error != SBI_SUCCESS) {
        return failure(error);
    }
    if (selected) {
        hart_set_software_interrupt(machine->hart, true);
    }
    return success(0);
}

/* Chapter 8. Functions from 3 on are the hypervisor's. */
static struct result rfence(struct machine *machine, uint64_t function)
{
    bool selected;
    if (function > 2) {
        return failure(SBI_ERR_NOT_SUPPORTED);
    }
    int64_t error = select_hart(argument(machine, 0), argument(machine, 1), &selected);
    if (error != SBI_SUCCESS) {
        return failure(error);
    }
    if (selected && function == 0) {
        hart_fence_i(machine->hart);
    } else if (selected) {
        /* By address or by address space: forgetting more than asked for is allowed. */
        hart_sfence_vma(machine->hart);
    }
    return success(0);
}

/* Chapter 9. */
static struct result hart_state(struct machine *machine, uint64_t function)
{
    uint64_t hart = argument(machine, 0);
    switch (function) {
    case 0: /* start */
        return failure(hart == 0 ? SBI_ERR_ALREADY_AVAILABLE : SBI_ERR_INVALID_PARAM);
    case 1: /* stop: nobody would be left to start it again */ return failure(SBI_ERR_FAILED);
    case 2: /* status */ return hart == 0 ? success(0) : failure(SBI_ERR_INVALID_PARAM);
    default: /* suspend: `wfi` does as much */ return failure(SBI_ERR_NOT_SUPPORTED);
    }
}

static void request_power(struct machine *machine, enum power_request power)
{
    machine->power = power;
    hart_request_stop(machine->hart);
}

/* Chapter 10. The call does not return to the guest: the epoch ends right behind it. */
static struct result system_reset(struct machine *machine, uint64_t function)
{
    uint32_t type = (uint32_t)argument(machine, 0);
    uint32_t reason = (uint32_t)argument(machine, 1);
    if (function != 0) {
        return failure(SBI_ERR_NOT_SUPPORTED);
    }
    /* Types: shutdown, cold reboot, warm reboot. Reasons: none, system failure; from 0xe0000000 on
     * they are implementations' and vendors' own, of which we have none. */
    if (type > 2 || reason > 1) {
        return failure(SBI_ERR_INVALID_PARAM);
    }
    request_power(machine, type == 0 ? POWER_OFF : POWER_RESET);
    return success(0);
}

static void console_write(struct machine *machine, const void *data, size_t size)
{
    /* In order with what the kernel wrote to the serial port itself. */
    bus_flush_consoles(machine);
    bus_output(machine, MACHINE_DEVICE_UART, data, size);
}

/* Chapter 12. */
static struct result debug_console(struct machine *machine, uint64_t function)
{
    if (function == 2) { /* write_byte */
        uint8_t byte = (uint8_t)argument(machine, 0);
        console_write(machine, &byte, 1);
        return success(0);
    }
    if (function > 2) {
        return failure(SBI_ERR_NOT_SUPPORTED);
    }
    uint64_t size = argument(machine, 0);
    const uint8_t *data = guest_memory_slice(&machine->memory, argument(machine, 1), size);
    if (argument(machine, 2) != 0 || data == NULL) {
        return failure(SBI_ERR_INVALID_PARAM);
    }
    if (function == 1) { /* read: what is typed arrives at the serial port, never here */
        return success(0);
    }
    size = size > CONSOLE_WRITE_LIMIT ? CONSOLE_WRITE_LIMIT : size;
    if (size > 0) {
        console_write(machine, data, size);
    }
    return success(size);
}

static bool legacy(struct machine *machine, uint64_t extension)
{
    uint8_t byte = (uint8_t)argument(machine, 0);
    switch (extension) {
    case LEGACY_CONSOLE_PUTCHAR:
        console_write(machine, &byte, 1);
        hart_set_x(machine->hart, A0, 0);
        return true;
    case LEGACY_CONSOLE_GETCHAR: hart_set_x(machine->hart, A0, UINT64_MAX); return true;
    case LEGACY_SHUTDOWN: request_power(machine, POWER_OFF); return true;
    default: return false;
    }
}

static struct result dispatch(struct machine *machine, uint64_t extension, uint64_t function)
{
    switch (extension) {
    case EXTENSION_BASE: return base(machine, function);
    case EXTENSION_TIME: return timer(machine, function);
    case EXTENSION_IPI: return ipi(machine, function);
    case EXTENSION_RFENCE: return rfence(machine, function);
    case EXTENSION_HSM: return hart_state(machine, function);
    case EXTENSION_SRST: return system_reset(machine, function);
    case EXTENSION_DBCN: return debug_console(machine, function);
    default: return failure(SBI_ERR_NOT_SUPPORTED);
    }
}

void sbi_call(void *context)
{
    struct machine *machine = context;
    /* Extension and function numbers are 32 bits wide. */
    uint64_t extension = (uint32_t)hart_get_x(machine->hart, A7);
    uint64_t function = (uint32_t)hart_get_x(machine->hart, A6);
    if (legacy(machine, extension)) {
        return; /* these have one result, and leave a1 alone */
    }
    struct result result = dispatch(machine, extension, function);
    hart_set_x(machine->hart, A0, (uint64_t)result.error);
    hart_set_x(machine->hart, A1, result.value);
}
