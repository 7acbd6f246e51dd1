/*
 * Runs the end-to-end tests, one after the other: real processes, a real guest, real faults. A line
 * per test, with the reason if it failed, and a closing line.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "tests/end-to-end/tests.h"

#define TEST_TIMEOUT_MS 120000

struct test {
    const char *name;
    bool (*run)(struct fixture *fixture);
};

static const struct test tests[] = {
#define END_TO_END_ROW(name) {#name, test_##name},
    END_TO_END_TESTS(END_TO_END_ROW)
#undef END_TO_END_ROW
};

#define TEST_COUNT (sizeof(tests) / sizeof(tests[0]))

struct options {
    struct lab_config lab;
    uint64_t seed;
    char *const *wanted; /* parts of names; none: all */
    int wanted_count;
};

static const char usage[] =
    "Usage: end-to-end [OPTIONS] [PART-OF-A-NAME ...]\n"
    "\n"
    "  --seed N        of the random moments (random)\n"
    "  --list          print the tests' names\n"
    "  --ftvm FILE     the command (build/ftvm)\n"
    "  --kernel FILE   the guest's kernel (build/guest/Image)\n"
    "  --initrd FILE   and initial RAM disk (build/guest/initrd.cpio.gz)\n"
    "  --keep          leave the replicas' logs, events and consoles behind\n";

static void list(void)
{
    for (size_t i = 0; i < TEST_COUNT; i++)
        puts(tests[i].name);
}

/* -1: go on; else the exit code. */
static int parse(struct options *options, int count, char **arguments)
{
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},   {"list", no_argument, NULL, 'l'},
        {"ftvm", required_argument, NULL, 'v'},   {"kernel", required_argument, NULL, 'k'},
        {"initrd", required_argument, NULL, 'i'}, {"keep", no_argument, NULL, 'K'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    int option;

    *options = (struct options){
        .lab = {"build/ftvm", "build/guest/Image", "build/guest/initrd.cpio.gz", false}};
    while ((option = getopt_long(count, arguments, "h", names, NULL)) >= 0) {
        switch (option) {
        case 's': options->seed = strtoull(optarg, NULL, 0); break;
        case 'l': list(); return 0;
        case 'v': options->lab.ftvm = optarg; break;
        case 'k': options->lab.kernel = optarg; break;
        case 'i': options->lab.initrd = optarg; break;
        case 'K': options->lab.keep = true; break;
        case 'h': fputs(usage, stdout); return 0;
        default: fputs(usage, stderr); return 2;
        }
    }
    options->wanted = arguments + optind;
    options->wanted_count = count - optind;
    while (options->seed == 0)
        if (getrandom(&options->seed, sizeof(uint32_t), 0) < 0)
            options->seed = 1;
    return -1;
}

static bool is_wanted(const struct options *options, const struct test *test)
{
    for (int i = 0; i < options->wanted_count; i++)
        if (strstr(test->name, options->wanted[i]))
            return true;
    return options->wanted_count == 0;
}

static bool run_one(struct fixture *fixture, const struct test *test)
{
    uint64_t start = lab_now_ns();
    bool good;

    if (isatty(STDOUT_FILENO)) {
        printf("        %s\r", test->name);
        fflush(stdout);
    }
    fixture->lab.deadline_ns = start + TEST_TIMEOUT_MS * UINT64_C(1000000);
    good = test->run(fixture);
    fixture->lab.deadline_ns = 0;
    if (fixture->lab.interrupted)
        return false;
    printf("%-7s %s (%.1f s)\n", good ? "ok" : "FAILED", test->name,
           (double)(lab_now_ns() - start) / 1e9);
    if (!good) {
        printf("        %s\n", fixture->lab.error);
        fixture_end(fixture);
    }
    fflush(stdout);
    return good;
}

static int run_all(struct fixture *fixture, const struct options *options)
{
    unsigned passed = 0, failed = 0;
    uint64_t start = lab_now_ns();

    printf("seed %" PRIu64 "\n", options->seed);
    fixture->random = options->seed;
    for (size_t i = 0; i < TEST_COUNT && !fixture->lab.interrupted; i++) {
        if (!is_wanted(options, &tests[i]))
            continue;
        if (run_one(fixture, &tests[i]))
            passed++;
        else if (!fixture->lab.interrupted)
            failed++;
    }
    printf("%u passed, %u failed (%.0f s, %u failovers)\n", passed, failed,
           (double)(lab_now_ns() - start) / 1e9, fixture->failovers);
    if (fixture->lab.interrupted)
        return 128 + fixture->lab.interrupted;
    return failed > 0 || passed == 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int count, char **arguments)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct options options;
    int code = parse(&options, count, arguments);

    if (code >= 0 || !fixture) {
        free(fixture);
        return code;
    }
    if (lab_open(&fixture->lab, &options.lab)) {
        code = run_all(fixture, &options);
    } else {
        fprintf(stderr, "end-to-end: %s\n", fixture->lab.error);
        code = EXIT_FAILURE;
    }
    fixture_end(fixture);
    lab_close(&fixture->lab);
    free(fixture);
    return code;
}
