#include "fault-injection/lab/experiment/plot.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault-injection/lab/experiment/html.h"

#define NOT_FOUND 127 /* a shell's exit code */

/* gnuplot's exit code, or -1. */
static int run_gnuplot(const char *argument)
{
    int status;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        int nowhere = open("/dev/null", O_RDWR);

        if (nowhere >= 0) {
            dup2(nowhere, STDOUT_FILENO);
            dup2(nowhere, STDERR_FILENO);
        }
        execlp("gnuplot", "gnuplot", argument, (char *)NULL);
        _exit(NOT_FOUND);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
        return -1;
    return WEXITSTATUS(status);
}

bool plot_is_possible(void)
{
    if (run_gnuplot("--version") == 0)
        return true;
    fputs("ftvm-lab: there is no gnuplot (make deps installs it): the report has no pictures\n",
          stderr);
    return false;
}

static bool make_file(char path[PLOT_PATH_SIZE])
{
    int file;

    strcpy(path, "/tmp/ftvm-plot-XXXXXX");
    file = mkstemp(path);
    if (file < 0) {
        path[0] = '\0';
        return false;
    }
    close(file);
    return true;
}

bool plot_begin(struct plot *plot, unsigned number, unsigned height)
{
    *plot = (struct plot){0};
    if (!make_file(plot->script_path) || !make_file(plot->picture_path))
        return false;
    plot->script = fopen(plot->script_path, "we");
    if (!plot->script)
        return false;
    fprintf(plot->script,
            "set terminal svg size 860,%u font \"sans-serif,12\" background \"white\" name "
            "\"plot%u\"\n"
            "set output \"%s\"\n"
            "set grid xtics ytics linecolor rgb \"#cccccc\"\n"
            "set border 3\nset tics nomirror\nset datafile separator \",\"\n",
            height, number, plot->picture_path);
    return true;
}

void plot_text(struct plot *plot, const char *text)
{
    fputc('"', plot->script);
    for (; *text; text++) {
        /* Those that gnuplot's enhanced text gives a meaning to. */
        if (strchr("_^{}@&~", *text))
            fputs("\\\\", plot->script);
        else if (*text == '"' || *text == '\\')
            fputc('\\', plot->script);
        fputc(*text, plot->script);
    }
    fputc('"', plot->script);
}

/* From <svg on: what is before it belongs to a file of its own. */
static bool copy_picture(const char *path, FILE *page)
{
    FILE *picture = fopen(path, "re");
    char line[65536];
    bool found = false;

    while (picture && fgets(line, sizeof(line), picture)) {
        const char *start = found ? line : strstr(line, "<svg");

        if (start)
            fputs(start, page);
        found = found || start;
    }
    if (picture)
        fclose(picture);
    return found;
}

void plot_end(struct plot *plot, FILE *page)
{
    bool good = plot->script && fclose(plot->script) == 0 && run_gnuplot(plot->script_path) == 0 &&
                copy_picture(plot->picture_path, page);

    if (!good)
        html_element(page, "p", "(This picture could not be drawn.)");
    if (plot->script_path[0])
        unlink(plot->script_path);
    if (plot->picture_path[0])
        unlink(plot->picture_path);
}
