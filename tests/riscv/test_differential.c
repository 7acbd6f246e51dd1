/*
 * Random instruction sequences give the same registers, flags and memory on the hart as under
 * QEMU's user mode. HART_SEED and HART_CASES in the environment choose other and more cases.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/riscv/differential/generate.h"
#include "tests/riscv/differential/run.h"

#define STEPS         20u
#define BATCH         1000u
#define DEFAULT_CASES 6000u
#define DEFAULT_SEED  1u

static unsigned long from_environment(const char *name, unsigned long otherwise)
{
    const char *value = getenv(name);
    return value != NULL ? strtoul(value, NULL, 0) : otherwise;
}

/* The return address and the embedder's registers are not of the case. */
static bool differ(const struct test_result *a, const struct test_result *b)
{
    return memcmp(a->context.x, b->context.x, sizeof a->context.x) != 0 ||
           memcmp(a->context.f, b->context.f, sizeof a->context.f) != 0 ||
           a->context.fcsr != b->context.fcsr ||
           memcmp(a->scratch, b->scratch, sizeof a->scratch) != 0;
}

static void print_difference(const struct test_result *hart, const struct test_result *qemu)
{
    for (unsigned i = 0; i < 32; i++) {
        if (hart->context.x[i] != qemu->context.x[i]) {
            fprintf(stderr, "  x%u: hart %016llx, qemu %016llx\n", i,
                    (unsigned long long)hart->context.x[i], (unsigned long long)qemu->context.x[i]);
        }
        if (hart->context.f[i] != qemu->context.f[i]) {
            fprintf(stderr, "  f%u: hart %016llx, qemu %016llx\n", i,
                    (unsigned long long)hart->context.f[i], (unsigned long long)qemu->context.f[i]);
        }
    }
    if (hart->context.fcsr != qemu->context.fcsr) {
        fprintf(stderr, "  fcsr: hart %02llx, qemu %02llx\n",
                (unsigned long long)hart->context.fcsr, (unsigned long long)qemu->context.fcsr);
    }
    for (unsigned i = 0; i < SCRATCH_SIZE; i++) {
        if (hart->scratch[i] != qemu->scratch[i]) {
            fprintf(stderr, "  scratch[%u]: hart %02x, qemu %02x\n", i, hart->scratch[i],
                    qemu->scratch[i]);
        }
    }
}

static void print_registers(const struct context *context)
{
    for (unsigned i = 0; i < 32; i++) {
        fprintf(stderr, "  x%-2u %016llx  f%-2u %016llx\n", i, (unsigned long long)context->x[i], i,
                (unsigned long long)context->f[i]);
    }
    fprintf(stderr, "  fcsr %02llx\n", (unsigned long long)context->fcsr);
}

/* Runs all shorter versions of a failing case, to find the step that differs first. */
static void explain(const struct hart_config *config, uint64_t seed)
{
    static struct test_case cases[STEPS + 1];
    static struct test_result hart[STEPS + 1];
    static struct test_result qemu[STEPS + 1];

    for (unsigned steps = 0; steps <= STEPS; steps++) {
        generate_case(&cases[steps], seed, steps);
    }
    if (run_under_qemu(cases, STEPS + 1, qemu) != 0 ||
        run_on_hart(config, cases, STEPS + 1, hart) != 0) {
        return;
    }
    for (unsigned steps = 1; steps <= STEPS; steps++) {
        if (differ(&hart[steps], &qemu[steps])) {
            unsigned start = 0;
            fprintf(stderr, "seed %llu: step %u differs; before it:\n", (unsigned long long)seed,
                    steps);
            print_registers(&qemu[steps - 1].context);
            while (start < CODE_SIZE - 4 &&
                   memcmp(cases[steps].code + start, cases[steps - 1].code + start, 2) == 0) {
                start += 2;
            }
            fprintf(stderr, "  its bytes, from %#x:", CODE_OFFSET + start);
            for (unsigned i = start; i < start + 16 && i < CODE_SIZE; i += 2) {
                fprintf(stderr, " %02x%02x", cases[steps].code[i + 1], cases[steps].code[i]);
            }
            fprintf(stderr, "\n");
            print_difference(&hart[steps], &qemu[steps]);
            return;
        }
    }
}

static void expect_agreement(const struct hart_config *config)
{
    unsigned long seed = from_environment("HART_SEED", DEFAULT_SEED);
    unsigned long count = from_environment("HART_CASES", DEFAULT_CASES);
    struct test_case *cases = calloc(BATCH, sizeof *cases);
    struct test_result *hart = calloc(BATCH, sizeof *hart);
    struct test_result *qemu = calloc(BATCH, sizeof *qemu);
    unsigned failures = 0;

    for (unsigned long done = 0; done < count; done += BATCH) {
        unsigned long batch = count - done < BATCH ? count - done : BATCH;
        for (unsigned long i = 0; i < batch; i++) {
            generate_case(&cases[i], seed + done + i, STEPS);
        }
        cr_assert_eq(run_under_qemu(cases, batch, qemu), 0);
        cr_assert_eq(run_on_hart(config, cases, batch, hart), 0);
        for (unsigned long i = 0; i < batch; i++) {
            if (differ(&hart[i], &qemu[i]) && failures++ < 5) {
                explain(config, seed + done + i);
            }
        }
    }
    cr_assert_eq(failures, 0, "%u of %lu cases differ", failures, count);
    free(cases);
    free(hart);
    free(qemu);
}

Test(differential, random_sequences_agree_with_qemu_when_interpreted, .timeout = 600)
{
    struct hart_config config;
    hart_config_init(&config);
    config.engine = HART_INTERPRETER;
    expect_agreement(&config);
}

Test(differential, random_sequences_agree_with_qemu_when_translated, .timeout = 600)
{
    struct hart_config config;
    hart_config_init(&config);
    if (config.engine != HART_JIT) {
        cr_skip_test("no JIT for this host");
    }
    config.hot_after = 0; /* most of a case runs once */
    expect_agreement(&config);
}
