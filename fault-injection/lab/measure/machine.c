#include "fault-injection/lab/measure/machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fault-injection/lab/client.h"
#include "fault-injection/lab/faults/faults.h"
#include "fault-injection/lab/measure/guest.h"
#include "fault-injection/lab/measure/watch.h"

#define DISK_SIZE  (64 << 20)
#define CONNECT_MS 60000 /* with short epochs a shell takes long to start */
#define TEXT(x)    TEXT_OF(x)
#define TEXT_OF(x) #x

/* The services of the guest that are used. */
#define APPEND                                                                                     \
    REPLICA_QUICK_BOOT                                                                             \
    " ftvm.disk=none ftvm.stream=" TEXT(GUEST_STREAM_PORT) " ftvm.run=\"nc -ll -p " TEXT(          \
        GUEST_SHELL_PORT) " -e sh\""

const char *form_name(enum form form)
{
    static const char *const names[FORM_COUNT] = {"unprotected", "revised", "original"};

    return names[form];
}

static bool make_disk(struct machine *machine, int i)
{
    char name[16];
    int fd;

    snprintf(name, sizeof(name), "disk.%d", i);
    lab_path(&machine->lab, name, machine->disks[i]);
    fd = open(machine->disks[i], O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || posix_fallocate(fd, 0, DISK_SIZE))
        return lab_fail(&machine->lab, "%s: %s", machine->disks[i], strerror(errno));
    close(fd);
    return true;
}

bool machine_open(struct machine *machine, const struct machine_config *config,
                  const struct machine_options *options)
{
    *machine = (struct machine){.config = config, .options = *options, .shell = -1};
    return lab_open(&machine->lab, &config->lab) &&
           (!options->disk || (make_disk(machine, 0) && make_disk(machine, 1)));
}

void machine_close(struct machine *machine)
{
    load_end(machine->load);
    watch_end(machine->watch);
    if (machine->shell >= 0)
        close(machine->shell);
    pair_end(&machine->pair);
    faults_close(machine->faults);
    lab_close(&machine->lab);
}

/* ---- Starting ------------------------------------------------------------------------------ */

/* Each replica has its own. */
static unsigned add_cpu(const struct machine *machine, const char *extra[])
{
    if (!machine->config->cpu)
        return 0;
    extra[0] = "--cpu";
    extra[1] = machine->config->cpu;
    return 2;
}

/* The options that each form has. */
static unsigned add_options(const struct machine *machine, const char *extra[], int disk)
{
    unsigned count = 0;

    extra[count++] = "--memory";
    extra[count++] = machine->config->memory;
    if (machine->options.disk) {
        extra[count++] = "--disk";
        extra[count++] = machine->disks[disk];
    }
    if (machine->options.epoch) {
        extra[count++] = "--epoch";
        extra[count++] = machine->options.epoch;
    }
    if (machine->options.epoch_max_us) {
        extra[count++] = "--epoch-max-us";
        extra[count++] = machine->options.epoch_max_us;
    }
    return count + add_cpu(machine, extra + count);
}

static bool start_pair(struct machine *machine)
{
    struct replica_options options = {.append = APPEND};
    unsigned count = add_options(machine, options.primary_extra, 0);

    if (machine->options.form == FORM_ORIGINAL) {
        options.primary_extra[count++] = "--protocol";
        options.primary_extra[count++] = "original";
    }
    for (unsigned i = 0; i < MACHINE_MORE && machine->options.more[i]; i++)
        options.primary_extra[count++] = machine->options.more[i];
    count = add_cpu(machine, options.backup_extra);
    if (machine->options.disk) {
        options.backup_extra[count++] = "--disk";
        options.backup_extra[count++] = machine->disks[1];
    }
    if (machine->options.round_trip_us > 0 &&
        !faults_open(&machine->faults, &machine->lab, &options))
        return false;
    return pair_start(&machine->pair, &machine->lab, &options) &&
           pair_wait_protected(&machine->pair);
}

/* Stands where the primary of a pair would, for those who look at its console and its status. */
static bool start_unprotected(struct machine *machine)
{
    struct lab *lab = &machine->lab;
    struct replica *replica = machine->pair.replicas = calloc(1, sizeof(*replica));
    char console[LAB_PATH_SIZE + 8], events[LAB_PATH_SIZE], log[LAB_PATH_SIZE],
        control[LAB_PATH_SIZE];
    const char *arguments[32] = {lab->config.ftvm, "run",
                                 "--kernel",       lab->config.kernel,
                                 "--initrd",       lab->config.initrd,
                                 "--append",       "ftvm.ip=" NETWORK_GUEST_ADDRESS "/24 " APPEND,
                                 "--net",          "tap:tap0",
                                 "--console",      console,
                                 "--control",      control};
    unsigned count = 14;

    if (!replica)
        return lab_fail(lab, "out of memory");
    machine->pair.lab = lab;
    machine->pair.primary = replica;
    machine->pair.count = 1;
    replica->host = PLACE_HOST_A;
    snprintf(replica->label, sizeof(replica->label), "run");
    lab_path(lab, "run.sock", control);
    memcpy(replica->control, control, sizeof(control));
    lab_path(lab, "run.console", replica->console);
    lab_path(lab, "run.events", events);
    lab_path(lab, "run.log", log);
    snprintf(console, sizeof(console), "file:%s", replica->console);
    event_log_init(&replica->events, events);
    add_options(machine, arguments + count, 0);
    return process_start(&replica->process, lab, lab->network.places[PLACE_HOST_A], log, arguments);
}

/* Half of it each way. A guest that boots over a slow channel would take minutes. */
static bool delay_channel(struct machine *machine)
{
    struct fault delay = {.kind = FAULT_DELAY,
                          .amount = {(int64_t)machine->options.round_trip_us / 2}};
    struct fault_record record;

    return !machine->faults || faults_begin(machine->faults, &machine->pair, &delay, 0, 0, &record);
}

bool machine_boot(struct machine *machine)
{
    bool pair = machine->options.form != FORM_UNPROTECTED;

    if (!(pair ? start_pair(machine) : start_unprotected(machine)) ||
        !pair_wait_guest(&machine->pair))
        return false;
    machine->shell = client_connect(&machine->lab, GUEST_SHELL_PORT, CONNECT_MS);
    return machine->shell >= 0 && delay_channel(machine);
}

bool machine_protect(struct machine *machine)
{
    return pair_add_backup(&machine->pair) && pair_wait_protected(&machine->pair);
}

/* ---- Looking ------------------------------------------------------------------------------- */

static double number(const json_t *status, const char *key)
{
    return (double)json_integer_value(json_object_get(status, key));
}

bool machine_status(struct machine *machine, struct machine_status *status)
{
    json_t *json = replica_status(machine->pair.primary, &machine->lab);

    if (!json)
        return false;
    *status = (struct machine_status){
        .uptime_s = number(json, "uptime_ns") / 1e9,
        .instructions = number(json, "position"),
        .epochs = number(json, "epoch"),
        .entries = number(json, "lsn"),
        .log_bytes = number(json, "log_bytes"),
        .sent_bytes = number(json, "sent_bytes"),
        .outputs = number(json, "outputs"),
        .holds = number(json, "hold_count"),
        .hold_ns = number(json, "hold_ns_total"),
        .hold_median_ns = number(json, "hold_ns_median"),
    };
    json_decref(json);
    return true;
}
