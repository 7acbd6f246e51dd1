/* Where a test case lies in the guest: the same under QEMU's user mode and on the bare hart. */
#ifndef TESTS_RISCV_LAYOUT_H
#define TESTS_RISCV_LAYOUT_H

#include <stdint.h>

#define REGION_START   UINT64_C(0x80000000)
#define REGION_SIZE    0x8000
#define STUB_OFFSET    0x0000
#define STUB_EXIT      0x0400 /* the code of a case ends with a jump here */
#define WFI_OFFSET     0x0ff0 /* where the stub returns to on the hart */
#define CONTEXT_OFFSET 0x1c00
#define CODE_OFFSET    0x2000
#define CODE_SIZE      0x800
#define SCRATCH_OFFSET 0x4000
#define SCRATCH_SIZE   0x800
#define SCRATCH_BASE   (REGION_START + SCRATCH_OFFSET + SCRATCH_SIZE / 2)

/* Matches guest/stub.S. */
struct context {
    uint64_t x[32];
    uint64_t f[32];
    uint64_t fcsr;
    uint64_t unused[31];
    uint64_t saved[32];
};

struct test_case {
    struct context context;
    uint8_t code[CODE_SIZE];
    uint8_t scratch[SCRATCH_SIZE];
};

struct test_result {
    struct context context;
    uint8_t scratch[SCRATCH_SIZE];
};

#endif
