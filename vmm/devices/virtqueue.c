#include "vmm/devices/virtqueue.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

/* Descriptor (virtio 1.2, 2.7.5). */
#define DESCRIPTOR_SIZE     16u
#define DESCRIPTOR_NEXT     1u
#define DESCRIPTOR_WRITE    2u
#define DESCRIPTOR_INDIRECT 4u

/* Both rings begin with flags and index; an event index follows the entries (2.7.6, 2.7.8). */
#define RING_FLAGS             0u
#define RING_INDEX             2u
#define RING_ENTRIES           4u
#define AVAILABLE_ENTRY_SIZE   2u
#define USED_ENTRY_SIZE        8u
#define AVAILABLE_NO_INTERRUPT 1u

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

static uint16_t load16(const uint8_t *from)
{
    uint16_t little;
    memcpy(&little, from, sizeof little);
    return le16toh(little);
}

static struct descriptor load_descriptor(const uint8_t *table, uint32_t index)
{
    struct descriptor descriptor;
    static_assert(sizeof descriptor == DESCRIPTOR_SIZE, "as it lies in guest memory");
    memcpy(&descriptor, table + (size_t)index * DESCRIPTOR_SIZE, sizeof descriptor);
    descriptor.address = le64toh(descriptor.address);
    descriptor.length = le32toh(descriptor.length);
    descriptor.flags = le16toh(descriptor.flags);
    descriptor.next = le16toh(descriptor.next);
    return descriptor;
}

void virtqueue_wire(struct virtqueue *queue, uint16_t max_size, const struct guest_memory *memory,
                    const struct device_host *host)
{
    assert(max_size > 0 && max_size <= VIRTQUEUE_MAX_SIZE && (max_size & (max_size - 1)) == 0);
    queue->max_size = max_size;
    queue->memory = memory;
    queue->host = host;
}

void virtqueue_reset(struct virtqueue *queue)
{
    *queue = (struct virtqueue){
        .size = queue->max_size,
        .max_size = queue->max_size,
        .memory = queue->memory,
        .host = queue->host,
    };
}

static uint8_t *ring_slice(const struct virtqueue *queue, uint64_t address, unsigned alignment,
                           uint64_t size)
{
    return address % alignment == 0 ? guest_memory_slice(queue->memory, address, size) : NULL;
}

/* Where the rings are, with the alignments of 2.7. */
static bool find_rings(struct virtqueue *queue)
{
    uint64_t size = queue->size;
    uint64_t event = queue->event_index ? 2 : 0;
    if (size == 0 || size > queue->max_size || (size & (size - 1)) != 0) {
        return false;
    }
    queue->descriptors = ring_slice(queue, queue->descriptors_address, 16, DESCRIPTOR_SIZE * size);
    queue->available = ring_slice(queue, queue->available_address, 2,
                                  RING_ENTRIES + AVAILABLE_ENTRY_SIZE * size + event);
    queue->used =
        ring_slice(queue, queue->used_address, 4, RING_ENTRIES + USED_ENTRY_SIZE * size + event);
    return queue->descriptors != NULL && queue->available != NULL && queue->used != NULL;
}

bool virtqueue_enable(struct virtqueue *queue)
{
    queue->next_available = 0;
    queue->next_used = 0;
    queue->published_used = 0;
    queue->ready = find_rings(queue);
    return queue->ready;
}

static bool add_segment(const struct virtqueue *queue, struct virtqueue_chain *chain,
                        const struct descriptor *descriptor)
{
    bool writable = (descriptor->flags & DESCRIPTOR_WRITE) != 0;
    struct virtio_buffer *part = writable ? &chain->writable : &chain->readable;
    /* All that the device reads stands before all that it writes (2.7.4.2), and the whole is no
     * longer than 2^32 bytes (2.7.5). */
    if (!writable && chain->writable.count > 0) {
        return false;
    }
    uint64_t total = (uint64_t)chain->readable.size + chain->writable.size + descriptor->length;
    uint8_t *host = guest_memory_slice(queue->memory, descriptor->address, descriptor->length);
    if (host == NULL || total > UINT32_MAX) {
        return false;
    }
    if (descriptor->length == 0) {
        return true; /* describes nothing; without it later code need not think of it */
    }
    chain->segments[chain->readable.count + chain->writable.count] = (struct virtio_segment){
        .host = host, .address = descriptor->address, .size = descriptor->length};
    part->count++;
    part->size += descriptor->length;
    return true;
}

/* Walks from the head. Each descriptor is read once, and `steps` bounds the walk: a chain that
 * loops is longer than any that is allowed. */
static bool walk(const struct virtqueue *queue, struct virtqueue_chain *chain)
{
    const uint8_t *table = queue->descriptors;
    uint32_t table_length = queue->size;
    uint32_t index = chain->head;
    bool inside_indirect = false;
    for (unsigned steps = 0; steps < VIRTQUEUE_MAX_SEGMENTS; steps++) {
        if (index >= table_length) {
            return false;
        }
        struct descriptor descriptor = load_descriptor(table, index);
        if ((descriptor.flags & DESCRIPTOR_INDIRECT) != 0) {
            /* Last of its chain, not nested, a whole number of descriptors (2.7.5.3). */
            if (!queue->indirect || inside_indirect || (descriptor.flags & DESCRIPTOR_NEXT) != 0 ||
                descriptor.length == 0 || descriptor.length % DESCRIPTOR_SIZE != 0) {
                return false;
            }
            table = guest_memory_slice(queue->memory, descriptor.address, descriptor.length);
            if (table == NULL) {
                return false;
            }
            table_length = descriptor.length / DESCRIPTOR_SIZE;
            index = 0;
            inside_indirect = true;
            continue;
        }
        if (!add_segment(queue, chain, &descriptor)) {
            return false;
        }
        if ((descriptor.flags & DESCRIPTOR_NEXT) == 0) {
            return true;
        }
        index = descriptor.next;
    }
    return false;
}

int virtqueue_pop(struct virtqueue *queue, struct virtqueue_chain *chain)
{
    if (!queue->ready) {
        return 0;
    }
    uint16_t waiting = load16(queue->available + RING_INDEX) - queue->next_available;
    if (waiting == 0) {
        return 0;
    }
    if (waiting > queue->size) {
        return -EBADMSG; /* more chains than the ring has places */
    }
    size_t place = queue->next_available & (queue->size - 1u);
    chain->head = load16(queue->available + RING_ENTRIES + AVAILABLE_ENTRY_SIZE * place);
    chain->readable = (struct virtio_buffer){0};
    chain->writable = (struct virtio_buffer){0};
    if (!walk(queue, chain)) {
        return -EBADMSG;
    }
    chain->readable.segments = chain->segments;
    chain->writable.segments = chain->segments + chain->readable.count;
    queue->next_available++;
    return 1;
}

void virtqueue_unpop(struct virtqueue *queue)
{
    queue->next_available--;
}

static void report_used(const struct virtqueue *queue, uint64_t offset, uint64_t size)
{
    queue->host->memory_written(queue->host->context, queue->used_address + offset, size);
}

void virtqueue_put_used(struct virtqueue *queue, uint16_t head, uint32_t written)
{
    if (!queue->ready) {
        return; /* the driver took the queue away while the chain was in flight */
    }
    size_t place = queue->next_used & (queue->size - 1u);
    size_t offset = RING_ENTRIES + USED_ENTRY_SIZE * place;
    uint32_t entry[2] = {htole32(head), htole32(written)};
    memcpy(queue->used + offset, entry, sizeof entry);
    report_used(queue, offset, sizeof entry);
    queue->next_used++;
}

static void store_used16(const struct virtqueue *queue, size_t offset, uint16_t value)
{
    if (load16(queue->used + offset) != value) {
        uint16_t little = htole16(value);
        memcpy(queue->used + offset, &little, sizeof little);
        report_used(queue, offset, sizeof little);
    }
}

bool virtqueue_publish(struct virtqueue *queue)
{
    if (!queue->ready) {
        return false;
    }
    if (queue->event_index) { /* notify us when something comes after what was taken (2.7.10) */
        size_t available_event = RING_ENTRIES + USED_ENTRY_SIZE * (size_t)queue->size;
        store_used16(queue, available_event, queue->next_available);
    }
    uint16_t old = queue->published_used;
    uint16_t new = queue->next_used;
    if (new == old) {
        return false;
    }
    store_used16(queue, RING_INDEX, new);
    queue->published_used = new;
    if (queue->event_index) { /* 2.7.7.2 */
        size_t used_event = RING_ENTRIES + AVAILABLE_ENTRY_SIZE * (size_t)queue->size;
        uint16_t event = load16(queue->available + used_event);
        return (uint16_t)(new - event - 1) < (uint16_t)(new - old);
    }
    return (load16(queue->available + RING_FLAGS) & AVAILABLE_NO_INTERRUPT) == 0;
}

void virtqueue_save(const struct virtqueue *queue, struct state_writer *writer)
{
    state_put_u16(writer, queue->size);
    state_put_u8(writer, queue->ready);
    state_put_u64(writer, queue->descriptors_address);
    state_put_u64(writer, queue->available_address);
    state_put_u64(writer, queue->used_address);
    state_put_u16(writer, queue->next_available);
    state_put_u16(writer, queue->next_used);
}

void virtqueue_load(struct virtqueue *queue, struct state_reader *reader)
{
    queue->size = state_get_u16(reader);
    queue->ready = state_get_u8(reader) != 0;
    queue->descriptors_address = state_get_u64(reader);
    queue->available_address = state_get_u64(reader);
    queue->used_address = state_get_u64(reader);
    queue->next_available = state_get_u16(reader);
    queue->next_used = state_get_u16(reader);
    queue->published_used = queue->next_used;
    if (queue->ready && !find_rings(queue)) {
        queue->ready = false;
        state_reader_fail(reader);
    }
}
