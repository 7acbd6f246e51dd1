#include "fault-injection/lab/experiment/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/lab.h"

#define LINE_WIDTH 79 /* a longer one could not be written over */

void progress_start(struct progress *progress, const struct results *results, unsigned left)
{
    unsigned done = results->done_count;

    *progress = (struct progress){
        .results = results,
        .total = done + left,
        .before = done,
        .start_ns = lab_now_ns(),
        .terminal = isatty(STDOUT_FILENO),
    };
    if (done > 0)
        printf("going on: %u of %u runs are done\n", done, progress->total);
}

static void format_left(const struct progress *progress, char text[32])
{
    unsigned done = progress->results->done_count, session = done - progress->before;
    uint64_t passed = lab_now_ns() - progress->start_ns;
    uint64_t left;

    snprintf(text, 32, "?");
    if (session == 0)
        return;
    left = passed / session * (progress->total - done) / 1000000000u;
    snprintf(text, 32, "%" PRIu64 ":%02u", left / 60, (unsigned)(left % 60));
}

static void format_head(const struct progress *progress, char text[96])
{
    char left[32];

    format_left(progress, left);
    snprintf(text, 96, "%u/%u, %s left, %u wrong", progress->results->done_count, progress->total,
             left, progress->results->bad_count);
}

void progress_begin(const struct progress *progress, const char *point, unsigned repetition)
{
    char line[1024], head[96];

    if (!progress->terminal)
        return;
    format_head(progress, head);
    snprintf(line, sizeof(line), "%s: %s #%u", head, point, repetition);
    printf("\r%-*.*s", LINE_WIDTH, LINE_WIDTH, line);
    fflush(stdout);
}

void progress_end(const struct progress *progress, const char *point, unsigned repetition,
                  const struct result *result)
{
    const char *outcome = result->value[RESULT_outcome];
    bool good = strcmp(outcome, outcome_name(OUTCOME_GOOD)) == 0;
    char head[96];

    /* What went as it should is told on a terminal by the line that is written over. */
    if (progress->terminal && good)
        return;
    format_head(progress, head);
    printf("%s%s: %s #%u: %s", progress->terminal ? "\r" : "", head, point, repetition, outcome);
    if (progress->results->experiment->kind == EXPERIMENT_SPEED)
        printf(", %s of the unprotected speed", result->value[RESULT_normalized]);
    else
        printf(", %s on %s%s%s", result->value[RESULT_fault], result->value[RESULT_workload],
               result->value[RESULT_failover][0] ? ", failover ms " : "",
               result->value[RESULT_failover]);
    /* Its first line; the rest, the end of a log mostly, is in the table. */
    printf("%s%.*s\n", result->value[RESULT_problem][0] ? ": " : "",
           (int)strcspn(result->value[RESULT_problem], "\n"), result->value[RESULT_problem]);
    if (result->value[RESULT_logs][0])
        printf("    logs: %s\n", result->value[RESULT_logs]);
    fflush(stdout);
}

void progress_finish(const struct progress *progress)
{
    if (progress->terminal)
        printf("\r%*s\r", LINE_WIDTH, "");
    printf("%u of %u runs done, %u wrong\n", progress->results->done_count, progress->total,
           progress->results->bad_count);
    fflush(stdout);
}
