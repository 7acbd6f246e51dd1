#include "tests/riscv/programs/emitter.h"

#include <string.h>

void emit_16(struct emitter *emitter, uint32_t bits)
{
    uint16_t half = (uint16_t)bits;
    if (emitter->used + sizeof half <= emitter->size) {
        memcpy(emitter->code + emitter->used, &half, sizeof half);
        emitter->used += sizeof half;
    }
}

void emit(struct emitter *emitter, uint32_t bits)
{
    if (emitter->used + sizeof bits <= emitter->size) {
        emit_at(emitter, emitter->used, bits);
        emitter->used += sizeof bits;
    }
}

void emit_at(struct emitter *emitter, unsigned place, uint32_t bits)
{
    if (place + sizeof bits <= emitter->size) {
        memcpy(emitter->code + place, &bits, sizeof bits);
    }
}

void emit_constant(struct emitter *emitter, uint32_t rd, uint32_t value)
{
    emit(emitter, rv_lui(rd, value + 0x800));
    emit(emitter, rv_addiw(rd, rd, (int32_t)(value << 20) >> 20));
}

void emit_address(struct emitter *emitter, uint32_t rd, uint32_t value)
{
    emit_constant(emitter, rd, value);
    emit(emitter, rv_add_uw(rd, rd, ZERO));
}

uint32_t source(struct emitter *emitter)
{
    return choose(emitter->choices, 32);
}

static bool is_kept(const struct emitter *emitter, uint32_t x)
{
    return (emitter->kept >> x & 1) != 0;
}

uint32_t destination(struct emitter *emitter)
{
    uint32_t x = choose(emitter->choices, 32);
    while (is_kept(emitter, x)) {
        x = (x + 7) % 32;
    }
    return x;
}

uint32_t nonzero_destination(struct emitter *emitter)
{
    uint32_t x = destination(emitter);
    while (x == ZERO || is_kept(emitter, x)) {
        x = (x + 7) % 32;
    }
    return x;
}

uint32_t short_destination(struct emitter *emitter)
{
    uint32_t x = S1 + choose(emitter->choices, 7);
    while (is_kept(emitter, x)) {
        x = x < A5 ? x + 1 : (uint32_t)S1;
    }
    return x;
}
