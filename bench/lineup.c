#include "bench/lineup.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_QEMU "qemu-system-riscv64"
/* What `ftvm` puts before the words of --append. */
#define CONSOLE_WORDS "console=ttyS0 rng_core.default_quality=1000 "

/* Keeps a text as long as the lineup. Too much of it is cut: options of one line do not get there.
 */
static const char *keep(struct lineup *lineup, const char *text)
{
    char *kept = lineup->texts + lineup->texts_size;
    size_t room = sizeof(lineup->texts) - lineup->texts_size;
    int size = snprintf(kept, room, "%s", text);

    lineup->texts_size += (size_t)size < room ? (size_t)size + 1 : room - 1;
    return kept;
}

static struct emulator *add(struct lineup *lineup, const struct bench *bench,
                            enum emulator_kind kind, const char *label,
                            const char *const arguments[])
{
    struct emulator *emulator = &lineup->emulators[lineup->count];
    unsigned count = 0;

    if (lineup->count == LINEUP_MAX)
        return NULL;
    *emulator = (struct emulator){.kind = kind};
    snprintf(emulator->label, sizeof(emulator->label), "%s", label);
    for (; arguments[count] && count < EMULATOR_ARGUMENTS; count++)
        emulator->arguments[count] = arguments[count];
    snprintf(emulator->log, sizeof(emulator->log), "%s/emulator-%u.log", bench->options.results,
             lineup->count);
    unlink(emulator->log);
    lineup->count++;
    return emulator;
}

/* The first line that a command prints and that holds `word`. */
static bool find_line(const char *command, const char *word, char *line, size_t size)
{
    FILE *output = popen(command, "re");
    bool found = false;

    /* Read to the end, or the command would be told that nobody listens. */
    for (char other[256]; output && fgets(other, sizeof(other), output);)
        if (!found && strstr(other, word)) {
            snprintf(line, size, "%s", other);
            found = true;
        }
    if (output)
        pclose(output);
    return found;
}

/* ---- Ours ---------------------------------------------------------------------------------- */

static void add_ftvm(struct lineup *lineup, const struct bench *bench, const char *append,
                     const char *cpu)
{
    const struct bench_options *options = &bench->options;
    const char *const arguments[] = {options->ftvm, "run",
                                     "--kernel",    options->kernel,
                                     "--initrd",    options->programs_initrd,
                                     "--memory",    options->memory,
                                     "--append",    keep(lineup, append),
                                     "--quiet",     cpu ? "--cpu" : NULL,
                                     cpu,           NULL};
    char label[EMULATOR_LABEL_SIZE];

    snprintf(label, sizeof(label), "ftvm%s%s", cpu ? " " : "", cpu ? cpu : "");
    add(lineup, bench, EMULATOR_FTVM, label, arguments);
}

static void add_ours(struct lineup *lineup, const struct bench *bench, const char *append)
{
    char cpus[256], *rest;

    if (!bench->options.cpu)
        add_ftvm(lineup, bench, append, NULL);
    snprintf(cpus, sizeof(cpus), "%s", bench->options.cpu ? bench->options.cpu : "");
    for (char *cpu = strtok_r(cpus, ",", &rest); cpu; cpu = strtok_r(NULL, ",", &rest))
        add_ftvm(lineup, bench, append, keep(lineup, cpu));
}

/* ---- QEMU ---------------------------------------------------------------------------------- */

/* "qemu-7.2", from "QEMU emulator version 7.2.22 (...)". */
static bool name_qemu(const char *path, char label[EMULATOR_LABEL_SIZE])
{
    char command[PATH_MAX + 32], line[256];
    unsigned major, minor;

    snprintf(command, sizeof(command), "'%s' --version 2>/dev/null", path);
    if (!find_line(command, "version ", line, sizeof(line)) ||
        sscanf(strstr(line, "version "), "version %u.%u", &major, &minor) != 2)
        return false;
    snprintf(label, EMULATOR_LABEL_SIZE, "qemu-%u.%u", major, minor);
    return true;
}

/* Two of one version: "qemu-7.2" and "qemu-7.2 b". */
static void set_apart(const struct lineup *lineup, char label[EMULATOR_LABEL_SIZE])
{
    char letter[] = " b";
    size_t size = strlen(label);

    for (unsigned i = 0; i < lineup->count; i++)
        if (strcmp(lineup->emulators[i].label, label) == 0) {
            snprintf(label + size, EMULATOR_LABEL_SIZE - size, "%s", letter);
            letter[1]++;
        }
}

static bool add_qemu(struct lineup *lineup, const struct bench *bench, const char *append,
                     const char *path)
{
    static const char *const counting[] = {NULL, "-icount"};
    char label[EMULATOR_LABEL_SIZE], full[EMULATOR_LABEL_SIZE + 8], words[1024];

    if (!name_qemu(path, label))
        return false;
    set_apart(lineup, label);
    snprintf(words, sizeof(words), CONSOLE_WORDS "%s", append);
    for (unsigned i = 0; i < 2; i++) {
        const char *const arguments[] = {keep(lineup, path),
                                         "-M",
                                         "virt",
                                         "-m",
                                         bench->options.memory,
                                         "-smp",
                                         "1",
                                         "-nographic",
                                         "-bios",
                                         "default",
                                         "-kernel",
                                         bench->options.kernel,
                                         "-initrd",
                                         bench->options.programs_initrd,
                                         "-append",
                                         keep(lineup, words),
                                         counting[i],
                                         "shift=0",
                                         NULL};

        snprintf(full, sizeof(full), "%s%s", label, i ? " icount" : "");
        add(lineup, bench, i ? EMULATOR_ICOUNT : EMULATOR_TCG, full, arguments);
    }
    return true;
}

bool lineup_make(struct lineup *lineup, struct bench *bench, const char *append)
{
    const char *named = bench->options.qemu;
    char paths[1024], *rest;

    *lineup = (struct lineup){0};
    if (access(bench->options.programs_initrd, R_OK)) {
        snprintf(bench->error, sizeof(bench->error),
                 "%s is not there; to make it takes gcc-riscv64-linux-gnu and cpio",
                 bench->options.programs_initrd);
        return false;
    }
    add_ours(lineup, bench, append);
    snprintf(paths, sizeof(paths), "%s", named ? named : DEFAULT_QEMU);
    for (char *path = strtok_r(paths, ",", &rest); path; path = strtok_r(NULL, ",", &rest)) {
        if (add_qemu(lineup, bench, append, path))
            continue;
        if (named) {
            snprintf(bench->error, sizeof(bench->error), "%s: no QEMU that runs", path);
            return false;
        }
        snprintf(lineup->missing, sizeof(lineup->missing),
                 "there is no %s here (`make bench-deps` installs it): measured without", path);
    }
    return true;
}

void lineup_end(struct lineup *lineup)
{
    for (unsigned i = 0; i < lineup->count; i++)
        emulator_end(&lineup->emulators[i]);
}
