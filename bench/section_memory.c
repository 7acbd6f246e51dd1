/* What an emulator's process has in memory beyond the RAM of its guest, after the guest has booted
 * and worked: enough of its code was translated, and its memory used. */
#include <stdio.h>
#include <stdlib.h>

#include "bench/forms.h"
#include "bench/lineup.h"
#include "bench/resident.h"
#include "fault-injection/lab/replica.h"

#define APPEND "quiet " REPLICA_QUICK_BOOT
#define MIB    1048576.0

struct memory {
    struct lineup lineup;
    struct sample beyond[LINEUP_MAX], pages[LINEUP_MAX], guest[LINEUP_MAX];
};

/* "256M", as ftvm and QEMU read it. */
static uint64_t parse_size(const char *text)
{
    char *end;
    uint64_t size = strtoull(text, &end, 10);

    return *end == 'G' ? size << 30 : *end == 'M' ? size << 20 : *end == 'K' ? size << 10 : size;
}

static bool work(struct emulator *emulator, unsigned percent)
{
    static const char *const programs[] = {"mixed",   "bytecode", "sort", "sha256",   "nbody",
                                           "walk-32", "copy",     "pipe", "fork-exec"};
    char value[EMULATOR_VALUE_SIZE];
    double seconds;

    if (!emulator_boot(emulator, &seconds))
        return false;
    for (unsigned i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
        if (!emulator_run(emulator, programs[i], percent, &seconds, value))
            return false;
    return true;
}

static bool take(struct memory *memory, struct bench *bench, unsigned i)
{
    struct emulator *emulator = &memory->lineup.emulators[i];
    struct resident resident;

    if (!work(emulator, bench->options.work)) {
        snprintf(bench->error, sizeof(bench->error), "%s", emulator->error);
        return false;
    }
    if (!resident_read(emulator->pid, parse_size(bench->options.memory), &resident)) {
        snprintf(bench->error, sizeof(bench->error), "%s: no mapping of the guest's size (%s)",
                 emulator->label, bench->options.memory);
        return false;
    }
    emulator_end(emulator);
    sample_add(&memory->beyond[i], (double)resident.beyond / MIB);
    sample_add(&memory->pages[i], (double)resident.beyond_pages / MIB);
    sample_add(&memory->guest[i], (double)resident.guest / MIB);
    return true;
}

static void report(const struct memory *memory, struct bench *bench)
{
    for (unsigned i = 0; i < memory->lineup.count; i++) {
        struct report_row row = {.workload = "after work",
                                 .form = memory->lineup.emulators[i].label,
                                 .parameter = bench->options.memory,
                                 .unit = "MiB"};

        row.quantity = "beyond guest's RAM";
        row.sample = &memory->beyond[i];
        report_row(&bench->report, &row);
        row.quantity = "- as RSS";
        row.sample = &memory->pages[i];
        report_row(&bench->report, &row);
        row.quantity = "used of guest's RAM";
        row.sample = &memory->guest[i];
        report_row(&bench->report, &row);
    }
    if (memory->lineup.missing[0])
        report_note(&bench->report, "%s", memory->lineup.missing);
}

bool section_memory(struct bench *bench)
{
    struct memory *memory = calloc(1, sizeof(*memory));
    bool good;

    if (!memory) {
        snprintf(bench->error, sizeof(bench->error), "out of memory");
        return false;
    }
    forms_end(bench);
    good = lineup_make(&memory->lineup, bench, APPEND);
    for (unsigned round = 0; good && round < bench->options.rounds; round++)
        for (unsigned i = 0; good && i < memory->lineup.count; i++)
            good = take(memory, bench, i);
    lineup_end(&memory->lineup);
    if (good)
        report(memory, bench);
    free(memory);
    return good;
}
