/* CSR numbers and the legal values of the writable ones. */
#ifndef VMM_RISCV_CSR_H
#define VMM_RISCV_CSR_H

#include <stdbool.h>
#include <stdint.h>

struct hart;

enum csr {
    CSR_FFLAGS = 0x001,
    CSR_FRM = 0x002,
    CSR_FCSR = 0x003,
    CSR_SSTATUS = 0x100,
    CSR_SIE = 0x104,
    CSR_STVEC = 0x105,
    CSR_SCOUNTEREN = 0x106,
    CSR_SENVCFG = 0x10a,
    CSR_SSCRATCH = 0x140,
    CSR_SEPC = 0x141,
    CSR_SCAUSE = 0x142,
    CSR_STVAL = 0x143,
    CSR_SIP = 0x144,
    CSR_STIMECMP = 0x14d,
    CSR_SATP = 0x180,
    CSR_CYCLE = 0xc00,
    CSR_TIME = 0xc01,
    CSR_INSTRET = 0xc02,
};

/* Read and write as S mode, without side effects on the interpreter. False: no such CSR. A write
 * keeps what is legal of the value (WARL) and ignores it for read-only CSRs. */
bool csr_read(const struct hart *hart, unsigned number, uint64_t *value);
bool csr_write(struct hart *hart, unsigned number, uint64_t value);

#endif
