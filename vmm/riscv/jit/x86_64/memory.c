/*
 * Loads and stores. The fast path is the hart's own (tlb.h): the entry of the virtual page is found
 * by its low bits, its tag must equal the address without its offset, alignment included.
 */
#include "vmm/riscv/jit/x86_64/emitter.h"

_Static_assert(sizeof(struct tlb_entry) == 32, "entries are found by a shift");
#define ENTRY_SHIFT 5

/* Of the entry at rcx, where locate_entry() has left it. */
#define ENTRY_FIELD(field) at_index(HOST_TLB, RCX, (int32_t)offsetof(struct tlb_entry, field))

/* For the address in rax: its entry in rcx, and in rdx what the tag must be. `alignment` are the
 * low bits that must be zero. */
static void locate_entry(struct back_end *e, int32_t alignment)
{
    mov_rr(&e->a, true, RCX, RAX);
    mov_rr(&e->a, true, RDX, RAX);
    shift_ri(&e->a, SHIFT_SHR, true, RCX, PAGE_SHIFT - ENTRY_SHIFT);
    alu_ri(&e->a, ALU_AND, true, RDX, ~(int32_t)PAGE_MASK | alignment);
    alu_ri(&e->a, ALU_AND, false, RCX, (int32_t)((TLB_ENTRIES - 1) << ENTRY_SHIFT));
}

static uint8_t *miss_unless_tagged(struct back_end *e, bool write)
{
    alu_rm(&e->a, ALU_CMP, true, RDX, write ? ENTRY_FIELD(write_tag) : ENTRY_FIELD(read_tag));
    return jump_if(&e->a, CC_NOT_EQUAL);
}

uint8_t *find_entry(struct back_end *e, const struct ir_op *op, int64_t imm, bool write)
{
    unsigned base = use(e, op->a, RAX);
    uint8_t *miss;

    if (imm != 0) {
        lea(&e->a, true, RAX, at_offset(base, (int32_t)imm));
    } else {
        mov_rr(&e->a, true, RAX, base);
    }
    locate_entry(e, op->size - 1);
    miss = miss_unless_tagged(e, write);
    load(&e->a, true, RCX, ENTRY_FIELD(addend));
    return miss;
}

/* Where an access finds its data, once it is translated. */
static struct memory_operand found_at(const struct back_end *e, const struct ir_op *op)
{
    return is_anchored(e, op) ? at_offset(anchor_register(e), (int32_t)op->imm)
                              : at_index(RAX, RCX, 0);
}

void emit_anchor(struct back_end *e, const struct ir_group *group)
{
    const struct ir_op *first = &e->region->ops[group->first];
    int32_t span = group->highest - group->lowest;
    unsigned base = use(e, group->base, RAX);

    lea(&e->a, true, RAX, at_offset(base, group->lowest));
    locate_entry(e, 0);
    if (group->loads) {
        add_cold(e, COLD_PLAIN, first, miss_unless_tagged(e, false));
    }
    if (group->stores) {
        add_cold(e, COLD_PLAIN, first, miss_unless_tagged(e, true));
    }
    alu_rr(&e->a, ALU_SUB, true, RDX, RAX); /* minus the offset in the page */
    alu_ri(&e->a, ALU_CMP, true, RDX, span - (int32_t)PAGE_SIZE);
    add_cold(e, COLD_PLAIN, first, jump_if(&e->a, CC_LESS));
    alu_rm(&e->a, ALU_ADD, true, RAX, ENTRY_FIELD(addend));
    lea(&e->a, true, anchor_register(e), at_offset(RAX, -group->lowest));
}

static void load_sized(struct back_end *e, unsigned to, const struct ir_op *op)
{
    struct memory_operand found = found_at(e, op);

    switch (op->size) {
    case 1: op_rm(&e->a, op->sign ? 0x0fbe : 0x0fb6, op->sign, to, found); break;
    case 2: op_rm(&e->a, op->sign ? 0x0fbf : 0x0fb7, op->sign, to, found); break;
    case 4:
        if (op->sign) {
            sign_extend_word_at(&e->a, to, found);
        } else {
            load(&e->a, false, to, found);
        }
        break;
    default: load(&e->a, true, to, found); break;
    }
}

static void store_sized(struct back_end *e, unsigned from, struct memory_operand found,
                        unsigned size)
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
    struct cold *cold = NULL;

    if (!is_anchored(e, op)) {
        cold = add_cold(e, COLD_LOAD, op, find_entry(e, op, op->imm, false));
    }
    /* A load into x0 still faults. */
    if (op->dst != 0) {
        unsigned to = result_in(e, op->dst, RAX);
        load_sized(e, to, op);
        set_result(e, op->dst, to, false);
        if (op->size < 4 || (op->size == 4 && op->sign)) {
            note_extended(e, op->dst);
        }
    }
    if (cold != NULL) {
        cold->resume = e->a.at;
    }
}

void emit_store(struct back_end *e, const struct ir_op *op)
{
    struct cold *cold = NULL;
    bool wide = op->size == 8;

    /* Before the paths part: what is widened is so on both. */
    if (wide && op->b != 0 && in_host(e, op->b)) {
        use(e, op->b, RDX);
    }
    if (!is_anchored(e, op)) {
        cold = add_cold(e, COLD_STORE, op, find_entry(e, op, op->imm, true));
    }
    unsigned value = wide ? use(e, op->b, RDX) : use_word(e, op->b, RDX);
    store_sized(e, value, found_at(e, op), op->size);
    if (cold != NULL) {
        cold->resume = e->a.at;
    }
}

/* Into an f register, which is in the host or not. */
static void load_float(struct back_end *e, unsigned guest, struct memory_operand found,
                       unsigned size)
{
    unsigned host = host_of_float(e, guest);
    struct memory_operand upper = f_at(guest);

    upper.displacement += 4;
    if (host != NOT_IN_HOST) {
        op_rm(&e->a, size == 4 ? MOVSS_LOAD : MOVSD_LOAD, false, host, found);
        if (size == 4) {
            op_rr(&e->a, ORPS, false, host, HOST_BOX);
        }
        return;
    }
    load(&e->a, size == 8, RDX, found);
    store(&e->a, size == 8, RDX, f_at(guest));
    if (size == 4) {
        store_immediate(&e->a, false, upper, -1);
    }
}

static void store_float(struct back_end *e, unsigned guest, struct memory_operand found,
                        unsigned size)
{
    unsigned host = host_of_float(e, guest);

    if (host != NOT_IN_HOST) {
        op_rm(&e->a, size == 4 ? MOVSS_STORE : MOVSD_STORE, false, host, found);
    } else {
        load(&e->a, size == 8, RDX, f_at(guest));
        store_sized(e, RDX, found, size);
    }
}

void emit_access_float(struct back_end *e, const struct ir_op *op)
{
    bool write = op->code == IR_STORE_FLOAT;
    struct cold *cold = NULL;

    require_float(e, op);
    if (!is_anchored(e, op)) {
        cold = add_cold(e, COLD_ACCESS_FLOAT, op, find_entry(e, op, op->imm, write));
    }
    if (write) {
        store_float(e, op->guest->rs2, found_at(e, op), op->size);
    } else {
        uint32_t bit = guest_bit(op->guest->rd);
        load_float(e, op->guest->rd, found_at(e, op), op->size);
        e->known.float_boxed =
            op->size == 4 ? e->known.float_boxed | bit : e->known.float_boxed & ~bit;
        make_float_dirty(e);
    }
    if (cold != NULL) {
        cold->resume = e->a.at;
    }
}
