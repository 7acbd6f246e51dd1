/* Entry to and return from traps: privileged specification, chapters 10.1.1 to 10.1.9. */
#include "vmm/riscv/hart_state.h"

void hart_trap(struct hart *hart, uint64_t cause, uint64_t value)
{
    struct hart_state *s = &hart->state;
    uint64_t vector = s->stvec & ~UINT64_C(3);

    hart->traps++;
    s->sepc = s->pc;
    s->scause = cause;
    s->stval = value;
    s->sstatus &= ~(SSTATUS_SPIE | SSTATUS_SPP);
    if ((s->sstatus & SSTATUS_SIE) != 0) {
        s->sstatus |= SSTATUS_SPIE;
    }
    if (s->privilege == HART_SUPERVISOR) {
        s->sstatus |= SSTATUS_SPP;
    }
    s->sstatus &= ~SSTATUS_SIE;
    s->privilege = HART_SUPERVISOR;
    if ((s->stvec & 3) == 1 && (cause & CAUSE_INTERRUPT) != 0) {
        vector += 4 * (cause & ~CAUSE_INTERRUPT);
    }
    s->pc = vector;
    hart_select_translations(hart);
}

void hart_take_interrupt(struct hart *hart)
{
    /* Chapter 10.1.3: external, then software, then timer. */
    uint64_t pending = hart_deliverable(hart);
    uint64_t number = (pending & INTERRUPT_EXTERNAL) != 0   ? 9
                      : (pending & INTERRUPT_SOFTWARE) != 0 ? 1
                                                            : 5;
    hart_trap(hart, CAUSE_INTERRUPT | number, 0);
}

void hart_sret(struct hart *hart)
{
    struct hart_state *s = &hart->state;

    s->privilege = (s->sstatus & SSTATUS_SPP) != 0 ? HART_SUPERVISOR : HART_USER;
    s->sstatus &= ~(SSTATUS_SIE | SSTATUS_SPP);
    if ((s->sstatus & SSTATUS_SPIE) != 0) {
        s->sstatus |= SSTATUS_SIE;
    }
    s->sstatus |= SSTATUS_SPIE;
    s->pc = s->sepc;
    hart_select_translations(hart);
}
