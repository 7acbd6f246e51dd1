#include "tests/riscv/programs/privileged.h"

#include "tests/riscv/programs/layout.h"
#include "tests/riscv/programs/operations.h"
#include "tests/riscv/programs/values.h"
#include "vmm/riscv/csr.h"

#define SATP_SV39 UINT64_C(8)

#define SSTATUS_SUM_MXR 0x000c0000u
#define SSTATUS_SPP     0x00000100u
#define SSTATUS_FS      0x00006000u

/* One that is not `taken`. */
static uint32_t other_destination(struct emitter *e, uint32_t taken)
{
    uint32_t x = nonzero_destination(e);
    while (x == taken) {
        x = nonzero_destination(e);
    }
    return x;
}

void step_base(struct emitter *e)
{
    static const uint8_t bases[] = {SP, GP, S0};
    static const uint32_t aliases[] = {
        (uint32_t)ALIAS_USER,    (uint32_t)ALIAS_USER,    (uint32_t)ALIAS_USER_2M,
        (uint32_t)ALIAS_LOW_2M,  (uint32_t)ALIAS_RAM,     (uint32_t)ALIAS_RAM,
        (uint32_t)ALIAS_USER_1G, (uint32_t)ALIAS_HIGH_2M, (uint32_t)ALIAS_HIGH};
    uint32_t rd = CHOOSE_FROM(e->choices, bases);
    uint32_t alias = CHOOSE_FROM(e->choices, aliases);
    uint32_t page = FRAME_DATA + choose(e->choices, PROGRAM_DATA_PAGES);

    switch (choose(e->choices, 8)) {
    case 0: page = FRAME_CODE + choose(e->choices, PROGRAM_CODE_PAGES); break;
    case 1: page = choose(e->choices, PROGRAM_LOW_PAGES); break;
    case 2:
        emit_address(e, rd, (uint32_t)DEVICE_START + 0x100 * choose(e->choices, DEVICE_KINDS));
        return;
    default: break;
    }
    if (alias >= (uint32_t)ALIAS_HIGH) {
        emit_constant(e, rd, alias + page * GUEST_PAGE_SIZE);
    } else {
        emit_address(e, rd, alias + page * GUEST_PAGE_SIZE);
    }
}

void step_csr(struct emitter *e)
{
    static const uint16_t harmless[] = {
        CSR_FFLAGS,     CSR_FRM,      CSR_FCSR,     CSR_SSTATUS, CSR_SSTATUS, CSR_SIE,   CSR_SIE,
        CSR_SCOUNTEREN, CSR_SENVCFG,  CSR_SSCRATCH, CSR_SEPC,    CSR_SCAUSE,  CSR_STVAL, CSR_SIP,
        CSR_SIP,        CSR_STIMECMP, CSR_CYCLE,    CSR_TIME,    CSR_INSTRET, CSR_TIME};
    static const uint16_t others[] = {CSR_STVEC, CSR_SATP, 0x106, 0x180,
                                      0x300,     0xc03,    0x7c0, 0xf14};
    uint32_t csr = CHOOSE_FROM(e->choices, harmless);
    uint32_t rd = destination(e), rs1 = source(e);

    switch (choose(e->choices, 12)) {
    case 0: /* reads, and what is not there or must not be written */
        emit(e, rv_csrrs(rd, CHOOSE_FROM(e->choices, others), ZERO));
        break;
    case 1: /* interrupts allowed, or not */
        emit(e,
             choose(e->choices, 2) ? rv_csrrsi(rd, CSR_SSTATUS, 2) : rv_csrrci(rd, CSR_SSTATUS, 2));
        break;
    case 2: /* pending by one's own hand */ emit(e, rv_csrrsi(rd, CSR_SIP, 2)); break;
    case 3: emit(e, rv_csrrw(rd, CSR_SSCRATCH, rd)); break;
    case 4: /* a timer soon */
        emit(e, rv_csrrs(rd, CSR_TIME, ZERO));
        emit(e, rv_addi(rd, rd, (int32_t)choose(e->choices, 16)));
        emit(e, rv_csrrw(ZERO, CSR_STIMECMP, rd));
        break;
    case 5: /* all interrupts on, and off */
        rd = nonzero_destination(e);
        emit(e, rv_addi(rd, ZERO, 0x222));
        emit(e, choose_one_in(e->choices, 4) ? rv_csrrc(ZERO, CSR_SIE, rd)
                                             : rv_csrrs(ZERO, CSR_SIE, rd));
        break;
    default:
        emit(e, rv_i((int32_t)csr, choose(e->choices, 3) ? rs1 : 0, 1 + choose(e->choices, 3), rd,
                     0x73) |
                    choose(e->choices, 2) << 14);
        if (choose(e->choices, 2)) { /* before the next trap changes it */
            emit(e, rv_csrrs(destination(e), csr, ZERO));
        }
        break;
    }
}

/* To an address not far from here, in the mode that sstatus.SPP says. */
static void return_to_lower_mode(struct emitter *e)
{
    uint32_t place = nonzero_destination(e), status = other_destination(e, place);
    uint32_t setting = choose(e->choices, 4);

    if (setting < 3) {
        emit(e, rv_lui(status, 0x1000));
        emit(e, rv_srli(status, status, 4)); /* SPP */
        emit(e, setting == 0 ? rv_csrrc(ZERO, CSR_SSTATUS, status)
                             : rv_csrrs(ZERO, CSR_SSTATUS, status));
    }
    emit(e, rv_auipc(place, 0));
    emit(e, rv_addi(place, place, 16 + 2 * (int32_t)choose(e->choices, 8)));
    emit(e, rv_csrrw(ZERO, CSR_SEPC, place));
    emit(e, RV_SRET);
}

/* To the next instruction, but for a bit that no address has alone. */
static void jump_beyond(struct emitter *e)
{
    uint32_t place = nonzero_destination(e), bit = other_destination(e, place);

    emit(e, rv_addi(bit, ZERO, 1 + (int32_t)choose(e->choices, 15)));
    emit(e, rv_slli(bit, bit, 39));
    emit(e, rv_auipc(place, 0));
    emit(e, rv_xor(place, place, bit));
    emit(e, rv_jalr(RA, place, 12));
}

void step_system(struct emitter *e)
{
    switch (choose(e->choices, 13)) {
    case 12: jump_beyond(e); break;
    case 0: return_to_lower_mode(e); break;
    case 1: emit(e, RV_WFI); break;
    case 2:
    case 3:
        emit(e, rv_addi(A7, ZERO, (int32_t)choose(e->choices, 8)));
        emit(e, RV_ECALL);
        break;
    case 4: emit(e, RV_EBREAK); break;
    case 5: emit_16(e, 0x9002); break; /* c.ebreak */
    case 6: emit(e, RV_FENCE); break;
    case 7: emit(e, RV_FENCE_I); break;
    case 8: emit(e, rv_sfence_vma(source(e), source(e))); break;
    case 9: emit(e, rv_sfence_vma(choose(e->choices, 2) ? (uint32_t)SP : 0, 0)); break;
    case 10: emit(e, (uint32_t)choose_bits(e->choices)); break;
    default: emit(e, choose(e->choices, 2) ? RV_SRET : 0xffffffff); break;
    }
}

void step_space(struct emitter *e)
{
    uint32_t value = nonzero_destination(e), mask = other_destination(e, value);

    switch (choose(e->choices, 4)) {
    case 0: /* satp, perhaps with an address space identifier */
        emit_address(e, value,
                     (uint32_t)(FRAME_ADDRESS(FRAME_ROOTS) / GUEST_PAGE_SIZE) +
                         choose(e->choices, PROGRAM_SPACES));
        emit(e, rv_addi(mask, ZERO, (int32_t)SATP_SV39 << 4 | (int32_t)choose(e->choices, 4)));
        emit(e, rv_slli(mask, mask, 56));
        emit(e, rv_or(value, value, mask));
        emit(e, rv_csrrw(choose(e->choices, 2) ? value : (uint32_t)ZERO, CSR_SATP, value));
        break;
    case 1: /* floating point off, or on */
        emit(e, rv_lui(value, SSTATUS_FS));
        emit(e, choose_one_in(e->choices, 3) ? rv_csrrc(ZERO, CSR_SSTATUS, value)
                                             : rv_csrrs(ZERO, CSR_SSTATUS, value));
        break;
    default: /* SUM, MXR or both; a load on either side */
        emit(e, rv_lui(value, SSTATUS_SUM_MXR & (1 + choose(e->choices, 3)) << 18));
        emit(e, rv_ld(mask, 8 * (int32_t)choose(e->choices, 8), S0));
        emit(e, choose(e->choices, 2) ? rv_csrrs(mask, CSR_SSTATUS, value)
                                      : rv_csrrc(mask, CSR_SSTATUS, value));
        operation_memory(e);
        break;
    }
}
