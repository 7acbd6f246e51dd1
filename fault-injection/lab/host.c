#include "fault-injection/lab/host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#define TEXT_SIZE 256u

static void cut_line(char *text)
{
    text[strcspn(text, "\n")] = '\0';
}

static void processor(char model[TEXT_SIZE])
{
    char line[TEXT_SIZE];
    FILE *file = fopen("/proc/cpuinfo", "re");

    snprintf(model, TEXT_SIZE, "unknown");
    while (file && fgets(line, sizeof(line), file)) {
        char *colon = strchr(line, ':');

        if (strncmp(line, "model name", 10) == 0 && colon) {
            cut_line(colon);
            snprintf(model, TEXT_SIZE, "%s", colon + 2);
            break;
        }
    }
    if (file)
        fclose(file);
}

static void commit(char text[TEXT_SIZE])
{
    FILE *git = popen("git describe --always --dirty --abbrev=12 2>/dev/null", "re");

    if (!git || !fgets(text, TEXT_SIZE, git))
        snprintf(text, TEXT_SIZE, "unknown");
    cut_line(text);
    if (git)
        pclose(git);
}

void host_print(FILE *file)
{
    char model[TEXT_SIZE], version[TEXT_SIZE], date[TEXT_SIZE];
    struct utsname name = {0};
    time_t now = time(NULL);
    double load[3] = {0};
    struct tm calendar;

    processor(model);
    commit(version);
    uname(&name);
    if (getloadavg(load, 3) < 0)
        load[0] = load[1] = load[2] = 0;
    strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", gmtime_r(&now, &calendar));
    fprintf(file,
            "processor  %s, %ld cores\n"
            "memory     %.1f GiB\n"
            "kernel     %s %s %s\n"
            "load       %.2f %.2f %.2f before the start\n"
            "commit     %s\n"
            "date       %s\n",
            model, sysconf(_SC_NPROCESSORS_ONLN),
            (double)sysconf(_SC_PHYS_PAGES) * (double)sysconf(_SC_PAGESIZE) / 1073741824.0,
            name.sysname, name.release, name.machine, load[0], load[1], load[2], version, date);
}

void host_describe(const char *directory)
{
    char path[PATH_MAX];
    FILE *file;

    host_print(stdout);
    snprintf(path, sizeof(path), "%s/host.txt", directory);
    file = fopen(path, "we");
    if (file) {
        host_print(file);
        fclose(file);
    }
    fflush(stdout);
}
