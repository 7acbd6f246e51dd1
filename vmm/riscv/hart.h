/*
 * One RISC-V hart: RV64GC (IMAFDC, Zicsr, Zifencei, Zba, Zbb, Zbs, Sstc), U and S mode, Sv39.
 *
 * The hart knows its registers, its memory and a few callbacks; it knows no device, no clock of the
 * host and no replication. There is no M mode: an `ecall` from S mode is the SBI call of the
 * embedding machine, traps that M mode would delegate arrive in S mode directly.
 *
 * Contract of exactness: `hart_run(hart, end)` retires instructions until `hart->position == end`
 * exactly, or stops before that for one of the deterministic reasons below. Each retired
 * instruction advances `position` by one. Taking a trap or an interrupt advances it by one too, so
 * that no guest (a fault at its own handler, say) can keep hart_run() from reaching `end`.
 * The same state run to the same position in any number of calls gives the same state, to the bit.
 *
 * Not thread-safe: the vCPU thread owns the hart.
 */
#ifndef VMM_RISCV_HART_H
#define VMM_RISCV_HART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/memory.h"
#include "vmm/state/state.h"

enum hart_privilege { HART_USER = 0, HART_SUPERVISOR = 1 };

enum hart_stop {
    HART_STOP_POSITION,  /* reached the position asked for */
    HART_STOP_IDLE,      /* retired a `wfi` with no interrupt pending: nothing to do until one is */
    HART_STOP_REQUESTED, /* a callback called hart_request_stop() */
};

/* What the hart needs from the machine around it. All are called on the vCPU thread, from inside
 * hart_run(), with position and pc exact: the instruction that calls has not been counted yet.
 * sbi_call finds all registers exact and may change them; the pc is already the next instruction's
 * then, and may be set, as by hart_reset(). The other callbacks must neither look at x and f
 * registers, which may be in the host's, nor set any or the pc. */
struct hart_callbacks {
    void *context;
    /* Physical access outside RAM. size is 1, 2, 4 or 8, address aligned to it. False: access
     * fault. */
    bool (*mmio_read)(void *context, uint64_t address, unsigned size, uint64_t *value);
    bool (*mmio_write)(void *context, uint64_t address, unsigned size, uint64_t value);
    /* `ecall` from S mode: arguments and results in x10..x17 (SBI specification 2.0, chapter 3). */
    void (*sbi_call)(void *context);
    /* Guest time in nanoseconds as an environment instruction; NULL when time is computed. */
    uint64_t (*environment_time_ns)(void *context);
};

/* The clock inside an epoch: time_ns = clock_ns + ((position - position_base) * rate_q32 >> 32).
 * Set at boundaries, never going backwards. The `time` CSR counts HART_TIME_TICK_NS. */
struct hart_clock {
    uint64_t clock_ns;
    uint64_t position;
    uint64_t rate_q32; /* nanoseconds per instruction, 32.32 fixed point */
};
#define HART_TIME_TICK_NS   100u
#define HART_TIME_FREQUENCY 10000000u

/* How instructions are carried out. Never shows in the guest: both engines agree at every position,
 * to the bit. */
enum hart_engine {
    HART_INTERPRETER,
    HART_JIT, /* hot code is translated to the host's; the rest is interpreted */
};

/* A smaller code cache would not hold what a single translation may need; it gets that. */
#define HART_MIN_CODE_CACHE (UINT64_C(256) << 10)

struct hart_config {
    enum hart_engine engine;
    uint32_t hot_after;       /* times that a block is interpreted before it is translated */
    uint64_t code_cache_size; /* bytes; when it is full, all translations are dropped */
    bool perf_map;            /* names guest code for perf(1), in /tmp/perf-PID.map */
};

/* True if there is a JIT for this host. */
bool hart_has_jit(void);
/* The JIT where there is one, with limits that suit it. */
void hart_config_init(struct hart_config *config);

struct hart;

/* Memory and callbacks must outlive the hart. The configuration is copied; NULL stands for what
 * hart_config_init() says. NULL if out of memory, or if the engine asked for is not there. */
struct hart *hart_create(const struct guest_memory *memory, const struct hart_callbacks *callbacks,
                         const struct hart_config *config);
void hart_destroy(struct hart *hart);

/* State after reset: S mode, paging off, interrupts off, pc as given, a0 = hart id 0, a1 = device
 * tree address. The position goes on counting: it is instructions since the first reset. */
void hart_reset(struct hart *hart, uint64_t pc, uint64_t device_tree_address);

/* Runs until `end` or an earlier deterministic stop. Timer interrupts (Sstc, stimecmp) fire at the
 * exact position at which the computed clock reaches stimecmp; with environment_time_ns they are
 * noticed only when the clock is set (hart_set_clock) or read. */
enum hart_stop hart_run(struct hart *hart, uint64_t end);

/* From a callback: hart_run() returns HART_STOP_REQUESTED after the current instruction retires. */
void hart_request_stop(struct hart *hart);

uint64_t hart_position(const struct hart *hart);
void hart_set_clock(struct hart *hart, const struct hart_clock *clock);
/* The guest's time now, by the computed clock. */
uint64_t hart_time_ns(const struct hart *hart);
/* Guest time at which an idle hart wants to be woken (stimecmp enabled and in the future), in
 * nanoseconds, rounded up to the tick; UINT64_MAX if no timer is armed. */
uint64_t hart_wake_time_ns(const struct hart *hart);
/* True if a `wfi` now would not wait: an interrupt is pending and enabled in sie. */
bool hart_has_interrupt(const struct hart *hart);

/* Level of the external interrupt line (PLIC context of S mode), and of the software interrupt. */
void hart_set_external_interrupt(struct hart *hart, bool level);
void hart_set_software_interrupt(struct hart *hart, bool level);

uint64_t hart_get_x(const struct hart *hart, unsigned index);
void hart_set_x(struct hart *hart, unsigned index, uint64_t value);
uint64_t hart_get_f(const struct hart *hart, unsigned index);
void hart_set_f(struct hart *hart, unsigned index, uint64_t value);
uint64_t hart_get_pc(const struct hart *hart);
void hart_set_pc(struct hart *hart, uint64_t pc);
/* CSR by its number, as the guest would read it from S mode; for tests, SBI and traces. */
uint64_t hart_get_csr(const struct hart *hart, unsigned number);
void hart_set_csr(struct hart *hart, unsigned number, uint64_t value);
void hart_set_stimecmp(struct hart *hart, uint64_t ticks); /* SBI set_timer */

/* Reads RAM at virtual addresses, as a debugger does: page permissions are not asked, and nothing
 * changes, not even an A bit. False: some of it is not mapped, or not RAM. */
bool hart_peek(const struct hart *hart, uint64_t address, void *bytes, size_t size);

/* Someone other than the hart wrote RAM (device DMA, loading): blocks decoded and translations
 * derived from there are dropped. Must be called for every such write before the hart runs again.
 */
void hart_memory_written(struct hart *hart, uint64_t address, uint64_t size);
/* SBI rfence: forget decoded instructions / translations. Neither is ever stale (README.md), so
 * this is never needed, and never shows. */
void hart_fence_i(struct hart *hart);
void hart_sfence_vma(struct hart *hart);

/* What the engine has done since hart_create(), for people who tune. */
struct hart_counters {
    enum hart_engine engine;
    uint64_t decoded_blocks;     /* that the interpreter has decoded, all told */
    uint64_t decoded_flushes;    /* times that their cache was full */
    uint64_t translations;       /* made, all told */
    uint64_t translations_alive; /* in the code cache now */
    uint64_t code_bytes;         /* used of the code cache now */
    uint64_t code_capacity;
    uint64_t code_flushes;  /* times that the code cache was full */
    uint64_t invalidations; /* translations dropped because their guest code was written */
};
void hart_get_counters(const struct hart *hart, struct hart_counters *counters);

/* XXH3-quality 64-bit digest of all guest-visible state of the hart (not memory). Cheap: called at
 * every boundary. */
uint64_t hart_digest(const struct hart *hart);
void hart_save(const struct hart *hart, struct state_writer *writer);
/* On error nothing was taken. Forgets all that was derived from memory, so RAM may be loaded before
 * or after. */
void hart_load(struct hart *hart, struct state_reader *reader);

#endif
