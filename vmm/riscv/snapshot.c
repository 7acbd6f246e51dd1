/* Guest-visible state: digest, save, load. */
#include <stddef.h>
#include <xxhash.h>

#include "vmm/riscv/fpu.h"
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/pte.h"

#define STATE_TAG     "HART"
#define STATE_VERSION 1

uint64_t hart_digest(const struct hart *hart)
{
    const struct hart_state *s = &hart->state;
    /* Around x[32], which is no register. */
    uint64_t registers = XXH3_64bits(s->x, 32 * sizeof s->x[0]);
    return XXH3_64bits_withSeed(s->f, sizeof *s - offsetof(struct hart_state, f), registers);
}

void hart_save(const struct hart *hart, struct state_writer *writer)
{
    const struct hart_state *s = &hart->state;

    state_put_tag(writer, STATE_TAG, STATE_VERSION);
    for (unsigned i = 0; i < 32; i++) {
        state_put_u64(writer, s->x[i]);
    }
    for (unsigned i = 0; i < 32; i++) {
        state_put_u64(writer, s->f[i]);
    }
    state_put_u64(writer, s->pc);
    state_put_u64(writer, s->position);
    state_put_u64(writer, s->privilege);
    state_put_u64(writer, s->sstatus);
    state_put_u64(writer, s->sie);
    state_put_u64(writer, s->sip);
    state_put_u64(writer, s->stvec);
    state_put_u64(writer, s->sscratch);
    state_put_u64(writer, s->sepc);
    state_put_u64(writer, s->scause);
    state_put_u64(writer, s->stval);
    state_put_u64(writer, s->satp);
    state_put_u64(writer, s->scounteren);
    state_put_u64(writer, s->senvcfg);
    state_put_u64(writer, s->stimecmp);
    state_put_u64(writer, s->fflags);
    state_put_u64(writer, s->frm);
    state_put_u64(writer, s->reserved);
    state_put_u64(writer, s->reserved_address);
    state_put_u64(writer, s->reserved_value);
    state_put_u64(writer, s->clock_ns);
    state_put_u64(writer, s->clock_position);
    state_put_u64(writer, s->clock_rate_q32);
    state_put_u64(writer, s->environment_ns);
}

/* Only values that the hart itself could have come to. */
static bool is_legal(const struct hart_state *s)
{
    uint64_t mode = s->satp & SATP_MODE_MASK;

    return s->x[0] == 0 && (s->pc & 1) == 0 && s->privilege <= HART_SUPERVISOR &&
           (s->sstatus & ~SSTATUS_WRITABLE) == 0 && (s->sie & ~INTERRUPT_ALL) == 0 &&
           (s->sip & ~(INTERRUPT_SOFTWARE | INTERRUPT_EXTERNAL)) == 0 && (s->stvec & 2) == 0 &&
           (s->sepc & 1) == 0 && (mode == 0 || mode == SATP_MODE_SV39) &&
           (s->scounteren & ~SCOUNTEREN_MASK) == 0 && (s->senvcfg & ~SENVCFG_MASK) == 0 &&
           s->fflags <= 0x1f && s->frm <= 7 && s->reserved <= 1;
}

void hart_load(struct hart *hart, struct state_reader *reader)
{
    struct hart_state s = {.x = {0}};

    state_get_tag(reader, STATE_TAG, STATE_VERSION);
    for (unsigned i = 0; i < 32; i++) {
        s.x[i] = state_get_u64(reader);
    }
    for (unsigned i = 0; i < 32; i++) {
        s.f[i] = state_get_u64(reader);
    }
    s.pc = state_get_u64(reader);
    s.position = state_get_u64(reader);
    s.privilege = state_get_u64(reader);
    s.sstatus = state_get_u64(reader);
    s.sie = state_get_u64(reader);
    s.sip = state_get_u64(reader);
    s.stvec = state_get_u64(reader);
    s.sscratch = state_get_u64(reader);
    s.sepc = state_get_u64(reader);
    s.scause = state_get_u64(reader);
    s.stval = state_get_u64(reader);
    s.satp = state_get_u64(reader);
    s.scounteren = state_get_u64(reader);
    s.senvcfg = state_get_u64(reader);
    s.stimecmp = state_get_u64(reader);
    s.fflags = state_get_u64(reader);
    s.frm = state_get_u64(reader);
    s.reserved = state_get_u64(reader);
    s.reserved_address = state_get_u64(reader);
    s.reserved_value = state_get_u64(reader);
    s.clock_ns = state_get_u64(reader);
    s.clock_position = state_get_u64(reader);
    s.clock_rate_q32 = state_get_u64(reader);
    s.environment_ns = state_get_u64(reader);
    if (reader->error == 0 && !is_legal(&s)) {
        state_reader_fail(reader);
    }
    if (reader->error != 0) {
        return;
    }
    hart->state = s;
    /* All that was derived belongs to the memory of before. */
    blocks_drop_all(hart);
    tlb_drop_all(hart);
    hart_select_translations(hart);
    hart_update_deadline(hart);
}
