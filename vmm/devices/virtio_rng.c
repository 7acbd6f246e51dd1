#include "vmm/devices/virtio_rng.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/devices/digest.h"
#include "vmm/devices/random_stream.h"
#include "vmm/devices/virtio_mmio.h"

static_assert(VIRTIO_RNG_SEED_SIZE == RANDOM_STREAM_KEY_SIZE, "the seed is the first key");

struct virtio_rng {
    struct virtio_mmio mmio;
    struct random_stream stream;  /* guest-visible */
    struct virtqueue_chain chain; /* scratch */
};

static void notified(void *device, unsigned queue)
{
    struct virtio_rng *rng = device;
    struct virtqueue *requests = &rng->mmio.queues[queue];
    for (unsigned i = 0; i < requests->size && virtio_mmio_pop(&rng->mmio, queue, &rng->chain);
         i++) {
        uint8_t data[VIRTIO_RNG_MAX_REQUEST];
        uint32_t room = rng->chain.writable.size;
        uint32_t count = room < sizeof data ? room : (uint32_t)sizeof data;
        random_stream_take(&rng->stream, data, count);
        virtio_buffer_write(&rng->chain.writable, &rng->mmio.host, 0, data, count);
        virtqueue_put_used(requests, rng->chain.head, count);
    }
    virtio_mmio_publish(&rng->mmio, queue);
}

static void driver_reset(void *device)
{
    (void)device; /* all that a driver can reset is in the transport */
}

static const struct virtio_model model = {
    .device_id = 4,
    .queue_count = 1,
    .queue_size = VIRTIO_RNG_QUEUE_SIZE,
    .notified = notified,
    .reset = driver_reset,
};

struct virtio_rng *virtio_rng_create(const struct device_host *host, unsigned line,
                                     const struct guest_memory *memory,
                                     const uint8_t seed[VIRTIO_RNG_SEED_SIZE])
{
    struct virtio_rng *rng = calloc(1, sizeof *rng);
    if (rng != NULL) {
        virtio_mmio_wire(&rng->mmio, &model, rng, host, line, memory, NULL, 0);
        memcpy(rng->stream.key, seed, sizeof rng->stream.key);
    }
    return rng;
}

void virtio_rng_destroy(struct virtio_rng *rng)
{
    free(rng);
}

bool virtio_rng_read(struct virtio_rng *rng, uint64_t offset, unsigned size, uint64_t *value)
{
    return virtio_mmio_read(&rng->mmio, offset, size, value);
}

bool virtio_rng_write(struct virtio_rng *rng, uint64_t offset, unsigned size, uint64_t value)
{
    return virtio_mmio_write(&rng->mmio, offset, size, value);
}

void virtio_rng_take(struct virtio_rng *rng, void *data, size_t size)
{
    random_stream_take(&rng->stream, data, size);
}

void virtio_rng_reset(struct virtio_rng *rng)
{
    virtio_mmio_reset(&rng->mmio);
}

static void put_fields(const void *device, struct state_writer *writer)
{
    const struct virtio_rng *rng = device;
    state_put_tag(writer, "VRNG", 1);
    virtio_mmio_save(&rng->mmio, writer);
    state_put_bytes(writer, rng->stream.key, sizeof rng->stream.key);
}

uint64_t virtio_rng_digest(const struct virtio_rng *rng)
{
    return device_digest(put_fields, rng);
}

void virtio_rng_save(const struct virtio_rng *rng, struct state_writer *writer)
{
    put_fields(rng, writer);
}

void virtio_rng_load(struct virtio_rng *rng, struct state_reader *reader)
{
    state_get_tag(reader, "VRNG", 1);
    virtio_mmio_load(&rng->mmio, reader);
    state_get_bytes(reader, rng->stream.key, sizeof rng->stream.key);
    if (reader->error != 0) {
        virtio_rng_reset(rng);
    }
}
