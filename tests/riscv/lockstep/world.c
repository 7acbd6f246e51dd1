#include "tests/riscv/lockstep/world.h"

#include <stdlib.h>
#include <string.h>

#include "tests/riscv/support/assembler.h"
#include "vmm/riscv/csr.h"

#define ENVIRONMENT_NS_PER_INSTRUCTION 20u
#define SSTATUS_SIE                    UINT64_C(2)

static uint64_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = (a ^ b * UINT64_C(0x9e3779b97f4a7c15)) + UINT64_C(0x632be59bd9b4e019);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    return z ^ z >> 29;
}

struct record *world_record(struct world *world, enum record_kind kind, uint64_t address,
                            uint64_t value)
{
    struct record *record;

    if (world->count == world->capacity) {
        world->capacity = world->capacity != 0 ? 2 * world->capacity : 256;
        world->records = realloc(world->records, world->capacity * sizeof *world->records);
        if (world->records == NULL) {
            abort();
        }
    }
    record = &world->records[world->count++];
    *record = (struct record){.kind = kind,
                              .position = hart_position(world->hart),
                              .pc = hart_get_pc(world->hart),
                              .address = address,
                              .value = value};
    /* Elsewhere inside hart_run() registers may be in the host's. */
    if (kind != RECORD_READ && kind != RECORD_WRITE && kind != RECORD_TIME) {
        record->digest = hart_digest(world->hart);
    }
    return record;
}

void world_destroy(struct world *world)
{
    free(world->records);
}

void world_choose_task(struct world *world)
{
    struct hart *hart = world->hart;

    hart_set_csr(hart, CSR_SSTATUS, hart_get_csr(hart, CSR_SSTATUS) & ~SSTATUS_SIE);
    hart_set_x(hart, T1, mix(hart_position(hart), 1));
    hart_set_x(hart, T6, FRAME_ADDRESS(FRAME_CONTEXT) + PROGRAM_CONTEXT);
    hart_set_pc(hart, world->program->task_pc);
}

/* As a device's DMA: one instruction, somewhere in the code; or where `value` says. */
static void write_code(struct world *world, uint64_t value)
{
    uint64_t code = FRAME_ADDRESS(FRAME_CODE);
    uint64_t size = PROGRAM_CODE_PAGES * GUEST_PAGE_SIZE;
    uint64_t address = value >= code && value < code + size ? value : code + mix(value, 2) % size;
    uint32_t bits = rv_addi(A0, A0, (int32_t)(value & 7));

    address &= ~UINT64_C(3);
    memcpy(guest_memory_slice(&world->memory, address, sizeof bits), &bits, sizeof bits);
    hart_memory_written(world->hart, address, sizeof bits);
}

/* False: the access is refused. */
static bool access_device(struct world *world, uint64_t address, uint64_t value)
{
    if (address < DEVICE_START) {
        return false;
    }
    switch ((enum program_device)(address & 0xf00)) {
    case DEVICE_REFUSES: return false;
    case DEVICE_STOPS: hart_request_stop(world->hart); return (address & 8) == 0;
    case DEVICE_LOWERS: hart_set_external_interrupt(world->hart, false); return true;
    case DEVICE_RAISES: hart_set_external_interrupt(world->hart, true); return (address & 8) == 0;
    case DEVICE_SOFTWARE: hart_set_software_interrupt(world->hart, (address & 8) == 0); return true;
    case DEVICE_WRITES_RAM: write_code(world, value); return true;
    default: return true;
    }
}

static bool read_device(void *context, uint64_t address, unsigned size, uint64_t *value)
{
    struct world *world = context;
    struct record *record = world_record(world, RECORD_READ, address, 0);

    *value = mix(address, hart_position(world->hart));
    record->size = size;
    record->value = *value;
    return access_device(world, address, *value);
}

static bool write_device(void *context, uint64_t address, unsigned size, uint64_t value)
{
    struct world *world = context;
    world_record(world, RECORD_WRITE, address, value)->size = size;
    return access_device(world, address, value);
}

static void call(void *context)
{
    struct world *world = context;
    struct hart *hart = world->hart;
    uint64_t argument = hart_get_x(hart, A0);

    world_record(world, RECORD_CALL, hart_get_x(hart, A7), argument);
    switch (hart_get_x(hart, A7) & 7) {
    case 0: hart_set_x(hart, A1, mix(argument, hart_position(hart))); break;
    case 1: hart_request_stop(hart); break;
    case 2: hart_set_stimecmp(hart, hart_get_csr(hart, CSR_TIME) + argument % 128); break;
    case 3: hart_set_software_interrupt(hart, true); break;
    case 4:
        hart_fence_i(hart);
        hart_sfence_vma(hart);
        break;
    case 5: write_code(world, argument); break;
    case 6: hart_set_external_interrupt(hart, true); break;
    default:
        if (mix(argument, hart_position(hart)) % 8 == 0) {
            hart_reset(hart, world->program->task_pc, 0);
            hart_set_csr(hart, CSR_STVEC, world->program->stvec);
            hart_set_csr(hart, CSR_SATP, world->program->satp);
            world_choose_task(world);
        }
        break;
    }
    hart_set_x(hart, A0, 0);
}

static uint64_t environment_time_ns(void *context)
{
    struct world *world = context;
    uint64_t now = hart_position(world->hart) * ENVIRONMENT_NS_PER_INSTRUCTION;

    world_record(world, RECORD_TIME, 0, now);
    return now;
}

struct hart_callbacks world_callbacks(struct world *world)
{
    return (struct hart_callbacks){
        .context = world,
        .mmio_read = read_device,
        .mmio_write = write_device,
        .sbi_call = call,
        .environment_time_ns = world->program->environment_clock ? environment_time_ns : NULL,
    };
}
