/*
 * libftvm for one machine in one process, with no network and no real time: it records a run, and
 * plays a recording back. Included by exactly one file of a test; it takes the place of the
 * library.
 *
 * Recording: guest time is virtual (instructions times a rate, and an idle guest's time jumps to
 * its timer), lengths and rates of epochs come from a seed. Playing back: the machine is stopped in
 * chunks other than the recorded epochs, and every boundary's position, digest and outputs must be
 * the recorded ones; a difference ends the run with FTVM_E_DIVERGED.
 */
#ifndef TESTS_VMM_FAKE_NODE_H
#define TESTS_VMM_FAKE_NODE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include <xxhash.h>

#include "tests/vmm/recording.h"

#define FAKE_QUEUE 1024u /* inputs; a test may set a smaller limit */
/* How long an idle guest's time stands still, in real time, for a disk or the test to answer. */
#define FAKE_IDLE_WAIT_NS 2000000

typedef void fake_output(struct ftvm_node *node, uint32_t device, const void *data, size_t size);

struct ftvm_node {
    /* Set by the test before the run. */
    struct recording *recording;
    atomic_bool playback;
    uint64_t seed;          /* recording: of epochs' lengths and rates */
    uint64_t epoch_length;  /* recording: mean instructions */
    uint64_t rate_q32;      /* recording: mean nanoseconds per instruction */
    uint64_t chunk;         /* playback: 0 for whole epochs, UINT64_MAX for random, else a length */
    bool cuts;              /* recording: epochs end before their length */
    uint64_t stop_position; /* recording: ends at the first boundary from there on */
    uint64_t save_at;       /* an epoch's number: the state at its start goes to `saved` */
    const struct bytes *load; /* playback: starts from this state ... */
    size_t load_at;           /* ... which is the one behind this boundary */
    bool promote;             /* playback: goes live where the recording ends */
    enum ftvm_settle settle;
    size_t queue_limit;
    fake_output *on_output;
    void *context; /* of the test */
    bool is_protected;
    bool is_claiming;
    _Atomic(enum ftvm_role) role;

    /* Results. */
    struct bytes saved;
    uint64_t saved_boundary;
    uint64_t outputs; /* digest of all outputs */
    bool failed;
    char reason[256];
    char divergence[256];

    /* The run. */
    const struct ftvm_machine_ops *ops;
    void *machine;
    struct ftvm_epoch epoch; /* whole, also where the machine runs a part of it */
    uint64_t part_end;
    size_t at; /* playback: next boundary */
    size_t clock_at;
    uint64_t random;
    atomic_bool stop;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    size_t queued;
    struct recorded_input queue[FAKE_QUEUE];
};

struct ftvm_writer {
    struct bytes *bytes;
};

struct ftvm_reader {
    const struct bytes *bytes;
    size_t at;
};

struct ftvm_digest {
    uint64_t value;
};

static void fake_node_init(struct ftvm_node *node, struct recording *recording)
{
    memset(node, 0, sizeof *node);
    node->recording = recording;
    node->seed = 1;
    node->epoch_length = 100000;
    node->rate_q32 = UINT64_C(2) << 32;
    node->stop_position = UINT64_MAX;
    node->save_at = UINT64_MAX;
    node->queue_limit = FAKE_QUEUE;
    pthread_mutex_init(&node->lock, NULL);
    pthread_cond_init(&node->arrived, NULL);
}

static void fake_node_free(struct ftvm_node *node)
{
    for (size_t i = 0; i < node->queued; i++) {
        free(node->queue[i].data);
    }
    free(node->saved.data);
    pthread_mutex_destroy(&node->lock);
    pthread_cond_destroy(&node->arrived);
}

static uint64_t fake_random(struct ftvm_node *node)
{
    node->random = node->random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return node->random >> 33;
}

/* ---- State ---- */

int ftvm_write(struct ftvm_writer *writer, const void *data, size_t size)
{
    bytes_append(writer->bytes, data, size);
    return 0;
}

void ftvm_digest_add(struct ftvm_digest *digest, const char *part, uint64_t index, const void *data,
                     size_t size)
{
    (void)part;
    digest->value = XXH3_64bits_withSeed(data, size, digest->value + index);
}

bool ftvm_digest_is_whole(const struct ftvm_digest *digest)
{
    (void)digest;
    return false;
}

static uint64_t fake_digest(struct ftvm_node *node)
{
    struct ftvm_digest digest = {0};
    node->ops->digest(node->machine, &digest);
    return digest.value;
}

int ftvm_read(struct ftvm_reader *reader, void *data, size_t size)
{
    if (size > reader->bytes->size - reader->at) {
        return FTVM_E_LOST;
    }
    memcpy(data, reader->bytes->data + reader->at, size);
    reader->at += size;
    return 0;
}

/* ---- Inputs, outputs, values ---- */

int ftvm_input(struct ftvm_node *node, uint32_t device, const void *data, size_t size)
{
    int result = FTVM_E_FULL;
    if (node->playback) {
        return 0; /* a backup's own devices are ignored */
    }
    pthread_mutex_lock(&node->lock);
    if (node->queued < node->queue_limit) {
        struct recorded_input *input = &node->queue[node->queued++];
        *input = (struct recorded_input){.device = device, .size = size, .data = malloc(size + 1)};
        memcpy(input->data, data, size);
        result = 0;
    }
    pthread_cond_signal(&node->arrived);
    pthread_mutex_unlock(&node->lock);
    return result;
}

int ftvm_output(struct ftvm_node *node, uint32_t device, const void *data, size_t size)
{
    /* Byte by byte: how console bytes are grouped depends on where the machine was stopped. */
    for (size_t i = 0; i < size; i++) {
        node->outputs = (node->outputs ^ ((const uint8_t *)data)[i] ^ (uint64_t)device << 8) *
                        UINT64_C(0x100000001b3);
    }
    if (node->on_output != NULL) {
        node->on_output(node, device, data, size);
    }
    return 0;
}

static uint64_t fake_time(const struct ftvm_node *node, uint64_t position)
{
    unsigned __int128 passed =
        (unsigned __int128)(position - node->epoch.position) * node->epoch.rate_q32;
    return node->epoch.clock_ns + (uint64_t)(passed >> 32);
}

int ftvm_clock(struct ftvm_node *node, ftvm_position position, uint64_t *clock_ns)
{
    struct recording *recording = node->recording;
    if (node->playback) {
        if (node->clock_at == recording->clock_count) {
            snprintf(node->divergence, sizeof node->divergence, "more clock reads than recorded");
            return FTVM_E_DIVERGED;
        }
        *clock_ns = recording->clocks[node->clock_at++];
        return 0;
    }
    *clock_ns = fake_time(node, position);
    recording->clocks = grow(recording->clocks, recording->clock_count, &recording->clock_capacity,
                             sizeof *recording->clocks);
    recording->clocks[recording->clock_count++] = *clock_ns;
    return 0;
}

int ftvm_node_status(const struct ftvm_node *node, struct ftvm_status *status)
{
    status->role = node->role;
    status->is_protected = node->is_protected;
    status->claiming = node->is_claiming;
    return 0;
}

int ftvm_node_fail(struct ftvm_node *node, const char *reason)
{
    node->failed = true;
    node->stop = true;
    snprintf(node->reason, sizeof node->reason, "%s", reason);
    return 0;
}

/* ---- Boundaries ---- */

static int fake_deliver(struct ftvm_node *node, const struct recorded_boundary *boundary)
{
    for (size_t i = 0; i < boundary->input_count; i++) {
        const struct recorded_input *input = &boundary->inputs[i];
        if (node->ops->deliver(node->machine, input->device, input->data, input->size) < 0) {
            return FTVM_E_MACHINE;
        }
    }
    return 0;
}

static int fake_save(struct ftvm_node *node, uint64_t boundary)
{
    if (node->epoch.number != node->save_at) {
        return 0;
    }
    struct ftvm_writer writer = {.bytes = &node->saved};
    node->saved_boundary = boundary;
    return node->ops->save(node->machine, &writer);
}

static int fake_record(struct ftvm_node *node, enum recorded_kind kind, uint64_t position,
                       uint64_t wake_ns)
{
    uint64_t clock_ns = fake_time(node, position);
    struct recorded_boundary *boundary = recording_append(node->recording);
    boundary->kind = kind;
    boundary->position = position;
    boundary->digest = fake_digest(node);
    boundary->outputs = node->outputs;

    pthread_mutex_lock(&node->lock);
    if (kind == RECORDED_IDLE && node->queued == 0) {
        struct timespec deadline;
        clock_gettime(CLOCK_REALTIME, &deadline);
        deadline.tv_nsec += FAKE_IDLE_WAIT_NS;
        deadline.tv_sec += deadline.tv_nsec / 1000000000;
        deadline.tv_nsec %= 1000000000;
        pthread_cond_timedwait(&node->arrived, &node->lock, &deadline);
        if (node->queued == 0 && wake_ns != UINT64_MAX && wake_ns > clock_ns) {
            clock_ns = wake_ns;
        }
    }
    if (position >= node->stop_position) {
        /* The last boundary brings nothing: what is in flight stays so, however fast the disk was.
         */
        for (size_t i = 0; i < node->queued; i++) {
            free(node->queue[i].data);
        }
        node->queued = 0;
    }
    boundary->input_count = node->queued;
    if (node->queued > 0) {
        boundary->inputs = malloc(node->queued * sizeof *boundary->inputs);
        memcpy(boundary->inputs, node->queue, node->queued * sizeof *boundary->inputs);
    }
    node->queued = 0;
    pthread_mutex_unlock(&node->lock);

    boundary->next = (struct ftvm_epoch){
        .number = node->epoch.number + 1,
        .position = position,
        .length = 1 + fake_random(node) % (2 * node->epoch_length),
        .clock_ns = clock_ns,
        .rate_q32 = node->rate_q32 / 2 + (fake_random(node) * node->rate_q32 >> 31),
    };
    node->epoch = boundary->next;
    if (kind == RECORDED_HALT) {
        return FTVM_E_HALTED;
    }
    int result = fake_deliver(node, boundary);
    if (result == 0) {
        result = fake_save(node, node->recording->count - 1);
    }
    return result == 0 && (node->stop || position >= node->stop_position) ? FTVM_E_STOPPED : result;
}

/* The next part of the current epoch. Its clock has the epoch's own origin, so that time is the
 * same function of the position however the epoch is cut. */
static struct ftvm_epoch fake_part(struct ftvm_node *node, uint64_t position)
{
    struct ftvm_epoch part = node->epoch;
    uint64_t chunk = node->chunk == UINT64_MAX ? 1 + fake_random(node) % 5000 : node->chunk;
    if (node->at < node->recording->count) {
        part.length = node->recording->boundaries[node->at].position - part.position;
    }
    uint64_t left = part.position + part.length - position;
    if (chunk != 0 && chunk < left) {
        part.length = position - part.position + chunk;
    }
    return part;
}

static int fake_play(struct ftvm_node *node, enum recorded_kind kind, uint64_t position)
{
    const struct recording *recording = node->recording;
    if (node->at == recording->count) {
        return FTVM_E_STOPPED;
    }
    const struct recorded_boundary *boundary = &recording->boundaries[node->at];
    if (kind == RECORDED_BOUNDARY && position < boundary->position) {
        return 0; /* the end of a chunk */
    }
    uint64_t digest = fake_digest(node);
    if (kind != boundary->kind || position != boundary->position || digest != boundary->digest ||
        node->outputs != boundary->outputs) {
        snprintf(node->divergence, sizeof node->divergence,
                 "boundary %zu: kind %d/%d, position %llu/%llu, digest %016llx/%016llx%s", node->at,
                 kind, boundary->kind, (unsigned long long)position,
                 (unsigned long long)boundary->position, (unsigned long long)digest,
                 (unsigned long long)boundary->digest,
                 node->outputs != boundary->outputs ? ", outputs" : "");
        return FTVM_E_DIVERGED;
    }
    node->at++;
    node->epoch = boundary->next;
    int result = kind == RECORDED_HALT ? FTVM_E_HALTED : fake_deliver(node, boundary);
    if (result == 0) {
        result = fake_save(node, node->at - 1);
    }
    if (result != 0 || node->at < recording->count) {
        return result;
    }
    if (!node->promote) {
        return FTVM_E_STOPPED;
    }
    node->playback = false; /* from here on it records */
    node->role = FTVM_ROLE_PRIMARY;
    node->ops->promoted(node->machine, node->settle);
    return 0;
}

static int fake_end_epoch(struct ftvm_node *node, enum recorded_kind kind, uint64_t position,
                          uint64_t wake_ns, struct ftvm_epoch *next)
{
    int result = node->playback ? fake_play(node, kind, position)
                                : fake_record(node, kind, position, wake_ns);
    if (result == 0 && next != NULL) {
        *next = node->playback ? fake_part(node, position) : node->epoch;
        node->part_end = next->position + next->length;
    }
    return result;
}

/* Recording: in slices, and one in eight is the last of its epoch, as if an input waited. */
ftvm_position ftvm_stop_at(struct ftvm_node *node, ftvm_position position)
{
    if (node->playback || !node->cuts || position >= node->part_end) {
        return node->part_end;
    }
    if (position > node->epoch.position && fake_random(node) % 8 == 0) {
        return position;
    }
    uint64_t left = node->part_end - position;
    uint64_t slice = 1 + fake_random(node) % 5000;
    return position + (slice < left ? slice : left);
}

int ftvm_boundary(struct ftvm_node *node, ftvm_position position, struct ftvm_epoch *next)
{
    return fake_end_epoch(node, RECORDED_BOUNDARY, position, 0, next);
}

int ftvm_idle(struct ftvm_node *node, ftvm_position position, uint64_t wake_ns,
              struct ftvm_epoch *next)
{
    return fake_end_epoch(node, RECORDED_IDLE, position, wake_ns, next);
}

int ftvm_halt(struct ftvm_node *node, ftvm_position position)
{
    return fake_end_epoch(node, RECORDED_HALT, position, 0, NULL);
}

int ftvm_begin(struct ftvm_node *node, const struct ftvm_machine_ops *ops, void *machine,
               ftvm_position position, struct ftvm_epoch *first)
{
    node->ops = ops;
    node->machine = machine;
    node->random = node->seed;
    if (!node->playback) {
        node->recording->first = (struct ftvm_epoch){
            .position = position, .length = node->epoch_length, .rate_q32 = node->rate_q32};
    }
    node->epoch = node->recording->first;
    if (node->load != NULL) {
        struct ftvm_reader reader = {.bytes = node->load};
        int result = ops->load(machine, &reader);
        if (result < 0) {
            return result;
        }
        node->at = node->load_at + 1;
        node->epoch = node->recording->boundaries[node->load_at].next;
        node->outputs = node->recording->boundaries[node->load_at].outputs;
    }
    *first = node->playback ? fake_part(node, node->epoch.position) : node->epoch;
    node->part_end = first->position + first->length;
    return 0;
}

const char *ftvm_strerror(int error)
{
    switch (error) {
    case 0: return "no error";
#define FAKE_ERROR(name, number, text)                                                             \
    case number: return text;
        FTVM_ERRORS(FAKE_ERROR)
#undef FAKE_ERROR
    default: return "unknown error";
    }
}

#endif
