/*
 * Guests made of noise: random code, registers and page tables that point at each other. No such
 * guest harms its host (run it under the sanitizers), and an interpreter agrees about it with a JIT
 * that is stopped, reloaded and stripped of its caches all the time. HART_SEED and HART_CASES in
 * the environment choose other and more guests.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "tests/riscv/support/state_buffer.h"
#include "vmm/riscv/hart.h"

#define RAM_SIZE      UINT64_C(0x40000)
#define PAGES         (RAM_SIZE / GUEST_PAGE_SIZE)
#define TABLE_PAGES   6u
#define INSTRUCTIONS  6000u
#define DEFAULT_CASES 300u

/*
 * The trap handler, in the last 256 bytes of RAM. It draws from sscratch where to go on and in
 * which mode, and what registers hold: s0 any address in RAM; sp one near the code; s1 an entry of
 * a page table; a1 an entry to be stored there. At times it writes a0 to satp and changes a0 to the
 * other root. Noise may overwrite it.
 */
static const uint32_t handler[] = {
    0x140022f3, 0x5851f337, 0x42d3031b, 0x026282b3, 0x3f528293, 0x14029073, 0x00100393, 0x01f39393,
    0x00040337, 0xffe3031b, 0x00d2de13, 0x006e7e33, 0x007e0e33, 0x141e1073, 0x040e0113, 0x01d2de13,
    0x006e7433, 0x00740433, 0x0252de13, 0x00005337, 0x1f83031b, 0x006e74b3, 0x007484b3, 0x0292de13,
    0x03fe7e13, 0x00c3de93, 0x01de0e33, 0x00ae1e13, 0x0cfe6593, 0x0322de13, 0x010e7e13, 0x01c5e5b3,
    0x7002fe13, 0x000e1863, 0x18051073, 0x00100e13, 0x01c54533, 0x10000313, 0x10033073, 0x0142de13,
    0x006e7e33, 0x100e2073, 0x10200073};
#define HANDLER (GUEST_RAM_START + RAM_SIZE - 256)

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
    case 5: /* sd a1, -32..24(s1) */
        return next(noise) % 4 != 0 ? 0x00b4b023 | (uint32_t)(next(noise) % 4) << 10
                                    : 0xfeb4b023 | (uint32_t)(next(noise) % 4) << 10;
    case 3: /* a short branch */
        return (word & 0x01f07060) | (uint32_t)(next(noise) % 8) << 9 | 0x63;
    default: return (word & 0xffffff80) | opcodes[next(noise) % (sizeof opcodes / sizeof *opcodes)];
    }
}

#define FIRST_PAGE (GUEST_RAM_START / GUEST_PAGE_SIZE)

static void put_entry(uint8_t *ram, unsigned table, unsigned index, uint64_t page, uint64_t flags)
{
    uint64_t entry = page << 10 | flags;
    memcpy(ram + table * GUEST_PAGE_SIZE + index * sizeof entry, &entry, sizeof entry);
}

static void fill(struct noise *noise, uint8_t *ram)
{
    for (uint64_t place = 0; place < RAM_SIZE; place += 4) {
        uint32_t word = instruction(noise);
        memcpy(ram + place, &word, sizeof word);
    }
    /* Two roots, two tables of the middle level, two of the last; the rest of their entries is
     * noise, among it pointers to any of them. */
    for (unsigned i = 0; i < TABLE_PAGES * 512; i++) {
        uint64_t page = FIRST_PAGE + next(noise) % PAGES;
        uint64_t flags = next(noise) & 0xff;
        if (next(noise) % 4 == 0) {
            page = FIRST_PAGE + next(noise) % TABLE_PAGES;
            flags = 0x01;
        }
        put_entry(ram, i / 512, i % 512, page, flags);
    }
    for (unsigned i = 0; i < 2; i++) {
        put_entry(ram, i, 2, FIRST_PAGE + 2 + next(noise) % 2, 0x01);
        put_entry(ram, 2 + i, 0, FIRST_PAGE + 4 + next(noise) % 2, 0x01);
        for (unsigned n = 0; n < PAGES; n++) {
            static const uint8_t flags[] = {0xcf, 0xcf, 0xdf, 0x0f, 0x4f, 0x1f};
            bool other = next(noise) % 4 == 0 && n + 1 < PAGES;
            put_entry(ram, 4 + i, n, FIRST_PAGE + (other ? next(noise) % PAGES : n),
                      n + 1 < PAGES ? flags[next(noise) % sizeof flags] : 0xcf);
        }
    }
    memcpy(ram + (HANDLER - GUEST_RAM_START), handler, sizeof handler);
}

/* One that translates even what runs once, if there is a JIT; one that never does. */
static struct hart_config configuration(bool translates)
{
    struct hart_config config;
    hart_config_init(&config);
    config.hot_after = 0;
    if (!translates) {
        config.engine = HART_INTERPRETER;
    }
    return config;
}

static struct hart *start(const struct guest_memory *memory, bool translates, uint64_t seed)
{
    const struct hart_config config = configuration(translates);
    const struct hart_callbacks callbacks = {0};
    const struct hart_clock clock = {.rate_q32 = UINT64_C(30) << 32};
    struct noise noise = {.state = seed};
    struct hart *hart = hart_create(memory, &callbacks, &config);
    cr_assert_not_null(hart);
    fill(&noise, memory->host);
    hart_reset(hart, GUEST_RAM_START + next(&noise) % RAM_SIZE, 0);
    hart_set_clock(hart, &clock);
    for (unsigned i = 1; i < 32; i++) {
        hart_set_x(hart, i, address(&noise));
        hart_set_f(hart, i, next(&noise));
    }
    /* a0: satp; a5: somewhere to go; a2: sstatus */
    hart_set_x(hart, 10, UINT64_C(8) << 60 | ((GUEST_RAM_START >> 12) + next(&noise) % 2));
    hart_set_x(hart, 12, next(&noise) & 0xe6122);
    hart_set_csr(hart, 0x100, next(&noise) & 0xe6122);
    hart_set_csr(hart, 0x104, next(&noise));
    hart_set_csr(hart, 0x105, next(&noise) % 8 ? HANDLER : address(&noise));
    hart_set_csr(hart, 0x140, next(&noise));
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
    const struct hart_config config = configuration(true);
    struct hart *fresh = hart_create(memory, &callbacks, &config);

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
    struct hart *hart = start(&memory, false, seed);
    struct hart *other = start(&other_memory, true, seed);
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
