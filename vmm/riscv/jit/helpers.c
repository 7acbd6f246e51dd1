#include "vmm/riscv/jit/helpers.h"

#include "vmm/riscv/atomics.h"
#include "vmm/riscv/fpu.h"
#include "vmm/riscv/fpu_values.h"
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/jit/jit_state.h"
#include "vmm/riscv/mmu.h"

static const struct op *begin(struct hart *hart, uint32_t where, int64_t budget)
{
    const struct op *op = &hart->blocks.ops[where & ((1u << JIT_OP_BITS) - 1)];

    hart->state.pc = hart->shared.page + op->offset;
    hart->state.position = hart->shared.limit - (uint64_t)budget - (where >> JIT_OP_BITS);
    return op;
}

static void trap(struct hart *hart)
{
    hart->shared.status = JIT_STATUS_TRAP;
}

/* The instruction is done. If generated code must return now, it does so behind it: what the
 * instruction wrote waits until the registers are back in the state. */
static void end(struct hart *hart, const struct op *op, unsigned result)
{
    if (unlikely(hart->leave)) {
        hart->state.pc += op_length(op);
        hart->state.position++;
        hart->shared.status = JIT_STATUS_LEAVE;
        hart->shared.pending_register = result;
        hart->shared.pending_value = hart->state.x[result];
    }
}

uint64_t jit_load(struct hart *hart, uint64_t address, uint32_t where, int64_t budget)
{
    const struct op *op = begin(hart, where, budget);
    static const uint8_t sizes[] = {1, 2, 4, 8, 1, 2, 4};
    uint64_t value;

    if (!mmu_load(hart, address, sizes[op->code - OP_LB], &value)) {
        trap(hart);
        return 0;
    }
    switch (op->code) {
    case OP_LB: value = (uint64_t)(int64_t)(int8_t)value; break;
    case OP_LH: value = (uint64_t)(int64_t)(int16_t)value; break;
    case OP_LW: value = (uint64_t)(int64_t)(int32_t)value; break;
    default: break;
    }
    /* The sink, if the instruction has no other destination. */
    hart->state.x[op->rd] = value;
    end(hart, op, op->rd);
    return value;
}

void jit_store(struct hart *hart, uint64_t address, uint32_t where, int64_t budget, uint64_t value)
{
    const struct op *op = begin(hart, where, budget);

    if (!mmu_store(hart, address, 1u << (op->code - OP_SB), value)) {
        trap(hart);
        return;
    }
    end(hart, op, OP_SINK_REGISTER);
}

void jit_access_float(struct hart *hart, uint64_t address, uint32_t where, int64_t budget)
{
    const struct op *op = begin(hart, where, budget);
    unsigned size = op->code == OP_FLW || op->code == OP_FSW ? 4 : 8;
    uint64_t value;

    if (op->code == OP_FSW || op->code == OP_FSD) {
        if (!mmu_store(hart, address, size, hart->state.f[op->rs2])) {
            trap(hart);
            return;
        }
    } else {
        if (!mmu_load(hart, address, size, &value)) {
            trap(hart);
            return;
        }
        hart->state.f[op->rd] = size == 4 ? box(value) : value;
        hart->state.sstatus |= SSTATUS_FS;
    }
    end(hart, op, OP_SINK_REGISTER);
}

void jit_execute(struct hart *hart, uint64_t unused, uint32_t where, int64_t budget)
{
    const struct op *op = begin(hart, where, budget);
    bool done;

    (void)unused;
    hart->trap_cause = CAUSE_ILLEGAL_INSTRUCTION;
    hart->trap_value = op->raw;
    if (op->code == OP_CSR) {
        done = hart_csr_execute(hart, op);
        /* A look at the environment's clock may have found the timer to be due. */
        jit_note_deadline(hart);
    } else if (op->code >= OP_FADD_S) {
        done = fpu_execute(hart, op);
    } else {
        done = atomics_execute(hart, op);
    }
    if (!done) {
        trap(hart);
    } else if (op->code < OP_FADD_S || op->code == OP_CSR) {
        end(hart, op, op->rd);
    }
}

static const uint8_t *look_for_code(struct hart *hart, uint64_t pc)
{
    struct known_code *known;
    uint64_t physical;
    uint32_t block;

    if (!mmu_fetch(hart, pc, &physical)) {
        return NULL;
    }
    known = jit_known_code(hart->jit, physical);
    if (known->physical == physical) {
        return known->code;
    }
    block = blocks_at(hart, pc);
    if (block == 0 || hart->blocks.blocks[block].region == 0) {
        return NULL;
    }
    const struct region *region = &hart->jit->regions[hart->blocks.blocks[block].region];
    if (hart->blocks.blocks[block].second_page == BLOCK_NO_PAGE) {
        *known = (struct known_code){.physical = physical, .code = region->entry};
    }
    return region->entry;
}

const uint8_t *jit_find_code(struct hart *hart, uint64_t pc, uint32_t unused, int64_t budget)
{
    /* Nothing may be fetched past the limit: a fetch can set A bits. */
    const uint8_t *code = budget > 0 ? look_for_code(hart, pc) : NULL;

    (void)unused;
    if (code != NULL) {
        *jit_jump_for(hart, pc) =
            (struct jit_jump){.pc = pc, .salt = hart->jump_salt, .code = code};
    }
    return code;
}

/* After an instruction that has set the pc itself, and no register. */
static uint64_t end_elsewhere(struct hart *hart, bool leave)
{
    hart->state.position++;
    if (leave) {
        hart->shared.status = JIT_STATUS_LEAVE;
        hart->shared.pending_register = OP_SINK_REGISTER;
    }
    return hart->state.pc;
}

uint64_t jit_trap_return(struct hart *hart, uint64_t unused, uint32_t where, int64_t budget)
{
    begin(hart, where, budget);
    (void)unused;
    hart_sret(hart);
    return end_elsewhere(hart, hart->leave || hart_deliverable(hart) != 0);
}

uint64_t jit_user_call(struct hart *hart, uint64_t unused, uint32_t where, int64_t budget)
{
    begin(hart, where, budget);
    (void)unused;
    hart_trap(hart, CAUSE_USER_ECALL, 0);
    return end_elsewhere(hart, hart->leave);
}
