#include "vmm/devices/virtio_mmio.h"

#include <assert.h>
#include <string.h>

/* Registers (virtio 1.2, 4.2.2). */
#define MAGIC_VALUE            0x000u
#define VERSION                0x004u
#define DEVICE_ID              0x008u
#define VENDOR_ID              0x00cu
#define DEVICE_FEATURES        0x010u
#define DEVICE_FEATURES_SELECT 0x014u
#define DRIVER_FEATURES        0x020u
#define DRIVER_FEATURES_SELECT 0x024u
#define QUEUE_SELECT           0x030u
#define QUEUE_SIZE_MAX         0x034u
#define QUEUE_SIZE             0x038u
#define QUEUE_READY            0x044u
#define QUEUE_NOTIFY           0x050u
#define INTERRUPT_STATUS       0x060u
#define INTERRUPT_ACK          0x064u
#define STATUS                 0x070u
#define QUEUE_DESCRIPTORS_LOW  0x080u
#define QUEUE_DESCRIPTORS_HIGH 0x084u
#define QUEUE_DRIVER_LOW       0x090u
#define QUEUE_DRIVER_HIGH      0x094u
#define QUEUE_DEVICE_LOW       0x0a0u
#define QUEUE_DEVICE_HIGH      0x0a4u
#define SHARED_MEMORY_START    0x0b0u
#define SHARED_MEMORY_END      0x0c0u
#define CONFIG_GENERATION      0x0fcu
#define CONFIG                 0x100u

#define MAGIC  0x74726976u /* "virt" */
#define VENDOR 0x4d565446u /* "FTVM" */

/* Device status (2.1). */
#define STATUS_DRIVER_OK   0x04u
#define STATUS_FEATURES_OK 0x08u
#define STATUS_NEEDS_RESET 0x40u
#define STATUS_BY_DRIVER   0x8fu /* acknowledge, driver, the two above, failed */

#define INTERRUPT_USED   1u
#define INTERRUPT_CONFIG 2u

static uint64_t offered_features(const struct virtio_mmio *mmio)
{
    return mmio->model->features | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1;
}

void virtio_mmio_wire(struct virtio_mmio *mmio, const struct virtio_model *model, void *device,
                      const struct device_host *host, unsigned line,
                      const struct guest_memory *memory, const uint8_t *config, size_t config_size)
{
    assert(model->queue_count <= VIRTIO_MMIO_MAX_QUEUES);
    *mmio = (struct virtio_mmio){
        .model = model,
        .device = device,
        .host = *host,
        .line = line,
        .config = config,
        .config_size = config_size,
    };
    for (unsigned i = 0; i < model->queue_count; i++) {
        virtqueue_wire(&mmio->queues[i], model->queue_size, memory, &mmio->host);
        virtqueue_reset(&mmio->queues[i]);
    }
}

static void update_interrupt(struct virtio_mmio *mmio)
{
    mmio->host.set_interrupt(mmio->host.context, mmio->line, mmio->interrupt_status != 0);
}

static void raise_interrupt(struct virtio_mmio *mmio, uint32_t cause)
{
    mmio->interrupt_status |= cause;
    update_interrupt(mmio);
}

void virtio_mmio_reset(struct virtio_mmio *mmio)
{
    mmio->status = 0;
    mmio->interrupt_status = 0;
    mmio->device_features_select = 0;
    mmio->driver_features_select = 0;
    mmio->driver_features = 0;
    mmio->queue_select = 0;
    for (unsigned i = 0; i < mmio->model->queue_count; i++) {
        virtqueue_reset(&mmio->queues[i]);
    }
    update_interrupt(mmio);
}

bool virtio_mmio_queue_usable(const struct virtio_mmio *mmio, unsigned queue)
{
    return (mmio->status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET)) == STATUS_DRIVER_OK &&
           queue < mmio->model->queue_count && mmio->queues[queue].ready;
}

bool virtio_mmio_pop(struct virtio_mmio *mmio, unsigned queue, struct virtqueue_chain *chain)
{
    if (!virtio_mmio_queue_usable(mmio, queue)) {
        return false;
    }
    int result = virtqueue_pop(&mmio->queues[queue], chain);
    if (result < 0) {
        virtio_mmio_needs_reset(mmio);
    }
    return result > 0;
}

void virtio_mmio_publish(struct virtio_mmio *mmio, unsigned queue)
{
    if (virtio_mmio_queue_usable(mmio, queue) && virtqueue_publish(&mmio->queues[queue])) {
        raise_interrupt(mmio, INTERRUPT_USED);
    }
}

void virtio_mmio_needs_reset(struct virtio_mmio *mmio)
{
    if ((mmio->status & STATUS_NEEDS_RESET) == 0) {
        mmio->status |= STATUS_NEEDS_RESET;
        if ((mmio->status & STATUS_DRIVER_OK) != 0) {
            raise_interrupt(mmio, INTERRUPT_CONFIG); /* 2.1.2 */
        }
    }
}

static void notify(struct virtio_mmio *mmio, uint32_t queue)
{
    if (virtio_mmio_queue_usable(mmio, queue)) {
        mmio->model->notified(mmio->device, queue);
    }
}

/* The selected queue; NULL if there is none of that number. */
static struct virtqueue *selected_queue(struct virtio_mmio *mmio)
{
    return mmio->queue_select < mmio->model->queue_count ? &mmio->queues[mmio->queue_select] : NULL;
}

static uint32_t feature_word(uint64_t features, uint32_t select)
{
    return select < 2 ? (uint32_t)(features >> 32 * select) : 0;
}

static bool read_config(const struct virtio_mmio *mmio, uint64_t offset, unsigned size,
                        uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint64_t byte = offset + i < mmio->config_size ? mmio->config[offset + i] : 0;
        *value |= byte << 8 * i;
    }
    return true;
}

bool virtio_mmio_read(struct virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t *value)
{
    if (offset >= CONFIG) {
        return read_config(mmio, offset - CONFIG, size, value);
    }
    if (size != 4 || offset % 4 != 0) { /* 4.2.2.2 */
        return false;
    }
    const struct virtqueue *queue = selected_queue(mmio);
    switch (offset) {
    case MAGIC_VALUE: *value = MAGIC; return true;
    case VERSION: *value = 2; return true;
    case DEVICE_ID: *value = mmio->model->device_id; return true;
    case VENDOR_ID: *value = VENDOR; return true;
    case DEVICE_FEATURES:
        *value = feature_word(offered_features(mmio), mmio->device_features_select);
        return true;
    case QUEUE_SIZE_MAX: *value = queue != NULL ? queue->max_size : 0; return true;
    case QUEUE_READY: *value = queue != NULL && queue->ready; return true;
    case INTERRUPT_STATUS: *value = mmio->interrupt_status; return true;
    case STATUS: *value = mmio->status; return true;
    case CONFIG_GENERATION: *value = 0; return true; /* the configuration never changes */
    default:
        /* A length of all ones: the shared memory region does not exist (4.2.2.1). */
        *value = offset >= SHARED_MEMORY_START && offset < SHARED_MEMORY_END ? UINT32_MAX : 0;
        return true;
    }
}

static void accept_features(struct virtio_mmio *mmio)
{
    for (unsigned i = 0; i < mmio->model->queue_count; i++) {
        mmio->queues[i].indirect = (mmio->driver_features & VIRTIO_F_INDIRECT_DESC) != 0;
        mmio->queues[i].event_index = (mmio->driver_features & VIRTIO_F_EVENT_IDX) != 0;
    }
}

static bool features_are_acceptable(const struct virtio_mmio *mmio)
{
    return (mmio->driver_features & ~offered_features(mmio)) == 0 &&
           (mmio->driver_features & VIRTIO_F_VERSION_1) != 0;
}

/* Bits are only ever added, until a reset (2.1.1): so features are negotiated once, and a queue
 * never outlives the features that it was checked for. */
static void write_status(struct virtio_mmio *mmio, uint32_t value)
{
    if (value == 0) {
        virtio_mmio_reset(mmio);
        mmio->model->reset(mmio->device);
        return;
    }
    uint32_t added = value & STATUS_BY_DRIVER & ~mmio->status;
    if ((added & STATUS_FEATURES_OK) != 0) {
        if (features_are_acceptable(mmio)) {
            accept_features(mmio);
        } else {
            added &= ~STATUS_FEATURES_OK;
        }
    }
    if (((mmio->status | added) & STATUS_FEATURES_OK) == 0) {
        added &= ~STATUS_DRIVER_OK; /* only a legacy driver leaves the features out (3.1.2) */
    }
    mmio->status |= added;
    if ((added & STATUS_DRIVER_OK) != 0) {
        for (unsigned i = 0; i < mmio->model->queue_count; i++) {
            notify(mmio, i);
        }
    }
}

static void write_driver_features(struct virtio_mmio *mmio, uint32_t word)
{
    if ((mmio->status & STATUS_FEATURES_OK) != 0) {
        return;
    }
    if (mmio->driver_features_select < 2) {
        unsigned shift = 32 * mmio->driver_features_select;
        mmio->driver_features &= ~(UINT64_C(0xffffffff) << shift);
        mmio->driver_features |= (uint64_t)word << shift;
    }
}

static void write_queue_ready(struct virtio_mmio *mmio, struct virtqueue *queue, uint32_t value)
{
    if ((value & 1) == 0) {
        queue->ready = false;
    } else if (!queue->ready && (mmio->status & STATUS_FEATURES_OK) != 0 &&
               !virtqueue_enable(queue)) {
        virtio_mmio_needs_reset(mmio);
    }
}

static void set_low(uint64_t *address, uint32_t word)
{
    *address = (*address & ~UINT64_C(0xffffffff)) | word;
}

static void set_high(uint64_t *address, uint32_t word)
{
    *address = (*address & UINT64_C(0xffffffff)) | (uint64_t)word << 32;
}

/* A queue's set-up is fixed while it is ready (4.2.2.2). */
static void write_queue_setup(struct virtqueue *queue, uint64_t offset, uint32_t value)
{
    if (queue->ready) {
        return;
    }
    switch (offset) {
    case QUEUE_SIZE: queue->size = value <= queue->max_size ? (uint16_t)value : 0; break;
    case QUEUE_DESCRIPTORS_LOW: set_low(&queue->descriptors_address, value); break;
    case QUEUE_DESCRIPTORS_HIGH: set_high(&queue->descriptors_address, value); break;
    case QUEUE_DRIVER_LOW: set_low(&queue->available_address, value); break;
    case QUEUE_DRIVER_HIGH: set_high(&queue->available_address, value); break;
    case QUEUE_DEVICE_LOW: set_low(&queue->used_address, value); break;
    case QUEUE_DEVICE_HIGH: set_high(&queue->used_address, value); break;
    default: break;
    }
}

bool virtio_mmio_write(struct virtio_mmio *mmio, uint64_t offset, unsigned size, uint64_t value)
{
    if (offset >= CONFIG) {
        return true; /* no device here has a field that the driver writes */
    }
    if (size != 4 || offset % 4 != 0) {
        return false;
    }
    uint32_t word = (uint32_t)value;
    struct virtqueue *queue = selected_queue(mmio);
    switch (offset) {
    case DEVICE_FEATURES_SELECT: mmio->device_features_select = word; break;
    case DRIVER_FEATURES_SELECT: mmio->driver_features_select = word; break;
    case DRIVER_FEATURES: write_driver_features(mmio, word); break;
    case QUEUE_SELECT: mmio->queue_select = word; break;
    case QUEUE_NOTIFY: notify(mmio, word); break;
    case INTERRUPT_ACK:
        mmio->interrupt_status &= ~word;
        update_interrupt(mmio);
        break;
    case STATUS: write_status(mmio, word); break;
    case QUEUE_READY:
        if (queue != NULL) {
            write_queue_ready(mmio, queue, word);
        }
        break;
    default:
        if (queue != NULL) {
            write_queue_setup(queue, offset, word);
        }
        break;
    }
    return true;
}

void virtio_mmio_save(const struct virtio_mmio *mmio, struct state_writer *writer)
{
    state_put_u32(writer, mmio->status);
    state_put_u32(writer, mmio->interrupt_status);
    state_put_u32(writer, mmio->device_features_select);
    state_put_u32(writer, mmio->driver_features_select);
    state_put_u64(writer, mmio->driver_features);
    state_put_u32(writer, mmio->queue_select);
    for (unsigned i = 0; i < mmio->model->queue_count; i++) {
        virtqueue_save(&mmio->queues[i], writer);
    }
}

static bool is_possible(const struct virtio_mmio *mmio)
{
    bool negotiated = (mmio->status & STATUS_FEATURES_OK) != 0;
    for (unsigned i = 0; i < mmio->model->queue_count; i++) {
        const struct virtqueue *queue = &mmio->queues[i];
        if (queue->size > queue->max_size || (queue->ready && !negotiated)) {
            return false;
        }
    }
    return (mmio->status & ~(STATUS_BY_DRIVER | STATUS_NEEDS_RESET)) == 0 &&
           (mmio->interrupt_status & ~(INTERRUPT_USED | INTERRUPT_CONFIG)) == 0 &&
           (negotiated ? features_are_acceptable(mmio) : (mmio->status & STATUS_DRIVER_OK) == 0);
}

void virtio_mmio_load(struct virtio_mmio *mmio, struct state_reader *reader)
{
    mmio->status = state_get_u32(reader);
    mmio->interrupt_status = state_get_u32(reader);
    mmio->device_features_select = state_get_u32(reader);
    mmio->driver_features_select = state_get_u32(reader);
    mmio->driver_features = state_get_u64(reader);
    mmio->queue_select = state_get_u32(reader);
    if ((mmio->status & STATUS_FEATURES_OK) != 0) {
        accept_features(mmio);
    }
    for (unsigned i = 0; i < mmio->model->queue_count; i++) {
        virtqueue_load(&mmio->queues[i], reader);
    }
    if (!is_possible(mmio)) {
        state_reader_fail(reader);
    }
    if (reader->error != 0) {
        virtio_mmio_reset(mmio);
    } else {
        update_interrupt(mmio);
    }
}
