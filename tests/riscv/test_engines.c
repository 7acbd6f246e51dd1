/*
 * Random programs give the same states at the same positions whatever engine runs them, and however
 * they are cut, reloaded, or made to forget what they derived. HART_SEED and HART_CASES in the
 * environment choose other and more programs.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/riscv/lockstep/compare.h"
#include "tests/riscv/lockstep/manners.h"

#define DEFAULT_SEED   1u
#define LENGTH         20000u /* positions */
#define REPORTED_CASES 3u

/* Of each pairing. */
#ifdef __SANITIZE_ADDRESS__
#define DEFAULT_CASES 20u
#else
#define DEFAULT_CASES 150u
#endif

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);
    return value != NULL ? strtoull(value, NULL, 0) : otherwise;
}

static bool one_case(struct program *program, enum pairing pairing, uint64_t seed)
{
    struct choices choices = choices_from_seed(~seed);
    struct manner manners[2];
    char label[64];

    snprintf(label, sizeof label, "HART_SEED=%llu HART_CASES=1, pairing %u",
             (unsigned long long)seed, (unsigned)pairing);
    program_generate(program, choices_from_seed(seed), LENGTH);
    manners_choose(pairing, &choices, manners);
    return manners_agree(program, manners, label);
}

static void expect_agreement(enum pairing pairing)
{
    uint64_t seed = from_environment("HART_SEED", DEFAULT_SEED);
    uint64_t count = from_environment("HART_CASES", DEFAULT_CASES);
    struct program *program = malloc(sizeof *program);
    unsigned failures = 0;

    cr_assert_not_null(program);
    for (uint64_t i = 0; i < count && failures < REPORTED_CASES; i++) {
        failures += !one_case(program, pairing, seed + i);
    }
    free(program);
    cr_assert_eq(failures, 0);
}

Test(engines, agree_when_the_jit_is_cut, .timeout = 3600)
{
    expect_agreement(PAIR_ENGINES);
}

Test(engines, agree_when_the_interpreter_is_cut, .timeout = 3600)
{
    expect_agreement(PAIR_JIT_WHOLE);
}

Test(engines, agree_when_the_code_cache_is_tiny, .timeout = 3600)
{
    expect_agreement(PAIR_TINY_CACHE);
}

Test(engines, agree_when_only_hot_code_is_translated, .timeout = 3600)
{
    expect_agreement(PAIR_HOT);
}

Test(engines, jit_agrees_with_itself_however_it_is_cut, .timeout = 3600)
{
    expect_agreement(PAIR_CUTS);
}

Test(engines, agree_when_one_goes_on_from_the_state_of_the_other, .timeout = 3600)
{
    expect_agreement(PAIR_RELOADS);
}

Test(engines, agree_when_all_that_was_derived_is_forgotten, .timeout = 3600)
{
    expect_agreement(PAIR_DROPS);
}
