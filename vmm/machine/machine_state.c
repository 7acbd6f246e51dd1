#include "vmm/machine/machine_state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "vmm/state/state.h"

/* Small fields are gathered before they go to the library, which sends what it is given. */
#define GATHER_SIZE    65536u
#define RUN_PAGES      256u /* pages of RAM in one run at most */
#define DISK_CHUNK     (1u << 20)
#define END_OF_SECTION UINT64_MAX

/* ---- The library's stream as a state_writer and state_reader ---- */

struct gatherer {
    struct ftvm_writer *writer;
    size_t size;
    uint8_t data[GATHER_SIZE];
};

static int gatherer_flush(struct gatherer *gatherer)
{
    int result = 0;
    if (gatherer->size > 0) {
        result = ftvm_write(gatherer->writer, gatherer->data, gatherer->size);
    }
    gatherer->size = 0;
    return result < 0 ? result : 0;
}

static int gatherer_write(void *context, const void *data, size_t size)
{
    struct gatherer *gatherer = context;
    if (size > GATHER_SIZE - gatherer->size) {
        int result = gatherer_flush(gatherer);
        if (result < 0) {
            return result;
        }
    }
    if (size > GATHER_SIZE) {
        int result = ftvm_write(gatherer->writer, data, size);
        return result < 0 ? result : 0;
    }
    memcpy(gatherer->data + gatherer->size, data, size);
    gatherer->size += size;
    return 0;
}

static int stream_read(void *context, void *data, size_t size)
{
    int result = ftvm_read(context, data, size);
    return result < 0 ? result : 0;
}

static bool is_zero(const uint8_t *data, size_t size)
{
    return data[0] == 0 && memcmp(data, data + 1, size - 1) == 0;
}

/* ---- Description ---- */

static void save_description(const struct machine *machine, struct state_writer *writer)
{
    char text[4096];
    int size = machine_description_encode(&machine->description, text, sizeof text);
    state_put_tag(writer, "MACH", 1);
    state_put_u32(writer, (uint32_t)size);
    state_put_bytes(writer, text, (size_t)size);
}

static void load_description(const struct machine *machine, struct state_reader *reader)
{
    char own[4096], read[4096];
    int size = machine_description_encode(&machine->description, own, sizeof own);
    state_get_tag(reader, "MACH", 1);
    if (size < 0 || state_get_u32(reader) != (uint32_t)size) {
        state_reader_fail(reader);
        return;
    }
    state_get_bytes(reader, read, (size_t)size);
    if (memcmp(own, read, (size_t)size) != 0) {
        state_reader_fail(reader);
    }
}

/* ---- Hart and devices ---- */

static void save_devices(const struct machine *machine, struct state_writer *writer)
{
    hart_save(machine->hart, writer);
    plic_save(machine->plic, writer);
    uart16550_save(machine->uart, writer);
    goldfish_rtc_save(machine->rtc, writer);
    virtio_rng_save(machine->rng, writer);
    if (machine->virtio_console != NULL) {
        virtio_console_save(machine->virtio_console, writer);
    }
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        virtio_blk_save(machine->blk[i], writer);
    }
    for (unsigned i = 0; i < machine->description.nic_count; i++) {
        virtio_net_save(machine->net[i], writer);
    }
}

static void load_devices(struct machine *machine, struct state_reader *reader)
{
    hart_load(machine->hart, reader);
    plic_load(machine->plic, reader);
    uart16550_load(machine->uart, reader);
    goldfish_rtc_load(machine->rtc, reader);
    virtio_rng_load(machine->rng, reader);
    if (machine->virtio_console != NULL) {
        virtio_console_load(machine->virtio_console, reader);
    }
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        virtio_blk_load(machine->blk[i], reader);
    }
    for (unsigned i = 0; i < machine->description.nic_count; i++) {
        virtio_net_load(machine->net[i], reader);
    }
}

/* ---- Boot images: size, size when packed or 0, bytes ---- */

static void save_image(const struct boot_image *image, struct state_writer *writer)
{
    state_put_u64(writer, image->size);
    state_put_u64(writer, image->packed_size);
    if (image->packed != NULL) {
        state_put_bytes(writer, image->packed, image->packed_size);
    } else {
        state_put_bytes(writer, image->data, image->size);
    }
}

static void load_image(struct boot_image *image, struct state_reader *reader)
{
    uint64_t size = state_get_u64(reader);
    uint64_t packed_size = state_get_u64(reader);
    bool packed = packed_size != 0;
    if (size > BOOT_MAX_IMAGE || packed_size > size ||
        (packed ? boot_image_allocate_packed(image, size, packed_size)
                : boot_image_allocate(image, size)) != 0) {
        state_reader_fail(reader);
        return;
    }
    if (size > 0) {
        state_get_bytes(reader, packed ? image->packed : image->data, packed ? packed_size : size);
    }
    if (reader->error == 0 && !boot_image_unpack(image)) {
        state_reader_fail(reader);
    }
}

static void load_images(struct machine *machine, struct state_reader *reader)
{
    boot_images_free(&machine->boot);
    load_image(&machine->boot.kernel, reader);
    load_image(&machine->boot.initrd, reader);
    if (reader->error == 0 && boot_plan(&machine->boot, "the kernel", machine->memory.size,
                                        &machine->layout, NULL, 0) != 0) {
        state_reader_fail(reader);
    }
    boot_images_pack(&machine->boot);
}

/* ---- RAM: runs of pages that are not zero, each with its first page's number and its count ----
 */

static void save_memory(const struct guest_memory *memory, struct state_writer *writer)
{
    uint64_t pages = memory->size / GUEST_PAGE_SIZE;
    uint64_t page = 0;
    while (page < pages && writer->error == 0) {
        const uint8_t *start = memory->host + page * GUEST_PAGE_SIZE;
        uint32_t count = 0;
        while (count < RUN_PAGES && page + count < pages &&
               !is_zero(start + (size_t)count * GUEST_PAGE_SIZE, GUEST_PAGE_SIZE)) {
            count++;
        }
        if (count > 0) {
            state_put_u64(writer, page);
            state_put_u32(writer, count);
            state_put_bytes(writer, start, (size_t)count * GUEST_PAGE_SIZE);
        }
        page += count < RUN_PAGES ? count + 1 : count;
    }
    state_put_u64(writer, END_OF_SECTION);
}

static void load_memory(struct machine *machine, struct state_reader *reader)
{
    uint64_t pages = machine->memory.size / GUEST_PAGE_SIZE;
    uint64_t next = 0;
    /* Private anonymous memory reads as zero after that (madvise(2)). */
    if (madvise(machine->memory.host, machine->memory.size, MADV_DONTNEED) != 0) {
        state_reader_fail(reader);
    }
    while (reader->error == 0) {
        uint64_t page = state_get_u64(reader);
        if (page == END_OF_SECTION) {
            break;
        }
        uint32_t count = state_get_u32(reader);
        if (page < next || page >= pages || count == 0 || count > RUN_PAGES ||
            count > pages - page) {
            state_reader_fail(reader);
            break;
        }
        state_get_bytes(reader, machine->memory.host + page * GUEST_PAGE_SIZE,
                        (size_t)count * GUEST_PAGE_SIZE);
        next = page + count;
    }
    hart_memory_written(machine->hart, machine->memory.start, machine->memory.size);
}

/* ---- Disk images: chunks that are not zero, each with its offset and size ---- */

static uint32_t chunk_size(uint64_t offset, uint64_t disk_size)
{
    uint64_t left = disk_size - offset;
    uint64_t to_border = DISK_CHUNK - offset % DISK_CHUNK;
    return (uint32_t)(left < to_border ? left : to_border);
}

/* The next offset of a chunk that may hold data, in whole sectors, or the size of the disk. */
static uint64_t next_chunk(struct disk *disk, uint64_t offset)
{
    uint64_t data = disk_next_data(disk, offset);
    data -= data % DISK_SECTOR_SIZE;
    return data < offset ? offset : data;
}

static void save_disk(struct disk *disk, struct state_writer *writer)
{
    uint64_t size = disk_size(disk);
    uint8_t *chunk = malloc(DISK_CHUNK);
    if (chunk == NULL) {
        writer->error = writer->error != 0 ? writer->error : FTVM_E_MEMORY;
        return;
    }
    disk_drain(disk);
    uint64_t offset = next_chunk(disk, 0);
    while (offset < size && writer->error == 0) {
        uint32_t length = chunk_size(offset, size);
        if (disk_read_raw(disk, offset, chunk, length) != 0) {
            writer->error = FTVM_E_MACHINE;
            break;
        }
        if (!is_zero(chunk, length)) {
            state_put_u64(writer, offset);
            state_put_u32(writer, length);
            state_put_bytes(writer, chunk, length);
        }
        offset = next_chunk(disk, offset + length);
    }
    state_put_u64(writer, END_OF_SECTION);
    free(chunk);
}

static void load_disk(struct disk *disk, struct state_reader *reader)
{
    uint64_t size = disk_size(disk);
    uint64_t next = 0;
    uint8_t *chunk = malloc(DISK_CHUNK);
    if (chunk == NULL) {
        state_reader_fail(reader);
        return;
    }
    while (reader->error == 0) {
        uint64_t offset = state_get_u64(reader);
        if (offset == END_OF_SECTION) {
            break;
        }
        uint32_t length = state_get_u32(reader);
        if (offset < next || offset >= size || length == 0 || length > DISK_CHUNK ||
            length > size - offset || offset % DISK_SECTOR_SIZE != 0 ||
            length % DISK_SECTOR_SIZE != 0) {
            state_reader_fail(reader);
            break;
        }
        state_get_bytes(reader, chunk, length);
        if (reader->error == 0 && disk_write_raw(disk, offset, chunk, length) != 0) {
            reader->error = FTVM_E_MACHINE;
        }
        next = offset + length;
    }
    free(chunk);
}

/* ---- All of it ---- */

int machine_state_save(void *context, struct ftvm_writer *stream)
{
    struct machine *machine = context;
    struct gatherer *gatherer = malloc(sizeof *gatherer);
    if (gatherer == NULL) {
        return FTVM_E_MEMORY;
    }
    gatherer->writer = stream;
    gatherer->size = 0;
    struct state_writer writer = {.write = gatherer_write, .context = gatherer};
    save_description(machine, &writer);
    save_devices(machine, &writer);
    save_image(&machine->boot.kernel, &writer);
    save_image(&machine->boot.initrd, &writer);
    save_memory(&machine->memory, &writer);
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        save_disk(machine->disk[i], &writer);
    }
    state_put_tag(&writer, "DONE", 1);
    int result = writer.error != 0 ? writer.error : gatherer_flush(gatherer);
    free(gatherer);
    return result;
}

int machine_state_load(void *context, struct ftvm_reader *stream)
{
    struct machine *machine = context;
    struct state_reader reader = {.read = stream_read, .context = stream};
    load_description(machine, &reader);
    /* A module that is given a failed reader resets itself; nothing below trusts what is not here.
     */
    load_devices(machine, &reader);
    load_images(machine, &reader);
    load_memory(machine, &reader);
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        load_disk(machine->disk[i], &reader);
    }
    state_get_tag(&reader, "DONE", 1);
    if (reader.error == 0) {
        return 0;
    }
    /* The library's own errors pass through; anything else is a state that no machine saved. */
    return reader.error >= FTVM_E_CORRUPT ? reader.error : FTVM_E_CORRUPT;
}

static uint64_t saved_size(const struct boot_image *image)
{
    return image->packed != NULL ? image->packed_size : image->size;
}

uint64_t machine_state_size(void *context)
{
    struct machine *machine = context;
    uint64_t size = saved_size(&machine->boot.kernel) + saved_size(&machine->boot.initrd);
    for (uint64_t at = 0; at < machine->memory.size; at += GUEST_PAGE_SIZE) {
        size += is_zero(machine->memory.host + at, GUEST_PAGE_SIZE) ? 0 : GUEST_PAGE_SIZE;
    }
    for (unsigned i = 0; i < machine->description.disk_count; i++) {
        uint64_t end = disk_size(machine->disk[i]);
        uint64_t offset = next_chunk(machine->disk[i], 0);
        while (offset < end) {
            uint32_t length = chunk_size(offset, end);
            size += length;
            offset = next_chunk(machine->disk[i], offset + length);
        }
    }
    return size;
}
