/*
 * The memory of a random program, and where it appears in its address spaces.
 *
 * All spaces share the upper half; the lower halves differ in what they map the first two gibibytes
 * and the RAM with. Wherever the program has not changed it, a space looks like this:
 *
 *   0x0                   4 KiB pages of U mode: frame n at page n, with flaws; then aliases,
 * devices 0x200000              all frames in one 2 MiB page of U mode 0x400000              all
 * frames in one 2 MiB page of S mode 0x40000000            devices, for S mode, in one 1 GiB page
 *   0x80000000            all frames where they are, for S mode: in 1 GiB, 2 MiB or 4 KiB pages
 *   0xc0000000            all frames, for U mode, in one 1 GiB page
 *   0xffffffffc0000000    all frames, for S mode, in 4 KiB pages
 *   0xffffffffc0200000    all frames, for S mode, in one 2 MiB page
 */
#ifndef TESTS_RISCV_PROGRAMS_LAYOUT_H
#define TESTS_RISCV_PROGRAMS_LAYOUT_H

#include "vmm/memory.h"

#define PROGRAM_PAGES 32u
#define PROGRAM_RAM   (PROGRAM_PAGES * GUEST_PAGE_SIZE)

/* Frames, by their number within RAM. */
enum program_frame {
    FRAME_HANDLER,
    FRAME_CONTEXT,
    FRAME_ROOTS,
    FRAME_LOW_MIDDLE = FRAME_ROOTS + 3,
    FRAME_LOW_LEAVES = FRAME_LOW_MIDDLE + 3,
    FRAME_RAM_MIDDLE = FRAME_LOW_LEAVES + 3, /* of spaces 1 and 2 */
    FRAME_RAM_LEAVES = FRAME_RAM_MIDDLE + 2, /* of space 2 */
    FRAME_HIGH_MIDDLE,
    FRAME_HIGH_LEAVES,
    FRAME_CODE,
    FRAME_DATA = FRAME_CODE + 6
};
#define PROGRAM_SPACES     3u
#define PROGRAM_CODE_PAGES ((unsigned)(FRAME_DATA - FRAME_CODE))
#define PROGRAM_DATA_PAGES (PROGRAM_PAGES - FRAME_DATA)
#define PROGRAM_LOW_PAGES  64u /* mapped, more or less, at address 0 */

#define FRAME_ADDRESS(frame) (GUEST_RAM_START + (uint64_t)(frame)*GUEST_PAGE_SIZE)

#define ALIAS_USER    UINT64_C(0)
#define ALIAS_USER_2M UINT64_C(0x200000)
#define ALIAS_LOW_2M  UINT64_C(0x400000)
#define ALIAS_RAM     GUEST_RAM_START
#define ALIAS_USER_1G UINT64_C(0xc0000000)
#define ALIAS_HIGH    UINT64_C(0xffffffffc0000000)
#define ALIAS_HIGH_2M UINT64_C(0xffffffffc0200000)

/* Devices; what an access does depends on its address (lockstep/world.c). */
#define DEVICE_START UINT64_C(0x40000000)
enum program_device {
    DEVICE_VALUE = 0x000,
    DEVICE_REFUSES = 0x100,
    DEVICE_STOPS = 0x200,
    DEVICE_LOWERS = 0x300, /* the external interrupt line */
    DEVICE_RAISES = 0x400,
    DEVICE_SOFTWARE = 0x500,
    DEVICE_WRITES_RAM = 0x600,
    DEVICE_KINDS = 7
};

#endif
