/* More code, jumps and address spaces than the engine's tables hold: all is dropped then, and
 * nothing shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "tests/riscv/support/assembler.h"
#include "vmm/riscv/hart.h"

#define RAM_SIZE (UINT64_C(2) << 20)
#define ROUNDS   2u

/* A hart that translates at once, and one that interprets, with a memory for each. */
struct pair {
    struct guest_memory memory[2];
    struct hart *hart[2];
};

static void begin(struct pair *pair, uint64_t code_cache_size)
{
    const struct hart_callbacks callbacks = {0};

    for (unsigned i = 0; i < 2; i++) {
        struct hart_config config;
        hart_config_init(&config);
        config.hot_after = 0;
        config.code_cache_size = code_cache_size;
        if (i == 1) {
            config.engine = HART_INTERPRETER;
        }
        pair->memory[i] = (struct guest_memory){.start = GUEST_RAM_START, .size = RAM_SIZE};
        pair->memory[i].host = aligned_alloc(GUEST_PAGE_SIZE, RAM_SIZE);
        cr_assert_not_null(pair->memory[i].host);
        memset(pair->memory[i].host, 0, RAM_SIZE);
        pair->hart[i] = hart_create(&pair->memory[i], &callbacks, &config);
        cr_assert_not_null(pair->hart[i]);
        hart_reset(pair->hart[i], GUEST_RAM_START, 0);
    }
}

static void end(struct pair *pair)
{
    for (unsigned i = 0; i < 2; i++) {
        hart_destroy(pair->hart[i]);
        free(pair->memory[i].host);
    }
}

static void put(struct pair *pair, uint64_t place, uint32_t bits)
{
    memcpy(pair->memory[0].host + place, &bits, sizeof bits);
    memcpy(pair->memory[1].host + place, &bits, sizeof bits);
}

static void expect_same_after(struct pair *pair, uint64_t instructions)
{
    for (unsigned i = 0; i < 2; i++) {
        hart_run(pair->hart[i], hart_position(pair->hart[i]) + instructions);
    }
    cr_assert_eq(hart_get_pc(pair->hart[0]), hart_get_pc(pair->hart[1]));
    cr_assert_eq(hart_digest(pair->hart[0]), hart_digest(pair->hart[1]));
}

static struct hart_counters counters_of(const struct pair *pair)
{
    struct hart_counters counters;
    hart_get_counters(pair->hart[0], &counters);
    return counters;
}

/* Every instruction is a block. */
Test(engine_limits, more_blocks_than_are_kept, .timeout = 120)
{
    struct pair pair;

    begin(&pair, UINT64_C(128) << 20);
    for (uint64_t place = 0; place < RAM_SIZE; place += 4) {
        put(&pair, place, place + 4 < RAM_SIZE ? rv_jal(A0, 4) : rv_jalr(ZERO, S0, 0));
    }
    for (unsigned i = 0; i < 2; i++) {
        hart_set_x(pair.hart[i], S0, GUEST_RAM_START);
    }
    for (unsigned round = 0; round < 4 * ROUNDS; round++) {
        expect_same_after(&pair, RAM_SIZE / 16 + 3);
    }
    cr_expect_gt(counters_of(&pair).decoded_flushes, 0);
    end(&pair);
}

/* Blocks with as many ways out as there are instructions, none of them taken. */
Test(engine_limits, more_ways_out_of_translations_than_are_kept, .timeout = 120)
{
    struct pair pair;

    begin(&pair, UINT64_C(256) << 20);
    for (uint64_t place = 0; place < RAM_SIZE; place += 4) {
        put(&pair, place,
            place + 4 == RAM_SIZE ? rv_jalr(ZERO, S0, 0)
                                  : rv_bne(A0, A0, place % 256 < 128 ? 64 : 32));
    }
    for (unsigned i = 0; i < 2; i++) {
        hart_set_x(pair.hart[i], S0, GUEST_RAM_START);
    }
    for (unsigned round = 0; round < 4 * ROUNDS; round++) {
        expect_same_after(&pair, RAM_SIZE / 16 + 3);
    }
    cr_expect(!hart_has_jit() || counters_of(&pair).code_flushes > 0);
    end(&pair);
}

/* Each round rewrites the function that it calls, which is translated anew. */
Test(engine_limits, more_translations_than_are_kept, .timeout = 120)
{
    struct pair pair;

    begin(&pair, UINT64_C(1) << 20);
    /* addi a1, a1, 1; sw a1, 64(s0); jalr ra, 64(s0); j -12; with addi a0, a0, n at 64 */
    put(&pair, 0, rv_add(A1, A1, T0));
    put(&pair, 4, rv_sw(A1, 64, S0));
    put(&pair, 8, rv_jalr(RA, S0, 64));
    put(&pair, 12, rv_jal(ZERO, -12));
    put(&pair, 64, rv_addi(A0, A0, 0));
    put(&pair, 68, RV_RET);
    for (unsigned i = 0; i < 2; i++) {
        hart_set_x(pair.hart[i], S0, GUEST_RAM_START);
        hart_set_x(pair.hart[i], T0, UINT64_C(1) << 20);
        hart_set_x(pair.hart[i], A1, rv_addi(A0, A0, 0));
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        expect_same_after(&pair, 600001);
    }
    cr_expect(!hart_has_jit() || counters_of(&pair).code_flushes > 0);
    end(&pair);
}

/* Jumps are remembered by a number for each address space, of which there are 2^24: a page of code
 * that is remapped takes a new one each time. */
Test(engine_limits, more_remappings_of_code_than_can_be_told_apart, .timeout = 300)
{
    const uint64_t root = 0x1000, middle = 0x2000, leaves = 0x3000, code = 0x5000;
    const uint64_t pointer = 0x01, leaf = 0xcf;
    const uint64_t remappings = (UINT64_C(1) << 24) + 10000;
    struct pair pair;

    begin(&pair, UINT64_C(1) << 20);
    for (unsigned i = 0; i < 2; i++) {
        uint64_t *table = (uint64_t *)(void *)pair.memory[i].host;
        table[(root + 2 * 8) / 8] = (GUEST_RAM_START + middle) >> 2 | pointer;
        table[middle / 8] = (GUEST_RAM_START + leaves) >> 2 | pointer;
        for (uint64_t page = 0; page < 16; page++) {
            table[leaves / 8 + page] = (GUEST_RAM_START + page * GUEST_PAGE_SIZE) >> 2 | leaf;
        }
        hart_set_x(pair.hart[i], S0, GUEST_RAM_START + code);
        hart_set_x(pair.hart[i], S1, GUEST_RAM_START + leaves + code / GUEST_PAGE_SIZE * 8);
        hart_set_x(pair.hart[i], A1, 1 << 10); /* one frame to the other */
        hart_set_csr(pair.hart[i], 0x180, UINT64_C(8) << 60 | (GUEST_RAM_START + root) >> 12);
    }
    /* jalr ra, 0(s0); ld a2, 0(s1); xor a2, a2, a1; sd a2, 0(s1); j -16 */
    put(&pair, 0, rv_jalr(RA, S0, 0));
    put(&pair, 4, rv_ld(A2, 0, S1));
    put(&pair, 8, rv_xor(A2, A2, A1));
    put(&pair, 12, rv_sd(A2, 0, S1));
    put(&pair, 16, rv_jal(ZERO, -16));
    for (uint64_t frame = 0; frame < 2; frame++) {
        put(&pair, (code ^ frame << 12), rv_addi(A0, A0, 1 + 2 * (int32_t)frame));
        put(&pair, (code ^ frame << 12) + 4, RV_RET);
    }
    expect_same_after(&pair, remappings * 7);
    cr_expect_eq(hart_get_x(pair.hart[0], A0), remappings / 2 * 4);
    end(&pair);
}
