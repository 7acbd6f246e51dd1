#include "fault-injection/simulator/sweep.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* What a worker shows to its parent. */
struct worker {
    struct sweep_result result;
    volatile uint64_t running; /* the seed that it runs now */
};

struct board {
    volatile int stop; /* one has found a violation */
    struct worker workers[SWEEP_MAX_JOBS];
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void add(struct sweep_result *sum, const struct sweep_result *part)
{
    sum->runs += part->runs;
    sum->survived += part->survived;
    sum->promotions += part->promotions;
    sum->emissions += part->emissions;
    sum->requests += part->requests;
    sum->steps += part->steps;
    for (unsigned i = 0; i < ACT_KINDS; i++) {
        sum->acts[i] += part->acts[i];
    }
    if (part->violated && (!sum->violated || part->seed < sum->seed)) {
        sum->violated = true;
        sum->seed = part->seed;
        sum->checker = part->checker;
        sum->signal = part->signal;
        memcpy(sum->why, part->why, sizeof sum->why);
    }
}

static void count(struct sweep_result *sum, const struct schedule *schedule,
                  const struct run_result *run)
{
    struct sweep_result one = {
        .runs = 1,
        .survived = run->survived,
        .promotions = run->promotions,
        .emissions = run->emissions,
        .requests = run->requests,
        .steps = run->steps,
        .violated = run->violated != CHECKER_NONE,
        .seed = schedule->seed,
        .checker = run->violated,
    };
    memcpy(one.why, run->why, sizeof one.why);
    for (size_t i = 0; i < schedule->count; i++) {
        one.acts[schedule->acts[i].kind] += run->acts_done[i];
    }
    add(sum, &one);
}

static void work(const struct sweep_options *options, struct board *board, unsigned number)
{
    struct worker *worker = &board->workers[number];
    double end_s = now_s() + (double)options->seconds;
    for (uint64_t i = number; !board->stop; i += options->jobs) {
        struct schedule schedule;
        struct run_result run;
        if ((options->runs != 0 && i >= options->runs) ||
            (options->seconds != 0 && now_s() >= end_s)) {
            return;
        }
        worker->running = options->first + i;
        report_schedule(&schedule, worker->running, &options->report);
        run_schedule(&schedule, false, &run);
        count(&worker->result, &schedule, &run);
        if (run.violated != CHECKER_NONE) {
            board->stop = 1;
        }
        run_result_free(&run);
    }
}

static void gather(struct board *board, const pid_t *children, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct worker *worker = &board->workers[i];
        int status = 0;
        waitpid(children[i], &status, 0);
        if (WIFSIGNALED(status)) {
            worker->result.violated = true;
            worker->result.seed = worker->running;
            worker->result.signal = WTERMSIG(status);
            snprintf(worker->result.why, sizeof worker->result.why, "the run died: %s",
                     strsignal(WTERMSIG(status)));
            board->stop = 1;
        }
    }
}

static double children_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_CHILDREN, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

bool sweep(const struct sweep_options *options, struct sweep_result *result)
{
    pid_t children[SWEEP_MAX_JOBS];
    unsigned started = 0;
    double before_s = children_s();
    struct board *board =
        mmap(NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    *result = (struct sweep_result){0};
    if (board == MAP_FAILED) {
        return false;
    }
    for (; started < options->jobs; started++) {
        children[started] = fork();
        if (children[started] == 0) {
            work(options, board, started);
            _exit(0);
        }
        if (children[started] < 0) {
            board->stop = 1;
            break;
        }
    }
    gather(board, children, started);
    for (unsigned i = 0; i < started; i++) {
        add(result, &board->workers[i].result);
    }
    munmap(board, sizeof *board);
    result->processor_s = children_s() - before_s;
    return started == options->jobs;
}

void sweep_print(const struct sweep_result *result, FILE *out)
{
    double seconds = result->processor_s > 0 ? result->processor_s : 1e-9;
    fprintf(out,
            "%" PRIu64 " runs, in %" PRIu64 " of them a replica goes on; %" PRIu64
            " failovers, %" PRIu64 " outputs left, %" PRIu64 " requests were answered\n"
            "%.1f s of processor time: %.0f whole failovers, %.0f steps of engines a second\n",
            result->runs, result->survived, result->promotions, result->emissions, result->requests,
            result->processor_s, (double)result->promotions / seconds,
            (double)result->steps / seconds);
    fprintf(out, "faults:");
    for (unsigned i = ACT_NOTHING + 1; i < ACT_KINDS; i++) {
        fprintf(out, "%s %s %" PRIu64, i > ACT_NOTHING + 1 ? "," : "", act_name((enum act_kind)i),
                result->acts[i]);
    }
    fprintf(out, "\n");
}
