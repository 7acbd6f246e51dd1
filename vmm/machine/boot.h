/*
 * The images that the guest boots from, and where they go in its memory.
 *
 * A Linux `Image` starts with a header (Linux, Documentation/arch/riscv/boot-image-header.rst) that
 * says where in RAM it wants to be and how much room it needs beyond the file. From the start of
 * RAM: the kernel at its text offset; at the end of RAM: the device tree, and below it the initrd.
 *
 * The images are kept in memory, as copies and not as mappings of their files, so that a guest's
 * reset boots the same bytes on every replica whatever happened to the files since.
 */
#ifndef VMM_MACHINE_BOOT_H
#define VMM_MACHINE_BOOT_H

#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>

#include "vmm/memory.h"

#define BOOT_MAX_IMAGE        (UINT64_C(1) << 30) /* bytes of a kernel or an initrd */
#define BOOT_DEVICE_TREE_ROOM 0x10000u            /* bytes kept for the device tree */

struct boot_image {
    uint8_t *data; /* `size` bytes, or NULL: only packed, or none */
    uint64_t size;
    uint8_t *packed; /* compressed by zstd, or NULL */
    uint64_t packed_size;
};

struct boot_images {
    struct boot_image kernel;
    struct boot_image initrd;
};

struct boot_layout { /* guest physical addresses */
    uint64_t kernel;
    uint64_t initrd; /* page aligned; initrd_end == initrd without one */
    uint64_t initrd_end;
    uint64_t device_tree;
};

/* Makes room for `size` bytes, zero. 0 or -ENOMEM; size 0 gives no image. */
int boot_image_allocate(struct boot_image *image, uint64_t size);
/* Reads a file. 0, or a negative errno and one line in `error`. */
int boot_image_read(struct boot_image *image, const char *path, char *error, size_t error_size);
void boot_images_free(struct boot_images *images);
/* They are needed again only by a reset, or for another replica's state: takes less memory from
 * here on, where that saves any. */
void boot_images_pack(struct boot_images *images);
/* Room for what was packed elsewhere, to be filled and then checked: `packed_size` bytes for an
 * image of `size`. 0 or -ENOMEM. */
int boot_image_allocate_packed(struct boot_image *image, uint64_t size, uint64_t packed_size);
/* Unpacks the image, so that it can be planned with. False: it is damaged, or there is no memory.
 */
bool boot_image_unpack(struct boot_image *image);

/* Checks the kernel's header and finds a place for everything. `kernel_name` is for the message. 0,
 * -ENOEXEC (no kernel Image) or -EFBIG (memory too small). The images are not trusted. */
int boot_plan(const struct boot_images *images, const char *kernel_name, uint64_t memory_size,
              struct boot_layout *layout, char *error, size_t error_size);
/* Copies the images into RAM, all of which must be zero. False: an image cannot be unpacked. */
bool boot_load(const struct boot_images *images, const struct boot_layout *layout,
               const struct guest_memory *memory);

#endif
