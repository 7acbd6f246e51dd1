/* A replica does what its engine says, or is lost in the midst of it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "replication/trace.h"
#include "fault-injection/simulator/cluster_parts.h"
#include "fault-injection/simulator/watch.h"
#include "fault-injection/simulator/world.h"

void replica_destroy(struct replica *replica)
{
    engine_destroy(replica->engine);
    toy_destroy(&replica->guest);
    free(replica->state);
    free(replica->executed);
    free(replica->made);
}

uint64_t replica_now(const struct cluster *cluster, unsigned replica)
{
    return cluster->now_ns + cluster->replicas[replica].clock_base_ns;
}

/* ---- What the engine says -------------------------------------------------------------------- */

static void emit(struct cluster *cluster, unsigned number, const struct engine_output *output)
{
    struct replica *replica = &cluster->replicas[number];
    for (; output != NULL; output = output->next) {
        if (cluster->now_ns < replica->takes_outputs_ns) {
            engine_refuse_output(replica->engine, output->number);
            return;
        }
        cluster->emissions = cluster_grow(cluster->emissions, &cluster->emission_capacity,
                                          cluster->emission_count, sizeof *cluster->emissions);
        struct emission *emission = &cluster->emissions[cluster->emission_count++];
        *emission = (struct emission){
            .at_ns = cluster->now_ns,
            .replica = number,
            .term = cluster_status(cluster, number).term,
            .number = output->number,
        };
        memcpy(&emission->content, output->data, sizeof emission->content);
        watch_emit(cluster, number, output);
        world_sees(cluster, output);
    }
}

static void claim(struct cluster *cluster, unsigned number, const struct engine_action *action)
{
    struct replica *replica = &cluster->replicas[number];
    bool again = replica->claims_asked > 0 && replica->last_claim_id == action->claim_id;
    replica->claims_asked++;
    replica->last_claim_id = action->claim_id;
    cluster_say(cluster, "%s claims term %llu%s", replica->name,
                (unsigned long long)action->term + 1, again ? " again, with the same id" : "");
    arbiter_ask(cluster, number, false, action->term, action->claim_id);
}

static void refused(struct cluster *cluster, unsigned number, const struct message_refuse *refuse)
{
    struct replica *replica = &cluster->replicas[number];
    bool may_pass = refuse->code == REFUSE_SECOND || refuse->code == REFUSE_ROLE;
    if (may_pass && replica->rejoins) {
        network_rejoin(cluster, number, 200 * MS);
    } else if (cluster->config.devices) {
        cluster_say(cluster, "%s gives up", replica->name);
        replica->alive = false;
    }
}

static void welcomed(struct cluster *cluster, struct replica *replica)
{
    engine_set_machine(replica->engine, cluster->config.engine.name,
                       cluster->config.engine.description);
    replica->vcpu = VCPU_BEGINS;
    replica->vcpu_due_ns = cluster->now_ns;
}

static void end(struct cluster *cluster, unsigned number, enum engine_end why, const char *reason)
{
    struct replica *replica = &cluster->replicas[number];
    if (cluster->config.watches_ends) {
        watch_end(cluster, number, why, reason);
    }
    replica->end = why;
    replica->alive = false;
    replica->vcpu = VCPU_OFF;
    replica->vcpu_due_ns = CLUSTER_NEVER;
    network_close_all(cluster, number, "connection closed");
}

static bool is_worth_telling(const struct engine_action *action)
{
    switch (action->type) {
    case ENGINE_DO_SEND:      /* told by the network */
    case ENGINE_DO_REPLY:     /* told below */
    case ENGINE_DO_CLAIM:     /* told below */
    case ENGINE_DO_AUTHORISE: /* seen by what follows */
    case ENGINE_DO_CLOSE:
    case ENGINE_DO_WELCOMED: return false;
    case ENGINE_DO_NOTIFY:
        return action->notice.type != ENGINE_NOTICE_JOIN &&
               action->notice.type != ENGINE_NOTICE_REFUSE &&
               action->notice.type != ENGINE_NOTICE_TRANSFER;
    default: return true;
    }
}

static void perform(struct cluster *cluster, unsigned number, const struct engine_action *action)
{
    struct replica *replica = &cluster->replicas[number];
    char line[TRACE_LINE_SIZE];
    if (cluster->tells && is_worth_telling(action)) {
        cluster_say(cluster, "%s %s", replica->name, trace_action(action, line, sizeof line));
    }
    switch (action->type) {
    case ENGINE_DO_SEND: network_send(cluster, number, action->peer, &action->message); return;
    case ENGINE_DO_CLOSE: network_close(cluster, number, action->peer, "connection closed"); return;
    case ENGINE_DO_EMIT: emit(cluster, number, action->outputs); return;
    case ENGINE_DO_REPLY: replica_take_reply(cluster, number, &action->reply); return;
    case ENGINE_DO_CLAIM: claim(cluster, number, action); return;
    case ENGINE_DO_RELEASE: arbiter_ask(cluster, number, true, action->term, 0); return;
    case ENGINE_DO_WELCOMED: welcomed(cluster, replica); return;
    case ENGINE_DO_REFUSED: refused(cluster, number, &action->message.refuse); return;
    case ENGINE_DO_END: end(cluster, number, action->end, action->reason); return;
    case ENGINE_DO_AUTHORISE:
    case ENGINE_DO_NOTIFY: return;
    }
}

/* ---- Going wrong in the middle of an update -------------------------------------------------- */

static bool springs(struct cluster *cluster, unsigned number, const struct engine_action *action)
{
    struct trap *trap = &cluster->trap;
    bool hit = trap->moment != TRAP_NONE && trap->replica == number &&
               trap->action == action->type &&
               (action->type != ENGINE_DO_SEND || trap->message == action->message.type);
    if (hit && trap->skip > 0) {
        trap->skip--;
        return false;
    }
    return hit;
}

static void lose_replica(struct cluster *cluster, unsigned number, bool silent)
{
    if (silent) {
        cluster_power_off(cluster, number);
    } else {
        cluster_crash(cluster, number);
    }
}

/* False if the replica is lost. */
static bool perform_or_fail(struct cluster *cluster, unsigned number,
                            const struct engine_action *action)
{
    if (++cluster->actions == cluster->crash_at_action) {
        for (unsigned i = 0; i < cluster->replica_count && cluster->crash_loses_messages; i++) {
            cluster_lose(cluster, number, i);
        }
        lose_replica(cluster, number, cluster->trap.silent);
        return false;
    }
    struct trap trap = cluster->trap;
    if (!springs(cluster, number, action)) {
        perform(cluster, number, action);
        return true;
    }
    cluster->trap.moment = TRAP_NONE;
    if (trap.moment != TRAP_BEFORE) {
        perform(cluster, number, action);
    }
    if (trap.moment == TRAP_WITH) {
        for (unsigned i = 0; i < cluster->replica_count; i++) {
            cluster_lose(cluster, number, i);
        }
    }
    lose_replica(cluster, number, trap.silent);
    return false;
}

/* From here on, allocations are this replica's. */
static void arm_allocations(struct cluster *cluster, unsigned number)
{
    if (cluster->config.allocation_arm != NULL) {
        cluster->config.allocation_arm(&cluster->replicas[number].allocation_fails_in);
    }
}

static void disarm_allocations(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    if (cluster->config.allocation_arm == NULL) {
        return;
    }
    uint64_t none = 0;
    if (cluster->config.allocation_arm(&none)) {
        cluster_say(cluster, "an allocation of %s fails", replica->name);
        replica->starves = true;
    }
    replica->allocation_fails_in = none;
}

enum codec_result replica_decode(struct cluster *cluster, unsigned number, const uint8_t *frame,
                                 size_t size, struct message **message, size_t *used)
{
    arm_allocations(cluster, number);
    enum codec_result result = codec_decode(NULL, frame, size, message, used);
    disarm_allocations(cluster, number);
    return result;
}

void cluster_step(struct cluster *cluster, unsigned number, struct engine_event *event)
{
    struct engine_update update;
    event->now_ns = replica_now(cluster, number);
    cluster->steps++;
    arm_allocations(cluster, number);
    engine_step(cluster->replicas[number].engine, event, &update);
    disarm_allocations(cluster, number);
    watch_step(cluster, number);
    for (size_t i = 0; i < update.count; i++) {
        if (!perform_or_fail(cluster, number, &update.actions[i])) {
            return;
        }
    }
}
