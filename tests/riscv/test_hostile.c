/*
 * Guests made of noise: random code, registers and page tables that point at each other. No such
 * guest harms its host (run it under the sanitizers), and two harts agree about it though one of
 * them is stopped, reloaded and stripped of its caches all the time. HART_SEED and HART_CASES in
 * the environment choose other and more guests.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/riscv/support/state_buffer.h"
#include "vmm/riscv/hart.h"

#define RAM_SIZE      UINT64_C(0x20000)
#define PAGES         (RAM_SIZE / GUEST_PAGE_SIZE)
#define TABLE_PAGES   6u
#define INSTRUCTIONS  6000u
#define DEFAULT_CASES 300u

struct noise {
    uint64_t state;
};

static uint64_t next(struct noise *noise)
{
    uint64_t z = noise->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

/* Mostly addresses in RAM, as they are and through the page tables. */
static uint64_t address(struct noise *noise)
{
    uint64_t offset = next(noise) % RAM_SIZE & ~(UINT64_C(7) * (next(noise) % 4 != 0));
    switch (next(noise) % 8) {
    case 0: return next(noise);
    case 1: return next(noise) >> 32;
    case 2: return offset; /* entry 0 of tables */
    default: return GUEST_RAM_START + offset;
    }
}

static uint32_t instruction(struct noise *noise)
{
    static const uint32_t opcodes[] = {0x03, 0x07, 0x0f, 0x13, 0x17, 0x1b, 0x23, 0x27,
                                       0x2f, 0x33, 0x37, 0x3b, 0x43, 0x47, 0x4b, 0x4f,
                                       0x53, 0x63, 0x67, 0x6f, 0x73, 0x13, 0x23, 0x03};
    static const uint32_t system[] = {0x00000073, 0x10200073, 0x12000073, 0x00100073,
                                      0x18051073, 0x10061073, 0x14179073, 0x10579073,
                                      0x1007a073, 0x1007b073, 0x14d79073, 0x1447a073};
    uint32_t word = (uint32_t)next(noise);

    switch (next(noise) % 8) {
    case 0: return word;
    case 1: return system[next(noise) % (sizeof system / sizeof *system)];
    case 2: /* two compressed ones */
        return (word & 0xfffcfffc) | (uint32_t)(next(noise) % 3) << 16 |
               (uint32_t)(next(noise) % 3);
    case 3: /* a short branch */
        return (word & 0x01f07060) | (uint32_t)(next(noise) % 8) << 9 | 0x63;
    default: return (word & 0xffffff80) | opcodes[next(noise) % (sizeof opcodes / sizeof *opcodes)];
    }
}

static void fill(struct noise *noise, uint8_t *ram)
{
    for (uint64_t place = 0; place < RAM_SIZE; place += 4) {
        uint32_t word = instruction(noise);
        memcpy(ram + place, &word, sizeof word);
    }
    /* The first pages are tables: of each other, of the rest, some entries of the program itself.
     */
    for (unsigned i = 0; i < TABLE_PAGES * 512; i++) {
        uint64_t page = (GUEST_RAM_START >> 12) + next(noise) % PAGES;
        uint64_t flags = 0xcf; /* all but U */
        uint64_t entry;
        switch (next(noise) % 6) {
        case 0: /* a pointer */
            page = (GUEST_RAM_START >> 12) + next(noise) % TABLE_PAGES;
            flags = 0x01;
            break;
        case 1: flags = next(noise) & 0xff; break;
        case 2: flags = 0xdf; break;
        case 3: flags = 0x0f; break;
        default: break;
        }
        entry = page << 10 | flags;
        memcpy(ram + i * sizeof entry, &entry, sizeof entry);
    }
    /* What a root maps at the place of RAM, so that code goes on when paging begins. */
    for (unsigned i = 0; i < TABLE_PAGES; i++) {
        uint64_t entry = (GUEST_RAM_START >> 12) << 10 | 0xcf;
        memcpy(ram + i * GUEST_PAGE_SIZE + 2 * sizeof entry, &entry, sizeof entry);
    }
}

static struct hart *start(const struct guest_memory *memory, uint64_t seed)
{
    const struct hart_callbacks callbacks = {0};
    const struct hart_clock clock = {.rate_q32 = UINT64_C(30) << 32};
    struct noise noise = {.state = seed};
    struct hart *hart = hart_create(memory, &callbacks);
    cr_assert_not_null(hart);
    fill(&noise, memory->host);
    hart_reset(hart, GUEST_RAM_START + next(&noise) % RAM_SIZE, 0);
    hart_set_clock(hart, &clock);
    for (unsigned i = 1; i < 32; i++) {
        hart_set_x(hart, i, address(&noise));
        hart_set_f(hart, i, next(&noise));
    }
    /* a0: satp; a5: somewhere to go; a2: sstatus */
    hart_set_x(hart, 10,
               UINT64_C(8) << 60 | ((GUEST_RAM_START >> 12) + next(&noise) % TABLE_PAGES));
    hart_set_x(hart, 12, next(&noise) & 0xe6122);
    hart_set_csr(hart, 0x100, next(&noise) & 0xe6122);
    hart_set_csr(hart, 0x104, next(&noise));
    hart_set_csr(hart, 0x105, address(&noise));
    hart_set_csr(hart, 0x141, address(&noise));
    if (next(&noise) % 2) {
        hart_set_csr(hart, 0x180, hart_get_x(hart, 10));
    }
    return hart;
}

static struct guest_memory make_memory(void)
{
    struct guest_memory memory = {.start = GUEST_RAM_START, .size = RAM_SIZE};
    memory.host = aligned_alloc(GUEST_PAGE_SIZE, RAM_SIZE);
    cr_assert_not_null(memory.host);
    return memory;
}

static void run_to(struct hart *hart, uint64_t end)
{
    while (hart_position(hart) < end) {
        hart_run(hart, end);
    }
}

/* Into another hart over the same memory. */
static struct hart *reload(struct hart *hart, const struct guest_memory *memory)
{
    const struct hart_callbacks callbacks = {0};
    struct state_buffer buffer = {0};
    struct state_writer writer = state_buffer_writer(&buffer);
    struct state_reader reader = state_buffer_reader(&buffer);
    struct hart *fresh = hart_create(memory, &callbacks);

    hart_save(hart, &writer);
    hart_load(fresh, &reader);
    cr_assert_eq(writer.error, 0);
    cr_assert_eq(reader.error, 0);
    hart_destroy(hart);
    return fresh;
}

static void expect_agreement(uint64_t seed)
{
    struct guest_memory memory = make_memory(), other_memory = make_memory();
    struct hart *hart = start(&memory, seed);
    struct hart *other = start(&other_memory, seed);
    struct noise noise = {.state = ~seed};

    for (uint64_t position = 0; position < INSTRUCTIONS;) {
        uint64_t end = position + INSTRUCTIONS / 3;
        run_to(hart, end);
        while (position < end) {
            position += 1 + next(&noise) % 100;
            position = position < end ? position : end;
            run_to(other, position);
            switch (next(&noise) % 3) {
            case 0: hart_fence_i(other); break;
            case 1: hart_sfence_vma(other); break;
            default: break;
            }
        }
        other = reload(other, &other_memory);
        cr_assert_eq(hart_digest(hart), hart_digest(other),
                     "seed %llu, harts before %llu: pc %llx, %llx", (unsigned long long)seed,
                     (unsigned long long)end, (unsigned long long)hart_get_pc(hart),
                     (unsigned long long)hart_get_pc(other));
        cr_assert_eq(memcmp(memory.host, other_memory.host, RAM_SIZE), 0,
                     "seed %llu, memory before %llu", (unsigned long long)seed,
                     (unsigned long long)end);
    }
    hart_destroy(hart);
    hart_destroy(other);
    free(memory.host);
    free(other_memory.host);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value != NULL ? strtoull(value, NULL, 0) : otherwise;
}

Test(hostile, noise_does_no_harm_and_gives_the_same_everywhere, .timeout = 600)
{
    uint64_t seed = from_environment("HART_SEED", 1);
    uint64_t count = from_environment("HART_CASES", DEFAULT_CASES);

    for (uint64_t i = 0; i < count; i++) {
        expect_agreement(seed + i);
    }
}
