/*
 * A hart moved by one position, and what that was: an instruction, a trap or an interrupt. For
 * traces; whoever only wants to run the guest calls hart_run(), of which this is one call.
 */
#ifndef VMM_RISCV_STEP_H
#define VMM_RISCV_STEP_H

#include "vmm/riscv/hart.h"

/* What of the hart's state, besides x, f and pc, a step may change: by the names of struct
 * hart_state. Most are CSRs; `reserved` is what LR leaves behind, environment_ns the latest answer
 * of a logged clock. */
#define HART_STEP_FIELDS(X)                                                                        \
    X(sstatus)                                                                                     \
    X(sie)                                                                                         \
    X(sip)                                                                                         \
    X(stvec)                                                                                       \
    X(sscratch)                                                                                    \
    X(sepc)                                                                                        \
    X(scause)                                                                                      \
    X(stval)                                                                                       \
    X(satp)                                                                                        \
    X(scounteren)                                                                                  \
    X(senvcfg)                                                                                     \
    X(stimecmp)                                                                                    \
    X(fflags)                                                                                      \
    X(frm)                                                                                         \
    X(reserved)                                                                                    \
    X(reserved_address)                                                                            \
    X(reserved_value)                                                                              \
    X(environment_ns)

enum hart_step_field {
#define HART_STEP_ENUMERATOR(name) HART_STEP_##name,
    HART_STEP_FIELDS(HART_STEP_ENUMERATOR)
#undef HART_STEP_ENUMERATOR
        HART_STEP_FIELD_COUNT
};

struct hart_step {
    uint64_t position; /* before the step, as are pc and privilege */
    uint64_t pc;
    enum hart_privilege privilege;

    bool moved;           /* else the hart stopped where it was, and the rest says nothing */
    bool trapped;         /* it took a trap or an interrupt */
    uint64_t trap_cause;  /* as scause has it */
    uint64_t trap_value;  /* as stval has it */
    unsigned length;      /* 2 or 4 bytes; 0: no instruction, or none that can be read */
    uint32_t instruction; /* its bits */
    const char *name;     /* of the operation that it was decoded to: enum op_code */
    bool has_address;     /* it is a load, a store or an atomic */
    uint64_t address;     /* virtual */
    /* A bit for each register or field that has another value now than before. */
    uint32_t x_changed;
    uint32_t f_changed;
    uint32_t fields_changed;
    uint64_t fields[HART_STEP_FIELD_COUNT]; /* new values, of those that changed */
};

/* hart_run() to the next position, and the same for the guest. */
enum hart_stop hart_step(struct hart *hart, struct hart_step *step);

#endif
