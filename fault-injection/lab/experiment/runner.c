#include "fault-injection/lab/experiment/runner.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/experiment/progress.h"
#include "fault-injection/lab/experiment/round.h"
#include "fault-injection/lab/experiment/speed.h"

#define FAILURES_MAX 3                      /* in a row: then it is not the run, but the host */
#define RUN_MAX_NS   UINT64_C(600000000000) /* nothing in a round waits for longer */

struct runner {
    const struct lab_options *options;
    const struct experiment *experiment;
    struct results *results;
    struct progress progress;
    struct run *schedule;
    unsigned count, failures;
    /* One of the two, by the experiment's kind. */
    struct subject *subject;
    struct speed *speed;
    int signals;           /* of speed; the subject's lab has its own */
    unsigned machine_life; /* of the machine that speed has, plus one; 0: none */
    int interrupted;       /* by this signal */
};

static bool is_selected(const struct runner *runner, const struct run *run)
{
    const struct lab_options *options = runner->options;
    struct settings settings;
    char point[POINT_NAME_SIZE];

    if (results_is_done(runner->results, run) ||
        (options->repetition > 0 && run->repetition != options->repetition) ||
        (options->shares > 0 && run->life % options->shares != options->share - 1))
        return false;
    experiment_point(runner->experiment, run->point, &settings, point);
    return !options->only || strstr(point, options->only);
}

/* Takes those out that are done, or not wanted. */
static void select_runs(struct runner *runner)
{
    unsigned kept = 0;

    for (unsigned i = 0; i < runner->count; i++)
        if (is_selected(runner, &runner->schedule[i]))
            runner->schedule[kept++] = runner->schedule[i];
    runner->count = kept;
}

/* ---- Rounds -------------------------------------------------------------------------------- */

static bool open_subject(struct runner *runner)
{
    const struct lab_options *options = runner->options;
    bool hooks = access(options->hooked_ftvm, X_OK) == 0;
    const struct lab_config config = {.ftvm = hooks ? options->hooked_ftvm : options->ftvm,
                                      .kernel = options->kernel,
                                      .initrd = options->initrd,
                                      .keep = options->keep};

    if (!hooks)
        printf("%s: %s; faults at events are left out\n", options->hooked_ftvm, strerror(errno));
    runner->subject = calloc(1, sizeof(*runner->subject));
    if (!runner->subject) {
        fputs("ftvm-lab: out of memory\n", stderr);
        return false;
    }
    if (subject_open(runner->subject, &config, hooks))
        return true;
    fprintf(stderr, "ftvm-lab: %s\n", runner->subject->lab.error);
    return false;
}

static bool run_round(struct runner *runner, unsigned i, const struct settings *settings,
                      const char *point, uint64_t seed, struct result *result)
{
    const struct run *run = &runner->schedule[i];
    const struct round round = {
        .point = point,
        .repetition = run->repetition,
        .seed = seed,
        .last = i + 1 == runner->count || runner->schedule[i + 1].life != run->life,
    };
    uint64_t life_seed = experiment_life_seed(runner->experiment, point, run->repetition);
    struct lab *lab = &runner->subject->lab;
    bool good;

    if (i > 0 && runner->schedule[i - 1].life != run->life)
        subject_end(runner->subject);
    lab->deadline_ns = lab_now_ns() + RUN_MAX_NS;
    good = round_run(runner->subject, settings, life_seed, &round, runner->results, result);
    runner->interrupted = lab->interrupted;
    return good;
}

/* ---- Speed --------------------------------------------------------------------------------- */

static bool open_speed(struct runner *runner)
{
    const struct lab_options *options = runner->options;
    const struct lab_config config = {options->ftvm, options->kernel, options->initrd,
                                      options->keep};

    runner->signals = lab_catch_signals();
    runner->speed = calloc(1, sizeof(*runner->speed));
    if (runner->signals < 0 || !runner->speed) {
        fprintf(stderr, "ftvm-lab: no signalfd, or no memory: %s\n", strerror(errno));
        return false;
    }
    speed_init(runner->speed, &config, runner->signals);
    return true;
}

static bool run_speed(struct runner *runner, unsigned i, const struct settings *settings,
                      struct result *result)
{
    const struct run *run = &runner->schedule[i];
    struct speed *speed = runner->speed;
    bool good = true;

    if (runner->machine_life != run->life + 1)
        good = speed_start(speed, settings);
    runner->machine_life = good ? run->life + 1 : 0;
    good = good && speed_run(speed, settings, result);
    result_set(result, RESULT_outcome, "%s", outcome_name(good ? OUTCOME_GOOD : OUTCOME_FAILED));
    if (!good) {
        result_set(result, RESULT_problem, "%.*s", (int)RESULTS_VALUE_SIZE - 1, speed->error);
        runner->machine_life = 0;
        /* Ends the rigs before the signal is read, as they look for it, too. */
        speed_close(speed);
    }
    runner->interrupted = lab_take_signal(runner->signals);
    return runner->interrupted == 0;
}

/* ---- The whole ----------------------------------------------------------------------------- */

/* False if there is no going on. */
static bool run_one(struct runner *runner, unsigned i)
{
    const struct run *run = &runner->schedule[i];
    struct result result = {0};
    struct settings settings;
    char point[POINT_NAME_SIZE];
    uint64_t seed;
    bool good;

    experiment_point(runner->experiment, run->point, &settings, point);
    seed = experiment_run_seed(runner->experiment, point, run->repetition);
    result_set(&result, RESULT_point, "%s", point);
    result_set(&result, RESULT_repetition, "%u", run->repetition);
    result_set(&result, RESULT_seed, "%llu", (unsigned long long)seed);
    progress_begin(&runner->progress, point, run->repetition);
    good = runner->subject ? run_round(runner, i, &settings, point, seed, &result)
                           : run_speed(runner, i, &settings, &result);
    if (runner->interrupted)
        return false;
    if (!good || !results_add(runner->results, run, &result)) {
        fprintf(stderr, "\nftvm-lab: %s\n", runner->results->error);
        return false;
    }
    progress_end(&runner->progress, point, run->repetition, &result);
    runner->failures = strcmp(result.value[RESULT_outcome], outcome_name(OUTCOME_FAILED)) == 0
                           ? runner->failures + 1
                           : 0;
    if (runner->failures < FAILURES_MAX)
        return true;
    fprintf(stderr, "ftvm-lab: %u runs in a row have failed; the last: %s\n", runner->failures,
            result.value[RESULT_problem]);
    return false;
}

static int run_all(struct runner *runner)
{
    unsigned i = 0;

    progress_start(&runner->progress, runner->results, runner->count);
    while (i < runner->count && run_one(runner, i))
        i++;
    progress_finish(&runner->progress);
    if (runner->interrupted) {
        printf("interrupted; the same command goes on from here\n");
        return 128 + runner->interrupted;
    }
    return i < runner->count || runner->results->bad_count > 0 ? LAB_EXIT_WRONG : LAB_EXIT_GOOD;
}

static void close_runner(struct runner *runner)
{
    if (runner->subject)
        subject_close(runner->subject);
    if (runner->speed)
        speed_close(runner->speed);
    if (runner->signals > 0)
        close(runner->signals);
    free(runner->subject);
    free(runner->speed);
    free(runner->schedule);
}

static bool check_file(const char *path, int mode, const char *made_by)
{
    if (access(path, mode) == 0)
        return true;
    fprintf(stderr, "ftvm-lab: %s: %s; make it with: make %s\n", path, strerror(errno), made_by);
    return false;
}

int runner_run(const struct lab_options *options, const struct experiment *experiment,
               struct results *results)
{
    struct runner runner = {.options = options, .experiment = experiment, .results = results};
    int code = LAB_EXIT_WRONG;

    if (!check_file(options->ftvm, X_OK, "lab") || !check_file(options->kernel, R_OK, "guest") ||
        !check_file(options->initrd, R_OK, "guest"))
        return LAB_EXIT_USAGE;
    runner.schedule = experiment_schedule(experiment, &runner.count);
    if (!runner.schedule) {
        fputs("ftvm-lab: out of memory\n", stderr);
        return LAB_EXIT_WRONG;
    }
    select_runs(&runner);
    if (runner.count == 0 && results->done_count == 0) {
        fprintf(stderr, "ftvm-lab: %s: --only and --repetition leave no run; see ftvm-lab --help\n",
                options->file);
        code = LAB_EXIT_USAGE;
    } else if (runner.count == 0 || (experiment->kind == EXPERIMENT_FAULTS ? open_subject(&runner)
                                                                           : open_speed(&runner))) {
        code = run_all(&runner);
    }
    close_runner(&runner);
    return code;
}
