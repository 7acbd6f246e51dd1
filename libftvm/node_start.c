/* Starting: a primary claims its term and listens; a backup finds its primary and is welcomed. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "libftvm/clock.h"
#include "libftvm/node_state.h"

/* First guess of the guest's speed, 4 ns an instruction; measured from the first epoch on. */
#define FIRST_RATE_Q32 (UINT64_C(4) << 32)

static int create_engine(struct ftvm_node *node, uint64_t term, uint64_t seed)
{
    const struct ftvm_config *from = &node->config;
    struct engine_config config = {
        .memory = node->memory,
        .role = from->role == FTVM_ROLE_PRIMARY ? ENGINE_PRIMARY : ENGINE_BACKUP,
        .name = node->name,
        .replica = node->replica,
        .description = {node->own_description, from->description_size},
        .term = term,
        .arbitrated = node->arbitrated,
        .protocol = from->protocol == FTVM_PROTOCOL_ORIGINAL ? ENGINE_ORIGINAL : ENGINE_REVISED,
        .epoch_length = from->epoch_length,
        .epoch_min_ns = from->epoch_min_us * UINT64_C(1000),
        .epoch_max_ns = from->epoch_max_us * UINT64_C(1000),
        .heartbeat_ns = from->heartbeat_ms * UINT64_C(1000000),
        .timeout_ns = from->timeout_ms * UINT64_C(1000000),
        .lag_epochs = from->lag_epochs,
        .lag_policy = from->lag_policy == FTVM_LAG_DROP ? ENGINE_LAG_DROP : ENGINE_LAG_WAIT,
        .stuck_ns = from->stuck_ms * UINT64_C(1000000),
        .wait_backup = from->wait_backup,
        .claim_seed = seed,
        .rate_q32 = FIRST_RATE_Q32,
    };
    node->engine = engine_create(&config, node_now_ns(node));
    return node->engine != NULL ? 0
                                : node_set_error(node, FTVM_E_MEMORY, "no memory for the engine");
}

static int open_arbiter(struct ftvm_node *node, struct arbiter **arbiter)
{
    char error[ARBITER_ERROR_SIZE];
    int result = arbiter_open(arbiter, node->memory, node->arbiter_spec, error, sizeof error);
    if (result == -ENOMEM) {
        return node_set_error(node, FTVM_E_MEMORY, "no memory for the arbiter");
    }
    return result < 0 ? node_set_error(node, FTVM_E_INVALID, "%s", error) : 0;
}

static int start_of_day(struct ftvm_node *node, uint64_t claim_id, uint64_t *term)
{
    struct arbiter_claim claim = {
        .name = node->name,
        .owner = node->replica,
        .claim_id = claim_id,
        .now_ns = clock_wall_ns(node->hooks),
        .take_over = node->config.take_over,
    };
    struct arbiter_record record;
    char reason[ARBITER_ERROR_SIZE];
    switch (arbiter_start(node->arbiter, &claim, &record, reason, sizeof reason)) {
    case ARBITER_WON: *term = record.term > 0 ? record.term : 1; return 0;
    case ARBITER_LOST:
        return node_set_error(node, FTVM_E_ACTIVE, "%s: join it, or take over if it runs no more",
                              reason);
    default: return node_set_error(node, FTVM_E_ARBITER, "%s", reason);
    }
}

static int claim_term(struct ftvm_node *node, uint64_t seed)
{
    uint64_t term = 0;
    int result = start_of_day(node, seed | 1, &term);
    if (result < 0) {
        return result;
    }
    atomic_store(&node->live, true);
    node->status.term = term;
    return 0;
}

static void on_arbiter_answer(void *context)
{
    node_kick(context);
}

static int start_threads(struct ftvm_node *node)
{
    int result = claimer_create(&node->claimer, node->memory, node->arbiter, node->name,
                                node->replica, node->hooks, on_arbiter_answer, node);
    if (result == -ENOMEM) {
        return node_set_error(node, FTVM_E_MEMORY, "no memory for the claimer");
    }
    if (result < 0) {
        return node_set_error(node, FTVM_E_SYSTEM, "no thread for the arbiter: %s",
                              strerror(-result));
    }
    return node_io_start(node);
}

/* A primary that does not start has taken nothing: its term is given up, or the next one would have
 * to be told to take over from nobody. Before its threads run. */
static void give_term_back(struct ftvm_node *node)
{
    struct arbiter_claim claim = {
        .name = node->name,
        .owner = node->replica,
        .term = node->status.term,
        .now_ns = clock_wall_ns(node->hooks),
    };
    claimer_destroy(node->claimer);
    node->claimer = NULL;
    arbiter_release(node->arbiter, &claim, NULL, NULL, 0);
}

/* Two replicas that name different arbiters would both win their claims. So a joiner looks whether
 * its arbiter knows the primary that welcomed it. */
static int check_same_arbiter(struct ftvm_node *node)
{
    struct arbiter *arbiter;
    struct arbiter_record record;
    char error[NODE_ERROR_SIZE];
    if (!node->arbitrated) {
        return 0;
    }
    int result = open_arbiter(node, &arbiter);
    if (result < 0) {
        return result;
    }
    enum arbiter_outcome outcome = arbiter_read(arbiter, &record, error, sizeof error);
    arbiter_close(arbiter);
    if (outcome == ARBITER_WON && record.active && strcmp(record.name, node->name) == 0 &&
        strcmp(record.owner, node->primary) == 0 && record.term == node->primary_term) {
        return 0;
    }
    if (outcome == ARBITER_WON) {
        snprintf(error, sizeof error, "its record is of %s, term %llu, %s", record.owner,
                 (unsigned long long)record.term, record.active ? "active" : "released");
    }
    return node_set_error(
        node, FTVM_E_ARBITER, "%.200s is not the arbiter of primary %s at term %llu: %.200s",
        node->arbiter_spec, node->primary, (unsigned long long)node->primary_term, error);
}

/* False if there is no more to wait for. */
static bool waits_for_welcome(struct ftvm_node *node, bool sleeps)
{
    pthread_mutex_lock(&node->lock);
    if (sleeps && node->join_state == JOIN_CONNECTING) {
        pthread_cond_wait(&node->changed, &node->lock);
    }
    bool waits = node->join_state == JOIN_CONNECTING;
    pthread_mutex_unlock(&node->lock);
    return waits;
}

/* Who is not going to join says so to its loop, too, where nobody waits in ftvm_node_start. */
static int end_joining(struct ftvm_node *node, int error)
{
    char reason[NODE_ERROR_SIZE];
    ftvm_node_error(node, reason, sizeof reason);
    pthread_mutex_lock(&node->engine_lock);
    if (node->ended_ns == 0) {
        node_join_failed(node, error, reason);
    }
    pthread_mutex_unlock(&node->engine_lock);
    node_kick(node);
    return error;
}

int node_wait_for_welcome(struct ftvm_node *node)
{
    bool mine = dispatch_is_mine(node);
    while (waits_for_welcome(node, !mine)) {
        if (mine) {
            dispatch_and_wait(node, UINT64_MAX);
        }
        mine = dispatch_is_mine(node);
    }
    pthread_mutex_lock(&node->lock);
    int result = node->join_state == JOIN_WELCOMED ? 0 : node->join_error;
    pthread_mutex_unlock(&node->lock);
    if (result < 0) {
        return result;
    }
    result = check_same_arbiter(node);
    return result < 0 && node->config.io == FTVM_IO_CALLER ? end_joining(node, result) : result;
}

static int start(struct ftvm_node *node)
{
    char error[NODE_ERROR_SIZE];
    uint64_t seed;
    if (getrandom(&seed, sizeof seed, 0) != sizeof seed) {
        return node_set_error(node, FTVM_E_SYSTEM, "no random numbers from the system");
    }
    int result = open_arbiter(node, &node->arbiter);
    if (result == 0) {
        result = node_io_prepare(node);
    }
    if (result < 0) {
        return result;
    }
    if (node->listen != NULL) {
        if (channel_listen(node->channel, node->listen, node->config.insecure_channel, error,
                           sizeof error) < 0) {
            return node_set_error(node, FTVM_E_SYSTEM, "%s", error);
        }
        node->status.listen_port = channel_port(node->channel);
    }
    bool primary = node->config.role == FTVM_ROLE_PRIMARY;
    result = primary ? claim_term(node, seed) : 0;
    if (result == 0) {
        result = create_engine(node, node->status.term, seed);
    }
    if (result < 0) {
        return result;
    }
    node->join_state = primary ? JOIN_WELCOMED : JOIN_CONNECTING;
    node->join_deadline_ns = node_now_ns(node) + node->config.join_timeout_ms * UINT64_C(1000000);
    if (primary) {
        node_tell_start(node);
    }
    result = start_threads(node);
    if (result < 0 || primary || node->config.io == FTVM_IO_CALLER) {
        return result;
    }
    return node_wait_for_welcome(node);
}

int ftvm_node_start(struct ftvm_node *node)
{
    if (node == NULL) {
        return FTVM_E_INVALID;
    }
    if (node->started || node->arbiter != NULL || atomic_exchange(&node->inside, true)) {
        return node_set_error(node, FTVM_E_STATE, "ftvm_node_start: the node was started before");
    }
    int result = start(node);
    if (result < 0 && node->config.role == FTVM_ROLE_PRIMARY && node->status.term != 0) {
        give_term_back(node);
    }
    node->started = result == 0;
    atomic_store(&node->inside, false);
    return result;
}

/* ---- Joining; I/O thread ------------------------------------------------------------------- */

void node_join_failed(struct ftvm_node *node, int error, const char *reason)
{
    node_set_error(node, error, "%s", reason);
    ev_timer_stop(node->loop, &node->reconnect);
    pthread_mutex_lock(&node->lock);
    node->join_state = JOIN_FAILED;
    node->join_error = error;
    pthread_cond_broadcast(&node->changed);
    pthread_mutex_unlock(&node->lock);
    if (node->config.io == FTVM_IO_CALLER && node->ended_ns == 0) {
        /* Nobody waits in ftvm_node_start to be told. */
        node->ended_ns = node_now_ns(node);
        atomic_store(&node->ended, error);
        node_tell_end(node, error, reason);
    }
}

static bool join_time_is_over(const struct ftvm_node *node)
{
    return node_now_ns(node) >= node->join_deadline_ns;
}

/* Who takes a connection and says nothing is tried again: a primary that stood still has answered
 * nobody, and is not known to be lost. */
static void give_up_silent(struct ftvm_node *node)
{
    if (node->hello_ns == 0 ||
        node_now_ns(node) - node->hello_ns < node->config.timeout_ms * UINT64_C(1000000)) {
        return;
    }
    struct engine_event event = {.type = ENGINE_PEER_LOST,
                                 .peer = node->joining_peer,
                                 .reason = "the other side does not answer"};
    channel_abort(node->channel, node->joining_peer);
    node_step(node, &event);
    node_join_lost(node, event.reason);
}

void node_on_reconnect(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    struct ftvm_node *node = timer->data;
    if (node->join_state != JOIN_CONNECTING) {
        ev_timer_stop(node->loop, &node->reconnect);
        return;
    }
    if (join_time_is_over(node)) {
        char reason[NODE_ERROR_SIZE];
        snprintf(reason, sizeof reason,
                 "no primary at %.100s accepted this replica within %u ms%s%.300s", node->join,
                 node->config.join_timeout_ms, node->error[0] != '\0' ? ": " : "", node->error);
        node_join_failed(node, node->join_refused ? FTVM_E_REFUSED : FTVM_E_NO_PRIMARY, reason);
        return;
    }
    if (node->joining_peer != 0) {
        give_up_silent(node);
        return;
    }
    char error[NODE_ERROR_SIZE];
    node->hello_ns = 0;
    int result = channel_connect(node->channel, node->join, node->config.insecure_channel,
                                 &node->joining_peer, error, sizeof error);
    if (result == -ENOMEM) {
        node_join_failed(node, FTVM_E_MEMORY, error);
    } else if (result < 0) {
        node_set_error(node, FTVM_E_NO_PRIMARY, "%s", error);
    }
}

void node_join_connected(struct ftvm_node *node, channel_peer peer)
{
    (void)peer; /* the engine has said HELLO; the answer comes as a message */
    node->hello_ns = node_now_ns(node);
}

void node_join_lost(struct ftvm_node *node, const char *reason)
{
    node->joining_peer = 0;
    if (node->join_state == JOIN_CONNECTING) {
        node_set_error(node, FTVM_E_NO_PRIMARY, "%s", reason);
    }
}

/* "There is a backup already" may pass, as that one may be lost and not yet noticed. So may "is a
 * backup itself": after the loss of its primary it is one soon, and who joins the survivor need not
 * know when. The joiner asks again until its time is over. All else is final. */
void node_join_refused(struct ftvm_node *node, const struct message_refuse *refuse)
{
    node->joining_peer = 0;
    bool may_pass = refuse->code == REFUSE_SECOND || refuse->code == REFUSE_ROLE;
    node->join_refused = true;
    if (may_pass) {
        node_set_error(node, FTVM_E_REFUSED, "refused: %s", refuse->reason);
        node_log(node, FTVM_LOG_INFO, "refused for now: %s", refuse->reason);
        return;
    }
    char reason[NODE_ERROR_SIZE];
    snprintf(reason, sizeof reason, "refused by %s: %s", node->join, refuse->reason);
    node_join_failed(node, FTVM_E_REFUSED, reason);
}

void node_join_welcomed(struct ftvm_node *node, const struct message_welcome *welcome)
{
    void *copy = memory_allocate(node->memory, welcome->description.size + 1);
    if (copy == NULL) {
        node->starved = "no memory for the machine's description";
        return;
    }
    if (welcome->description.size > 0) {
        memcpy(copy, welcome->description.data, welcome->description.size);
    }
    ev_timer_stop(node->loop, &node->reconnect);
    node_set_error(node, 0, "%s", "");
    pthread_mutex_lock(&node->lock);
    node->description = copy;
    node->description_size = welcome->description.size;
    snprintf(node->name, sizeof node->name, "%s", welcome->name);
    snprintf(node->primary, sizeof node->primary, "%s", welcome->replica);
    node->primary_term = welcome->term;
    node->pace.min_ns = welcome->epoch_min_us * UINT64_C(1000);
    node->pace.max_ns = welcome->epoch_max_us * UINT64_C(1000);
    snprintf(node->status.name, sizeof node->status.name, "%s", welcome->name);
    pthread_mutex_unlock(&node->lock);
    /* Once it is told, the description can be asked for; and it is told before anybody goes on. */
    node_tell_start(node);
    pthread_mutex_lock(&node->lock);
    node->join_state = JOIN_WELCOMED;
    pthread_cond_broadcast(&node->changed);
    pthread_mutex_unlock(&node->lock);
    engine_set_machine(node->engine, node->name,
                       (struct log_bytes){node->description, node->description_size});
}
