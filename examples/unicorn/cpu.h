/*
 * cpu.h - unicorn's RV64 as a processor that can be stopped reproducibly, and takes interrupts.
 *
 * Progress is counted in bytes of executed instructions. Unicorn executes in blocks, straight runs
 * of code up to a branch, and tells of each before it is executed, with its size. There the
 * processor can be stopped, and there alone: it stops at the start of the first block at or behind
 * the position that was asked for, which is the same wherever it stopped before. cpu.position
 * inside of a block is that of its start.
 *
 * Used by the machine, on its vCPU thread.
 */
#ifndef EXAMPLES_UNICORN_CPU_H
#define EXAMPLES_UNICORN_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include <unicorn/unicorn.h>

/* X(name, unicorn's number): what the processor keeps beside pc and x1 to x31. */
#define CPU_CSRS(X)                                                                                \
    X(mstatus, UC_RISCV_REG_MSTATUS)                                                               \
    X(mie, UC_RISCV_REG_MIE)                                                                       \
    X(mtvec, UC_RISCV_REG_MTVEC)                                                                   \
    X(mscratch, UC_RISCV_REG_MSCRATCH)                                                             \
    X(mepc, UC_RISCV_REG_MEPC)                                                                     \
    X(mcause, UC_RISCV_REG_MCAUSE)                                                                 \
    X(mtval, UC_RISCV_REG_MTVAL)

enum cpu_csr {
#define CPU_CSR_ENUM(name, number) CPU_##name,
    CPU_CSRS(CPU_CSR_ENUM)
#undef CPU_CSR_ENUM
        CPU_CSR_COUNT
};

/* All that the guest can see of the processor. */
struct cpu_registers {
    uint64_t pc;
    uint64_t x[31]; /* x1 to x31 */
    uint64_t csr[CPU_CSR_COUNT];
};

/* Why the processor does not run. */
enum cpu_stop {
    CPU_STOPPED, /* at the limit, or because attend() wanted it */
    CPU_WAITS,   /* wfi; pc is behind it */
    CPU_FAULT,   /* an exception or an access to nothing: pc is at the start of its block */
};

struct cpu {
    uc_engine *engine;
    uint64_t position;
    uint64_t pc;        /* at a stop */
    uint64_t block;     /* where the block that runs starts */
    uint64_t in_block;  /* bytes that it has */
    uint64_t limit;     /* stop there */
    uint64_t attention; /* ask attend() from there on, at each block; UINT64_MAX: never */
    bool (*attend)(void *context); /* true: stop */
    void *context;
    bool stopped; /* by us */
    uc_err fault; /* at CPU_FAULT */
};

/* Makes the processor, with `ram` as all of its memory, and starts at its first byte. Zero, or
 * unicorn's error. */
uc_err cpu_open(struct cpu *cpu, void *ram, bool (*attend)(void *context), void *context);
void cpu_close(struct cpu *cpu);

/* Runs until the first block at or behind `limit`. */
enum cpu_stop cpu_run(struct cpu *cpu, uint64_t limit);

/* Whether interrupt `number` of those in `pending` (bits, as in mie) would be taken now; -1: none.
 * In attend() or at a stop. */
int cpu_takes(const struct cpu *cpu, uint64_t pending);
/* Whether one of them ends a wfi. */
bool cpu_wakes(const struct cpu *cpu, uint64_t pending);
/* At a stop: the guest goes on in its handler. */
void cpu_interrupt(struct cpu *cpu, int number);

/* At a stop. */
void cpu_read(const struct cpu *cpu, struct cpu_registers *registers);
/* Before the first run, as what was translated of the memory before would stay, and to drop it
 * unicorn overwrites its whole GiB for it. False: this processor does not take them as they are. */
bool cpu_write(struct cpu *cpu, const struct cpu_registers *registers);

#endif
