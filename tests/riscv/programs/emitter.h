/* Where instructions go, and which registers they may touch. */
#ifndef TESTS_RISCV_EMITTER_H
#define TESTS_RISCV_EMITTER_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/riscv/programs/choices.h"
#include "tests/riscv/support/assembler.h"

enum step_kind {
    STEP_REGISTER,
    STEP_IMMEDIATE,
    STEP_COMPRESSED,
    STEP_CONSTANT,
    STEP_MEMORY,
    STEP_ATOMIC,
    STEP_FLOAT,
    STEP_FLOAT_CONTROL,
    STEP_BRANCH,
    STEP_LOOP,
    STEP_CALL,
    STEP_INDIRECT,
    STEP_BASE,
    STEP_CSR,
    STEP_SYSTEM,
    STEP_SPACE,
    STEP_TABLE,
    STEP_MODIFY,
    STEP_KINDS
};

struct emitter {
    struct choices *choices;
    uint8_t *code;
    unsigned used;
    unsigned size;               /* what does not fit is dropped */
    uint32_t kept;               /* bit n: random instructions do not write xn */
    bool tame;                   /* nothing that traps */
    unsigned depth;              /* of steps within steps */
    uint8_t weights[STEP_KINDS]; /* of the steps at the outermost level */
};

void emit(struct emitter *emitter, uint32_t bits);
void emit_16(struct emitter *emitter, uint32_t bits);
/* Replaces an instruction emitted before. */
void emit_at(struct emitter *emitter, unsigned place, uint32_t bits);
/* One that fits into 32 bits as lui sign-extends them, in two instructions. */
void emit_constant(struct emitter *emitter, uint32_t rd, uint32_t value);
/* Zero-extended, in three. */
void emit_address(struct emitter *emitter, uint32_t rd, uint32_t value);

/* Any x register to read. */
uint32_t source(struct emitter *emitter);
/* One that may be written. x0 is among them. */
uint32_t destination(struct emitter *emitter);
/* The same among x1..x31 and x9..x15. */
uint32_t nonzero_destination(struct emitter *emitter);
uint32_t short_destination(struct emitter *emitter);

#endif
