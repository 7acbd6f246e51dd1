/* CSR instructions: those that kernels execute on every trap are here, the rest is the hart's. */
#include "vmm/riscv/csr.h"
#include "vmm/riscv/jit/x86_64/emitter.h"

struct csr_op {
    const struct ir_op *ir;
    unsigned number;
    unsigned function; /* 1: write, 2: set, 3: clear */
    bool is_immediate;
    bool writes;
};

static struct csr_op csr_op_of(const struct ir_op *ir)
{
    uint32_t raw = ir->guest->raw;

    return (struct csr_op){
        .ir = ir,
        .number = raw >> 20,
        .function = raw >> 12 & 3,
        .is_immediate = (raw >> 14 & 1) != 0,
        .writes = (raw >> 12 & 3) == 1 || ir->guest->rs1 != 0,
    };
}

/* The new value in rcx, with the old one in rax. */
static void emit_new_value(struct back_end *e, const struct csr_op *op)
{
    if (op->is_immediate) {
        mov_ri(&e->a, RCX, op->ir->guest->rs1);
    } else {
        copy(e, true, RCX, op->ir->guest->rs1);
    }
    if (op->function == 2) {
        alu_rr(&e->a, ALU_OR, true, RCX, RAX);
    } else if (op->function == 3) {
        unary_r(&e->a, true, 2, RCX); /* not */
        alu_rr(&e->a, ALU_AND, true, RCX, RAX);
    }
}

/* A CSR that is a word of the state, of which `legal` bits can be written. */
static void emit_plain(struct back_end *e, const struct csr_op *op, struct memory_operand place,
                       int32_t legal)
{
    require_privilege(e, op->ir, HART_SUPERVISOR);
    load(&e->a, true, RAX, place);
    if (op->writes) {
        emit_new_value(e, op);
        if (legal != -1) {
            alu_ri(&e->a, ALU_AND, true, RCX, legal);
        }
        store(&e->a, true, RCX, place);
    }
    if (op->ir->dst != 0) {
        set_result(e, op->ir->dst, RAX, false);
    }
}

static void forget_float_state(struct back_end *e)
{
    e->known.float_enabled = false;
    e->known.float_dirty = false;
}

static void emit_sstatus(struct back_end *e, const struct csr_op *op)
{
    struct cold *change_of_mxr;

    require_privilege(e, op->ir, HART_SUPERVISOR);
    call_shared(e, e->read_sstatus);
    if (!op->writes) {
        if (op->ir->dst != 0) {
            set_result(e, op->ir->dst, RAX, false);
        }
        return;
    }
    emit_new_value(e, op);
    mov_rr(&e->a, false, RDX, RCX);
    alu_rm(&e->a, ALU_XOR, false, RDX, HART_FIELD(state.sstatus));
    test_ri(&e->a, RDX, (uint32_t)SSTATUS_MXR);
    change_of_mxr = add_cold(e, COLD_EXECUTE, op->ir, jump_if(&e->a, CC_NOT_EQUAL));
    call_shared(e, e->write_sstatus);
    if (op->ir->dst != 0) {
        set_result(e, op->ir->dst, RAX, false);
    }
    add_cold(e, COLD_INTERRUPT, op->ir, jump_if(&e->a, CC_NOT_EQUAL));
    change_of_mxr->resume = e->a.at;
    forget_float_state(e);
}

void emit_csr(struct back_end *e, const struct ir_op *ir)
{
    struct csr_op op = csr_op_of(ir);

    switch (op.number) {
    case CSR_SSCRATCH: emit_plain(e, &op, HART_FIELD(state.sscratch), -1); return;
    case CSR_SEPC: emit_plain(e, &op, HART_FIELD(state.sepc), -2); return;
    case CSR_SCAUSE: emit_plain(e, &op, HART_FIELD(state.scause), -1); return;
    case CSR_STVAL: emit_plain(e, &op, HART_FIELD(state.stval), -1); return;
    case CSR_SSTATUS: emit_sstatus(e, &op); return;
    default: break;
    }
    call_execute(e, ir);
    forget_float_state(e);
}
