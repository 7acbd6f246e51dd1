#include "tests/riscv/programs/step.h"

#include "tests/riscv/programs/operations.h"
#include "tests/riscv/programs/privileged.h"

static void carry_out(struct emitter *e, enum step_kind kind)
{
    switch (kind) {
    case STEP_REGISTER: operation_register(e); break;
    case STEP_IMMEDIATE: operation_immediate(e); break;
    case STEP_COMPRESSED: operation_compressed(e); break;
    case STEP_CONSTANT: operation_constant(e); break;
    case STEP_MEMORY: operation_memory(e); break;
    case STEP_ATOMIC: operation_atomic(e); break;
    case STEP_FLOAT: operation_float(e); break;
    case STEP_FLOAT_CONTROL: operation_float_control(e); break;
    case STEP_BRANCH: step_branch(e); break;
    case STEP_LOOP: step_loop(e); break;
    case STEP_CALL: step_call(e); break;
    case STEP_INDIRECT: step_indirect(e); break;
    case STEP_BASE: step_base(e); break;
    case STEP_CSR: step_csr(e); break;
    case STEP_SYSTEM: step_system(e); break;
    case STEP_SPACE: step_space(e); break;
    case STEP_TABLE: step_table(e); break;
    case STEP_MODIFY: step_modify(e); break;
    case STEP_KINDS: break;
    }
}

void step(struct emitter *e)
{
    uint32_t total = 0;
    uint32_t drawn;

    for (unsigned kind = 0; kind < STEP_KINDS; kind++) {
        total += e->weights[kind];
    }
    drawn = choose(e->choices, total);
    for (unsigned kind = 0; kind < STEP_KINDS; kind++) {
        if (drawn < e->weights[kind]) {
            carry_out(e, (enum step_kind)kind);
            return;
        }
        drawn -= e->weights[kind];
    }
}
