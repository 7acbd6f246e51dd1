/*
 * What an embedder may get wrong: a call on the wrong thread, too early, from a callback or in the
 * wrong role, a machine that lies about where it is, callbacks that fail. Each is an error with its
 * code and a line that names the call, and the node is none the worse for it.
 */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ftvm/ftvm.h>

struct machine {
    struct ftvm_node *node;
    int deliver_result;
    int save_result;
    int emit_result;
    int in_deliver; /* results of calls from there */
    int in_digest;
    _Atomic int in_emit;
    char digest_line[256];
    uint64_t inputs, empty_inputs;
    _Atomic uint64_t empty_outputs;
    _Atomic bool digested; /* inside of a call that ends an epoch */
};

static int nothing_emitted(void *context, uint64_t number, uint32_t device, const void *data,
                           size_t size)
{
    struct machine *machine = context;
    struct ftvm_epoch epoch;
    (void)device;
    (void)data;
    (void)number;
    machine->empty_outputs += size == 0;
    machine->in_emit = ftvm_boundary(machine->node, 0, &epoch);
    return machine->emit_result;
}

static int deliver(void *context, uint32_t device, const void *data, size_t size)
{
    struct machine *machine = context;
    struct ftvm_epoch epoch;
    (void)device;
    (void)data;
    machine->inputs++;
    machine->empty_inputs += size == 0;
    machine->in_deliver = ftvm_boundary(machine->node, 1000, &epoch);
    cr_expect_eq(ftvm_output(machine->node, 1, "x", 1), 0, "deliver may answer");
    return machine->deliver_result;
}

static int save(void *context, struct ftvm_writer *writer)
{
    struct machine *machine = context;
    return machine->save_result < 0 ? machine->save_result : ftvm_write(writer, "state", 5);
}

static int load(void *context, struct ftvm_reader *reader)
{
    char state[5];
    (void)context;
    return ftvm_read(reader, state, sizeof state);
}

static void digest(void *context, struct ftvm_digest *to)
{
    struct machine *machine = context;
    atomic_store(&machine->digested, true);
    machine->in_digest = ftvm_output(machine->node, 1, "x", 1);
    ftvm_node_error(machine->node, machine->digest_line, sizeof machine->digest_line);
    ftvm_digest_add(to, "inputs", 0, &machine->inputs, sizeof machine->inputs);
}

static const struct ftvm_machine_ops ops = {
    .size = sizeof ops,
    .deliver = deliver,
    .emit = nothing_emitted,
    .save = save,
    .load = load,
    .digest = digest,
};

static void configure(struct ftvm_config *config)
{
    ftvm_config_init(config);
    config->name = "misused";
    config->arbiter = "none";
    config->assume_fail_stop = true;
    config->epoch_length = 1000;
}

static struct ftvm_node *create(const struct ftvm_config *config)
{
    struct ftvm_node *node;
    char error[256] = "";
    cr_assert_eq(ftvm_node_create(config, &node, error, sizeof error), 0, "%s", error);
    return node;
}

static void start_lone(struct machine *machine, struct ftvm_epoch *epoch)
{
    struct ftvm_config config;
    configure(&config);
    machine->node = create(&config);
    cr_assert_eq(ftvm_node_start(machine->node), 0);
    cr_assert_eq(ftvm_begin(machine->node, &ops, machine, 0, epoch), 0);
}

/* The code, and a line that says which call it was. */
static void expect_error(struct ftvm_node *node, int result, int expected, const char *in_line)
{
    char line[512];
    ftvm_node_error(node, line, sizeof line);
    cr_expect_eq(result, expected, "%s instead of %s: %s", ftvm_strerror(result),
                 ftvm_strerror(expected), line);
    cr_expect_not_null(strstr(line, in_line), "\"%s\" does not say \"%s\"", line, in_line);
}

Test(misuse, null_is_an_invalid_node)
{
    struct ftvm_epoch epoch;
    struct ftvm_status status = {.size = sizeof status};
    struct ftvm_node *node = NULL;
    char line[64];
    size_t size = 7;
    cr_expect_eq(ftvm_node_start(node), FTVM_E_INVALID);
    cr_expect_eq(ftvm_begin(node, &ops, NULL, 0, &epoch), FTVM_E_INVALID);
    cr_expect_eq(ftvm_boundary(node, 0, &epoch), FTVM_E_INVALID);
    cr_expect_eq(ftvm_idle(node, 0, 0, &epoch), FTVM_E_INVALID);
    cr_expect_eq(ftvm_halt(node, 0), FTVM_E_INVALID);
    cr_expect_eq(ftvm_output(node, 0, "", 0), FTVM_E_INVALID);
    cr_expect_eq(ftvm_value(node, 0, &size, sizeof size), FTVM_E_INVALID);
    cr_expect_eq(ftvm_clock(node, 0, &epoch.clock_ns), FTVM_E_INVALID);
    cr_expect_eq(ftvm_input(node, 0, "", 0), FTVM_E_INVALID);
    cr_expect_eq(ftvm_node_stop(node), FTVM_E_INVALID);
    cr_expect_eq(ftvm_node_fail(node, "why"), FTVM_E_INVALID);
    cr_expect_eq(ftvm_node_promote(node), FTVM_E_INVALID);
    cr_expect_eq(ftvm_node_status(node, &status), FTVM_E_INVALID);
    cr_expect_eq(ftvm_node_fd(node), FTVM_E_INVALID);
    cr_expect_eq(ftvm_node_dispatch(node), FTVM_E_INVALID);
    cr_expect_eq(ftvm_stop_at(node, 17), 17);
    cr_expect_null(ftvm_node_description(node, &size));
    cr_expect_eq(size, 0);
    ftvm_node_error(node, line, sizeof line);
    cr_expect_str_eq(line, "the node is NULL");
    cr_expect_eq(ftvm_node_destroy(node), 0);
}

Test(misuse, calls_too_early_say_what_comes_first)
{
    struct ftvm_config config;
    struct ftvm_epoch epoch;
    uint64_t value = 1;
    configure(&config);
    struct ftvm_node *node = create(&config);
    expect_error(node, ftvm_begin(node, &ops, NULL, 0, &epoch), FTVM_E_STATE, "ftvm_node_start");
    expect_error(node, ftvm_input(node, 0, "x", 1), FTVM_E_STATE, "ftvm_node_start comes first");
    expect_error(node, ftvm_node_stop(node), FTVM_E_STATE, "not started");
    expect_error(node, ftvm_node_fail(node, "why"), FTVM_E_STATE, "not started");
    cr_assert_eq(ftvm_node_start(node), 0);
    expect_error(node, ftvm_node_start(node), FTVM_E_STATE, "ftvm_node_start");
    expect_error(node, ftvm_boundary(node, 0, &epoch), FTVM_E_STATE, "ftvm_begin comes first");
    expect_error(node, ftvm_idle(node, 0, 0, &epoch), FTVM_E_STATE, "ftvm_begin comes first");
    expect_error(node, ftvm_halt(node, 0), FTVM_E_STATE, "ftvm_begin comes first");
    expect_error(node, ftvm_output(node, 0, "", 0), FTVM_E_STATE, "ftvm_begin comes first");
    expect_error(node, ftvm_value(node, 0, &value, 8), FTVM_E_STATE, "ftvm_begin comes first");
    expect_error(node, ftvm_clock(node, 0, &value), FTVM_E_STATE, "ftvm_begin comes first");
    expect_error(node, ftvm_node_fd(node), FTVM_E_STATE, "FTVM_IO_CALLER");
    expect_error(node, ftvm_node_dispatch(node), FTVM_E_STATE, "FTVM_IO_CALLER");
    cr_expect_eq(ftvm_stop_at(node, 17), 17);
    cr_expect_eq(ftvm_node_destroy(node), 0);
}

Test(misuse, machine_without_its_callbacks_is_refused)
{
    struct ftvm_config config;
    struct ftvm_epoch epoch;
    configure(&config);
    struct ftvm_node *node = create(&config);
    struct machine machine = {.node = node};
    cr_assert_eq(ftvm_node_start(node), 0);
    struct ftvm_machine_ops bad = ops;
    bad.load = NULL;
    expect_error(node, ftvm_begin(node, &bad, &machine, 0, &epoch), FTVM_E_INVALID, "load");
    bad = ops;
    bad.size = 0;
    expect_error(node, ftvm_begin(node, &bad, &machine, 0, &epoch), FTVM_E_INVALID, "ops->size");
    bad.size = sizeof bad + 8;
    expect_error(node, ftvm_begin(node, &bad, &machine, 0, &epoch), FTVM_E_INVALID, "ops->size");
    expect_error(node, ftvm_begin(node, NULL, &machine, 0, &epoch), FTVM_E_INVALID, "ops");
    expect_error(node, ftvm_begin(node, &ops, &machine, 0, NULL), FTVM_E_INVALID, "epoch");
    /* One with fewer fields, of an older header, is fine. */
    bad = ops;
    bad.size = offsetof(struct ftvm_machine_ops, digest);
    cr_expect_eq(ftvm_begin(node, &bad, &machine, 0, &epoch), 0);
    cr_expect_eq(ftvm_boundary(node, 1000, &epoch), 0);
    expect_error(node, ftvm_begin(node, &ops, &machine, 0, &epoch), FTVM_E_STATE, "called once");
    cr_expect_eq(ftvm_node_destroy(node), 0);
}

struct foreign {
    struct machine *machine;
    int results[7];
    char line[256];
};

static void *call_from_elsewhere(void *context)
{
    struct foreign *foreign = context;
    struct ftvm_node *node = foreign->machine->node;
    struct ftvm_epoch epoch;
    uint64_t value = 0;
    foreign->results[0] = ftvm_boundary(node, 2000, &epoch);
    ftvm_node_error(node, foreign->line, sizeof foreign->line);
    foreign->results[1] = ftvm_idle(node, 2000, 0, &epoch);
    foreign->results[2] = ftvm_halt(node, 2000);
    foreign->results[3] = ftvm_output(node, 1, "x", 1);
    foreign->results[4] = ftvm_value(node, 2000, &value, sizeof value);
    foreign->results[5] = ftvm_clock(node, 2000, &value);
    foreign->results[6] = ftvm_stop_at(node, 4711) == 4711 ? FTVM_E_THREAD : 0;
    return NULL;
}

Test(misuse, calls_of_another_thread_are_refused)
{
    struct machine machine = {0};
    struct ftvm_epoch epoch;
    struct foreign foreign = {.machine = &machine};
    pthread_t thread;
    start_lone(&machine, &epoch);
    cr_assert_eq(pthread_create(&thread, NULL, call_from_elsewhere, &foreign), 0);
    pthread_join(thread, NULL);
    for (size_t i = 0; i < 7; i++) {
        cr_expect_eq(foreign.results[i], FTVM_E_THREAD, "call %zu", i);
    }
    cr_expect_not_null(strstr(foreign.line, "ftvm_boundary"), "%s", foreign.line);
    cr_expect_eq(ftvm_boundary(machine.node, 1000, &epoch), 0, "nothing was taken");
    cr_expect_eq(epoch.position, 1000);
    cr_expect_eq(ftvm_node_destroy(machine.node), 0);
}

Test(misuse, calls_after_the_end_say_again_what_it_was)
{
    struct machine machine = {0};
    struct ftvm_epoch epoch;
    uint64_t value = 0;
    ftvm_position at = 0;
    int result;
    start_lone(&machine, &epoch);
    cr_assert_eq(ftvm_node_stop(machine.node), 0);
    do {
        result = ftvm_boundary(machine.node, at += 1000, &epoch);
    } while (result == 0);
    cr_expect_eq(result, FTVM_E_STOPPED);
    cr_expect_eq(ftvm_output(machine.node, 1, "x", 1), FTVM_E_STOPPED);
    cr_expect_eq(ftvm_value(machine.node, at, &value, sizeof value), FTVM_E_STOPPED);
    cr_expect_eq(ftvm_clock(machine.node, at, &value), FTVM_E_STOPPED);
    cr_expect_eq(ftvm_idle(machine.node, at + 1000, UINT64_MAX, &epoch), FTVM_E_STOPPED);
    cr_expect_eq(ftvm_boundary(machine.node, at + 2000, &epoch), FTVM_E_STOPPED);
    cr_expect_eq(ftvm_halt(machine.node, at + 2000), FTVM_E_STOPPED);
    cr_expect_eq(ftvm_node_destroy(machine.node), 0);
}

Test(misuse, calls_from_callbacks_are_refused)
{
    struct machine machine = {0};
    struct ftvm_epoch epoch;
    start_lone(&machine, &epoch);
    cr_assert_eq(ftvm_input(machine.node, 1, "x", 1), 0);
    cr_assert_eq(ftvm_output(machine.node, 1, "x", 1), 0);
    for (ftvm_position at = 1000; machine.in_deliver == 0 || machine.in_emit == 0; at += 1000) {
        cr_assert_eq(ftvm_boundary(machine.node, at, &epoch), 0);
        usleep(1000);
    }
    cr_expect_eq(machine.in_deliver, FTVM_E_STATE);
    cr_expect(machine.in_emit == FTVM_E_STATE || machine.in_emit == FTVM_E_THREAD, "%d",
              machine.in_emit);
    cr_expect_eq(machine.in_digest, FTVM_E_STATE);
    cr_expect_not_null(strstr(machine.digest_line, "ftvm_output"), "%s", machine.digest_line);
    cr_expect_eq(ftvm_node_destroy(machine.node), 0);
}

/* The input was not given to a primary-to-be in vain: it is refused, and given again. */
Test(misuse, input_of_a_primary_counts_from_its_start_on)
{
    struct machine machine = {0};
    struct ftvm_config config;
    struct ftvm_epoch epoch;
    configure(&config);
    machine.node = create(&config);
    cr_assert_eq(ftvm_input(machine.node, 1, "x", 1), FTVM_E_STATE);
    cr_assert_eq(ftvm_node_start(machine.node), 0);
    cr_assert_eq(ftvm_input(machine.node, 1, "x", 1), 0, "before ftvm_begin");
    cr_assert_eq(ftvm_begin(machine.node, &ops, &machine, 0, &epoch), 0);
    for (ftvm_position at = 1000; machine.inputs == 0; at += 1000) {
        cr_assert_eq(ftvm_boundary(machine.node, at, &epoch), 0);
    }
    cr_expect_eq(machine.inputs, 1);
    cr_expect_eq(ftvm_node_destroy(machine.node), 0);
}

Test(misuse, inputs_and_outputs_may_be_empty)
{
    struct machine machine = {0};
    struct ftvm_epoch epoch;
    start_lone(&machine, &epoch);
    cr_assert_eq(ftvm_input(machine.node, 1, NULL, 0), 0);
    cr_assert_eq(ftvm_input(machine.node, 1, "", 0), 0);
    cr_assert_eq(ftvm_output(machine.node, 1, NULL, 0), 0);
    for (ftvm_position at = 1000; machine.empty_inputs < 2 || machine.empty_outputs < 1;
         at += 1000) {
        cr_assert_eq(ftvm_boundary(machine.node, at, &epoch), 0);
        usleep(1000);
    }
    cr_expect_eq(ftvm_node_destroy(machine.node), 0);
}

Test(misuse, machine_that_lies_about_its_position_is_told)
{
    struct machine machine = {0};
    struct ftvm_epoch epoch;
    uint64_t value = 0;
    start_lone(&machine, &epoch);
    cr_assert_eq(ftvm_boundary(machine.node, 1500, &epoch), 0, "just past is welcome");
    expect_error(machine.node, ftvm_boundary(machine.node, 1499, &epoch), FTVM_E_INVALID, "1499");
    expect_error(machine.node, ftvm_value(machine.node, 1, &value, 8), FTVM_E_INVALID,
                 "position 1");
    expect_error(machine.node, ftvm_clock(machine.node, 2, &value), FTVM_E_INVALID, "position 2");
    expect_error(machine.node, ftvm_idle(machine.node, UINT64_MAX, 0, &epoch), FTVM_E_INVALID,
                 "2^62");
    cr_expect_eq(ftvm_value(machine.node, 1700, &value, 8), 0);
    expect_error(machine.node, ftvm_boundary(machine.node, 1600, &epoch), FTVM_E_INVALID, "1600");
    cr_expect_eq(ftvm_boundary(machine.node, 2500, &epoch), 0, "and goes on");
    cr_expect_eq(epoch.position, 2500);
    cr_expect_eq(ftvm_node_destroy(machine.node), 0);
}

Test(misuse, sizes_and_pointers_are_checked)
{
    struct machine machine = {0};
    struct ftvm_epoch epoch;
    uint8_t value[FTVM_MAX_VALUE + 1] = {0};
    uint8_t *large = calloc(1, FTVM_MAX_OUTPUT + 1);
    struct ftvm_status status = {0};
    start_lone(&machine, &epoch);
    struct ftvm_node *node = machine.node;
    expect_error(node, ftvm_value(node, 1, value, sizeof value), FTVM_E_TOO_LARGE, "4097");
    expect_error(node, ftvm_value(node, 1, value, 0), FTVM_E_TOO_LARGE, "0 bytes");
    expect_error(node, ftvm_value(node, 1, NULL, 8), FTVM_E_INVALID, "ftvm_value");
    expect_error(node, ftvm_clock(node, 1, NULL), FTVM_E_INVALID, "ftvm_clock");
    expect_error(node, ftvm_output(node, 1, large, FTVM_MAX_OUTPUT + 1), FTVM_E_TOO_LARGE,
                 "ftvm_output");
    expect_error(node, ftvm_output(node, 1, NULL, 1), FTVM_E_INVALID, "ftvm_output");
    expect_error(node, ftvm_input(node, 1, large, FTVM_MAX_INPUT + 1), FTVM_E_TOO_LARGE,
                 "ftvm_input");
    expect_error(node, ftvm_input(node, 1, NULL, 1), FTVM_E_INVALID, "ftvm_input");
    expect_error(node, ftvm_boundary(node, 1000, NULL), FTVM_E_INVALID, "ftvm_boundary");
    expect_error(node, ftvm_node_status(node, &status), FTVM_E_INVALID, "status->size");
    status.size = sizeof status + 1;
    expect_error(node, ftvm_node_status(node, &status), FTVM_E_INVALID, "status->size");
    cr_expect_eq(ftvm_output(node, 1, NULL, 0), 0, "an output may be empty");
    cr_expect_eq(ftvm_boundary(node, 1000, &epoch), 0);
    cr_expect_eq(ftvm_node_destroy(node), 0);
    free(large);
}

/* Of an older header: what lies behind its end must not be written. */
Test(misuse, status_of_an_older_header_is_filled_to_its_size)
{
    struct machine machine = {0};
    struct ftvm_epoch epoch;
    struct ftvm_status status;
    start_lone(&machine, &epoch);
    memset(&status, 0xaa, sizeof status);
    status.size = offsetof(struct ftvm_status, peer);
    cr_expect_eq(ftvm_node_status(machine.node, &status), 0);
    cr_expect_eq(status.size, offsetof(struct ftvm_status, peer));
    cr_expect_str_eq(status.name, "misused");
    cr_expect_eq((uint8_t)status.peer[0], 0xaa);
    cr_expect_eq(ftvm_node_destroy(machine.node), 0);
}

Test(misuse, configuration_of_another_header_is_understood_or_refused)
{
    union {
        struct ftvm_config config;
        uint8_t bytes[sizeof(struct ftvm_config) + 64];
    } larger;
    struct ftvm_node *node;
    char error[256] = "";
    ftvm_config_init_sized(&larger.config, sizeof larger);
    larger.config.name = "misused";
    larger.config.arbiter = "none";
    larger.config.assume_fail_stop = true;
    cr_expect_eq(larger.bytes[sizeof larger - 1], 0);
    cr_expect_eq(ftvm_node_create(&larger.config, &node, error, sizeof error), FTVM_E_INVALID);
    cr_expect_not_null(strstr(error, "later version"), "%s", error);
    cr_expect_null(node);

    const size_t older = offsetof(struct ftvm_config, io);
    memset(&larger, 0xaa, sizeof larger);
    ftvm_config_init_sized(&larger.config, older);
    cr_expect_eq(larger.bytes[older], 0xaa);
    larger.config.name = "misused";
    larger.config.arbiter = "none";
    larger.config.assume_fail_stop = true;
    cr_expect_eq(ftvm_node_create(&larger.config, &node, error, sizeof error), 0, "%s", error);
    cr_expect_eq(ftvm_node_destroy(node), 0);

    larger.config.size = 0;
    cr_expect_eq(ftvm_node_create(&larger.config, &node, error, sizeof error), FTVM_E_INVALID);
    cr_expect_not_null(strstr(error, "ftvm_config_init"), "%s", error);
    cr_expect_eq(ftvm_node_create(NULL, &node, NULL, 0), FTVM_E_INVALID);
}

Test(misuse, versions_can_be_compared)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", FTVM_VERSION_MAJOR, FTVM_VERSION_MINOR,
             FTVM_VERSION_PATCH);
    cr_expect_str_eq(ftvm_version(), version);
    cr_expect_str_eq(FTVM_VERSION, version);
    cr_expect_eq(ftvm_version_number(), FTVM_VERSION_NUMBER);
}

static void expect_end(struct machine *machine, struct ftvm_epoch *epoch, const char *in_line)
{
    int result = 0;
    for (ftvm_position at = 1000; result == 0; at += 1000) {
        result = ftvm_boundary(machine->node, at, epoch);
    }
    expect_error(machine->node, result, FTVM_E_MACHINE, in_line);
    cr_expect_eq(ftvm_node_destroy(machine->node), 0);
}

Test(misuse, deliver_that_fails_ends_the_node_with_its_code)
{
    struct machine machine = {.deliver_result = -77};
    struct ftvm_epoch epoch;
    start_lone(&machine, &epoch);
    cr_assert_eq(ftvm_input(machine.node, 1, "x", 1), 0);
    expect_end(&machine, &epoch, "the machine's deliver failed: -77");
}

Test(misuse, emit_that_fails_ends_the_node_with_its_code)
{
    struct machine machine = {.emit_result = -77};
    struct ftvm_epoch epoch;
    start_lone(&machine, &epoch);
    cr_assert_eq(ftvm_output(machine.node, 1, "x", 1), 0);
    expect_end(&machine, &epoch, "the machine's emit failed: -77");
}

/* ---- Destroying what is in use ------------------------------------------------------------- */

struct sleeper {
    struct machine machine;
    int result;
};

static void *idle_for_ever(void *context)
{
    struct sleeper *sleeper = context;
    struct ftvm_epoch epoch;
    sleeper->result = ftvm_begin(sleeper->machine.node, &ops, &sleeper->machine, 0, &epoch);
    while (sleeper->result == 0) {
        sleeper->result = ftvm_idle(sleeper->machine.node, 1000, UINT64_MAX, &epoch);
    }
    return NULL;
}

static void destroy_on_stop(void *context, const struct ftvm_event *event)
{
    struct sleeper *sleeper = context;
    if (event->kind == FTVM_EVENT_STOP) {
        expect_error(sleeper->machine.node, ftvm_node_destroy(sleeper->machine.node), FTVM_E_THREAD,
                     "I/O thread");
    }
}

Test(misuse, node_in_use_is_not_destroyed)
{
    struct ftvm_config config;
    struct sleeper sleeper = {0};
    pthread_t thread;
    configure(&config);
    config.on_event = destroy_on_stop;
    config.context = &sleeper;
    sleeper.machine.node = create(&config);
    cr_assert_eq(ftvm_node_start(sleeper.machine.node), 0);
    cr_assert_eq(pthread_create(&thread, NULL, idle_for_ever, &sleeper), 0);
    while (!atomic_load(&sleeper.machine.digested)) {
        usleep(1000);
    }
    usleep(20000);
    expect_error(sleeper.machine.node, ftvm_node_destroy(sleeper.machine.node), FTVM_E_STATE,
                 "inside of a call");
    cr_expect_eq(ftvm_node_stop(sleeper.machine.node), 0);
    pthread_join(thread, NULL);
    cr_expect_eq(sleeper.result, FTVM_E_STOPPED);
    cr_expect_eq(ftvm_node_destroy(sleeper.machine.node), 0);
}

Test(misuse, primary_is_not_promoted)
{
    struct machine machine = {0};
    struct ftvm_epoch epoch;
    start_lone(&machine, &epoch);
    expect_error(machine.node, ftvm_node_promote(machine.node), FTVM_E_STATE, "ftvm_node_promote");
    cr_expect_eq(ftvm_boundary(machine.node, 1000, &epoch), 0);
    cr_expect_eq(ftvm_node_destroy(machine.node), 0);
}
