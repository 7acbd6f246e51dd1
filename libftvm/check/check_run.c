#include "libftvm/check/check_run.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "libftvm/error.h"

#define INPUTS_SIZE (4u << 20) /* bytes that wait for a boundary, as in any node */

/* ---- What the two ways of running have in common --------------------------------------------- */

int run_end(struct check_run *run, int error)
{
    pthread_mutex_lock(&run->node.lock);
    run->node.status.ended = true;
    run->node.status.error = error;
    pthread_mutex_unlock(&run->node.lock);
    atomic_store(&run->node.ended, error);
    return error;
}

int run_ended(struct check_run *run)
{
    int ended = atomic_load(&run->node.ended);
    if (ended == 0 && atomic_load(&run->node.fail_asked)) {
        return run_fail(run, "the machine called ftvm_node_fail: %s", run->node.fail_reason);
    }
    return ended;
}

int run_fail(struct check_run *run, const char *format, ...)
{
    char line[NODE_ERROR_SIZE];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    return run_end(run, node_set_error(&run->node, FTVM_E_MACHINE, "%s", line));
}

struct parts_source run_source(struct check_run *run)
{
    return (struct parts_source){
        .ops = &run->node.ops, .machine = run->node.machine, .epoch = run->epoch.number};
}

void run_log(const struct check_session *session, const char *format, ...)
{
    char line[NODE_ERROR_SIZE];
    va_list arguments;
    if (session->check.on_log == NULL) {
        return;
    }
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    session->check.on_log(session->check.log_context, FTVM_LOG_INFO, line);
}

enum call_kind run_kind(const struct vcpu_request *request)
{
    return request->halt ? CALL_HALT : request->idle ? CALL_IDLE : CALL_BOUNDARY;
}

int run_deliver(struct check_run *run, const struct message_boundary *boundary)
{
    int result = 0;
    run->node.may_output = true;
    for (size_t i = 0; i < boundary->input_count && result >= 0; i++) {
        const struct log_input *input = &boundary->inputs[i];
        result = run->node.ops.deliver(run->node.machine, input->device, input->data.data,
                                       input->data.size);
    }
    run->node.may_output = false;
    if (result < 0) {
        char number[ERROR_TEXT_SIZE];
        return run_fail(run, "the machine's deliver failed at position %llu: %s",
                        (unsigned long long)boundary->position, error_text(result, number));
    }
    return run_ended(run);
}

void run_start_epoch(struct check_run *run, const struct message_boundary *boundary,
                     struct ftvm_epoch *epoch)
{
    run->epoch = (struct ftvm_epoch){
        .number = run->epoch.number + 1,
        .position = boundary->position,
        .length = boundary->next_length,
        .clock_ns = boundary->clock_ns,
        .rate_q32 = boundary->rate_q32,
    };
    *epoch = run->epoch;
    pthread_mutex_lock(&run->node.lock);
    struct ftvm_status *status = &run->node.status;
    status->epoch = run->epoch.number;
    status->position = run->epoch.position;
    status->clock_ns = run->epoch.clock_ns;
    status->lsn = boundary->lsn;
    status->inputs += boundary->input_count;
    pthread_mutex_unlock(&run->node.lock);
}

/* ---- The node's calls ------------------------------------------------------------------------ */

static struct check_run *run_of(struct ftvm_node *node)
{
    return (struct check_run *)node;
}

static bool records(const struct check_run *run)
{
    return run->plan->script == NULL || run->plan->guided;
}

static int begin(struct ftvm_node *node, ftvm_position position, struct ftvm_epoch *first)
{
    struct check_run *run = run_of(node);
    run->session->has_digest = node->ops.digest != NULL;
    return records(run) ? record_begin(run, position, first) : follow_begin(run, position, first);
}

static ftvm_position stop_at(struct ftvm_node *node, ftvm_position position)
{
    struct check_run *run = run_of(node);
    ftvm_position end = run->epoch.position + run->epoch.length;
    if (run_ended(run) != 0) {
        return position;
    }
    run->session->asks_stops = true;
    if (position >= end) {
        return position;
    }
    ftvm_position stop = records(run) ? end : follow_stop_at(run, position);
    return stop < end ? stop : end;
}

static int end_epoch(struct ftvm_node *node, struct vcpu_request *request, struct ftvm_epoch *next)
{
    struct check_run *run = run_of(node);
    int ended = run_ended(run);
    if (ended != 0) {
        return ended;
    }
    return records(run) ? record_boundary(run, request, next) : follow_boundary(run, request, next);
}

static int output(struct ftvm_node *node, uint32_t device, const void *data, size_t size)
{
    struct check_run *run = run_of(node);
    int ended = run_ended(run);
    if (ended != 0) {
        return ended;
    }
    pthread_mutex_lock(&node->lock);
    node->status.outputs++;
    node->status.outputs_released += records(run);
    pthread_mutex_unlock(&node->lock);
    return records(run) ? record_output(run, device, data, size)
                        : follow_output(run, device, data, size);
}

static int value(struct ftvm_node *node, const struct vcpu_request *request, void *value,
                 size_t size)
{
    struct check_run *run = run_of(node);
    int ended = run_ended(run);
    if (ended != 0) {
        return ended;
    }
    return records(run) ? record_value(run, request, value, size)
                        : follow_value(run, request, value, size);
}

static uint64_t clock_now_ns(struct ftvm_node *node, ftvm_position position)
{
    return ftvm_epoch_clock(&run_of(node)->epoch, position);
}

/* Commands are looked at by the calls. */
static void kick(struct ftvm_node *node)
{
    (void)node;
}

static const struct node_calls check_calls = {
    .begin = begin,
    .stop_at = stop_at,
    .end_epoch = end_epoch,
    .output = output,
    .value = value,
    .clock_now_ns = clock_now_ns,
    .kick = kick,
};

/* ---- A run ----------------------------------------------------------------------------------- */

static bool open_node(struct check_run *run)
{
    struct ftvm_node *node = &run->node;
    node_init(node, &check_calls);
    ftvm_config_init(&node->config);
    node->config.role = records(run) ? FTVM_ROLE_PRIMARY : FTVM_ROLE_BACKUP;
    node->status.role = node->config.role;
    snprintf(node->status.name, sizeof node->status.name, "check");
    snprintf(node->status.replica, sizeof node->status.replica, "run-%u", run->session->runs);
    atomic_store(&node->started, true);
    atomic_store(&node->live, run->plan->script == NULL);
    node->inputs = ring_create(NULL, INPUTS_SIZE);
    run->inputs = malloc(LOG_MAX_INPUTS * sizeof *run->inputs);
    return node->inputs != NULL && run->inputs != NULL;
}

static void close_node(struct check_run *run)
{
    struct ftvm_node *node = &run->node;
    ring_destroy(node->inputs);
    free(run->inputs);
    node_fini(node);
}

/* What is wrong with how the machine's loop ended; 0: nothing. */
static int judge_end(struct check_run *run, int returned)
{
    struct check_session *session = run->session;
    int ended = run_ended(run);
    char number[ERROR_TEXT_SIZE], line[NODE_ERROR_SIZE];
    const char *what = error_text(returned, number);
    ftvm_node_error(&run->node, line, sizeof line);
    if (ended == FTVM_E_MACHINE || ended == FTVM_E_MEMORY) {
        snprintf(session->line, sizeof session->line, "%s",
                 line[0] != '\0' ? line : ftvm_strerror(ended));
        return ended;
    }
    if (!run->node.began) {
        snprintf(session->line, sizeof session->line,
                 "run ended (%s) without having called ftvm_begin%s%s", what,
                 line[0] != '\0' ? ", or with an error from it: " : "", line);
        return FTVM_E_MACHINE;
    }
    if (ended == 0) {
        snprintf(session->line, sizeof session->line,
                 "run ended (%s) at position %llu, before a call to the library had ended it%s%s",
                 what, (unsigned long long)run->node.position, line[0] != '\0' ? ": " : "", line);
        return FTVM_E_MACHINE;
    }
    if (returned >= 0) {
        snprintf(session->line, sizeof session->line,
                 "run returned %d; it must return the error of the call that ended it (%s)",
                 returned, ftvm_strerror(ended));
        return FTVM_E_MACHINE;
    }
    return run->differs ? 1 : 0;
}

int check_run(struct check_session *session, const struct run_plan *plan, struct track *track,
              struct check_run *run)
{
    const struct ftvm_check *check = &session->check;
    memset(run, 0, sizeof *run);
    run->session = session;
    run->plan = plan;
    run->track = track;
    session->runs++;
    if (!open_node(run)) {
        close_node(run);
        snprintf(session->line, sizeof session->line, "out of memory");
        return FTVM_E_MEMORY;
    }
    void *machine = NULL;
    int result = check->create(check->context, &machine);
    if (result < 0) {
        char number[ERROR_TEXT_SIZE];
        snprintf(session->line, sizeof session->line, "create failed: %s",
                 error_text(result, number));
        result = FTVM_E_MACHINE;
    } else {
        result = judge_end(run, check->run(check->context, machine, &run->node));
        check->destroy(check->context, machine);
    }
    close_node(run);
    return result;
}

void check_pause(const struct check_session *session, const struct timespec *since)
{
    uint64_t pause_ns = session->check.pause_ms * UINT64_C(1000000);
    struct timespec until = *since;
    until.tv_sec += (time_t)(pause_ns / 1000000000);
    until.tv_nsec += (long)(pause_ns % 1000000000);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) {
    }
}
