/* Addresses and page table entries of Sv39: privileged specification, chapter 10.3.1 and 10.4.1. */
#ifndef VMM_RISCV_PTE_H
#define VMM_RISCV_PTE_H

#include <stdbool.h>
#include <stdint.h>

#define PTE_V UINT64_C(0x01)
#define PTE_R UINT64_C(0x02)
#define PTE_W UINT64_C(0x04)
#define PTE_X UINT64_C(0x08)
#define PTE_U UINT64_C(0x10)
#define PTE_A UINT64_C(0x40)
#define PTE_D UINT64_C(0x80)

#define PTE_LEAF      (PTE_R | PTE_W | PTE_X) /* any of them */
#define PTE_PPN_SHIFT 10
#define PTE_RESERVED  (UINT64_C(0x3ff) << 54)

#define VPN_MASK ((UINT64_C(1) << 27) - 1)

/* Bits 63 to 38 of an address are all the same; any other is none. True for all of RAM, too. */
static inline bool is_canonical(uint64_t address)
{
    return (uint64_t)((int64_t)(address << 25) >> 25) == address;
}

#endif
