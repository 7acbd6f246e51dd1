/* The vCPU of a replica: runs its guest, saves and loads its state, and takes the engine's replies.
 */
#include <stdlib.h>
#include <string.h>

#include "fault-injection/simulator/cluster_parts.h"
#include "fault-injection/simulator/watch.h"
#include "fault-injection/simulator/world.h"
#include "replication/trace.h"

#define CHUNK_NS (1 * MS) /* to save one piece of state */

/* ---- The guest ------------------------------------------------------------------------------- */

/* When the guest will have run up to its next step. */
static void schedule_step(struct cluster *cluster, struct replica *replica)
{
    uint64_t position;
    toy_next_step(&replica->guest, &position);
    uint64_t slice = cluster->config.slice;
    replica->slice_end = 0;
    if (slice != 0 && position - replica->guest.position > slice) {
        position = replica->slice_end = replica->guest.position + slice;
    }
    uint64_t instruction_ns =
        replica->instruction_ns != 0 ? replica->instruction_ns : cluster->config.instruction_ns;
    replica->vcpu = VCPU_RUNS;
    replica->vcpu_due_ns = cluster->now_ns + (position - replica->guest.position) * instruction_ns;
}

static void start_epoch(struct cluster *cluster, struct replica *replica)
{
    if (replica->next_epoch.clock_ns > replica->last_clock_value_ns) {
        replica->last_clock_value_ns = replica->next_epoch.clock_ns;
    }
    toy_start_epoch(&replica->guest, &replica->next_epoch);
    schedule_step(cluster, replica);
}

static void start_save(struct cluster *cluster, struct replica *replica)
{
    free(replica->state);
    replica->state = toy_save(&replica->guest, &replica->state_size);
    replica->state_used = 0;
    replica->size_told = false;
    replica->vcpu = VCPU_SAVES;
    replica->vcpu_due_ns = cluster->now_ns;
}

static void wait_for_reply(struct replica *replica)
{
    replica->vcpu = VCPU_WAITS;
    replica->vcpu_due_ns = CLUSTER_NEVER;
}

/* A state is saved no faster than it is taken. */
static bool joiner_takes_nothing(const struct cluster *cluster, unsigned number)
{
    engine_peer peer = cluster_status(cluster, number).peer;
    if (peer == 0) {
        return false;
    }
    const unsigned *ends = cluster->connections[peer - 1].ends;
    unsigned joiner = ends[0] == number ? ends[1] : ends[0];
    return network_is_blocked(cluster, number, joiner) || cluster->replicas[joiner].takes_nothing;
}

static void save_some(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    struct engine_event event = {.type = ENGINE_STATE_SIZE, .size = replica->state_size};
    if (!replica->size_told) {
        replica->size_told = true;
        replica->vcpu_due_ns = cluster->now_ns + CHUNK_NS;
        cluster_step(cluster, number, &event);
        return;
    }
    bool wanted = cluster_status(cluster, number).saving && replica->fault != GUEST_CANNOT_SAVE;
    size_t left = replica->state_size - replica->state_used;
    if (left == 0 || !wanted) {
        event = (struct engine_event){.type = ENGINE_STATE_SAVED, .ok = wanted};
        wait_for_reply(replica);
        cluster_step(cluster, number, &event);
        return;
    }
    if (cluster->config.devices && joiner_takes_nothing(cluster, number)) {
        replica->vcpu_due_ns = cluster->now_ns + CHUNK_NS;
        return;
    }
    size_t size = left < cluster->config.chunk_size ? left : cluster->config.chunk_size;
    event = (struct engine_event){.type = ENGINE_STATE_CHUNK,
                                  .data = {replica->state + replica->state_used, size}};
    replica->state_used += size;
    replica->vcpu_due_ns = cluster->now_ns + CHUNK_NS;
    cluster_step(cluster, number, &event);
}

static void start_load(const struct cluster *cluster, struct replica *replica)
{
    replica->vcpu = VCPU_LOADS;
    replica->vcpu_due_ns = cluster->now_ns + replica->load_ns;
}

static void load(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    bool ok = replica->fault != GUEST_CANNOT_LOAD &&
              toy_load(&replica->guest, replica->state, replica->state_size);
    replica->fails |= !ok;
    replica->disk_done = replica->guest.requests;
    struct engine_event event = {.type = ENGINE_STATE_LOADED, .ok = ok};
    wait_for_reply(replica);
    cluster_step(cluster, number, &event);
}

static void make_output(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    watch_made(cluster, number);
    uint8_t small[TOY_OUTPUT_SIZE];
    size_t padding = cluster->config.padding;
    uint8_t *data = padding > 0 ? calloc(1, sizeof small + padding) : small;
    if (data == NULL) {
        abort();
    }
    size_t size = toy_output(&replica->guest, data) + padding;
    if (replica->vcpu_live) {
        cluster_say(cluster, "%s makes output %llu", replica->name,
                    (unsigned long long)replica->guest.outputs);
    }
    struct engine_event event = {.type = ENGINE_OUTPUT, .device = 1, .data = {data, size}};
    schedule_step(cluster, replica);
    cluster_step(cluster, number, &event);
    if (data != small) {
        free(data);
    }
}

/* As ftvm_value() and ftvm_clock() do. What this replica would answer is no other's answer. */
static void ask_value(struct cluster *cluster, unsigned number, char step)
{
    struct replica *replica = &cluster->replicas[number];
    bool is_clock = step == 'c';
    uint64_t value = toy_mix(replica_now(cluster, number), number);
    if (is_clock) {
        value = replica->last_clock_value_ns;
        if (replica->vcpu_live) {
            uint64_t host_ns = replica_now(cluster, number) + (uint64_t)replica->clock_offset_ns;
            value = host_ns > value ? host_ns : value;
        }
    }
    uint8_t data[sizeof value];
    memcpy(data, &value, sizeof value);
    struct engine_event event = {
        .type = ENGINE_VALUE, .is_clock = is_clock, .data = {data, sizeof data}};
    toy_next_step(&replica->guest, &event.position);
    replica->asked = step;
    if (!replica->vcpu_live) {
        wait_for_reply(replica);
        cluster_step(cluster, number, &event);
        return;
    }
    if (is_clock) {
        replica->last_clock_value_ns = value;
        toy_clock_value(&replica->guest, value);
    } else {
        toy_value(&replica->guest, value);
    }
    schedule_step(cluster, replica);
    cluster_step(cluster, number, &event);
}

static void record_executed(struct replica *replica)
{
    replica->executed = cluster_grow(replica->executed, &replica->executed_capacity,
                                     replica->executed_count, sizeof *replica->executed);
    replica->executed[replica->executed_count++] = (struct executed){
        .epoch = replica->guest.epoch.number,
        .position = replica->guest.position,
        .digest = replica->guest.hash,
    };
}

static void ask_boundary(struct cluster *cluster, unsigned number, char step)
{
    struct replica *replica = &cluster->replicas[number];
    struct toy_guest *guest = &replica->guest;
    record_executed(replica);
    struct engine_event event = {
        .type = ENGINE_BOUNDARY,
        .position = guest->position,
        .digest = guest->hash,
        .idle = step == 'i' || step == 'z',
        .wake_ns = step == 'i' ? toy_clock(guest) + TOY_IDLE_NS : UINT64_MAX,
        .halt = step == 'h',
    };
    wait_for_reply(replica);
    cluster_step(cluster, number, &event);
}

static void end_epoch(struct cluster *cluster, unsigned number, char step)
{
    struct replica *replica = &cluster->replicas[number];
    struct toy_guest *guest = &replica->guest;
    toy_end_epoch(guest);
    if (replica->fault == GUEST_FLIPS_HASH || replica->fault == GUEST_STOPS_ELSEWHERE) {
        guest->hash ^= replica->fault == GUEST_FLIPS_HASH;
        guest->position += replica->fault == GUEST_STOPS_ELSEWHERE;
        replica->fault = GUEST_SOUND;
    }
    ask_boundary(cluster, number, step);
}

/* As a machine does that calls ftvm_stop_at(). */
static void look(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    toy_move(&replica->guest, replica->slice_end);
    /* A survivor's own wishes are not asked for before it is live; its time may be over. */
    bool wanted = engine_wants_boundary(replica->engine) || !replica->vcpu_live;
    if (!engine_may_cut(replica->engine) || !wanted) {
        schedule_step(cluster, replica);
        return;
    }
    toy_cut_epoch(&replica->guest);
    ask_boundary(cluster, number, 'b');
}

/* A request that this host's disk cannot serve is not the guest's business while there is another
 * replica: this one ends. Alone, the guest's driver tries again. */
static void write_disk(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    enum disk_fault fault = replica->disk_fault;
    bool alone = replica->vcpu_live && !cluster_status(cluster, number).is_protected;
    replica->disk_fault = DISK_SOUND;
    if (fault != DISK_SOUND && !alone) {
        if (fault == DISK_TORN) {
            toy_tear_disk(&replica->guest);
        }
        cluster_fail(cluster, number, "its disk fails");
        return;
    }
    uint64_t request = toy_write_disk(&replica->guest);
    schedule_step(cluster, replica);
    world_disk_request(cluster, number, request);
}

static void hang(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    replica->hangs = true;
    replica->vcpu = VCPU_HANGS;
    replica->vcpu_due_ns = CLUSTER_NEVER;
    cluster_say(cluster, "%s hangs", replica->name);
}

static void run_step(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    uint64_t position;
    if (replica->slice_end != 0) {
        look(cluster, number);
        return;
    }
    char step = toy_next_step(&replica->guest, &position);
    bool asks = step == 'v' || step == 'c';
    if (asks && replica->fault == GUEST_SKIPS_A_VALUE) {
        replica->fault = GUEST_SOUND;
        step = 'b';
    }
    switch (step) {
    case 'o': make_output(cluster, number); return;
    case 'v':
    case 'c': ask_value(cluster, number, step); return;
    case '.':
        toy_pass(&replica->guest);
        schedule_step(cluster, replica);
        return;
    case 'd': write_disk(cluster, number); return;
    case 's': hang(cluster, number); return;
    default: end_epoch(cluster, number, step); return;
    }
}

void replica_run_vcpu(struct cluster *cluster, unsigned number)
{
    struct replica *replica = &cluster->replicas[number];
    struct engine_event begin = {.type = ENGINE_BEGIN};
    switch (replica->vcpu) {
    case VCPU_BEGINS:
        wait_for_reply(replica);
        cluster_step(cluster, number, &begin);
        if (replica->has_state && replica->alive) {
            start_load(cluster, replica);
        }
        return;
    case VCPU_RUNS:
        if (replica->hangs) {
            hang(cluster, number);
        } else {
            run_step(cluster, number);
        }
        return;
    case VCPU_SAVES: save_some(cluster, number); return;
    case VCPU_LOADS: load(cluster, number); return;
    default: replica->vcpu_due_ns = CLUSTER_NEVER; return;
    }
}

/* ---- Replies to the guest -------------------------------------------------------------------- */

static void become_live(struct cluster *cluster, struct replica *replica,
                        const struct engine_reply *reply, uint64_t epoch)
{
    if (!reply->live) {
        return;
    }
    replica->vcpu_live = true;
    replica->clock_offset_ns = reply->clock_offset_ns;
    if (reply->promoted) {
        replica->promotions++;
        cluster->tainted |= replica->flipped;
        replica->first_live_epoch = epoch;
        replica->inputs_before_live = replica->guest.inputs;
        /* `reissue`: the requests in flight are executed again, by this host. */
        replica->disk_generation++;
        replica->disk_done = replica->guest.completed;
        for (uint64_t n = replica->guest.completed + 1; n <= replica->guest.requests; n++) {
            world_disk_request(cluster, (unsigned)(replica - cluster->replicas), n);
        }
    }
}

static void take_epoch(struct cluster *cluster, struct replica *replica,
                       const struct engine_reply *reply)
{
    if (replica->executed_count > 0) {
        replica->executed[replica->executed_count - 1].from_log = !reply->live;
    }
    become_live(cluster, replica, reply, reply->epoch.number - 1);
    for (size_t i = 0; i < reply->input_count; i++) {
        toy_deliver(&replica->guest, reply->inputs[i].device, reply->inputs[i].data);
    }
    replica->next_epoch = reply->epoch;
    if (reply->save) {
        start_save(cluster, replica);
    } else {
        start_epoch(cluster, replica);
    }
}

static void take_value(struct cluster *cluster, struct replica *replica,
                       const struct engine_reply *reply)
{
    uint64_t value;
    memcpy(&value, reply->data.data, sizeof value);
    become_live(cluster, replica, reply, replica->guest.epoch.number);
    if (replica->asked == 'c') {
        if (value > replica->last_clock_value_ns) {
            replica->last_clock_value_ns = value;
        }
        toy_clock_value(&replica->guest, value);
    } else {
        toy_value(&replica->guest, value);
    }
    schedule_step(cluster, replica);
}

static void take_state(struct replica *replica, struct log_bytes data)
{
    uint8_t *state = realloc(replica->state, replica->state_size + data.size);
    if (state == NULL) {
        abort();
    }
    memcpy(state + replica->state_size, data.data, data.size);
    replica->state = state;
    replica->state_size += data.size;
}

void replica_take_reply(struct cluster *cluster, unsigned number, const struct engine_reply *reply)
{
    struct replica *replica = &cluster->replicas[number];
    char line[TRACE_LINE_SIZE];
    struct engine_action action = {.type = ENGINE_DO_REPLY, .reply = *reply};
    watch_reply(cluster, number, reply);
    if (cluster->tells && reply->type != ENGINE_REPLY_STATE_CHUNK) {
        cluster_say(cluster, "%s %s", replica->name, trace_action(&action, line, sizeof line));
    }
    switch (reply->type) {
    case ENGINE_REPLY_EPOCH: take_epoch(cluster, replica, reply); return;
    case ENGINE_REPLY_VALUE: take_value(cluster, replica, reply); return;
    case ENGINE_REPLY_SAVE: start_save(cluster, replica); return;
    case ENGINE_REPLY_GO:
        replica->next_epoch = reply->epoch;
        start_epoch(cluster, replica);
        return;
    case ENGINE_REPLY_STATE:
        replica->next_epoch = reply->epoch;
        replica->state_size = 0;
        return;
    case ENGINE_REPLY_STATE_CHUNK: take_state(replica, reply->data); return;
    case ENGINE_REPLY_STATE_END:
        replica->has_state = true;
        if (replica->vcpu != VCPU_BEGINS) { /* else it has not come to ask yet */
            start_load(cluster, replica);
        }
        return;
    }
}
