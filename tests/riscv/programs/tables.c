/* The address spaces of layout.h. */
#include <string.h>

#include "tests/riscv/programs/program.h"

#define PTE_V UINT64_C(0x01)
#define PTE_R UINT64_C(0x02)
#define PTE_W UINT64_C(0x04)
#define PTE_X UINT64_C(0x08)
#define PTE_U UINT64_C(0x10)
#define PTE_A UINT64_C(0x40)
#define PTE_D UINT64_C(0x80)

#define PTE_ALL (PTE_V | PTE_R | PTE_W | PTE_X | PTE_A | PTE_D)

static void put(struct program *program, unsigned frame, unsigned index, uint64_t physical,
                uint64_t flags)
{
    uint64_t entry = physical / GUEST_PAGE_SIZE << 10 | flags;
    memcpy(program->ram + frame * GUEST_PAGE_SIZE + index * sizeof entry, &entry, sizeof entry);
}

static void point(struct program *program, unsigned frame, unsigned index, unsigned below)
{
    put(program, frame, index, FRAME_ADDRESS(below), PTE_V);
}

/* Mostly everything allowed. */
static uint64_t flawed(struct choices *choices, uint64_t flags)
{
    switch (choose(choices, 24)) {
    case 0: return flags & ~PTE_W;
    case 1: return flags & ~(PTE_R | PTE_W);
    case 2: return flags & ~PTE_X;
    case 3: return flags & ~PTE_V;
    case 4: return flags ^ PTE_U;
    case 5: return flags & ~PTE_A;
    case 6:
    case 7: return flags & ~PTE_D;
    case 8:
    case 9: return flags & ~(PTE_A | PTE_D);
    case 10: return flags & ~PTE_R; /* reserved: writable, not readable */
    default: return flags;
    }
}

static void make_low_leaves(struct program *program, struct choices *choices, unsigned frame)
{
    for (unsigned page = 0; page < PROGRAM_LOW_PAGES; page++) {
        uint64_t physical = FRAME_ADDRESS(page);
        if (page >= PROGRAM_PAGES) {
            physical =
                choose_one_in(choices, 4)
                    ? DEVICE_START + GUEST_PAGE_SIZE * choose(choices, 2)
                    : FRAME_ADDRESS(FRAME_CODE + choose(choices, PROGRAM_PAGES - FRAME_CODE));
        } else if (page >= FRAME_CODE && choose_one_in(choices, 12)) {
            physical = FRAME_ADDRESS(FRAME_CODE + choose(choices, PROGRAM_PAGES - FRAME_CODE));
        }
        put(program, frame, page, physical, flawed(choices, PTE_ALL | PTE_U));
    }
}

static void make_ram(struct program *program, struct choices *choices, unsigned space)
{
    unsigned middle = FRAME_RAM_MIDDLE + space - 1;

    if (space == 0) {
        put(program, FRAME_ROOTS, 2, GUEST_RAM_START, PTE_ALL);
        return;
    }
    point(program, FRAME_ROOTS + space, 2, middle);
    if (space == 1) {
        put(program, middle, 0, GUEST_RAM_START, PTE_ALL);
        return;
    }
    point(program, middle, 0, FRAME_RAM_LEAVES);
    for (unsigned frame = 0; frame < PROGRAM_PAGES; frame++) {
        put(program, FRAME_RAM_LEAVES, frame, FRAME_ADDRESS(frame),
            frame < FRAME_CODE ? PTE_ALL : flawed(choices, PTE_ALL));
    }
}

static void make_high(struct program *program, struct choices *choices)
{
    point(program, FRAME_HIGH_MIDDLE, 0, FRAME_HIGH_LEAVES);
    put(program, FRAME_HIGH_MIDDLE, 1, GUEST_RAM_START, PTE_ALL);
    for (unsigned frame = 0; frame < PROGRAM_PAGES; frame++) {
        put(program, FRAME_HIGH_LEAVES, frame, FRAME_ADDRESS(frame),
            frame < FRAME_CODE ? PTE_ALL : flawed(choices, PTE_ALL));
    }
}

uint64_t program_satp(unsigned space)
{
    return UINT64_C(8) << 60 | FRAME_ADDRESS(FRAME_ROOTS + space) / GUEST_PAGE_SIZE;
}

void program_make_tables(struct program *program, struct choices *choices)
{
    /* Some programs use one table in several places. */
    bool shares = choose_one_in(choices, 4);

    for (unsigned space = 0; space < PROGRAM_SPACES; space++) {
        unsigned root = FRAME_ROOTS + space, middle = FRAME_LOW_MIDDLE + space;
        point(program, root, 0, middle);
        put(program, root, 1, DEVICE_START, PTE_ALL & ~PTE_X);
        make_ram(program, choices, space);
        put(program, root, 3, GUEST_RAM_START, flawed(choices, PTE_ALL | PTE_U));
        point(program, root, 511, FRAME_HIGH_MIDDLE);
        point(program, middle, 0, FRAME_LOW_LEAVES + (shares ? choose(choices, 3) : space));
        put(program, middle, 1, GUEST_RAM_START, flawed(choices, PTE_ALL | PTE_U));
        put(program, middle, 2, GUEST_RAM_START, flawed(choices, PTE_ALL));
        if (shares) {
            point(program, middle, 3, FRAME_LOW_LEAVES + choose(choices, 3));
            put(program, middle, 4, GUEST_RAM_START + 0x1000, PTE_ALL); /* misaligned */
        }
        make_low_leaves(program, choices, FRAME_LOW_LEAVES + space);
    }
    make_high(program, choices);
}
