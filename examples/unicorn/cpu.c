#include "cpu.h"

#include <stddef.h>
#include <string.h>

#include "board.h"

#define MSTATUS_MIE       (UINT64_C(1) << 3)
#define MSTATUS_MPIE      (UINT64_C(1) << 7)
#define MSTATUS_MPP       (UINT64_C(3) << 11)
#define MCAUSE_INTERRUPT  (UINT64_C(1) << 63)
#define MTVEC_MODE        UINT64_C(3)
#define MTVEC_VECTORED    UINT64_C(1)
#define INTERRUPT_NUMBERS 64

static const int csr_numbers[] = {
#define CPU_CSR_NUMBER(name, number) number,
    CPU_CSRS(CPU_CSR_NUMBER)
#undef CPU_CSR_NUMBER
};

static uint64_t read_register(const struct cpu *cpu, int number)
{
    uint64_t value = 0;
    (void)uc_reg_read(cpu->engine, number, &value);
    return value;
}

static void write_register(struct cpu *cpu, int number, uint64_t value)
{
    (void)uc_reg_write(cpu->engine, number, &value);
}

/* A block is about to run. The one before it has run to its end. */
static void enter_block(uc_engine *engine, uint64_t address, uint32_t size, void *context)
{
    struct cpu *cpu = context;
    cpu->position += cpu->in_block;
    cpu->in_block = 0;
    cpu->block = address;
    if (cpu->position >= cpu->limit ||
        (cpu->position >= cpu->attention && cpu->attend(cpu->context))) {
        cpu->stopped = true;
        (void)uc_emu_stop(engine);
        return;
    }
    cpu->in_block = size;
}

uc_err cpu_open(struct cpu *cpu, void *ram, bool (*attend)(void *context), void *context)
{
    memset(cpu, 0, sizeof *cpu);
    cpu->attend = attend;
    cpu->context = context;
    cpu->attention = UINT64_MAX;
    cpu->pc = BOARD_RAM;
    uc_err error = uc_open(UC_ARCH_RISCV, UC_MODE_RISCV64, &cpu->engine);
    if (error != UC_ERR_OK) {
        return error;
    }
    uc_hook hook;
    error = uc_mem_map_ptr(cpu->engine, BOARD_RAM, BOARD_RAM_SIZE, UC_PROT_ALL, ram);
    if (error == UC_ERR_OK) {
        /* From 1 to 0: everywhere. */
        error = uc_hook_add(cpu->engine, &hook, UC_HOOK_BLOCK, (void *)enter_block, cpu, 1, 0);
    }
    if (error != UC_ERR_OK) {
        cpu_close(cpu);
    }
    return error;
}

void cpu_close(struct cpu *cpu)
{
    if (cpu->engine != NULL) {
        (void)uc_close(cpu->engine);
        cpu->engine = NULL;
    }
}

enum cpu_stop cpu_run(struct cpu *cpu, uint64_t limit)
{
    cpu->limit = limit;
    cpu->stopped = false;
    cpu->in_block = 0;
    cpu->block = cpu->pc;
    cpu->fault = uc_emu_start(cpu->engine, cpu->pc, 0, 0, 0);
    if (cpu->stopped) {
        /* Where the hook said, as pc itself is not kept up to date from block to block. */
        cpu->pc = cpu->block;
        return CPU_STOPPED;
    }
    uint64_t pc = read_register(cpu, UC_RISCV_REG_PC);
    if (cpu->fault != UC_ERR_OK || pc < cpu->block || pc > cpu->block + cpu->in_block) {
        cpu->pc = cpu->block;
        return CPU_FAULT;
    }
    cpu->position += pc - cpu->block;
    cpu->pc = pc;
    return CPU_WAITS;
}

int cpu_takes(const struct cpu *cpu, uint64_t pending)
{
    if ((read_register(cpu, UC_RISCV_REG_MSTATUS) & MSTATUS_MIE) == 0) {
        return -1;
    }
    pending &= read_register(cpu, UC_RISCV_REG_MIE);
    for (int number = INTERRUPT_NUMBERS - 1; number >= 0; number--) {
        if ((pending >> number & 1) != 0) {
            return number;
        }
    }
    return -1;
}

bool cpu_wakes(const struct cpu *cpu, uint64_t pending)
{
    return (pending & read_register(cpu, UC_RISCV_REG_MIE)) != 0;
}

/* Privileged specification 1.10, 3.1.6.1 and 3.1.12. */
void cpu_interrupt(struct cpu *cpu, int number)
{
    uint64_t status = read_register(cpu, UC_RISCV_REG_MSTATUS);
    uint64_t vector = read_register(cpu, UC_RISCV_REG_MTVEC);
    uint64_t enabled = (status & MSTATUS_MIE) != 0 ? MSTATUS_MPIE : 0;
    write_register(cpu, UC_RISCV_REG_MEPC, cpu->pc);
    write_register(cpu, UC_RISCV_REG_MCAUSE, MCAUSE_INTERRUPT | (uint64_t)number);
    write_register(cpu, UC_RISCV_REG_MSTATUS,
                   (status & ~(MSTATUS_MIE | MSTATUS_MPIE)) | enabled | MSTATUS_MPP);
    cpu->pc = vector & ~MTVEC_MODE;
    if ((vector & MTVEC_MODE) == MTVEC_VECTORED) {
        cpu->pc += 4 * (uint64_t)number;
    }
}

void cpu_read(const struct cpu *cpu, struct cpu_registers *registers)
{
    registers->pc = cpu->pc;
    for (int i = 0; i < 31; i++) {
        registers->x[i] = read_register(cpu, UC_RISCV_REG_X1 + i);
    }
    for (int i = 0; i < CPU_CSR_COUNT; i++) {
        registers->csr[i] = read_register(cpu, csr_numbers[i]);
    }
}

bool cpu_write(struct cpu *cpu, const struct cpu_registers *registers)
{
    for (int i = 0; i < 31; i++) {
        write_register(cpu, UC_RISCV_REG_X1 + i, registers->x[i]);
    }
    for (int i = 0; i < CPU_CSR_COUNT; i++) {
        write_register(cpu, csr_numbers[i], registers->csr[i]);
    }
    cpu->pc = registers->pc;
    struct cpu_registers taken;
    cpu_read(cpu, &taken);
    return memcmp(&taken, registers, sizeof taken) == 0;
}
