#include "tests/riscv/differential/generate.h"

#include <string.h>

#include "tests/riscv/programs/step.h"
#include "tests/riscv/programs/values.h"

/* The bases of memory accesses, and the context. */
#define KEPT (1u << SP | 1u << GP | 1u << TP | 1u << S0)

void generate_case(struct test_case *out, uint64_t seed, unsigned length)
{
    struct choices choices = choices_from_seed(seed);
    struct emitter emitter = {
        .choices = &choices,
        .code = out->code,
        .size = CODE_SIZE - sizeof(uint32_t), /* for the jump to the exit */
        .kept = KEPT,
        .tame = true,
        .weights = {[STEP_REGISTER] = 6,
                    [STEP_IMMEDIATE] = 4,
                    [STEP_COMPRESSED] = 6,
                    [STEP_CONSTANT] = 1,
                    [STEP_MEMORY] = 4,
                    [STEP_ATOMIC] = 2,
                    [STEP_FLOAT] = 8,
                    [STEP_FLOAT_CONTROL] = 2,
                    [STEP_BRANCH] = 4,
                    [STEP_LOOP] = 1,
                    [STEP_CALL] = 1,
                    [STEP_INDIRECT] = 1},
    };

    memset(out, 0, sizeof *out);
    for (unsigned i = 1; i < 32; i++) {
        out->context.x[i] = value_integer(&choices);
        out->context.f[i] = value_float(&choices);
    }
    out->context.f[0] = value_float(&choices);
    out->context.x[SP] = SCRATCH_BASE;
    out->context.x[GP] = SCRATCH_BASE;
    out->context.x[S0] = SCRATCH_BASE;
    out->context.x[TP] = REGION_START + CONTEXT_OFFSET;
    out->context.fcsr = choose(&choices, 5) << 5 | (choose(&choices, 2) ? 0 : choose(&choices, 32));
    for (unsigned i = 0; i < SCRATCH_SIZE; i += 8) {
        uint64_t value = choose(&choices, 2) ? value_integer(&choices) : value_float(&choices);
        memcpy(out->scratch + i, &value, sizeof value);
    }
    for (unsigned i = 0; i < length; i++) {
        step(&emitter);
    }
    emitter.size = CODE_SIZE;
    emit(&emitter, rv_jal(ZERO, STUB_OFFSET + STUB_EXIT - (CODE_OFFSET + (int32_t)emitter.used)));
}
