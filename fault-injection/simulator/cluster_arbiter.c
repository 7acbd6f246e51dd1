/* The arbiter: the production one, in a file of simulated storage, asked over a network of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "fault-injection/simulator/cluster_parts.h"
#include "replication/arbiter_backend.h"
#include "replication/trace.h"

void arbiter_init(struct cluster *cluster)
{
    store_init(&cluster->store, toy_mix(cluster->config.seed, 4));
    if (arbiter_file_open(&cluster->arbiter, NULL, STORE_PATH, &cluster->store.calls) != 0) {
        abort();
    }
}

/* The record as it stands now, for those who watch. No call of theirs fails. */
static void see_record(struct cluster *cluster)
{
    struct store *store = &cluster->store;
    struct store armed = {.call_count = store->call_count,
                          .fail_at = store->fail_at,
                          .power_off_at = store->power_off_at,
                          .off = store->off};
    struct arbiter_record record;
    char error[ARBITER_ERROR_SIZE];
    store->off = false;
    store->fail_at = store->power_off_at = 0;
    if (arbiter_read(cluster->arbiter, &record, error, sizeof error) == ARBITER_WON &&
        record.term + 1 != cluster->lost_record.term) {
        cluster->record = record;
    }
    store->call_count = armed.call_count;
    store->fail_at = armed.fail_at;
    store->power_off_at = armed.power_off_at;
    store->off = armed.off;
}

void cluster_store_power(struct cluster *cluster, bool on)
{
    cluster_say(cluster, "the arbiter's storage %s", on ? "has power again" : "loses its power");
    if (on) {
        store_power_on(&cluster->store);
    } else {
        store_power_off(&cluster->store);
    }
    see_record(cluster);
}

static void put_record(struct cluster *cluster, const struct arbiter_record *record)
{
    char text[ARBITER_TEXT_SIZE];
    size_t size = arbiter_record_format(record, text);
    store_put(&cluster->store, STORE_PATH, text, size);
    see_record(cluster);
}

static bool is_asked(const struct cluster *cluster)
{
    for (size_t i = 0; i < cluster->queue_count; i++) {
        if (cluster->queue[i].kind == PENDING_QUESTION) {
            return true;
        }
    }
    return false;
}

/* A question that is under way, perhaps of a replica that is dead by now, might win an old term for
 * the second time; no arbiter that forgets can help that. */
bool cluster_store_set_back(struct cluster *cluster)
{
    struct arbiter_record old = cluster->record;
    if (old.term < 2 || cluster->lost_record.term != 0 || is_asked(cluster)) {
        return false;
    }
    cluster_say(cluster, "the arbiter's storage is set back to term %llu",
                (unsigned long long)old.term - 1);
    cluster->lost_record = old;
    old.term--;
    put_record(cluster, &old);
    cluster->record = cluster->lost_record; /* which still says who may be active */
    return true;
}

void cluster_store_mend(struct cluster *cluster)
{
    if (cluster->lost_record.term != 0) {
        cluster_say(cluster, "the arbiter's storage has the record of term %llu again",
                    (unsigned long long)cluster->lost_record.term);
        put_record(cluster, &cluster->lost_record);
        cluster->lost_record.term = 0;
    }
}

enum arbiter_outcome arbiter_start_of_day(struct cluster *cluster, unsigned replica, bool take_over)
{
    struct arbiter_claim claim = {.name = cluster->config.engine.name,
                                  .owner = cluster->replicas[replica].name,
                                  .claim_id = toy_mix(cluster->config.seed, 200 + replica),
                                  .now_ns = cluster->now_ns,
                                  .take_over = take_over};
    char error[ARBITER_ERROR_SIZE];
    enum arbiter_outcome outcome =
        arbiter_start(cluster->arbiter, &claim, NULL, error, sizeof error);
    see_record(cluster);
    return outcome;
}

void cluster_cut_arbiter(struct cluster *cluster, unsigned replica, bool cut)
{
    cluster_say(cluster, "%s %s the arbiter", cluster->replicas[replica].name,
                cut ? "cannot reach" : "can reach");
    cluster->replicas[replica].arbiter_cut = cut;
}

void arbiter_ask(struct cluster *cluster, unsigned replica, bool release, uint64_t term,
                 uint64_t claim_id)
{
    struct pending question = {
        .at_ns = cluster->now_ns + cluster->config.arbiter_ns / 2 +
                 cluster->replicas[replica].extra_arbiter_ns,
        .order = ++cluster->order,
        .kind = PENDING_QUESTION,
        .to = replica,
        .release = release,
        .term = term,
        .claim_id = claim_id,
    };
    cluster_push(cluster, &question);
}

static enum arbiter_outcome decide(struct cluster *cluster, const struct pending *question)
{
    struct arbiter_claim claim = {.name = cluster->config.engine.name,
                                  .owner = cluster->replicas[question->to].name,
                                  .term = question->term,
                                  .claim_id = question->claim_id,
                                  .now_ns = cluster->now_ns};
    char error[ARBITER_ERROR_SIZE];
    struct arbiter_record before = cluster->record;
    enum arbiter_outcome outcome =
        question->release ? arbiter_release(cluster->arbiter, &claim, NULL, error, sizeof error)
                          : arbiter_claim(cluster->arbiter, &claim, NULL, error, sizeof error);
    see_record(cluster);
    if (cluster->store.misused) {
        cluster_violation(cluster, CHECKER_ACTIVE, "%s changes the record without its lock",
                          claim.owner);
    }
    if (question->release && outcome == ARBITER_WON && strcmp(before.owner, claim.owner) != 0) {
        cluster_violation(cluster, CHECKER_ACTIVE, "%s releases the term of %s", claim.owner,
                          before.owner);
    }
    return outcome;
}

static void question_arrives(struct cluster *cluster, const struct pending *question)
{
    static const enum engine_outcome outcomes[] = {
        [ARBITER_WON] = ENGINE_WON,
        [ARBITER_LOST] = ENGINE_LOST,
        [ARBITER_STOPPED] = ENGINE_RELEASED,
        [ARBITER_ABSENT] = ENGINE_UNREACHABLE,
        [ARBITER_UNREACHABLE] = ENGINE_UNREACHABLE,
    };
    struct replica *replica = &cluster->replicas[question->to];
    struct pending answer = *question;
    answer.kind = PENDING_ANSWER;
    answer.at_ns = cluster->now_ns + cluster->config.arbiter_ns / 2;
    answer.order = ++cluster->order;
    answer.outcome = ENGINE_UNREACHABLE;
    answer.reason = "no answer";
    if (!replica->arbiter_cut) {
        enum arbiter_outcome outcome = decide(cluster, question);
        answer.outcome = outcomes[outcome];
        answer.reason = outcome == ARBITER_WON           ? ""
                        : outcome == ARBITER_UNREACHABLE ? "its storage fails"
                                                         : "the record is another's";
        if (replica->lose_answers > 0) {
            replica->lose_answers--;
            answer.outcome = ENGINE_UNREACHABLE;
            answer.reason = "its answer was lost";
        }
    }
    cluster_push(cluster, &answer);
}

void arbiter_arrive(struct cluster *cluster, const struct pending *pending)
{
    if (pending->kind == PENDING_QUESTION) {
        question_arrives(cluster, pending);
        return;
    }
    if (!cluster->replicas[pending->to].alive) {
        return;
    }
    struct engine_event event = {
        .type = pending->release ? ENGINE_RELEASE_ANSWER : ENGINE_CLAIM_ANSWER,
        .claim_id = pending->claim_id,
        .outcome = pending->outcome,
        .reason = pending->reason,
    };
    char line[TRACE_LINE_SIZE];
    cluster_say(cluster, "%s %s", cluster->replicas[pending->to].name,
                trace_event(&event, line, sizeof line));
    cluster_step(cluster, pending->to, &event);
}
