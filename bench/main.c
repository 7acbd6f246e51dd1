/*
 * Measures what protection costs and how fast it acts, on this host, and says on what host.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/bench.h"
#include "bench/forms.h"
#include "fault-injection/lab/host.h"

static const struct {
    const char *name;
    const char *title;
    bench_section *run;
} sections[] = {
    {"hart", "guest code on the hart alone", section_hart},
    {"qemu", "programs in an unprotected guest, beside QEMU", section_qemu},
    {"memory", "of the host, for an unprotected guest", section_memory},
    {"cpu", "integer work in a Linux guest", section_cpu},
    {"disk", "direct requests to a raw image, one at a time", section_disk},
    {"network", "one TCP stream to and from the guest", section_network},
    {"redis", "INCR over one TCP connection", section_redis},
    {"log", "what goes from the primary to the backup", section_log},
    {"failover", "the primary is lost while a client works", section_failover},
    {"transfer", "a new backup joins", section_transfer},
    {"epoch", "the length of an epoch", section_epoch},
};

#define SECTIONS (sizeof(sections) / sizeof(sections[0]))

static bool check_names(const char *list)
{
    char copy[256];

    snprintf(copy, sizeof(copy), "%s", list ? list : "");
    for (char *name = strtok(copy, ","); name; name = strtok(NULL, ",")) {
        size_t i = 0;

        while (i < SECTIONS && strcmp(sections[i].name, name) != 0)
            i++;
        if (i == SECTIONS) {
            fprintf(stderr, "measure: --only: there is no section '%s'; see --help\n", name);
            return false;
        }
    }
    return true;
}

static bool run_section(struct bench *bench, size_t i)
{
    bool good;

    bench->error[0] = '\0';
    if (!report_open(&bench->report, bench->options.results, sections[i].name, sections[i].title)) {
        fprintf(stderr, "measure: %s: %s\n", bench->options.results, strerror(errno));
        return false;
    }
    good = sections[i].run(bench);
    if (!good)
        printf("  not measured: %s\n", bench->error);
    report_close(&bench->report);
    return good;
}

static bool make_directory(const char *path)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST)
        return true;
    fprintf(stderr, "measure: %s: %s\n", path, strerror(errno));
    return false;
}

static void configure_machines(struct bench *bench)
{
    const struct bench_options *options = &bench->options;

    bench->machines = (struct machine_config){
        .lab = {options->ftvm, options->kernel, options->initrd, options->keep},
        .memory = options->memory};
    if (!options->cpu)
        return;
    /* The first of several. */
    snprintf(bench->cpu, sizeof(bench->cpu), "%.*s", (int)strcspn(options->cpu, ","), options->cpu);
    bench->machines.cpu = bench->cpu;
}

int main(int count, char **arguments)
{
    struct bench *bench = calloc(1, sizeof(*bench));
    bool good = true;
    int code;

    if (!bench)
        return EXIT_FAILURE;
    code = bench_options_parse(&bench->options, count, arguments);
    if (code >= 0) {
        free(bench);
        return code;
    }
    if (!check_names(bench->options.only) || !make_directory(bench->options.results)) {
        free(bench);
        return 2;
    }
    configure_machines(bench);
    /* A rig that has died is an answer that does not come. */
    signal(SIGPIPE, SIG_IGN);
    host_describe(bench->options.results);
    for (size_t i = 0; i < SECTIONS; i++)
        if (!bench->options.only || bench_listed(bench->options.only, sections[i].name))
            good = run_section(bench, i) && good;
    forms_end(bench);
    printf("\nratio: to the row above that has none, taken in turns with it. CSV files: %s\n",
           bench->options.results);
    free(bench);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
