/* What a check asks of its caller and of a machine's loop, and what the node of a check answers. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ftvm/check.h>

/* ---- A machine that counts ------------------------------------------------------------------- */

struct counter {
    uint64_t position;
    uint64_t inputs[64];
    size_t input_count;
    unsigned offers; /* of emit's; the rest is the state */
};
#define STATE_SIZE offsetof(struct counter, offers)

struct bench {
    int (*run)(struct bench *bench, struct counter *counter, struct ftvm_node *node);
    void (*world)(struct ftvm_node *node, const struct ftvm_epoch *epoch);
    int create_result;
    unsigned alive;
    struct ftvm_check check;
    struct ftvm_check_report report;
    struct counter last; /* as the last run left it */
    unsigned runs;
};

static int deliver(void *context, uint32_t device, const void *data, size_t size)
{
    struct counter *counter = context;
    uint64_t value = device;
    memcpy(&value, data, size < sizeof value ? size : sizeof value);
    if (value == 666) {
        return -1;
    }
    if (counter->input_count < 64) {
        counter->inputs[counter->input_count++] = value;
    }
    return 0;
}

static int emit(void *context, uint64_t number, uint32_t device, const void *data, size_t size)
{
    struct counter *counter = context;
    (void)device;
    (void)data;
    (void)size;
    counter->offers++;
    return number > 1 ? -77 : counter->offers < 3 ? FTVM_E_FULL : 0;
}

static int save(void *context, struct ftvm_writer *writer)
{
    return ftvm_write(writer, context, STATE_SIZE);
}

static int load(void *context, struct ftvm_reader *reader)
{
    return ftvm_read(reader, context, STATE_SIZE);
}

static void digest(void *context, struct ftvm_digest *digest)
{
    struct counter *counter = context;
    ftvm_digest_add(digest, "counter", 0, counter, STATE_SIZE);
}

static int begin(struct counter *counter, struct ftvm_node *node, struct ftvm_epoch *epoch)
{
    static const struct ftvm_machine_ops ops = {.size = sizeof ops,
                                                .deliver = deliver,
                                                .emit = emit,
                                                .save = save,
                                                .load = load,
                                                .digest = digest};
    int result = ftvm_begin(node, &ops, counter, 0, epoch);
    counter->position = result == 0 ? epoch->position : 0;
    return result;
}

/* In good order. */
static int count(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    int result = begin(counter, node, &epoch);
    (void)bench;
    while (result == 0) {
        counter->position = epoch.position + epoch.length;
        result = ftvm_boundary(node, counter->position, &epoch);
    }
    return result;
}

static int create(void *context, void **machine)
{
    struct bench *bench = context;
    if (bench->create_result < 0) {
        return bench->create_result;
    }
    *machine = calloc(1, sizeof(struct counter));
    bench->alive++;
    cr_expect_leq(bench->alive, 2);
    return 0;
}

static void destroy(void *context, void *machine)
{
    struct bench *bench = context;
    bench->last = *(struct counter *)machine;
    bench->alive--;
    free(machine);
}

static int run(void *context, void *machine, struct ftvm_node *node)
{
    struct bench *bench = context;
    bench->runs++;
    return bench->run(bench, machine, node);
}

static void world(void *context, struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    struct bench *bench = context;
    if (bench->world != NULL) {
        bench->world(node, epoch);
    }
}

static struct bench make_bench(int (*loop)(struct bench *, struct counter *, struct ftvm_node *))
{
    struct bench bench = {.run = loop, .report = {.size = sizeof bench.report}};
    ftvm_check_init(&bench.check);
    bench.check.pause_ms = 0;
    bench.check.epochs = 10;
    bench.check.epoch_length = 100;
    bench.check.create = create;
    bench.check.destroy = destroy;
    bench.check.run = run;
    bench.check.world = world;
    return bench;
}

static int check(struct bench *bench)
{
    bench->check.context = bench;
    int result = ftvm_check_determinism(&bench->check, &bench->report);
    cr_expect_eq(bench->alive, 0, "machines are left");
    return result;
}

static void expect_broken(struct bench *bench, const char *words)
{
    cr_expect_eq(check(bench), FTVM_E_MACHINE, "%s", bench->report.text);
    cr_expect_not_null(strstr(bench->report.text, words), "no \"%s\" in: %s", words,
                       bench->report.text);
}

/* ---- The caller ------------------------------------------------------------------------------ */

Test(check_rules, defaults_are_those_of_the_header)
{
    struct ftvm_check filled;
    ftvm_check_init(&filled);
    cr_expect_eq(filled.size, sizeof filled);
    cr_expect_eq(filled.epochs, 500);
    cr_expect_eq(filled.epoch_length, 10000);
    cr_expect_eq(filled.unit_ns, 4);
    cr_expect_eq(filled.seed, 1);
    cr_expect_eq(filled.chunkings, 4);
    cr_expect_eq(filled.states, 8);
    cr_expect_null(filled.world);
}

Test(check_rules, what_is_not_filled_in_is_invalid)
{
    struct bench bench = make_bench(count);
    struct ftvm_check_report unsized = {0};
    cr_expect_eq(ftvm_check_determinism(&bench.check, NULL), FTVM_E_INVALID);
    cr_expect_eq(ftvm_check_determinism(&bench.check, &unsized), FTVM_E_INVALID);
    cr_expect_eq(ftvm_check_determinism(NULL, &bench.report), FTVM_E_INVALID);
    bench.check.size = 0;
    cr_expect_eq(check(&bench), FTVM_E_INVALID);
    bench = make_bench(count);
    bench.check.run = NULL;
    cr_expect_eq(check(&bench), FTVM_E_INVALID);
    cr_expect_str_eq(bench.report.text, "a check needs create, run and destroy");
    bench = make_bench(count);
    bench.check.epochs = 0;
    cr_expect_eq(check(&bench), FTVM_E_INVALID);
    bench = make_bench(count);
    bench.check.epoch_length = UINT64_MAX;
    cr_expect_eq(check(&bench), FTVM_E_INVALID);
    bench = make_bench(count);
    bench.check.unit_ns = UINT64_C(1) << 32;
    cr_expect_eq(check(&bench), FTVM_E_INVALID);
    cr_expect_eq(bench.runs, 0);
}

Test(check_rules, a_machine_that_cannot_be_made_ends_it)
{
    struct bench bench = make_bench(count);
    bench.create_result = -42;
    expect_broken(&bench, "while the first run was recorded: create failed: -42");
}

/* ---- The loop -------------------------------------------------------------------------------- */

static int never_begin(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    (void)bench;
    (void)counter;
    return ftvm_boundary(node, 1, &epoch);
}

Test(check_rules, begin_comes_first)
{
    struct bench bench = make_bench(never_begin);
    expect_broken(&bench, "ftvm_begin comes first");
}

static int go_back(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    (void)bench;
    begin(counter, node, &epoch);
    ftvm_boundary(node, 100, &epoch);
    return ftvm_boundary(node, 99, &epoch);
}

Test(check_rules, positions_do_not_go_back)
{
    struct bench bench = make_bench(go_back);
    expect_broken(&bench, "position 99 is before 100");
}

static int return_zero(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    count(bench, counter, node);
    return 0;
}

Test(check_rules, the_loop_returns_the_error_that_ended_it)
{
    struct bench bench = make_bench(return_zero);
    expect_broken(&bench, "run returned 0; it must return the error of the call that ended it");
}

static int give_up(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    (void)bench;
    begin(counter, node, &epoch);
    ftvm_boundary(node, 100, &epoch);
    return -1000;
}

Test(check_rules, the_loop_does_not_end_by_itself)
{
    struct bench bench = make_bench(give_up);
    expect_broken(&bench, "run ended (-1000) at position 100, before a call");
}

static int fail(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    (void)bench;
    begin(counter, node, &epoch);
    ftvm_node_fail(node, "the disk is gone");
    return ftvm_boundary(node, 100, &epoch);
}

Test(check_rules, a_machine_may_fail)
{
    struct bench bench = make_bench(fail);
    expect_broken(&bench, "the machine called ftvm_node_fail: the disk is gone");
}

static void send_poison(struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    uint64_t poison = 666;
    (void)epoch;
    ftvm_input(node, 0, &poison, sizeof poison);
}

Test(check_rules, a_failing_callback_ends_it)
{
    struct bench bench = make_bench(count);
    bench.world = send_poison;
    expect_broken(&bench, "the machine's deliver failed at position 100: invalid argument");
}

/* The first output has room the third time, and the second fails. */
static int send_two(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    int result = begin(counter, node, &epoch);
    (void)bench;
    for (unsigned i = 0; i < 2 && result == 0; i++) {
        result = ftvm_output(node, 1, "x", 1);
    }
    return result;
}

Test(check_rules, what_emit_refuses_is_offered_again_and_what_it_fails_at_ends_it)
{
    struct bench bench = make_bench(send_two);
    expect_broken(&bench, "the machine's emit failed: -77");
    cr_expect_eq(bench.last.offers, 4);
}

/* Asks on and on without getting on. */
static int ask_for_ever(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    uint8_t value = 0;
    int result = begin(counter, node, &epoch);
    (void)bench;
    while (result == 0) {
        result = ftvm_value(node, 1, &value, sizeof value);
    }
    return result;
}

Test(check_rules, calls_without_end_are_ended, .timeout = 60)
{
    struct bench bench = make_bench(ask_for_ever);
    expect_broken(&bench, "calls, and the last still at position 1");
}

/* Calls on after the end, and looks whether it is told the same. */
static int call_on(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    uint64_t value = 0;
    int result = count(bench, counter, node);
    for (unsigned i = 0; i < 3; i++) {
        cr_expect_eq(ftvm_boundary(node, counter->position, &epoch), result);
        cr_expect_eq(ftvm_idle(node, counter->position, 0, &epoch), result);
        cr_expect_eq(ftvm_halt(node, counter->position), result);
        cr_expect_eq(ftvm_value(node, counter->position, &value, sizeof value), result);
        cr_expect_eq(ftvm_output(node, 1, "late", 4), result);
        cr_expect_eq(ftvm_stop_at(node, counter->position), counter->position);
    }
    return result;
}

Test(check_rules, who_calls_on_gets_the_same_error_again)
{
    struct bench bench = make_bench(call_on);
    cr_expect_eq(check(&bench), 0, "%s", bench.report.text);
}

/* ---- The node of a check --------------------------------------------------------------------- */

static void *call_elsewhere(void *context)
{
    struct ftvm_epoch epoch;
    cr_expect_eq(ftvm_boundary(context, 1, &epoch), FTVM_E_THREAD);
    cr_expect_eq(ftvm_output(context, 1, "x", 1), FTVM_E_THREAD);
    cr_expect_eq(ftvm_stop_at(context, 1), 1);
    return NULL;
}

static int ask_the_node(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_status status = {.size = sizeof status};
    struct ftvm_epoch epoch;
    pthread_t thread;
    size_t size = 1;
    char line[512];
    cr_expect_eq(ftvm_node_start(node), FTVM_E_STATE);
    cr_expect_eq(ftvm_node_destroy(node), FTVM_E_STATE);
    ftvm_node_error(node, line, sizeof line);
    cr_expect_str_eq(line, "ftvm_node_destroy: this node belongs to the check that runs it");
    cr_expect_eq(ftvm_node_promote(node), FTVM_E_STATE);
    cr_expect_eq(ftvm_node_fd(node), FTVM_E_STATE);
    cr_expect_lt(ftvm_node_dispatch(node), 0);
    ftvm_node_description(node, &size);
    cr_expect_eq(size, 0);
    cr_expect_eq(begin(counter, node, &epoch), 0);
    cr_expect_eq(epoch.rate_q32, UINT64_C(4) << 32);
    pthread_create(&thread, NULL, call_elsewhere, node);
    pthread_join(thread, NULL);
    counter->position = epoch.position + epoch.length;
    cr_expect_eq(ftvm_node_destroy(node), FTVM_E_STATE);
    int result = ftvm_boundary(node, counter->position, &epoch);
    if (result < 0) {
        return result;
    }
    cr_expect_eq(epoch.clock_ns, 4 * epoch.position);
    cr_expect_eq(ftvm_node_status(node, &status), 0);
    cr_expect_eq(status.position, counter->position);
    cr_expect_eq(status.epoch, epoch.number);
    cr_expect_not(status.ended);
    cr_expect_eq(status.role, bench->runs == 1 ? FTVM_ROLE_PRIMARY : FTVM_ROLE_BACKUP);
    while (result == 0) {
        counter->position = epoch.position + epoch.length;
        result = ftvm_boundary(node, counter->position, &epoch);
    }
    cr_expect_eq(ftvm_node_status(node, &status), 0);
    cr_expect(status.ended);
    cr_expect_eq(status.error, result);
    return result;
}

Test(check_rules, the_node_answers_as_any_node_would)
{
    struct bench bench = make_bench(ask_the_node);
    bench.check.states = 0;
    cr_expect_eq(check(&bench), 0, "%s", bench.report.text);
}

static void send_three(struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    for (uint64_t i = 0; i < 3 && epoch->position == 200; i++) {
        uint64_t value = 10 + i;
        cr_expect_eq(ftvm_input(node, 0, &value, sizeof value), 0);
    }
}

Test(check_rules, inputs_are_delivered_in_order_at_the_boundary_that_they_are_put_in_at)
{
    struct bench bench = make_bench(count);
    bench.world = send_three;
    bench.check.states = 0;
    cr_expect_eq(check(&bench), 0, "%s", bench.report.text);
    cr_expect_eq(bench.report.inputs, 3);
    cr_expect_eq(bench.last.input_count, 3);
    for (uint64_t i = 0; i < 3; i++) {
        cr_expect_eq(bench.last.inputs[i], 10 + i);
    }
}

static void stop(struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    if (epoch->position == 500) {
        cr_expect_eq(ftvm_node_stop(node), 0);
    }
}

Test(check_rules, a_stop_ends_the_run)
{
    struct bench bench = make_bench(count);
    bench.world = stop;
    cr_expect_eq(check(&bench), 0, "%s", bench.report.text);
    cr_expect_eq(bench.report.epochs, 5);
    cr_expect_eq(bench.report.position, 500);
    cr_expect_not_null(strstr(bench.report.text, "where it was stopped"));
}

/* Idle: time goes to the timer, but where an input waits it goes on at once. */
static int doze(struct bench *bench, struct counter *counter, struct ftvm_node *node)
{
    struct ftvm_epoch epoch;
    int result = begin(counter, node, &epoch);
    (void)bench;
    while (result == 0) {
        size_t inputs = counter->input_count;
        counter->position = epoch.position + 10;
        uint64_t now_ns = ftvm_epoch_clock(&epoch, counter->position);
        result = ftvm_idle(node, counter->position, now_ns + 777, &epoch);
        if (result == 0) {
            cr_expect_eq(epoch.clock_ns, now_ns + (counter->input_count > inputs ? 0 : 777));
        }
    }
    return result;
}

static void send_sometimes(struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    if (epoch->number % 2 == 0) {
        ftvm_input(node, 0, "x", 1);
    }
}

Test(check_rules, an_idle_guest_jumps_to_its_timer_or_takes_its_input_at_once)
{
    struct bench bench = make_bench(doze);
    bench.world = send_sometimes;
    bench.check.states = 0;
    cr_expect_eq(check(&bench), 0, "%s", bench.report.text);
    cr_expect_eq(bench.report.epochs, 10);
    cr_expect_gt(bench.report.inputs, 3);
}
