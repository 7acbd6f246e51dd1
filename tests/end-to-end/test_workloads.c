/*
 * The workloads of the experiments: what they find right is a pair that loses its primary, and what
 * they find wrong is what somebody has done behind their backs.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/redis.h"
#include "fault-injection/lab/workloads/workload.h"
#include "tests/end-to-end/tests.h"

#define ANSWERS       100
#define ANSWERS_MS    30000
#define STOP_MS       30000
#define SHORT_STOP_MS 2000
#define ASK_MS        10000
#define CUTS          20
#define BLOCKS        64
#define BLOCK_SIZE    4096
#define SEED          77

static const struct replica_options with_everything = {
    .append = "ftvm.console_count=1 ftvm.stream=7000 ftvm.disk=none ftvm.records=7001",
    .disk = true,
};

/* ---- What is right --------------------------------------------------------------------------- */

/* Between two answers of the run, in milliseconds. */
static double longest_silence(struct workload *workload)
{
    struct workload_sample samples[256];
    uint64_t longest = 0, last = 0;
    size_t first = 0, count;

    while ((count = workload_samples(workload, first, samples,
                                     sizeof(samples) / sizeof(samples[0]))) > 0) {
        for (size_t i = 0; i < count; i++) {
            if (last > 0 && samples[i].at_ns - last > longest)
                longest = samples[i].at_ns - last;
            last = samples[i].at_ns;
        }
        first += count;
    }
    return (double)longest / 1e6;
}

static bool lose_a_primary(struct fixture *fixture, struct workload *workload)
{
    struct workload_verdict verdict;
    uint64_t start = lab_now_ns();
    bool good;

    fixture->failovers++;
    good = workload_wait(workload, ANSWERS, ANSWERS_MS) && pair_kill_primary(&fixture->pair, NULL);
    good = good && workload_wait(workload, ANSWERS, ANSWERS_MS) && fixture_protect(fixture) &&
           workload_check(workload, &verdict) &&
           (verdict.holds || lab_fail(&fixture->lab, "on the way: %s", verdict.problem)) &&
           workload_stop(workload, STOP_MS, &verdict) &&
           (verdict.holds || lab_fail(&fixture->lab, "%s", verdict.problem));
    if (!good)
        return false;
    printf("        %" PRIu64 " asked, %" PRIu64 " answered, %" PRIu64
           " unknown; %.0f answers/s; longest silence %.0f ms\n",
           verdict.asked, verdict.answered, verdict.unknown,
           (double)verdict.answered * 1e9 / (double)(lab_now_ns() - start),
           longest_silence(workload));
    return verdict.answered + verdict.unknown == verdict.asked ||
           lab_fail(&fixture->lab, "the counts contradict each other");
}

static bool hold(struct fixture *fixture, const struct workload_kind *kind)
{
    struct workload *workload;
    bool good;

    printf("        %s: %s\n", kind->name, kind->what);
    good = workload_start(&workload, kind, &fixture->lab, &fixture->pair, "", SEED) &&
           lose_a_primary(fixture, workload);
    workload_destroy(workload);
    return good;
}

bool test_workloads_hold_over_failovers(struct fixture *fixture)
{
    bool good = fixture_start(fixture, &with_everything) && pair_wait_guest(&fixture->pair);

    for (size_t i = 0; good && workload_kinds()[i]; i++)
        good = hold(fixture, workload_kinds()[i]);
    fixture_end(fixture);
    return good;
}

/* Redis itself cuts its clients off, in the middle of what they ask: nobody is told what was done.
 */
static bool cut_clients_off(struct fixture *fixture, struct workload *workload)
{
    struct workload_verdict verdict;
    int64_t cut;

    for (int i = 0; i < CUTS; i++)
        if (!redis_ask_anew(&fixture->lab, "CLIENT KILL TYPE normal", ASK_MS, &cut) ||
            !workload_wait(workload, ANSWERS / 10, ANSWERS_MS))
            return false;
    if (!workload_stop(workload, STOP_MS, &verdict))
        return false;
    printf("        %" PRIu64 " asked, %" PRIu64 " answered, %" PRIu64 " unknown\n", verdict.asked,
           verdict.answered, verdict.unknown);
    if (verdict.unknown == 0)
        return lab_fail(&fixture->lab, "no client was in the middle of anything");
    return verdict.holds || lab_fail(&fixture->lab, "%s", verdict.problem);
}

bool test_redis_clients_go_on_when_cut_off(struct fixture *fixture)
{
    struct workload *workload = NULL;
    bool good = fixture_start(fixture, &with_everything) && pair_wait_guest(&fixture->pair) &&
                workload_start(&workload, workload_find("redis"), &fixture->lab, &fixture->pair,
                               "pace-us=0", SEED) &&
                cut_clients_off(fixture, workload);

    workload_destroy(workload);
    fixture_end(fixture);
    return good;
}

/* ---- What is wrong --------------------------------------------------------------------------- */

/* Another client writes to a key that the workload's clients share. More than once, as a value that
 * is overwritten before anybody looks has never been. */
static bool set_a_register(struct fixture *fixture)
{
    int64_t old;
    bool good = true;

    for (int i = 0; i < 16 && good; i++)
        good = redis_ask_anew(&fixture->lab, "GETSET register-0 123", ASK_MS, &old);
    return good;
}

static bool add_to_a_counter(struct fixture *fixture)
{
    int64_t counter;

    return redis_ask_anew(&fixture->lab, "INCR counter-1", ASK_MS, &counter);
}

/* Past the guest, in the primary's image: one byte of each block. */
static bool change_the_image(struct fixture *fixture, off_t offset, char mask, char flip)
{
    char path[LAB_PATH_SIZE];
    bool good;
    int fd;

    replica_disk(&fixture->lab, fixture->pair.primary->host, path);
    fd = open(path, O_RDWR | O_CLOEXEC);
    good = fd >= 0;
    for (off_t block = 0; good && block < BLOCKS; block++) {
        char byte = 0;

        good = pread(fd, &byte, 1, block * BLOCK_SIZE + offset) == 1;
        byte = (char)((byte & mask) ^ flip);
        good = good && pwrite(fd, &byte, 1, block * BLOCK_SIZE + offset) == 1;
    }
    if (fd >= 0)
        close(fd);
    return good || lab_fail(&fixture->lab, "%s: %s", path, strerror(errno));
}

/* Without its first byte a record is none. */
static bool lose_blocks_of_the_image(struct fixture *fixture)
{
    return change_the_image(fixture, 0, 0, 0);
}

static bool flip_bits_of_the_image(struct fixture *fixture)
{
    return change_the_image(fixture, 2000, -1, 4);
}

static bool skip_lines_of_the_console(struct fixture *fixture)
{
    static const char text[] = "ftvm-count 999999999\n";
    const char *path = fixture->pair.primary->console;
    int fd = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
    bool good = fd >= 0 && write(fd, text, sizeof(text) - 1) == (ssize_t)sizeof(text) - 1;

    if (fd >= 0)
        close(fd);
    return good || lab_fail(&fixture->lab, "%s: %s", path, strerror(errno));
}

struct mischief {
    const char *kind, *parameters;
    bool (*commit)(struct fixture *fixture);
    const char *expected; /* a part of what is said of it */
};

static bool notice(struct fixture *fixture, const struct mischief *mischief)
{
    struct lab *lab = &fixture->lab;
    struct workload_verdict verdict;
    struct workload *workload;
    char path[LAB_PATH_SIZE];
    bool good;

    lab_path(lab, "history", path);
    good = workload_start(&workload, workload_find(mischief->kind), lab, &fixture->pair,
                          mischief->parameters, SEED) &&
           workload_wait(workload, ANSWERS, ANSWERS_MS) && mischief->commit(fixture) &&
           workload_wait(workload, ANSWERS, ANSWERS_MS) &&
           workload_stop(workload, STOP_MS, &verdict) && workload_dump(workload, path);
    workload_destroy(workload);
    if (!good)
        return false;
    printf("        %s: %s\n", mischief->kind, verdict.problem);
    return (!verdict.holds && strstr(verdict.problem, mischief->expected)) ||
           lab_fail(lab, "workload %s does not see that %s", mischief->kind, mischief->expected);
}

bool test_workloads_notice_what_is_wrong(struct fixture *fixture)
{
    static const struct mischief mischiefs[] = {
        {"redis", "keys=1", set_a_register, "fits no order of the operations"},
        {"redis", "keys=2", add_to_a_counter, "fits no order of the operations"},
        {"disk", "blocks=64", lose_blocks_of_the_image, "has no record"},
        {"disk", "blocks=64", flip_bits_of_the_image, "is damaged"},
        {"console", "", skip_lines_of_the_console, "the console goes from line"},
    };
    bool good = fixture_start(fixture, &with_everything) && pair_wait_guest(&fixture->pair);

    for (size_t i = 0; good && i < sizeof(mischiefs) / sizeof(mischiefs[0]); i++)
        good = notice(fixture, &mischiefs[i]);
    fixture_end(fixture);
    return good;
}

/* Nobody answers any more; that is found out in the time given. */
static bool end_without_guest(struct fixture *fixture, struct workload *workload)
{
    struct workload_verdict verdict;
    uint64_t start = lab_now_ns();

    pair_end(&fixture->pair);
    if (!workload_stop(workload, SHORT_STOP_MS, &verdict))
        return false;
    printf("        %s\n", verdict.problem);
    if (verdict.holds || !strstr(verdict.problem, "in the end"))
        return lab_fail(&fixture->lab, "a guest that is gone is taken for a good one");
    return lab_now_ns() - start < UINT64_C(2) * SHORT_STOP_MS * 1000000 ||
           lab_fail(&fixture->lab, "the end takes too long");
}

bool test_workloads_end_when_the_guest_is_gone(struct fixture *fixture)
{
    struct workload *workload = NULL;
    bool good = fixture_start(fixture, &with_everything) && pair_wait_guest(&fixture->pair) &&
                workload_start(&workload, workload_find("redis"), &fixture->lab, &fixture->pair,
                               "pace-us=0", SEED) &&
                workload_wait(workload, ANSWERS, ANSWERS_MS) &&
                end_without_guest(fixture, workload);

    workload_destroy(workload);
    fixture_end(fixture);
    return good;
}
