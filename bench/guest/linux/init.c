/*
 * The first and only process of a guest that is measured. It says that it is there, and then obeys
 * lines on the console:
 *
 *     NAME PERCENT      runs the program
 *
 * and answers
 *
 *     @ready            once, at the start: userland is reached
 *     @begin NAME       the work begins
 *     @end NAME VALUE   it is done; the value is the same on every correct machine
 *     @failed NAME
 *
 * Called as "init nothing" it ends at once: what fork-exec executes.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "programs.h"

#define MIB       ((size_t)1 << 20)
#define LINE_SIZE 128u
#define NAME_SIZE 32u

static const struct program programs[] = {
    {"integer", 0, NULL, integer_run},
    {"calls", 0, NULL, calls_run},
    {"pointers", 0, NULL, pointers_run},
    {"bytecode", 0, NULL, bytecode_run},
    {"mixed", MIB, mixed_prepare, mixed_run},
    {"sort", 2 * MIB, NULL, sort_run},
    {"sha256", MIB / 16, sha256_prepare, sha256_run},
    {"nbody", 0, NULL, nbody_run},
    {"chase-8", 8 * MIB, chase_prepare, chase_run},
    {"chase-32", 32 * MIB, chase_prepare, chase_run},
    {"walk-8", 8 * MIB, walk_prepare, walk_run},
    {"walk-32", 32 * MIB, walk_prepare, walk_run},
    {"copy", 24 * MIB, streams_prepare, copy_run},
    {"scale", 24 * MIB, streams_prepare, scale_run},
    {"add", 24 * MIB, streams_prepare, add_run},
    {"getpid", 0, NULL, getpid_run},
    {"clock-vdso", 0, NULL, clock_vdso_run},
    {"clock-call", 0, NULL, clock_call_run},
    {"pipe", 0, NULL, pipe_run},
    {"fork-exec", 0, NULL, fork_exec_run},
};

static const struct program *find_program(const char *name)
{
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (strcmp(programs[i].name, name) == 0)
            return &programs[i];
    return NULL;
}

/* In one write: a line of the kernel's must not come between. */
static void say(const char *text)
{
    for (size_t size = strlen(text); size > 0;) {
        ssize_t written = write(STDOUT_FILENO, text, size);

        if (written <= 0)
            return;
        text += written;
        size -= (size_t)written;
    }
}

static bool run(const struct program *program, uint64_t percent)
{
    /* Gives the machine the moment in which it passes on what the console printed. */
    static const struct timespec moment = {.tv_nsec = 1000000};
    struct work work = {.percent = percent, .size = program->size};
    char line[LINE_SIZE];
    uint64_t value;

    if (work.size > 0) {
        work.memory =
            mmap(NULL, work.size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (work.memory == MAP_FAILED)
            return false;
    }
    if (program->prepare)
        program->prepare(&work);
    snprintf(line, sizeof(line), "@begin %s\n", program->name);
    say(line);
    nanosleep(&moment, NULL);
    value = program->run(&work);
    snprintf(line, sizeof(line), "@end %s %016" PRIx64 "\n", program->name, value);
    say(line);
    if (work.size > 0)
        munmap(work.memory, work.size);
    return true;
}

static void obey(const char *line)
{
    const struct program *program;
    char name[NAME_SIZE], answer[LINE_SIZE];
    unsigned percent;

    if (sscanf(line, "%31s %u", name, &percent) != 2)
        return;
    program = find_program(name);
    if (program && run(program, percent))
        return;
    snprintf(answer, sizeof(answer), "@failed %s\n", name);
    say(answer);
}

static void quieten_console(void)
{
    struct termios settings;

    if (tcgetattr(STDIN_FILENO, &settings))
        return;
    settings.c_lflag &= (tcflag_t)~ECHO;
    tcsetattr(STDIN_FILENO, TCSANOW, &settings);
}

int main(int count, char **arguments)
{
    char line[LINE_SIZE];

    if (count > 1 && strcmp(arguments[1], "nothing") == 0)
        return 0;
    quieten_console();
    say("@ready\n");
    while (fgets(line, sizeof(line), stdin))
        obey(line);
    /* The first process must not end. */
    for (;;)
        pause();
}
