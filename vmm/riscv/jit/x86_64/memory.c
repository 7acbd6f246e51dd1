/*
 * Loads and stores. The fast path is the hart's own (tlb.h): the entry of the virtual page is found
 * by its low bits, its tag must equal the address without its offset, alignment included.
 */
#include "vmm/riscv/jit/x86_64/emitter.h"

_Static_assert(sizeof(struct tlb_entry) == 32, "entries are found by a shift");
#define ENTRY_SHIFT 5

static uint8_t *find_entry(struct back_end *e, const struct ir_op *op, int64_t imm, bool write)
{
    size_t tag =
        write ? offsetof(struct tlb_entry, write_tag) : offsetof(struct tlb_entry, read_tag);
    unsigned base = use(e, op->a, RAX);
    uint8_t *miss;

    if (imm != 0) {
        lea(&e->a, true, RAX, at_offset(base, (int32_t)imm));
    } else {
        mov_rr(&e->a, true, RAX, base);
    }
    mov_rr(&e->a, true, RCX, RAX);
    mov_rr(&e->a, true, RDX, RAX);
    shift_ri(&e->a, SHIFT_SHR, true, RCX, PAGE_SHIFT - ENTRY_SHIFT);
    alu_ri(&e->a, ALU_AND, true, RDX, ~(int32_t)PAGE_MASK | (op->size - 1));
    alu_ri(&e->a, ALU_AND, false, RCX, (int32_t)((TLB_ENTRIES - 1) << ENTRY_SHIFT));
    alu_rm(&e->a, ALU_CMP, true, RDX, at_index(HOST_TLB, RCX, (int32_t)tag));
    miss = jump_if(&e->a, CC_NOT_EQUAL);
    load(&e->a, true, RCX, at_index(HOST_TLB, RCX, (int32_t)offsetof(struct tlb_entry, addend)));
    return miss;
}

static const struct memory_operand found = {.base = RAX, .index = RCX};

static void load_sized(struct back_end *e, unsigned to, const struct ir_op *op)
{
    switch (op->size) {
    case 1: op_rm(&e->a, op->sign ? 0x0fbe : 0x0fb6, op->sign, to, found); break;
    case 2: op_rm(&e->a, op->sign ? 0x0fbf : 0x0fb7, op->sign, to, found); break;
    case 4:
        if (op->sign) {
            op_rm(&e->a, 0x63, true, to, found);
        } else {
            load(&e->a, false, to, found);
        }
        break;
    default: load(&e->a, true, to, found); break;
    }
}

static void store_sized(struct back_end *e, unsigned from, unsigned size)
{
    switch (size) {
    case 1: op_rm_byte(&e->a, 0x88, from, found); break;
    case 2:
        put_8(&e->a, 0x66);
        op_rm(&e->a, 0x89, false, from, found);
        break;
    default: store(&e->a, size == 8, from, found); break;
    }
}

void emit_load(struct back_end *e, const struct ir_op *op)
{
    unsigned to = result_in(e, op->dst == 0 ? 1 : op->dst, RAX);
    uint8_t *miss = find_entry(e, op, op->imm, false);
    struct cold *cold = add_cold(e, COLD_LOAD, op, miss);

    /* A load into x0 still faults. */
    if (op->dst != 0) {
        load_sized(e, to, op);
        set_result(e, op->dst, to, false);
    }
    cold->resume = e->a.at;
}

void emit_store(struct back_end *e, const struct ir_op *op)
{
    /* Before the paths part: what is widened is so on both. */
    if (op->size == 8 && op->b != 0 && host_of(e, op->b) != NOT_IN_HOST) {
        use(e, op->b, RDX);
    }
    uint8_t *miss = find_entry(e, op, op->imm, true);
    struct cold *cold = add_cold(e, COLD_STORE, op, miss);
    unsigned value = op->size == 8 ? use(e, op->b, RDX) : use_word(e, op->b, RDX);

    store_sized(e, value, op->size);
    cold->resume = e->a.at;
}

/* The F and D extensions are off: the interpreter raises the trap. */
static void require_float(struct back_end *e, const struct ir_op *op)
{
    if (!e->float_enabled) {
        test_mi(&e->a, HART_FIELD(state.sstatus), SSTATUS_FS);
        add_cold(e, COLD_INTERPRET, op, jump_if(&e->a, CC_EQUAL));
        e->float_enabled = true;
    }
}

void emit_access_float(struct back_end *e, const struct ir_op *op)
{
    bool write = op->code == IR_STORE_FLOAT;

    require_float(e, op);
    uint8_t *miss = find_entry(e, op, op->imm, write);
    struct cold *cold = add_cold(e, COLD_ACCESS_FLOAT, op, miss);

    if (write) {
        load(&e->a, op->size == 8, RDX, f_at(op->guest->rs2));
        store_sized(e, RDX, op->size);
    } else {
        struct memory_operand upper = f_at(op->guest->rd);
        load(&e->a, op->size == 8, RDX, found);
        store(&e->a, op->size == 8, RDX, upper);
        if (op->size == 4) {
            upper.displacement += 4;
            store_immediate(&e->a, false, upper, -1);
        }
        if (!e->float_dirty) {
            alu_mi(&e->a, ALU_OR, false, HART_FIELD(state.sstatus), (int32_t)SSTATUS_FS);
            e->float_dirty = true;
        }
    }
    cold->resume = e->a.at;
}
