/* The A extension. One hart, and devices that touch memory only between instructions: what is left
 * of atomicity is the reservation. */
#include "vmm/riscv/atomics.h"

#include <string.h>

#include "vmm/riscv/bits.h"
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/mmu.h"

static uint64_t load_word(const uint8_t *place)
{
    int32_t word;
    memcpy(&word, place, sizeof word);
    return (uint64_t)(int64_t)word;
}

static uint64_t load_doubleword(const uint8_t *place)
{
    uint64_t doubleword;
    memcpy(&doubleword, place, sizeof doubleword);
    return doubleword;
}

static uint64_t load(const uint8_t *place, unsigned size)
{
    return size == 4 ? load_word(place) : load_doubleword(place);
}

static bool load_reserved(struct hart *hart, const struct op *op, unsigned size)
{
    struct hart_state *s = &hart->state;
    uint64_t physical;
    const uint8_t *place = mmu_atomic(hart, s->x[op->rs1], size, false, &physical);

    if (place == NULL) {
        return false;
    }
    s->reserved = 1;
    s->reserved_address = physical;
    s->reserved_value = load(place, size);
    s->x[op->rd] = s->reserved_value;
    return true;
}

/* A store of another agent since the load shows in the value. One that leaves the value as it was
 * goes unnoticed, which no guest can tell from one that came before the load. */
static bool store_conditional(struct hart *hart, const struct op *op, unsigned size)
{
    struct hart_state *s = &hart->state;
    uint64_t value = s->x[op->rs2];
    uint64_t physical;
    uint8_t *place = mmu_atomic(hart, s->x[op->rs1], size, true, &physical);
    bool success;

    if (place == NULL) {
        return false;
    }
    success = s->reserved != 0 && s->reserved_address == physical &&
              s->reserved_value == load(place, size);
    s->reserved = 0;
    s->reserved_address = 0;
    s->reserved_value = 0;
    if (success) {
        memcpy(place, &value, size);
    }
    s->x[op->rd] = !success;
    return true;
}

static uint64_t combine(unsigned code, uint64_t memory, uint64_t operand)
{
    switch (code) {
    case OP_AMOSWAP_W: return operand;
    case OP_AMOADD_W: return memory + operand;
    case OP_AMOXOR_W: return memory ^ operand;
    case OP_AMOAND_W: return memory & operand;
    case OP_AMOOR_W: return memory | operand;
    case OP_AMOMIN_W: return minimum_signed(memory, operand);
    case OP_AMOMAX_W: return maximum_signed(memory, operand);
    case OP_AMOMINU_W: return minimum_unsigned(memory, operand);
    default: return maximum_unsigned(memory, operand);
    }
}

bool atomics_execute(struct hart *hart, const struct op *op)
{
    switch (op->code) {
    case OP_LR_W: return load_reserved(hart, op, 4);
    case OP_LR_D: return load_reserved(hart, op, 8);
    case OP_SC_W: return store_conditional(hart, op, 4);
    case OP_SC_D: return store_conditional(hart, op, 8);
    default: break;
    }
    struct hart_state *s = &hart->state;
    bool word = op->code < OP_AMOSWAP_D;
    unsigned size = word ? 4 : 8;
    uint64_t operand = word ? sign_extend_32(s->x[op->rs2]) : s->x[op->rs2];
    uint64_t physical;
    uint8_t *place = mmu_atomic(hart, s->x[op->rs1], size, true, &physical);

    if (place == NULL) {
        return false;
    }
    /* Words are sign-extended, which keeps the order of unsigned ones too. */
    uint64_t memory = load(place, size);
    uint64_t result =
        combine(word ? op->code : op->code - (OP_AMOSWAP_D - OP_AMOSWAP_W), memory, operand);
    memcpy(place, &result, size);
    s->x[op->rd] = memory;
    return true;
}
