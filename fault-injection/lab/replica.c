#include "fault-injection/lab/replica.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX_ARGUMENTS  128
#define ASK_TIMEOUT_MS 10000

/* ---- Starting ------------------------------------------------------------------------------ */

/* A command line, with room for the texts that are made for it. */
struct command_line {
    const char *arguments[MAX_ARGUMENTS];
    unsigned count;
    char listen[64], join[64], arbiter[LAB_PATH_SIZE + 8], net[LAB_PATH_SIZE + 32],
        console[LAB_PATH_SIZE + 8], append[512], disk[LAB_PATH_SIZE];
};

static void add(struct command_line *line, const char *argument)
{
    if (line->count < MAX_ARGUMENTS - 1)
        line->arguments[line->count++] = argument;
}

static void add_option(struct command_line *line, const char *name, const char *value)
{
    add(line, name);
    add(line, value);
}

static void add_extra(struct command_line *line, const char *const extra[REPLICA_EXTRA])
{
    for (unsigned i = 0; i < REPLICA_EXTRA && extra[i]; i++)
        add(line, extra[i]);
}

static void name_files(struct replica *replica, struct lab *lab, enum place host,
                       const struct replica_options *options)
{
    char name[32], events[LAB_PATH_SIZE], *paths[] = {replica->console, events};
    static const char *const kinds[] = {"console", "events"};

    *replica = (struct replica){.host = host};
    snprintf(replica->label, sizeof(replica->label), "%u%c", ++lab->replicas,
             host == PLACE_HOST_A ? 'a' : 'b');
    for (int i = 0; i < 2; i++) {
        snprintf(name, sizeof(name), "%s.%s", replica->label, kinds[i]);
        if (options->spool)
            snprintf(paths[i], LAB_PATH_SIZE, "%s/%s", options->spool, name);
        else
            lab_path(lab, name, paths[i]);
    }
    event_log_init(&replica->events, events);
    snprintf(name, sizeof(name), "%s.sock", replica->label);
    lab_path(lab, name, replica->control);
}

void replica_disk(const struct lab *lab, enum place host, char path[LAB_PATH_SIZE])
{
    lab_path(lab, host == PLACE_HOST_A ? "disk-a" : "disk-b", path);
}

static void add_common(struct command_line *line, const struct replica *replica,
                       const struct lab *lab, const struct replica_options *options)
{
    char arbiter[LAB_PATH_SIZE];
    size_t used;

    lab_path(lab, "shared/arbiter", arbiter);
    snprintf(line->listen, sizeof(line->listen), "%s:%u", network_channel_address(replica->host),
             options->port ? options->port : REPLICA_PORT);
    if (options->no_arbiter)
        strcpy(line->arbiter, "none");
    else
        snprintf(line->arbiter, sizeof(line->arbiter), "file:%s", arbiter);
    snprintf(line->console, sizeof(line->console), "file:%s", replica->console);
    used = (size_t)snprintf(line->net, sizeof(line->net), "%s",
                            options->net ? options->net : "tap:tap0");
    if (options->capture && options->spool)
        snprintf(line->net + used, sizeof(line->net) - used, ",capture=%s/%s.pcap", options->spool,
                 replica->label);
    add_option(line, "--name", options->name ? options->name : REPLICA_MACHINE);
    add_option(line, "--listen", line->listen);
    add(line, "--insecure-channel");
    add_option(line, "--arbiter", line->arbiter);
    if (options->no_arbiter)
        add(line, "--assume-fail-stop");
    add_option(line, "--net", line->net);
    if (options->disk) {
        replica_disk(lab, replica->host, line->disk);
        add_option(line, "--disk", line->disk);
    }
    add_option(line, "--console", line->console);
    add_option(line, "--control", replica->control);
    add_option(line, "--events", replica->events.path);
    add_extra(line, options->host_extra[replica->host]);
}

/* Leaves the variable for the replica's environment, which names its page. */
static bool make_hooks(struct replica *replica, struct lab *lab, bool keep_undo,
                       char variable[LAB_PATH_SIZE + 32])
{
    char name[32], path[LAB_PATH_SIZE];

    snprintf(name, sizeof(name), "%s.hooks", replica->label);
    lab_path(lab, name, path);
    replica->hooks = hooks_open(lab, path);
    if (!replica->hooks)
        return false;
    if (keep_undo)
        hooks_keep_undo(replica->hooks);
    snprintf(variable, LAB_PATH_SIZE + 32, HOOKS_VARIABLE "=%s", path);
    return true;
}

static bool launch(struct replica *replica, struct lab *lab, struct command_line *line,
                   const struct replica_options *options)
{
    char name[32], log[LAB_PATH_SIZE], hooks[LAB_PATH_SIZE + 32];
    const char *variables[] = {options->hooks ? hooks : NULL, NULL};

    line->arguments[line->count] = NULL;
    snprintf(name, sizeof(name), "%s.log", replica->label);
    lab_path(lab, name, log);
    if (options->hooks && !make_hooks(replica, lab, options->keep_undo, hooks))
        return false;
    return process_start_with(&replica->process, lab, lab->network.places[replica->host], log,
                              line->arguments, variables);
}

bool replica_start_primary(struct replica *replica, struct lab *lab, enum place host,
                           const struct replica_options *options)
{
    struct command_line line = {0};

    name_files(replica, lab, host, options);
    snprintf(line.append, sizeof(line.append), REPLICA_QUICK_BOOT " ftvm.ip=%s/24 %s",
             NETWORK_GUEST_ADDRESS, options->append ? options->append : "");
    add(&line, lab->config.ftvm);
    add(&line, "primary");
    add_option(&line, "--kernel", lab->config.kernel);
    add_option(&line, "--initrd", lab->config.initrd);
    add_option(&line, "--memory", "256M");
    add_option(&line, "--append", line.append);
    add_common(&line, replica, lab, options);
    if (!options->no_wait_backup)
        add(&line, "--wait-backup");
    add_extra(&line, options->primary_extra);
    return launch(replica, lab, &line, options);
}

bool replica_start_backup(struct replica *replica, struct lab *lab, enum place host,
                          const struct replica_options *options, const char *peer)
{
    enum place other = host == PLACE_HOST_A ? PLACE_HOST_B : PLACE_HOST_A;
    struct command_line line = {0};

    if (!peer)
        peer = options->peer[host];
    name_files(replica, lab, host, options);
    snprintf(line.join, sizeof(line.join), "%s:%d", network_channel_address(other), REPLICA_PORT);
    add(&line, lab->config.ftvm);
    add(&line, "backup");
    add_option(&line, "--join", peer ? peer : line.join);
    add_common(&line, replica, lab, options);
    add_extra(&line, options->backup_extra);
    return launch(replica, lab, &line, options);
}

void replica_end(struct replica *replica)
{
    process_kill(&replica->process);
    event_log_close(&replica->events);
    hooks_close(replica->hooks);
    replica->hooks = NULL;
}

/* ---- Waiting ------------------------------------------------------------------------------- */

bool replica_is_protected(const struct event_log *events)
{
    return events->started && events->is_protected;
}

bool replica_is_unprotected(const struct event_log *events)
{
    return events->started && events->is_primary && !events->is_protected;
}

bool replica_is_live(const struct event_log *events)
{
    return events->failover;
}

bool replica_is_joining(const struct event_log *events)
{
    return events->joined > 0;
}

bool replica_wait(struct replica *replica, struct lab *lab, replica_condition *condition,
                  unsigned timeout_ms, const char *what)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);

    for (;;) {
        bool running = process_running(&replica->process);

        event_log_read(&replica->events);
        if (condition(&replica->events))
            return true;
        if (!running)
            return lab_fail_log(
                lab, replica->process.log, "%s: replica %s ended with exit code %d, %s",
                network_name(replica->host), replica->label, replica->process.code, what);
        if (!lab_pause(lab, deadline))
            return lab->interrupted
                       ? lab_fail(lab, "interrupted")
                       : lab_fail_log(lab, replica->process.log, "%s: replica %s after %u ms: %s",
                                      network_name(replica->host), replica->label, timeout_ms,
                                      what);
    }
}

bool replica_wait_exit(struct replica *replica, struct lab *lab, unsigned timeout_ms, int code)
{
    char because[LAB_ERROR_SIZE];
    int actual;

    if (!process_wait(&replica->process, lab, timeout_ms, &actual)) {
        snprintf(because, sizeof(because), "%s", lab->error);
        return lab_fail(lab, "%s: replica %s: %s", network_name(replica->host), replica->label,
                        because);
    }
    event_log_read(&replica->events);
    return actual == code ||
           lab_fail_log(lab, replica->process.log,
                        "%s: replica %s ended with exit code %d instead of %d",
                        network_name(replica->host), replica->label, actual, code);
}

/* ---- Asking -------------------------------------------------------------------------------- */

int replica_ask(struct replica *replica, struct lab *lab, const char *command, char *output)
{
    bool status = strcmp(command, "status") == 0;
    const char *arguments[] = {lab->config.ftvm,         command, "--control", replica->control,
                               status ? "--json" : NULL, NULL};
    char name[64], path[LAB_PATH_SIZE];
    struct process process;
    int code;

    snprintf(name, sizeof(name), "%s.%s", replica->label, command);
    lab_path(lab, name, path);
    unlink(path);
    if (output)
        memcpy(output, path, sizeof(path));
    if (!process_start(&process, lab, lab->network.places[replica->host], path, arguments) ||
        !process_wait(&process, lab, ASK_TIMEOUT_MS, &code)) {
        process_kill(&process);
        return -1;
    }
    return code;
}

json_t *replica_status(struct replica *replica, struct lab *lab)
{
    char path[LAB_PATH_SIZE];
    json_t *status;
    int code = replica_ask(replica, lab, "status", path);

    if (code < 0)
        return NULL;
    status = json_load_file(path, 0, NULL);
    if (code != 0 || !status) {
        lab_fail_log(lab, path, "'ftvm status' of replica %s exits with %d and is no JSON",
                     replica->label, code);
        json_decref(status);
        return NULL;
    }
    return status;
}
