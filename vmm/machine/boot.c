#include "vmm/machine/boot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "vmm/backends/fail.h"

/* A kernel to a third of its size, at 500 MB/s. */
#define PACK_LEVEL 1

/* Fields of the header, by their offset. */
#define HEADER_TEXT_OFFSET 0x08u
#define HEADER_IMAGE_SIZE  0x10u
#define HEADER_FLAGS       0x18u
#define HEADER_MAGIC       0x38u
#define HEADER_SIZE        0x40u

#define FLAG_BIG_ENDIAN UINT64_C(1)

static uint64_t read_u64(const uint8_t *bytes)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 8; i++) {
        value |= (uint64_t)bytes[i] << (8 * i);
    }
    return value;
}

static uint64_t round_up_to_page(uint64_t size)
{
    return (size + GUEST_PAGE_SIZE - 1) & ~(uint64_t)(GUEST_PAGE_SIZE - 1);
}

static uint64_t mebibytes(uint64_t size)
{
    return (size + (1u << 20) - 1) >> 20;
}

int boot_image_allocate(struct boot_image *image, uint64_t size)
{
    *image = (struct boot_image){0};
    if (size == 0) {
        return 0;
    }
    void *data = mmap(NULL, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (data == MAP_FAILED) {
        return -ENOMEM;
    }
    *image = (struct boot_image){.data = data, .size = size};
    return 0;
}

static void boot_image_free(struct boot_image *image)
{
    if (image->data != NULL) {
        munmap(image->data, image->size);
    }
    free(image->packed);
    *image = (struct boot_image){0};
}

void boot_images_free(struct boot_images *images)
{
    boot_image_free(&images->kernel);
    boot_image_free(&images->initrd);
}

static void drop_data(struct boot_image *image)
{
    munmap(image->data, image->size);
    image->data = NULL;
}

static void boot_image_pack(struct boot_image *image)
{
    if (image->data == NULL) {
        return;
    }
    if (image->packed != NULL) {
        drop_data(image);
        return;
    }
    size_t room = ZSTD_compressBound(image->size);
    uint8_t *packed = malloc(room);
    if (packed == NULL) {
        return;
    }
    size_t size = ZSTD_compress(packed, room, image->data, image->size, PACK_LEVEL);
    if (ZSTD_isError(size) || size > image->size / 4 * 3) {
        free(packed);
        return;
    }
    uint8_t *fitted = realloc(packed, size);
    image->packed = fitted != NULL ? fitted : packed;
    image->packed_size = size;
    drop_data(image);
}

void boot_images_pack(struct boot_images *images)
{
    boot_image_pack(&images->kernel);
    boot_image_pack(&images->initrd);
}

int boot_image_allocate_packed(struct boot_image *image, uint64_t size, uint64_t packed_size)
{
    uint8_t *packed = malloc(packed_size);
    *image = (struct boot_image){0};
    if (packed == NULL) {
        return -ENOMEM;
    }
    *image = (struct boot_image){.size = size, .packed = packed, .packed_size = packed_size};
    return 0;
}

static bool unpack(const struct boot_image *image, uint8_t *place)
{
    return ZSTD_decompress(place, image->size, image->packed, image->packed_size) == image->size;
}

bool boot_image_unpack(struct boot_image *image)
{
    struct boot_image unpacked;
    if (image->data != NULL || image->packed == NULL) {
        return true;
    }
    if (boot_image_allocate(&unpacked, image->size) != 0) {
        return false;
    }
    image->data = unpacked.data;
    return unpack(image, image->data);
}

static int read_whole(int fd, struct boot_image *image)
{
    uint64_t done = 0;
    while (done < image->size) {
        ssize_t got = read(fd, image->data + done, image->size - done);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got < 0 ? -errno : -EIO;
        }
        done += (uint64_t)got;
    }
    return 0;
}

static int read_opened(struct boot_image *image, int fd, const char *path, char *error,
                       size_t error_size)
{
    struct stat status;
    if (fstat(fd, &status) != 0) {
        return backend_fail(error, error_size, -errno, "%s: %s", path, strerror(errno));
    }
    if (!S_ISREG(status.st_mode)) {
        return backend_fail(error, error_size, -EINVAL, "%s: not a regular file", path);
    }
    if (status.st_size == 0 || (uint64_t)status.st_size > BOOT_MAX_IMAGE) {
        return backend_fail(error, error_size, -EINVAL, "%s: %s", path,
                            status.st_size == 0 ? "empty" : "larger than 1 GiB");
    }
    int result = boot_image_allocate(image, (uint64_t)status.st_size);
    if (result == 0) {
        result = read_whole(fd, image);
    }
    if (result != 0) {
        boot_image_free(image);
        return backend_fail(error, error_size, result, "%s: %s", path, strerror(-result));
    }
    return 0;
}

int boot_image_read(struct boot_image *image, const char *path, char *error, size_t error_size)
{
    *image = (struct boot_image){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return backend_fail(error, error_size, -errno, "%s: %s", path, strerror(errno));
    }
    int result = read_opened(image, fd, path, error, error_size);
    close(fd);
    return result;
}

/* Why the image is not one of ours, or NULL. */
static const char *kernel_problem(const struct boot_image *kernel)
{
    const uint8_t *data = kernel->data;
    if (kernel->size >= 2 && data[0] == 0x1f && data[1] == 0x8b) {
        return "it is compressed by gzip; unpack it first";
    }
    if (kernel->size >= 4 && memcmp(data, "\177ELF", 4) == 0) {
        return "it is an ELF file; arch/riscv/boot/Image is the one to take";
    }
    if (kernel->size < HEADER_SIZE) {
        return "it is shorter than the header";
    }
    if (memcmp(data + HEADER_MAGIC, "RSC\x05", 4) != 0) {
        return "no magic number at 0x38";
    }
    if ((read_u64(data + HEADER_FLAGS) & FLAG_BIG_ENDIAN) != 0) {
        return "it is big-endian";
    }
    if (read_u64(data + HEADER_TEXT_OFFSET) % GUEST_PAGE_SIZE != 0) {
        return "its text offset is not page aligned";
    }
    return NULL;
}

int boot_plan(const struct boot_images *images, const char *kernel_name, uint64_t memory_size,
              struct boot_layout *layout, char *error, size_t error_size)
{
    const char *problem = kernel_problem(&images->kernel);
    if (problem != NULL) {
        return backend_fail(error, error_size, -ENOEXEC, "%s is no RISC-V kernel Image (%s)",
                            kernel_name, problem);
    }
    uint64_t text_offset = read_u64(images->kernel.data + HEADER_TEXT_OFFSET);
    /* The header's size covers what the kernel needs behind the file (its bss). */
    uint64_t room = read_u64(images->kernel.data + HEADER_IMAGE_SIZE);
    room = room < images->kernel.size ? images->kernel.size : room;
    uint64_t top = BOOT_DEVICE_TREE_ROOM + round_up_to_page(images->initrd.size);

    uint64_t left = memory_size;
    bool fits = top <= left;
    left -= fits ? top : 0;
    fits = fits && text_offset <= left;
    left -= fits ? text_offset : 0;
    if (!fits || room > left) {
        return backend_fail(error, error_size, -EFBIG,
                            "memory of %" PRIu64 " MiB is too small: the kernel %s needs %" PRIu64
                            " MiB at offset %" PRIu64 " MiB, the initrd %" PRIu64 " MiB",
                            memory_size >> 20, kernel_name, mebibytes(room), text_offset >> 20,
                            mebibytes(images->initrd.size));
    }
    uint64_t end = GUEST_RAM_START + memory_size;
    layout->kernel = GUEST_RAM_START + text_offset;
    layout->device_tree = end - BOOT_DEVICE_TREE_ROOM;
    layout->initrd = end - top;
    layout->initrd_end = layout->initrd + images->initrd.size;
    return 0;
}

bool boot_load(const struct boot_images *images, const struct boot_layout *layout,
               const struct guest_memory *memory)
{
    const struct boot_image *image[] = {&images->kernel, &images->initrd};
    const uint64_t address[] = {layout->kernel, layout->initrd};
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *place = guest_memory_slice(memory, address[i], image[i]->size);
        if (place == NULL || image[i]->size == 0) {
            continue;
        }
        if (image[i]->data != NULL) {
            memcpy(place, image[i]->data, image[i]->size);
        } else if (!unpack(image[i], place)) {
            return false;
        }
    }
    return true;
}
