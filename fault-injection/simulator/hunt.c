#include "fault-injection/simulator/hunt.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault-injection/simulator/mutant.h"

/* A run that does not end by itself is a violation too, if not one that the checkers name. */
#define RUN_SECONDS 60u

struct prey {
    pid_t pid;
    volatile uint64_t seed; /* that runs now */
    bool caught;
    int signal; /* by which its process died */
    enum checker checker;
    char why[CHECK_WHY_SIZE];
};

static void chase(const struct hunt_options *options, enum mutant mutant, struct prey *prey)
{
    struct report_options report = {.allocation_arm = options->allocation_arm};
    /* What an assertion says is for the seed that is looked at, not for the list. */
    if (freopen("/dev/null", "w", stderr) == NULL) {
        _exit(1);
    }
    mutant_choose(mutant);
    for (uint64_t i = 0; i < options->most; i++) {
        struct schedule schedule;
        struct run_result run;
        prey->seed = options->first + i;
        alarm(RUN_SECONDS);
        report_schedule(&schedule, prey->seed, &report);
        run_schedule(&schedule, false, &run);
        if (run.violated != CHECKER_NONE) {
            prey->caught = true;
            prey->checker = run.violated;
            memcpy(prey->why, run.why, sizeof run.why);
            return;
        }
        run_result_free(&run);
    }
}

static bool start(const struct hunt_options *options, struct prey *preys, unsigned mutant)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        chase(options, (enum mutant)mutant, &preys[mutant]);
        _exit(0);
    }
    preys[mutant].pid = pid;
    return pid > 0;
}

static void wait_for_one(struct prey *preys)
{
    int status;
    pid_t pid = wait(&status);
    for (unsigned i = MUTANT_NONE + 1; i < MUTANT_COUNT && pid > 0; i++) {
        if (preys[i].pid == pid && WIFSIGNALED(status)) {
            preys[i].caught = true;
            preys[i].signal = WTERMSIG(status);
        }
    }
}

static void print(const struct hunt_options *options, unsigned mutant, const struct prey *prey,
                  FILE *out)
{
    const char *name = mutant_name((enum mutant)mutant);
    uint64_t seeds = prey->seed - options->first + 1;
    if (!prey->caught) {
        fprintf(out, "SURVIVED  %-32s after %" PRIu64 " seeds: %s\n", name, seeds,
                mutant_about((enum mutant)mutant));
        return;
    }
    fprintf(out, "caught    %-32s by %-14s after %5" PRIu64 " seeds: %s\n", name,
            prey->signal != 0 ? "assertion" : checker_name(prey->checker), seeds,
            prey->signal != 0 ? strsignal(prey->signal) : prey->why);
}

int hunt(const struct hunt_options *options, FILE *out)
{
    size_t size = MUTANT_COUNT * sizeof(struct prey);
    struct prey *preys =
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    unsigned running = 0, survived = 0;
    bool good = preys != MAP_FAILED;
    for (unsigned i = MUTANT_NONE + 1; i < MUTANT_COUNT && good; i++) {
        if (running == options->jobs) {
            wait_for_one(preys);
            running--;
        }
        good = start(options, preys, i);
        running += good;
    }
    for (; running > 0; running--) {
        wait_for_one(preys);
    }
    for (unsigned i = MUTANT_NONE + 1; i < MUTANT_COUNT && good; i++) {
        print(options, i, &preys[i], out);
        survived += !preys[i].caught;
    }
    if (good) {
        fprintf(out, "%u mutants, %u caught, %u survived\n", MUTANT_COUNT - 1,
                MUTANT_COUNT - 1 - survived, survived);
    }
    if (preys != MAP_FAILED) {
        munmap(preys, size);
    }
    return good ? (int)survived : -1;
}
