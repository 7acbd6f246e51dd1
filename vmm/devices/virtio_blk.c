#include "vmm/devices/virtio_blk.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vmm/devices/digest.h"
#include "vmm/devices/virtio_blk_table.h"
#include "vmm/devices/virtio_mmio.h"

#define REQUEST_QUEUE 0u

/* Feature bits (virtio 1.2, 5.2.3). */
#define FEATURE_SIZE_MAX     (UINT64_C(1) << 1)
#define FEATURE_SEG_MAX      (UINT64_C(1) << 2)
#define FEATURE_BLK_SIZE     (UINT64_C(1) << 6)
#define FEATURE_FLUSH        (UINT64_C(1) << 9)
#define FEATURE_DISCARD      (UINT64_C(1) << 13)
#define FEATURE_WRITE_ZEROES (UINT64_C(1) << 14)

/* Configuration space (5.2.4). */
#define CONFIG_CAPACITY             0u
#define CONFIG_SIZE_MAX             8u
#define CONFIG_SEG_MAX              12u
#define CONFIG_BLK_SIZE             20u
#define CONFIG_NUM_QUEUES           34u
#define CONFIG_DISCARD_SECTORS      36u
#define CONFIG_DISCARD_SEGMENTS     40u
#define CONFIG_DISCARD_ALIGNMENT    44u
#define CONFIG_WRITE_ZEROES_SECTORS 48u
#define CONFIG_WRITE_ZEROES_SEGMENT 52u
#define CONFIG_WRITE_ZEROES_UNMAP   56u
#define CONFIG_BYTES                60u

/* Requests (5.2.6). */
#define REQUEST_IN           0u
#define REQUEST_OUT          1u
#define REQUEST_FLUSH        4u
#define REQUEST_GET_ID       8u
#define REQUEST_DISCARD      11u
#define REQUEST_WRITE_ZEROES 13u

#define STATUS_OK          0u
#define STATUS_IOERR       1u
#define STATUS_UNSUPPORTED 2u

#define RANGE_FLAG_UNMAP 1u

struct request_header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

struct range { /* data of a discard or write-zeroes */
    uint64_t sector;
    uint32_t sector_count;
    uint32_t flags;
};

struct virtio_blk {
    struct virtio_mmio mmio;
    struct virtio_blk_table table; /* guest-visible */
    /* Wired. */
    const struct guest_memory *memory;
    struct disk *disk;
    uint64_t sectors;
    uint8_t serial[VIRTIO_BLK_ID_SIZE];
    uint8_t config[CONFIG_BYTES];
    /* Scratch. */
    struct virtqueue_chain chain;
};

/* Writes the status, which is the last byte, and returns the chain; `landed` bytes of data are
 * there already. */
static void finish(struct virtio_blk *blk, const struct virtio_buffer *writable, uint16_t head,
                   uint8_t status, uint32_t landed)
{
    virtio_buffer_write(writable, &blk->mmio.host, writable->size - 1, &status, 1);
    bool contiguous = landed == writable->size - 1;
    virtqueue_put_used(&blk->mmio.queues[REQUEST_QUEUE], head, landed + contiguous);
}

static void finish_at_once(struct virtio_blk *blk, uint8_t status, uint32_t landed)
{
    finish(blk, &blk->chain.writable, blk->chain.head, status, landed);
}

static bool is_inside(const struct virtio_blk *blk, uint64_t sector, uint64_t count)
{
    return sector <= blk->sectors && count <= blk->sectors - sector;
}

static void submit(struct virtio_blk *blk, enum disk_operation operation, uint64_t sector,
                   uint32_t size)
{
    struct disk_request *request =
        virtio_blk_table_add(&blk->table, &(struct virtio_blk_request){
                                              .operation = operation,
                                              .offset = sector * DISK_SECTOR_SIZE,
                                              .size = size,
                                              .head = blk->chain.head,
                                              .writable = blk->chain.writable,
                                          });
    if (operation == DISK_WRITE) {
        virtio_buffer_read(&blk->chain.readable, sizeof(struct request_header), request->data,
                           size);
    }
    disk_submit(blk->disk, request);
}

static void transfer(struct virtio_blk *blk, enum disk_operation operation, uint64_t sector,
                     uint32_t size)
{
    if (size % DISK_SECTOR_SIZE != 0 || size > VIRTIO_BLK_REQUEST_BYTES ||
        !is_inside(blk, sector, size / DISK_SECTOR_SIZE)) {
        finish_at_once(blk, STATUS_IOERR, 0);
    } else if (size == 0) {
        finish_at_once(blk, STATUS_OK, 0);
    } else {
        submit(blk, operation, sector, size);
    }
}

/* Discard and write-zeroes, of one range as the configuration space promises (5.2.6.2). */
static void erase(struct virtio_blk *blk, enum disk_operation operation)
{
    struct range range;
    uint32_t allowed_flags = operation == DISK_WRITE_ZEROES ? RANGE_FLAG_UNMAP : 0;
    if (blk->chain.readable.size != sizeof(struct request_header) + sizeof range) {
        finish_at_once(blk, STATUS_IOERR, 0);
        return;
    }
    virtio_buffer_read(&blk->chain.readable, sizeof(struct request_header), &range, sizeof range);
    uint64_t sector = le64toh(range.sector);
    uint32_t count = le32toh(range.sector_count);
    if ((le32toh(range.flags) & ~allowed_flags) != 0) {
        finish_at_once(blk, STATUS_UNSUPPORTED, 0);
    } else if (count > VIRTIO_BLK_DISCARD_SECTORS || !is_inside(blk, sector, count)) {
        finish_at_once(blk, STATUS_IOERR, 0);
    } else if (count == 0) {
        finish_at_once(blk, STATUS_OK, 0);
    } else {
        submit(blk, operation, sector, count * DISK_SECTOR_SIZE);
    }
}

static void get_id(struct virtio_blk *blk)
{
    uint32_t room = blk->chain.writable.size - 1;
    uint32_t count = room < VIRTIO_BLK_ID_SIZE ? room : VIRTIO_BLK_ID_SIZE;
    virtio_buffer_write(&blk->chain.writable, &blk->mmio.host, 0, blk->serial, count);
    finish_at_once(blk, STATUS_OK, count);
}

static void execute_chain(struct virtio_blk *blk)
{
    struct request_header header;
    const struct virtio_buffer *readable = &blk->chain.readable;
    if (readable->size < sizeof header || blk->chain.writable.size == 0) {
        virtio_mmio_needs_reset(&blk->mmio); /* no request, or no place for its status */
        return;
    }
    virtio_buffer_read(readable, 0, &header, sizeof header);
    uint64_t sector = le64toh(header.sector);
    switch (le32toh(header.type)) {
    case REQUEST_IN: transfer(blk, DISK_READ, sector, blk->chain.writable.size - 1); break;
    case REQUEST_OUT:
        transfer(blk, DISK_WRITE, sector, readable->size - (uint32_t)sizeof header);
        break;
    case REQUEST_FLUSH: submit(blk, DISK_FLUSH, 0, 0); break;
    case REQUEST_GET_ID: get_id(blk); break;
    case REQUEST_DISCARD: erase(blk, DISK_DISCARD); break;
    case REQUEST_WRITE_ZEROES: erase(blk, DISK_WRITE_ZEROES); break;
    default: finish_at_once(blk, STATUS_UNSUPPORTED, 0); break;
    }
}

/* Takes what the guest asks for, as far as the table has room; the rest waits in the queue until a
 * completion makes room. */
static void execute(struct virtio_blk *blk)
{
    unsigned limit = blk->mmio.queues[REQUEST_QUEUE].size;
    for (unsigned i = 0; i < limit && virtio_blk_table_has_room(&blk->table) &&
                         virtio_mmio_pop(&blk->mmio, REQUEST_QUEUE, &blk->chain);
         i++) {
        execute_chain(blk);
    }
    virtio_mmio_publish(&blk->mmio, REQUEST_QUEUE);
}

static void notified(void *device, unsigned queue)
{
    (void)queue; /* there is one */
    execute(device);
}

static void driver_reset(void *device)
{
    struct virtio_blk *blk = device;
    virtio_blk_table_forget(&blk->table);
}

static const struct virtio_model model = {
    .device_id = 2,
    .features = FEATURE_SIZE_MAX | FEATURE_SEG_MAX | FEATURE_BLK_SIZE | FEATURE_FLUSH |
                FEATURE_DISCARD | FEATURE_WRITE_ZEROES,
    .queue_count = 1,
    .queue_size = VIRTIO_BLK_QUEUE_SIZE,
    .notified = notified,
    .reset = driver_reset,
};

static void set_config32(struct virtio_blk *blk, size_t offset, uint32_t value)
{
    uint32_t little = htole32(value);
    memcpy(blk->config + offset, &little, sizeof little);
}

static void fill_config(struct virtio_blk *blk)
{
    uint64_t capacity = htole64(blk->sectors);
    memcpy(blk->config + CONFIG_CAPACITY, &capacity, sizeof capacity);
    set_config32(blk, CONFIG_SIZE_MAX, VIRTIO_BLK_SEGMENT_BYTES);
    set_config32(blk, CONFIG_SEG_MAX, VIRTIO_BLK_SEGMENTS);
    set_config32(blk, CONFIG_BLK_SIZE, DISK_SECTOR_SIZE);
    blk->config[CONFIG_NUM_QUEUES] = 1;
    set_config32(blk, CONFIG_DISCARD_SECTORS, VIRTIO_BLK_DISCARD_SECTORS);
    set_config32(blk, CONFIG_DISCARD_SEGMENTS, 1);
    set_config32(blk, CONFIG_DISCARD_ALIGNMENT, 1);
    set_config32(blk, CONFIG_WRITE_ZEROES_SECTORS, VIRTIO_BLK_DISCARD_SECTORS);
    set_config32(blk, CONFIG_WRITE_ZEROES_SEGMENT, 1);
    blk->config[CONFIG_WRITE_ZEROES_UNMAP] = 1;
}

struct virtio_blk *virtio_blk_create(const struct device_host *host, unsigned line,
                                     const struct guest_memory *memory, struct disk *disk,
                                     const char *serial)
{
    struct virtio_blk *blk = calloc(1, sizeof *blk);
    if (blk == NULL) {
        return NULL;
    }
    blk->memory = memory;
    blk->disk = disk;
    blk->sectors = disk_size(disk) / DISK_SECTOR_SIZE;
    memcpy(blk->serial, serial, strnlen(serial, sizeof blk->serial));
    fill_config(blk);
    virtio_mmio_wire(&blk->mmio, &model, blk, host, line, memory, blk->config, sizeof blk->config);
    return blk;
}

void virtio_blk_destroy(struct virtio_blk *blk)
{
    if (blk != NULL) {
        virtio_blk_table_clear(&blk->table, blk->disk);
        free(blk);
    }
}

bool virtio_blk_read(struct virtio_blk *blk, uint64_t offset, unsigned size, uint64_t *value)
{
    return virtio_mmio_read(&blk->mmio, offset, size, value);
}

bool virtio_blk_write(struct virtio_blk *blk, uint64_t offset, unsigned size, uint64_t value)
{
    return virtio_mmio_write(&blk->mmio, offset, size, value);
}

void virtio_blk_encode_completion(uint8_t payload[VIRTIO_BLK_COMPLETION_SIZE], uint64_t id,
                                  int status)
{
    uint64_t little_id = htole64(id);
    uint32_t little_status = htole32((uint32_t)status);
    memcpy(payload, &little_id, sizeof little_id);
    memcpy(payload + sizeof little_id, &little_status, sizeof little_status);
}

static void complete(struct virtio_blk *blk, const struct virtio_blk_request *request,
                     const uint8_t *data, int status)
{
    uint32_t landed = 0;
    if (status == 0 && request->operation == DISK_READ) {
        landed = (uint32_t)virtio_buffer_write(&request->writable, &blk->mmio.host, 0, data,
                                               request->size);
    }
    finish(blk, &request->writable, request->head, status == 0 ? STATUS_OK : STATUS_IOERR, landed);
}

int virtio_blk_deliver(struct virtio_blk *blk, const void *payload, size_t size)
{
    uint64_t id;
    uint32_t status;
    if (size != VIRTIO_BLK_COMPLETION_SIZE) {
        return 0;
    }
    memcpy(&id, payload, sizeof id);
    memcpy(&status, (const uint8_t *)payload + sizeof id, sizeof status);
    status = le32toh(status);
    struct virtio_blk_request *request = virtio_blk_table_take(&blk->table, le64toh(id));
    if (request == NULL) {
        return 0;
    }
    struct disk_request *finished = disk_take(blk->disk, request->id);
    assert(finished != NULL); /* what is in the table is in the disk */
    /* Even if the guest forgot the request: this image is no longer what the others' images are. */
    bool failed_here_only = status == 0 && finished->status != 0;
    if (!request->forgotten) {
        complete(blk, request, finished->data, failed_here_only ? -EIO : (int)status);
    }
    disk_request_free(finished);
    virtio_blk_request_free(request);
    execute(blk);
    return failed_here_only ? -EIO : 0;
}

unsigned virtio_blk_in_flight(const struct virtio_blk *blk)
{
    return blk->table.count;
}

void virtio_blk_reset(struct virtio_blk *blk)
{
    virtio_mmio_reset(&blk->mmio);
    virtio_blk_table_forget(&blk->table);
}

static void put_fields(const void *device, struct state_writer *writer)
{
    const struct virtio_blk *blk = device;
    state_put_tag(writer, "VBLK", 1);
    virtio_mmio_save(&blk->mmio, writer);
    state_put_u64(writer, blk->sectors);
    state_put_bytes(writer, blk->serial, sizeof blk->serial);
    virtio_blk_table_put_fields(&blk->table, writer);
}

uint64_t virtio_blk_digest(const struct virtio_blk *blk)
{
    return device_digest(put_fields, blk);
}

void virtio_blk_save(const struct virtio_blk *blk, struct state_writer *writer)
{
    disk_drain(blk->disk);
    put_fields(blk, writer);
    virtio_blk_table_put_results(&blk->table, blk->disk, writer);
}

void virtio_blk_load(struct virtio_blk *blk, struct state_reader *reader)
{
    uint8_t serial[VIRTIO_BLK_ID_SIZE];
    virtio_blk_table_clear(&blk->table, blk->disk);
    state_get_tag(reader, "VBLK", 1);
    virtio_mmio_load(&blk->mmio, reader);
    if (state_get_u64(reader) != blk->sectors) {
        state_reader_fail(reader); /* another disk than the one it was saved from */
    }
    state_get_bytes(reader, serial, sizeof serial);
    virtio_blk_table_load(&blk->table, blk->disk, blk->memory, reader);
    if (reader->error != 0) {
        blk->table.next_id = 0;
        virtio_mmio_reset(&blk->mmio);
        return;
    }
    memcpy(blk->serial, serial, sizeof blk->serial);
}
