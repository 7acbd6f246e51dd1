#include "vmm/riscv/step.h"

#include <stddef.h>
#include <string.h>

#include "vmm/riscv/decode.h"
#include "vmm/riscv/hart_state.h"

_Static_assert(HART_STEP_FIELD_COUNT <= 32, "a bit for each");

static const char *op_name(unsigned code)
{
    static const char *const names[] = {
#define OP_NAME(name) #name,
        OP_LIST(OP_NAME)
#undef OP_NAME
    };
    return names[code];
}

static void read_instruction(const struct hart *hart, struct hart_step *step)
{
    uint16_t halves[2] = {0, 0};

    step->length = 0;
    if (!hart_peek(hart, step->pc, &halves[0], sizeof halves[0])) {
        return;
    }
    if ((halves[0] & 3) != 3) {
        step->length = 2;
    } else if (hart_peek(hart, step->pc + 2, &halves[1], sizeof halves[1])) {
        step->length = 4;
    }
    step->instruction = (uint32_t)halves[1] << 16 | halves[0];
}

static void describe_instruction(const struct hart_state *before, struct hart_step *step)
{
    struct op op;

    decode_instruction(step->instruction, &op);
    step->name = op_name(op.code);
    step->has_address = op.code >= OP_LB && op.code <= OP_AMOMAXU_D;
    if (step->has_address) {
        uint64_t displacement = op.code < OP_LR_W ? (uint64_t)(int64_t)op.imm : 0;
        step->address = before->x[op.rs1] + displacement;
    }
}

static uint32_t changed_registers(const uint64_t before[32], const uint64_t after[32])
{
    uint32_t bits = 0;

    if (memcmp(before, after, 32 * sizeof before[0]) != 0) {
        for (unsigned i = 0; i < 32; i++) {
            bits |= (uint32_t)(before[i] != after[i]) << i;
        }
    }
    return bits;
}

static void compare_fields(const struct hart_state *before, const struct hart_state *after,
                           struct hart_step *step)
{
    size_t from = offsetof(struct hart_state, sstatus);

    step->fields_changed = 0;
    if (memcmp((const uint8_t *)before + from, (const uint8_t *)after + from,
               sizeof *before - from) == 0) {
        return;
    }
#define COMPARE_FIELD(name)                                                                        \
    step->fields_changed |= (uint32_t)(before->name != after->name) << HART_STEP_##name;           \
    step->fields[HART_STEP_##name] = after->name;
    HART_STEP_FIELDS(COMPARE_FIELD)
#undef COMPARE_FIELD
}

enum hart_stop hart_step(struct hart *hart, struct hart_step *step)
{
    const struct hart_state *after = &hart->state;
    const struct hart_state before = hart->state;
    uint64_t traps = hart->traps;
    enum hart_stop stop;

    step->position = before.position;
    step->pc = before.pc;
    step->privilege = (enum hart_privilege)before.privilege;
    /* Before it runs, as it may write over itself. */
    read_instruction(hart, step);

    stop = hart_run(hart, before.position + 1);

    step->moved = after->position != before.position;
    step->trapped = hart->traps != traps;
    step->trap_cause = after->scause;
    step->trap_value = after->stval;
    if (step->trapped && (step->trap_cause & CAUSE_INTERRUPT) != 0) {
        step->length = 0; /* it came instead of the instruction */
    }
    if (step->length != 0) {
        describe_instruction(&before, step);
    } else {
        step->name = NULL;
        step->has_address = false;
    }
    step->x_changed = changed_registers(before.x, after->x);
    step->f_changed = changed_registers(before.f, after->f);
    compare_fields(&before, after, step);
    return stop;
}
