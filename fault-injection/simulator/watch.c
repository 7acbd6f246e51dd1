#include "fault-injection/simulator/watch.h"

#include <string.h>

#include "fault-injection/simulator/cluster_parts.h"
#include "replication/trace.h"

static const char *name_of(const struct cluster *cluster, unsigned replica)
{
    return cluster->replicas[replica].name;
}

static bool holds_record(const struct cluster *cluster, unsigned number)
{
    return strcmp(cluster->record.owner, name_of(cluster, number)) == 0;
}

/* ---- Outputs --------------------------------------------------------------------------------- */

/* The log's length before each output of a live replica: what a backup must hold for it. */
void watch_made(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    size_t at = replica->guest.outputs; /* its number - 1 */
    while (replica->made_count <= at) {
        replica->made = cluster_grow(replica->made, &replica->made_capacity, replica->made_count,
                                     sizeof *replica->made);
        replica->made[replica->made_count++] = 0;
    }
    replica->made[at] = replica->vcpu_live ? cluster_status(cluster, number).lsn : 0;
}

/* Rule R4. Whoever told a backup in the record's own term that it may claim must wait for it; so
 * must one whose record is another's by now. */
static void check_release(struct cluster *cluster, unsigned number,
                          const struct engine_output *output)
{
    const struct replica *replica = &cluster->replicas[number];
    bool told = replica->told_term != 0 && replica->told_term >= cluster->record.term;
    uint64_t made = output->number <= replica->made_count ? replica->made[output->number - 1] : 0;
    if (cluster_status(cluster, number).claiming) {
        cluster_violation(cluster, CHECKER_ACTIVE, "%s emits %llu during a claim", replica->name,
                          (unsigned long long)output->number);
    }
    if (holds_record(cluster, number) && !told) {
        return;
    }
    if (replica->told_term == 0) {
        cluster_violation(cluster, CHECKER_OUTPUTS, "%s emits %llu without holding the record",
                          replica->name, (unsigned long long)output->number);
        return;
    }
    if (cluster_status(cluster, replica->backup).lsn < made) {
        cluster_violation(cluster, CHECKER_OUTPUTS,
                          "%s emits %llu before its backup has entry %llu", replica->name,
                          (unsigned long long)output->number, (unsigned long long)made);
    }
}

static void check_nobody_may_claim(struct cluster *cluster, unsigned number,
                                   const struct engine_output *output)
{
    uint64_t term = cluster_status(cluster, number).term;
    if (cluster->replicas[number].told_term == term) {
        return;
    }
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        if (i != number && cluster->replicas[i].alive && !cluster_is_live(cluster, i) &&
            cluster_status(cluster, i).is_protected && cluster_status(cluster, i).term == term) {
            cluster_violation(
                cluster, CHECKER_OUTPUTS, "%s emits %llu unprotected while %s may claim",
                name_of(cluster, number), (unsigned long long)output->number, name_of(cluster, i));
        }
    }
}

void watch_emit(struct cluster *cluster, unsigned number, const struct engine_output *output)
{
    check_release(cluster, number, output);
    check_nobody_may_claim(cluster, number, output);
}

/* ---- The log --------------------------------------------------------------------------------- */

static void check_entry(struct cluster *cluster, unsigned from, uint64_t *last, uint64_t lsn,
                        uint64_t term)
{
    if (lsn != *last + 1) {
        cluster_violation(cluster, CHECKER_LOG, "%s sends entry %llu after %llu",
                          name_of(cluster, from), (unsigned long long)lsn,
                          (unsigned long long)*last);
    }
    if (term != cluster->record.term && holds_record(cluster, from)) {
        cluster_violation(cluster, CHECKER_LOG, "%s sends an entry of term %llu in term %llu",
                          name_of(cluster, from), (unsigned long long)term,
                          (unsigned long long)cluster->record.term);
    }
    *last = lsn;
}

/* A joiner that may claim must be near enough to go on soon. */
static void check_caught_up(struct cluster *cluster, unsigned from, uint64_t sent)
{
    const struct replica *replica = &cluster->replicas[from];
    uint64_t ahead = sent - cluster->replicas[replica->backup].epochs_answered;
    uint64_t most = replica->config.lag_epochs / 2;
    if (most == 0 && replica->config.epoch_length == 0) {
        most = 1; /* which the joiner cannot run yet */
    }
    if (ahead > most) {
        cluster_violation(cluster, CHECKER_BOUNDS, "%s is told PROTECTED %llu epochs behind",
                          name_of(cluster, replica->backup), (unsigned long long)ahead);
    }
}

static void check_ack(struct cluster *cluster, unsigned from, const struct connection *connection,
                      unsigned end, const struct message_ack *ack)
{
    const struct replica *replica = &cluster->replicas[from];
    if (ack->received > connection->received_lsn[end]) {
        cluster_violation(cluster, CHECKER_LOG, "%s acknowledges entry %llu and has %llu",
                          replica->name, (unsigned long long)ack->received,
                          (unsigned long long)connection->received_lsn[end]);
    }
    /* The boundary at which a guest halts has no answer. */
    if (ack->consumed > connection->loaded_lsn[end] + replica->answers + cluster->halts) {
        cluster_violation(cluster, CHECKER_LOG, "%s says that it has executed entry %llu too early",
                          replica->name, (unsigned long long)ack->consumed);
    }
}

void watch_send(struct cluster *cluster, unsigned from, struct connection *connection,
                const struct message *message)
{
    unsigned end = connection->ends[0] == from ? 0 : 1;
    uint64_t *last = &connection->sent_lsn[1 - end];
    switch (message->type) {
    case MESSAGE_STATE_BEGIN: *last = message->state_begin.lsn; return;
    case MESSAGE_VALUE:
        check_entry(cluster, from, last, message->value.lsn, message->value.term);
        return;
    case MESSAGE_BOUNDARY:
        check_entry(cluster, from, last, message->boundary.lsn, message->boundary.term);
        connection->sent_boundaries[1 - end]++;
        return;
    case MESSAGE_ACK: check_ack(cluster, from, connection, end, &message->ack); return;
    case MESSAGE_PROTECTED:
        cluster->replicas[from].backup = connection->ends[1 - end];
        cluster->replicas[from].told_term = message->protected_.term;
        check_caught_up(cluster, from, connection->sent_boundaries[1 - end]);
        return;
    default: return;
    }
}

/* What a backup must have dropped of the outputs that it keeps. */
static void learn_released(const struct cluster *cluster, struct replica *replica, uint64_t term,
                           uint64_t released)
{
    unsigned number = (unsigned)(replica - cluster->replicas);
    struct engine_status status = cluster_status(cluster, number);
    if (!status.live && !status.claiming && status.is_protected && status.term == term &&
        released > replica->told_released) {
        replica->told_released = released;
    }
}

void watch_receive(struct cluster *cluster, struct connection *connection, unsigned end,
                   const struct message *message)
{
    struct replica *replica = &cluster->replicas[connection->ends[end]];
    uint64_t *received = &connection->received_lsn[end];
    switch (message->type) {
    case MESSAGE_STATE_BEGIN:
        *received = connection->loaded_lsn[end] = message->state_begin.lsn;
        return;
    case MESSAGE_VALUE: *received = message->value.lsn; return;
    case MESSAGE_BOUNDARY:
        *received = message->boundary.lsn;
        learn_released(cluster, replica, message->boundary.term, message->boundary.released);
        return;
    case MESSAGE_HEARTBEAT:
        learn_released(cluster, replica, message->heartbeat.term, message->heartbeat.released);
        return;
    default: return;
    }
}

/* ---- What the guest is told ------------------------------------------------------------------ */

/* Rule R2, `original`: no epoch begins before the backup has the boundary. */
static void check_original(struct cluster *cluster, unsigned number)
{
    const struct replica *replica = &cluster->replicas[number];
    struct engine_status status = cluster_status(cluster, number);
    if (replica->config.protocol == ENGINE_ORIGINAL && replica->told_term == status.term &&
        cluster_status(cluster, replica->backup).lsn < status.lsn) {
        cluster_violation(cluster, CHECKER_OUTPUTS,
                          "%s goes on before its backup has entry %llu (original)", replica->name,
                          (unsigned long long)status.lsn);
    }
}

/* Rules R1 and R2: all that waits comes with the boundary. With `original` more may have come since
 * the boundary was decided; what was there when the epoch before began was not among that. */
static void check_inputs(struct cluster *cluster, unsigned number, const struct engine_reply *reply)
{
    struct replica *replica = &cluster->replicas[number];
    uint64_t due =
        replica->config.protocol == ENGINE_REVISED ? replica->inputs_taken : replica->inputs_due;
    replica->inputs_given += reply->input_count;
    replica->inputs_due = replica->inputs_taken;
    if (replica->inputs_given < due && reply->input_count < LOG_MAX_INPUTS) {
        cluster_violation(cluster, CHECKER_INPUTS, "%s leaves %llu inputs waiting at a boundary",
                          replica->name, (unsigned long long)(due - replica->inputs_given));
    }
    if (replica->inputs_given > replica->inputs_taken) {
        cluster_violation(cluster, CHECKER_INPUTS, "%s delivers more inputs than it took",
                          replica->name);
    }
}

/* With `wait_backup` the guest of a new machine does not run unprotected. */
static void check_first_backup(struct cluster *cluster, unsigned number,
                               const struct engine_reply *reply)
{
    const struct replica *replica = &cluster->replicas[number];
    bool runs =
        reply->type == ENGINE_REPLY_GO || (reply->type == ENGINE_REPLY_EPOCH && !reply->save);
    if (runs && replica->config.role == ENGINE_PRIMARY && replica->config.wait_backup &&
        replica->told_term == 0) {
        cluster_violation(cluster, CHECKER_OUTPUTS, "%s runs before its first backup protects it",
                          replica->name);
    }
}

void watch_reply(struct cluster *cluster, unsigned number, const struct engine_reply *reply)
{
    struct replica *replica = &cluster->replicas[number];
    bool entry = reply->type == ENGINE_REPLY_EPOCH || reply->type == ENGINE_REPLY_VALUE;
    if (reply->type == ENGINE_REPLY_STATE_END && replica->state_altered) {
        cluster_violation(cluster, CHECKER_CROOKED, "%s takes a state that was changed",
                          replica->name);
    }
    check_first_backup(cluster, number, reply);
    if (!reply->live) {
        replica->answers += entry;
        replica->epochs_answered += reply->type == ENGINE_REPLY_EPOCH;
        return;
    }
    if (reply->type == ENGINE_REPLY_EPOCH) {
        check_original(cluster, number);
        if (reply->epoch.number > 0) { /* the first begins without a boundary */
            check_inputs(cluster, number, reply);
        }
    }
}

/* ---- Each step ------------------------------------------------------------------------------- */

/* The primary cannot know more of its backup's progress than there is. */
static void check_lag(struct cluster *cluster, unsigned number, const struct engine_status *status)
{
    const struct replica *replica = &cluster->replicas[number];
    /* One that has lost its backup runs on, until it holds too many outputs. */
    if (!status->live || !status->is_protected || status->peer == 0) {
        return;
    }
    const unsigned *ends = cluster->connections[status->peer - 1].ends;
    struct engine_status backup = cluster_status(cluster, ends[0] == number ? ends[1] : ends[0]);
    if (status->epoch > backup.epoch + replica->config.lag_epochs + 2) {
        cluster_violation(cluster, CHECKER_BOUNDS, "%s is %llu epochs ahead of its backup",
                          replica->name, (unsigned long long)(status->epoch - backup.epoch));
    }
}

void watch_step(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    struct engine_status status = cluster_status(cluster, number);
    if (status.term < replica->term) {
        cluster_violation(cluster, CHECKER_TIME, "%s goes back to term %llu", replica->name,
                          (unsigned long long)status.term);
    }
    replica->term = status.term;
    if (status.outputs_held > ENGINE_MAX_HELD_OUTPUTS ||
        status.outputs_held > status.outputs - status.outputs_released) {
        cluster_violation(cluster, CHECKER_BOUNDS, "%s holds %llu outputs", replica->name,
                          (unsigned long long)status.outputs_held);
    }
    if (status.end == ENGINE_RUNNING && !status.live && replica->told_released > 0 &&
        replica->told_released <= status.outputs &&
        status.outputs_held > status.outputs - replica->told_released) {
        cluster_violation(cluster, CHECKER_BOUNDS,
                          "%s keeps %llu outputs, and knows that %llu left", replica->name,
                          (unsigned long long)status.outputs_held,
                          (unsigned long long)replica->told_released);
    }
    if (status.outputs_held * cluster->config.padding > ENGINE_MAX_HELD_BYTES) {
        cluster_violation(cluster, CHECKER_BOUNDS, "%s holds %llu large outputs", replica->name,
                          (unsigned long long)status.outputs_held);
    }
    if (!status.live && replica->altered_lsn != 0 && status.lsn_consumed >= replica->altered_lsn) {
        cluster_violation(cluster, CHECKER_CROOKED, "%s executes an entry that was changed",
                          replica->name);
    }
    check_lag(cluster, number, &status);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static bool may_end(const struct cluster *cluster, unsigned number, enum engine_end end)
{
    const struct replica *replica = &cluster->replicas[number];
    switch (end) {
    case ENGINE_END_STOPPED: return cluster->stops > 0;
    case ENGINE_END_HALTED: return cluster->halts;
    case ENGINE_END_FENCED: return !holds_record(cluster, number);
    case ENGINE_END_DIVERGED: return cluster->flips > 0 || replica->altered_lsn != 0;
    case ENGINE_END_CORRUPT: return replica->fooled || replica->state_altered;
    case ENGINE_END_LOST: return !cluster_status(cluster, number).is_protected;
    case ENGINE_END_STUCK: return replica->hangs || replica->vcpu == VCPU_LOADS;
    case ENGINE_END_FAILED: return replica->fails;
    case ENGINE_END_MEMORY: return replica->starves;
    default: return false;
    }
}

void watch_end(struct cluster *cluster, unsigned number, enum engine_end end, const char *reason)
{
    if (!may_end(cluster, number, end)) {
        char line[TRACE_LINE_SIZE];
        struct engine_action action = {.type = ENGINE_DO_END, .end = end, .reason = reason};
        cluster_violation(cluster, CHECKER_ENDS, "nothing was done to %s, and it %s",
                          name_of(cluster, number), trace_action(&action, line, sizeof line));
    }
}
