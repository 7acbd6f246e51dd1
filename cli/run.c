#include "cli/run.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/control_server.h"
#include "cli/events.h"
#include "cli/host_check.h"
#include "cli/machine_options.h"
#include "cli/node_config.h"
#include "cli/outcome.h"
#include "cli/say.h"
#include "cli/signals.h"
#include "cli/terminal_guard.h"
#include "vmm/machine/machine.h"

#define REASON_SIZE 512u
#define LINE_SIZE   1024u

struct replica {
    const struct options *options;
    struct terminal_guard guard;
    struct events *events;
    struct signals *signals;
    struct control_server *control;

    pthread_mutex_t lock; /* of what follows, for the threads of signals and console */
    struct ftvm_node *node;
    struct machine *machine;
    bool started; /* ftvm_node_start was successful */
    bool stop_requested;
};

/* ---- Stopping, from other threads ---------------------------------------------------------- */

static void end_at_once(struct replica *replica, int exit_code)
{
    if (replica->machine)
        machine_restore_terminal(replica->machine);
    if (replica->options->control && replica->control)
        unlink(replica->options->control);
    events_drain(replica->events);
    _exit(exit_code);
}

/* Returns false if there is nothing that could be put in order. */
static bool request_stop(struct replica *replica)
{
    bool waits = !replica->started && replica->options->command == COMMAND_BACKUP;

    /* A backup that waits for its primary holds nothing. Before a primary has started, the flag
     * is looked at when it has. */
    replica->stop_requested = true;
    return !waits && (!replica->started || ftvm_node_stop(replica->node) >= 0);
}

static void stop(struct replica *replica, bool at_once, int exit_code)
{
    pthread_mutex_lock(&replica->lock);
    if (at_once || !request_stop(replica))
        end_at_once(replica, exit_code);
    pthread_mutex_unlock(&replica->lock);
    events_say(replica->events, "stopping in good order; once more to end at once");
}

static void signal_received(void *context, int number, unsigned count)
{
    stop(context, count > 1, 128 + number);
}

static void quit_typed(void *context)
{
    struct replica *replica = context;

    pthread_mutex_lock(&replica->lock);
    bool again = replica->stop_requested;
    pthread_mutex_unlock(&replica->lock);
    stop(replica, again, 128 + SIGTERM);
}

/* ---- Steps of the start -------------------------------------------------------------------- */

static bool take_machine_warning(void *context, char *line, size_t size)
{
    return machine_take_warning(context, line, size);
}

/* Says why the start failed, with what to do about it, and returns the exit code. */
static int start_failed(int error, const char *reason)
{
    const char *advice = outcome_advice(error);

    say("cannot start: %s%s%s", reason[0] ? reason : ftvm_strerror(error), advice[0] ? "; " : "",
        advice);
    return (int)outcome_of_start(error);
}

static int check_host(const struct options *options)
{
    char error[OPTIONS_ERROR_SIZE];

    if (host_check_cpu(options, error))
        return CLI_EXIT_GOOD;
    say("cannot start: %s", error);
    return CLI_EXIT_START;
}

static int open_events(struct replica *replica)
{
    const struct options *options = replica->options;
    const struct events_config config = {
        .path = options->events,
        .quiet = options->quiet,
        .verbose = options->verbose,
        .alone = options->command == COMMAND_RUN,
    };
    int result = events_create(&replica->events, &config);

    if (result == 0)
        return CLI_EXIT_GOOD;
    say("cannot start: --events %s: %s", options->events ? options->events : "", strerror(-result));
    return CLI_EXIT_START;
}

static int create_node(struct replica *replica, const char *description, size_t description_size)
{
    struct ftvm_config config;
    struct ftvm_node *node;
    char reason[REASON_SIZE] = "";
    int result;

    node_config_fill(&config, replica->options);
    config.description = description;
    config.description_size = description_size;
    config.on_event = events_on_event;
    config.on_log = events_on_log;
    config.context = replica->events;
    result = ftvm_node_create(&config, &node, reason, sizeof(reason));
    if (result < 0)
        return start_failed(result, reason);
    /* Under the lock: a signal finds either no socket, or one that it may remove. */
    pthread_mutex_lock(&replica->lock);
    replica->node = node;
    if (replica->options->control)
        result = control_server_create(&replica->control, replica->options->control, node, reason,
                                       sizeof(reason));
    pthread_mutex_unlock(&replica->lock);
    if (result < 0) {
        say("cannot start: %s", reason);
        return CLI_EXIT_START;
    }
    return CLI_EXIT_GOOD;
}

static int create_machine(struct replica *replica, const struct machine_description *description,
                          struct machine_local *local)
{
    char reason[MACHINE_ERROR_SIZE] = "";
    struct machine *machine;

    local->quit = quit_typed;
    local->quit_context = replica;
    if (machine_create(&machine, description, local, reason, sizeof(reason)) < 0) {
        say("cannot start: %s", reason);
        return CLI_EXIT_START;
    }
    pthread_mutex_lock(&replica->lock);
    replica->machine = machine;
    pthread_mutex_unlock(&replica->lock);
    control_server_set_machine(replica->control, machine);
    events_watch(replica->events, take_machine_warning, machine);
    return CLI_EXIT_GOOD;
}

/* Where joiners find this replica, with the port that was taken for port 0. */
static void tell_listener(struct replica *replica)
{
    struct ftvm_status status = {.size = sizeof(status)};
    const char *listen = replica->options->listen;
    char line[LINE_SIZE];

    if (replica->options->command != COMMAND_PRIMARY ||
        ftvm_node_status(replica->node, &status) < 0)
        return;
    snprintf(line, sizeof(line), "backups may join at %.*s:%u",
             (int)(strrchr(listen, ':') - listen), listen, status.listen_port);
    events_say(replica->events, line);
}

static int start_node(struct replica *replica)
{
    char reason[REASON_SIZE] = "";
    int result = ftvm_node_start(replica->node);

    if (result < 0) {
        ftvm_node_error(replica->node, reason, sizeof(reason));
        return start_failed(result, reason);
    }
    pthread_mutex_lock(&replica->lock);
    replica->started = true;
    if (replica->stop_requested)
        ftvm_node_stop(replica->node);
    pthread_mutex_unlock(&replica->lock);
    tell_listener(replica);
    return CLI_EXIT_GOOD;
}

/* The machine first, as its problems should show before the term is claimed. */
static int prepare_primary(struct replica *replica)
{
    struct machine_local local;
    struct machine_description description;
    char error[OPTIONS_ERROR_SIZE];
    int size, code;

    char *text = malloc(FTVM_MAX_DESCRIPTION);
    if (!text)
        return start_failed(FTVM_E_MEMORY, "");
    if (!machine_options_local(replica->options, &local, error) ||
        !machine_options_describe(replica->options, &local, &description, error) ||
        !host_check_forwards(&local, error)) {
        say("cannot start: %s", error);
        free(text);
        return CLI_EXIT_START;
    }
    size = machine_description_encode(&description, text, FTVM_MAX_DESCRIPTION);
    code = size < 0 ? start_failed(size, "the machine cannot be described")
                    : create_node(replica, text, (size_t)size);
    free(text);
    if (code == CLI_EXIT_GOOD)
        code = create_machine(replica, &description, &local);
    return code == CLI_EXIT_GOOD ? start_node(replica) : code;
}

/* The node first, as the machine's description comes from the primary. */
static int prepare_backup(struct replica *replica)
{
    struct machine_local local;
    struct machine_description description;
    char error[OPTIONS_ERROR_SIZE] = "";
    const void *text;
    size_t size;
    int code;

    code = create_node(replica, NULL, 0);
    if (code == CLI_EXIT_GOOD)
        code = start_node(replica);
    if (code != CLI_EXIT_GOOD)
        return code;
    if (!host_check_record(replica->options, error)) {
        say("cannot start: %s", error);
        return CLI_EXIT_ARBITER;
    }
    text = ftvm_node_description(replica->node, &size);
    if (machine_description_parse(&description, text, size, error, sizeof(error)) < 0 ||
        !machine_options_local(replica->options, &local, error) ||
        !machine_options_match(&description, &local, error)) {
        say("cannot start: %s", error);
        return CLI_EXIT_START;
    }
    if (!replica->options->listen)
        events_say(replica->events,
                   "without --listen no new backup can join after this one has taken over");
    return create_machine(replica, &description, &local);
}

/* ---- From start to end --------------------------------------------------------------------- */

/* Runs the guest, and says how it ended in `line`. */
static int run_machine(struct replica *replica, char line[LINE_SIZE])
{
    char reason[REASON_SIZE] = "";
    int result = machine_run(replica->machine, replica->node);
    const char *advice = outcome_advice(result);

    /* What came too late for the last look. */
    while (machine_take_warning(replica->machine, reason, sizeof(reason)))
        events_warn(replica->events, reason);
    reason[0] = '\0';

    if (result == FTVM_E_HALTED) {
        snprintf(line, LINE_SIZE, "the guest powered off");
    } else if (result == FTVM_E_STOPPED) {
        snprintf(line, LINE_SIZE, "stopped in good order");
    } else {
        ftvm_node_error(replica->node, reason, sizeof(reason));
        snprintf(line, LINE_SIZE, "%s%s%s%s", result == FTVM_E_FENCED ? "fenced: " : "",
                 reason[0] ? reason : ftvm_strerror(result), advice[0] ? "; " : "", advice);
    }
    return (int)outcome_of_run(result);
}

/* In this order: who may use a thing ends before the thing does. The node's thread emits into the
 * machine, so the machine outlives the node. */
static void take_apart(struct replica *replica, int code, const char *line)
{
    struct ftvm_node *node;
    struct machine *machine;

    signals_destroy(replica->signals);
    control_server_destroy(replica->control, code, line);
    pthread_mutex_lock(&replica->lock);
    node = replica->node;
    machine = replica->machine;
    replica->node = NULL;
    replica->machine = NULL;
    pthread_mutex_unlock(&replica->lock);
    if (node)
        ftvm_node_destroy(node);
    if (replica->events)
        events_watch(replica->events, NULL, NULL);
    if (machine)
        machine_destroy(machine);
    events_destroy(replica->events);
    terminal_guard_end(&replica->guard);
    pthread_mutex_destroy(&replica->lock);
}

int run_replica(const struct options *options)
{
    struct replica replica = {.options = options};
    char line[LINE_SIZE] = "the replica could not start";
    bool ran = false;
    int code;

    pthread_mutex_init(&replica.lock, NULL);
    terminal_guard_start(&replica.guard);
    signals_block();
    code = check_host(options);
    if (code == CLI_EXIT_GOOD)
        code = open_events(&replica);
    if (code == CLI_EXIT_GOOD && signals_create(&replica.signals, signal_received, &replica) < 0)
        code = start_failed(FTVM_E_SYSTEM, "no thread for signals");
    if (code == CLI_EXIT_GOOD)
        code = options->command == COMMAND_BACKUP ? prepare_backup(&replica)
                                                  : prepare_primary(&replica);
    if (code == CLI_EXIT_GOOD) {
        ran = true;
        code = run_machine(&replica, line);
    }
    take_apart(&replica, code, line);
    /* Last, when the terminal is in its normal mode again. */
    if (ran && (code != CLI_EXIT_GOOD || !options->quiet))
        say("%s", line);
    return code;
}
