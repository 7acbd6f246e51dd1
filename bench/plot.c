#include "bench/plot.h"

#include <limits.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOT_FOUND 127 /* a shell's exit code */

/* What the child's gnuplot exits with, or -1. */
static int run_gnuplot(const char *script, const char *table, const char *picture)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        execlp("gnuplot", "gnuplot", "-c", script, table, picture, (char *)NULL);
        _exit(NOT_FOUND);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

void plot_draw(struct bench *bench)
{
    const struct bench_options *options = &bench->options;
    const char *section = bench->report.section;
    char script[PATH_MAX], table[PATH_MAX], picture[PATH_MAX];
    int code;

    snprintf(script, sizeof(script), "%s/%s.gnuplot", options->plots, section);
    snprintf(table, sizeof(table), "%s/%s.table.csv", options->results, section);
    snprintf(picture, sizeof(picture), "%s/%s.svg", options->results, section);
    code = run_gnuplot(script, table, picture);
    if (code == 0)
        report_note(&bench->report, "picture: %s", picture);
    else if (code == NOT_FOUND)
        report_note(&bench->report,
                    "there is no gnuplot here (`make bench-deps` installs it): %s "
                    "is not drawn",
                    picture);
    else
        report_note(&bench->report, "gnuplot could not draw %s from %s", picture, table);
}
