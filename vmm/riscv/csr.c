#include "vmm/riscv/csr.h"

#include "vmm/riscv/fpu.h"
#include "vmm/riscv/hart_state.h"

#define FRM_SHIFT 5

bool csr_read(const struct hart *hart, unsigned number, uint64_t *value)
{
    const struct hart_state *s = &hart->state;

    switch (number) {
    case CSR_FFLAGS: *value = s->fflags; return true;
    case CSR_FRM: *value = s->frm; return true;
    case CSR_FCSR: *value = s->frm << FRM_SHIFT | s->fflags; return true;
    case CSR_SSTATUS:
        *value =
            s->sstatus | SSTATUS_UXL | ((s->sstatus & SSTATUS_FS) == SSTATUS_FS ? SSTATUS_SD : 0);
        return true;
    case CSR_SIE: *value = s->sie; return true;
    case CSR_STVEC: *value = s->stvec; return true;
    case CSR_SCOUNTEREN: *value = s->scounteren; return true;
    case CSR_SENVCFG: *value = s->senvcfg; return true;
    case CSR_SSCRATCH: *value = s->sscratch; return true;
    case CSR_SEPC: *value = s->sepc; return true;
    case CSR_SCAUSE: *value = s->scause; return true;
    case CSR_STVAL: *value = s->stval; return true;
    case CSR_SIP: *value = hart_pending(hart); return true;
    case CSR_STIMECMP: *value = s->stimecmp; return true;
    case CSR_SATP: *value = s->satp; return true;
    case CSR_CYCLE:
    case CSR_INSTRET: *value = s->position; return true;
    case CSR_TIME: *value = hart_time_ticks(hart); return true;
    default: return false;
    }
}

bool csr_write(struct hart *hart, unsigned number, uint64_t value)
{
    struct hart_state *s = &hart->state;

    switch (number) {
    case CSR_FFLAGS: s->fflags = value & 0x1f; return true;
    case CSR_FRM: s->frm = value & 7; return true;
    case CSR_FCSR:
        s->fflags = value & 0x1f;
        s->frm = value >> FRM_SHIFT & 7;
        return true;
    case CSR_SSTATUS:
        s->sstatus = value & SSTATUS_WRITABLE;
        hart_select_translations(hart);
        return true;
    case CSR_SIE: s->sie = value & INTERRUPT_ALL; return true;
    case CSR_STVEC: s->stvec = value & ~UINT64_C(2); return true;
    case CSR_SCOUNTEREN: s->scounteren = value & SCOUNTEREN_MASK; return true;
    case CSR_SENVCFG: s->senvcfg = value & SENVCFG_MASK; return true;
    case CSR_SSCRATCH: s->sscratch = value; return true;
    case CSR_SEPC: s->sepc = value & ~UINT64_C(1); return true;
    case CSR_SCAUSE: s->scause = value; return true;
    case CSR_STVAL: s->stval = value; return true;
    case CSR_SIP:
        s->sip = (s->sip & ~INTERRUPT_SOFTWARE) | (value & INTERRUPT_SOFTWARE);
        return true;
    case CSR_STIMECMP: hart_set_stimecmp(hart, value); return true;
    case CSR_SATP: /* an unsupported mode makes the whole write void (chapter 10.1.11) */
        if ((value & SATP_MODE_MASK) == 0 || (value & SATP_MODE_MASK) == SATP_MODE_SV39) {
            s->satp = value;
            hart_select_translations(hart);
            hart->leave = true;
        }
        return true;
    case CSR_CYCLE:
    case CSR_TIME:
    case CSR_INSTRET: return true;
    default: return false;
    }
}

/* Whether an instruction of the current privilege may access the CSR at all. */
static bool accessible(const struct hart *hart, unsigned number, bool write)
{
    if ((number >> 8 & 3) > hart->state.privilege || (write && number >> 10 == 3)) {
        return false;
    }
    if (number >= CSR_FFLAGS && number <= CSR_FCSR) {
        return (hart->state.sstatus & SSTATUS_FS) != 0;
    }
    if (number >= CSR_CYCLE && number <= CSR_INSTRET && hart->state.privilege == HART_USER) {
        return (hart->state.scounteren >> (number - CSR_CYCLE) & 1) != 0;
    }
    return true;
}

/* CSRRW, CSRRS, CSRRC and their immediate forms: unprivileged specification, chapter 9.1. */
bool hart_csr_execute(struct hart *hart, const struct op *op)
{
    unsigned number = op->raw >> 20;
    unsigned function = op->raw >> 12 & 3;
    uint64_t operand = (op->raw >> 14 & 1) != 0 ? op->rs1 : hart->state.x[op->rs1];
    bool write = function == 1 || op->rs1 != 0;
    bool is_float = number >= CSR_FFLAGS && number <= CSR_FCSR;
    uint64_t old = 0;
    uint64_t value;

    if (!accessible(hart, number, write)) {
        return false;
    }
    if (is_float) {
        fpu_collect(hart);
    }
    if (number == CSR_TIME) {
        old = hart_read_time(hart);
        hart->leave |= hart_deliverable(hart) != 0;
    } else if (!csr_read(hart, number, &old)) {
        return false;
    }
    if (write) {
        switch (function) {
        case 1: value = operand; break;
        case 2: value = old | operand; break;
        default: value = old & ~operand; break;
        }
        csr_write(hart, number, value);
        if (is_float) {
            hart->state.sstatus |= SSTATUS_FS;
            fpu_control_written(hart);
        }
        if (hart_deliverable(hart) != 0) {
            hart->leave = true;
        }
    }
    hart->state.x[op->rd] = old;
    return true;
}
