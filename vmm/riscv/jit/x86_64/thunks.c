/* The code that all regions share: the way in, the ways out, calls of the hart's functions. */
#include "vmm/riscv/jit/helpers.h"
#include "vmm/riscv/jit/x86_64/emitter.h"

/* By place of the assignment. The first three survive a call. */
const uint8_t emit_host_registers[ASSIGN_REGISTERS] = {RBP, R12, R13, RSI, RDI, R8, R9, R10, R11};

static const uint8_t preserved[] = {RBX, RBP, R12, R13, R14, R15};
static const uint8_t clobbered[] = {RSI, RDI, R8, R9, R10, R11};

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const uint8_t *here(const struct back_end *e)
{
    return code_memory_executable(&e->jit->memory, e->a.at);
}

/* void enter(struct hart *hart, const uint8_t *code) */
static void emit_enter(struct back_end *e)
{
    struct assignment home;

    e->enter = here(e);
    for (unsigned i = 0; i < COUNT(preserved); i++) {
        push(&e->a, preserved[i]);
    }
    /* Six registers and the return address: one word short of the alignment that calls want. */
    alu_ri(&e->a, ALU_SUB, true, RSP, 8);
    lea(&e->a, true, HOST_HART, at_offset(RDI, HART_BIAS));
    mov_rr(&e->a, true, RAX, RSI);
    load(&e->a, true, HOST_TLB, HART_FIELD(tlb));
    load(&e->a, true, HOST_BUDGET, SHARED_FIELD(budget));
    assign_home(&home);
    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        load(&e->a, true, emit_host_registers[i], x_at(home.guest_in[i]));
    }
    op_rm(&e->a, MOVSD_LOAD, false, HOST_BOX, SHARED_FIELD(box));
    jump_to_register(&e->a, RAX);
}

static const uint8_t *emit_call(struct back_end *e, uintptr_t function);

/* A jump that the jump cache does not know: the code may be there all the same. */
static void emit_exit_jump(struct back_end *e, const uint8_t *find_code)
{
    uint8_t *unknown;

    e->exit_jump = here(e);
    store(&e->a, true, RAX, SHARED_FIELD(next_pc));
    bind_jump(call(&e->a), code_memory_writable(&e->jit->memory, find_code));
    test_rr(&e->a, true, RAX, RAX);
    unknown = jump_short_if(&e->a, CC_EQUAL);
    load(&e->a, true, RCX, SHARED_FIELD(next_pc));
    alu_ri(&e->a, ALU_AND, true, RCX, ~(int32_t)PAGE_MASK);
    store(&e->a, true, RCX, SHARED_FIELD(page));
    jump_to_register(&e->a, RAX);
    bind_short_here(&e->a, unknown);
}

static void emit_exits(struct back_end *e)
{
    struct assignment home;
    uint8_t *to_exit[2];
    const uint8_t *find_code = emit_call(e, (uintptr_t)jit_find_code);

    emit_exit_jump(e, find_code);
    mov_ri(&e->a, RAX, JIT_EXIT_JUMP);
    to_exit[0] = jump(&e->a);
    e->exit_status = here(e);
    mov_ri(&e->a, RAX, JIT_EXIT_STATUS);
    to_exit[1] = jump(&e->a);
    e->exit = here(e);
    bind_jump_here(&e->a, to_exit[0]);
    bind_jump_here(&e->a, to_exit[1]);
    store(&e->a, false, RAX, SHARED_FIELD(exit));
    store(&e->a, true, HOST_BUDGET, SHARED_FIELD(budget));
    assign_home(&home);
    for (unsigned i = 0; i < ASSIGN_REGISTERS; i++) {
        store(&e->a, true, emit_host_registers[i], x_at(home.guest_in[i]));
    }
    alu_ri(&e->a, ALU_ADD, true, RSP, 8);
    for (unsigned i = COUNT(preserved); i > 0; i--) {
        pop(&e->a, preserved[i - 1]);
    }
    return_to_caller(&e->a);
}

/* In: rax and rcx as the function's address and value, edx: where. Out: rax, and the flags of a
 * comparison of the status with none. */
static const uint8_t *emit_call(struct back_end *e, uintptr_t function)
{
    const uint8_t *start = here(e);

    for (unsigned i = 0; i < COUNT(clobbered); i++) {
        push(&e->a, clobbered[i]);
    }
    alu_ri(&e->a, ALU_SUB, true, RSP, 8);
    lea(&e->a, true, RDI, at_offset(HOST_HART, -HART_BIAS));
    mov_rr(&e->a, true, RSI, RAX);
    mov_rr(&e->a, true, R8, RCX);
    mov_rr(&e->a, true, RCX, HOST_BUDGET);
    mov_ri(&e->a, RAX, (int64_t)function);
    call_register(&e->a, RAX);
    alu_ri(&e->a, ALU_ADD, true, RSP, 8);
    for (unsigned i = COUNT(clobbered); i > 0; i--) {
        pop(&e->a, clobbered[i - 1]);
    }
    op_rm(&e->a, MOVSD_LOAD, false, HOST_BOX, SHARED_FIELD(box));
    load(&e->a, true, HOST_TLB, HART_FIELD(tlb));
    alu_mi(&e->a, ALU_CMP, false, SHARED_FIELD(status), JIT_STATUS_NONE);
    return_to_caller(&e->a);
    return start;
}

static void emit_sstatus(struct back_end *e)
{
    uint8_t *no_sum, *disabled;

    /* SD: FS is dirty. The borrow of 0 - 1 tells. */
    e->read_sstatus = here(e);
    load(&e->a, true, RAX, HART_FIELD(state.sstatus));
    mov_rr(&e->a, false, RDX, RAX);
    alu_ri(&e->a, ALU_AND, false, RDX, (int32_t)SSTATUS_FS);
    alu_ri(&e->a, ALU_XOR, false, RDX, (int32_t)SSTATUS_FS);
    alu_ri(&e->a, ALU_SUB, false, RDX, 1);
    alu_rr(&e->a, ALU_SBB, true, RDX, RDX);
    shift_ri(&e->a, SHIFT_SHL, true, RDX, 63);
    alu_rr(&e->a, ALU_OR, true, RAX, RDX);
    mov_ri(&e->a, RDX, (int64_t)SSTATUS_UXL);
    alu_rr(&e->a, ALU_OR, true, RAX, RDX);
    return_to_caller(&e->a);

    /* In S mode, MXR as it is. Keeps rax. */
    e->write_sstatus = here(e);
    alu_ri(&e->a, ALU_AND, false, RCX, (int32_t)SSTATUS_WRITABLE);
    store(&e->a, true, RCX, HART_FIELD(state.sstatus));
    load(&e->a, true, HOST_TLB, SHARED_FIELD(supervisor_tlb[0]));
    test_ri(&e->a, RCX, (uint32_t)SSTATUS_SUM);
    no_sum = jump_short_if(&e->a, CC_EQUAL);
    load(&e->a, true, HOST_TLB, SHARED_FIELD(supervisor_tlb[1]));
    bind_short_here(&e->a, no_sum);
    store(&e->a, true, HOST_TLB, HART_FIELD(tlb));
    alu_ri(&e->a, ALU_AND, false, RCX, (int32_t)SSTATUS_SIE);
    disabled = jump_short_if(&e->a, CC_EQUAL);
    load(&e->a, true, RCX, HART_FIELD(state.sip));
    alu_rm(&e->a, ALU_OR, true, RCX, SHARED_FIELD(timer_pending));
    alu_rm(&e->a, ALU_AND, true, RCX, HART_FIELD(state.sie));
    bind_short_here(&e->a, disabled);
    return_to_caller(&e->a);
}

void emit_thunks(struct back_end *e)
{
    emit_sstatus(e);
    emit_enter(e);
    emit_exits(e);
    e->call_load = emit_call(e, (uintptr_t)jit_load);
    e->call_store = emit_call(e, (uintptr_t)jit_store);
    e->call_access_float = emit_call(e, (uintptr_t)jit_access_float);
    e->call_execute = emit_call(e, (uintptr_t)jit_execute);
    e->call_trap_return = emit_call(e, (uintptr_t)jit_trap_return);
    e->call_user_call = emit_call(e, (uintptr_t)jit_user_call);
}
