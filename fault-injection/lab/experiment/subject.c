#include "fault-injection/lab/experiment/subject.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/experiment/experiment.h"

#define FIRST_ANSWERS 20
#define FIRST_MS      20000

bool subject_open(struct subject *subject, const struct lab_config *config, bool hooks)
{
    *subject = (struct subject){.hooks = hooks};
    return lab_open(&subject->lab, config) && status_log_start(&subject->status, &subject->lab);
}

void subject_close(struct subject *subject)
{
    subject_end(subject);
    status_log_stop(subject->status);
    lab_close(&subject->lab);
}

/* ---- Starting ------------------------------------------------------------------------------ */

/* What the replicas are told: a backup takes all but its own from its primary. */
static void set_options(struct subject *subject, struct replica_options *options)
{
    const struct settings *settings = &subject->settings;
    unsigned count = 0;

    for (int i = 0; i < SETTING_COUNT; i++) {
        const char *option = setting_option((enum setting)i);

        if (!option || settings->value[i][0] == '\0' || count + 2 >= REPLICA_EXTRA)
            continue;
        options->primary_extra[count++] = option;
        options->primary_extra[count++] = settings->value[i];
    }
    if (settings->value[SETTING_CPU][0]) {
        options->backup_extra[0] = setting_option(SETTING_CPU);
        options->backup_extra[1] = settings->value[SETTING_CPU];
    }
    snprintf(subject->append, sizeof(subject->append), "%s %s",
             subject->kind->append ? subject->kind->append : "", settings->value[SETTING_APPEND]);
    options->append = subject->append;
    options->disk = subject->kind->disk;
    options->no_arbiter = settings_are(settings, SETTING_ARBITER, "none");
}

/* One of those that the setting names. */
static const struct workload_kind *draw_kind(const char *names, uint64_t seed)
{
    const struct workload_kind *kinds[16];
    char copy[SETTINGS_VALUE_SIZE], *rest;
    unsigned count = 0;

    snprintf(copy, sizeof(copy), "%s", names);
    for (char *name = strtok_r(copy, " \t", &rest); name && count < 16;
         name = strtok_r(NULL, " \t", &rest))
        if ((kinds[count] = workload_find(name)))
            count++;
    return count > 0 ? kinds[experiment_mix(seed) % count] : NULL;
}

static bool begin_work(struct subject *subject, uint64_t seed)
{
    return pair_wait_guest(&subject->pair) && subject_delay(subject) &&
           workload_start(&subject->workload, subject->kind, &subject->lab, &subject->pair,
                          subject->settings.value[SETTING_PARAMETERS], seed) &&
           workload_wait(subject->workload, FIRST_ANSWERS, FIRST_MS);
}

bool subject_start(struct subject *subject, const struct settings *settings, uint64_t seed)
{
    struct replica_options options = {0};

    subject_end(subject);
    subject->settings = *settings;
    subject->kind = draw_kind(settings->value[SETTING_WORKLOAD], seed);
    if (!subject->kind)
        return lab_fail(&subject->lab, "there is no workload '%s'",
                        settings->value[SETTING_WORKLOAD]);
    set_options(subject, &options);
    subject->alive = faults_open(&subject->faults, &subject->lab, &options) &&
                     pair_start(&subject->pair, &subject->lab, &options) &&
                     pair_wait_protected(&subject->pair) && begin_work(subject, seed);
    return subject->alive;
}

bool subject_delay(struct subject *subject)
{
    uint64_t round_trip_us = settings_number(&subject->settings, SETTING_ROUND_TRIP_US);
    struct fault delay = {.kind = FAULT_DELAY, .amount = {(int64_t)round_trip_us / 2}};
    struct fault_record record;

    return round_trip_us == 0 ||
           faults_begin(subject->faults, &subject->pair, &delay, 0, 0, &record);
}

/* ---- Ending -------------------------------------------------------------------------------- */

/* Hundreds of pairs may follow. */
static void remove_files(struct subject *subject)
{
    for (unsigned i = 0; i < subject->pair.count; i++) {
        struct replica *replica = &subject->pair.replicas[i];

        unlink(replica->control);
        unlink(replica->console);
        unlink(replica->events.path);
        unlink(replica->process.log);
    }
}

void subject_end(struct subject *subject)
{
    workload_destroy(subject->workload);
    subject->workload = NULL;
    remove_files(subject);
    pair_end(&subject->pair);
    faults_close(subject->faults);
    subject->faults = NULL;
    subject->alive = false;
}
