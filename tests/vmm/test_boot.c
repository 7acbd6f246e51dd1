#include <criterion/criterion.h>

#include <errno.h>
#include <fcntl.h>
#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/machine/boot.h"
#include "vmm/machine/device_tree.h"
#include "vmm/machine/layout.h"

#define MIB (UINT64_C(1) << 20)

/* A header with nothing behind it. */
static uint8_t *header(uint64_t text_offset, uint64_t image_size)
{
    uint8_t *data = calloc(1, 4096);
    memcpy(data + 0x08, &text_offset, 8);
    memcpy(data + 0x10, &image_size, 8);
    memcpy(data + 0x38, "RSC\x05", 4);
    return data;
}

static int plan(uint8_t *kernel, uint64_t kernel_size, uint64_t initrd_size, uint64_t memory,
                struct boot_layout *layout, char *error)
{
    struct boot_images images = {.kernel = {kernel, kernel_size}, .initrd = {NULL, initrd_size}};
    error[0] = '\0';
    return boot_plan(&images, "F", memory, layout, error, MACHINE_ERROR_SIZE);
}

Test(boot, places_everything_apart_and_inside_memory)
{
    struct boot_layout layout;
    char error[MACHINE_ERROR_SIZE];
    uint8_t *kernel = header(2 * MIB, 32 * MIB);
    cr_assert(plan(kernel, 4096, 9 * MIB + 17, 64 * MIB, &layout, error) == 0, "%s", error);
    cr_assert(layout.kernel == GUEST_RAM_START + 2 * MIB);
    cr_assert(layout.initrd % GUEST_PAGE_SIZE == 0);
    cr_assert(layout.initrd >= layout.kernel + 32 * MIB);
    cr_assert(layout.initrd_end == layout.initrd + 9 * MIB + 17);
    cr_assert(layout.device_tree >= layout.initrd_end);
    cr_assert(layout.device_tree + BOOT_DEVICE_TREE_ROOM == GUEST_RAM_START + 64 * MIB);
    free(kernel);
}

Test(boot, fills_memory_to_the_last_byte_and_no_further)
{
    struct boot_layout layout;
    char error[MACHINE_ERROR_SIZE];
    uint64_t room = 64 * MIB - BOOT_DEVICE_TREE_ROOM - 2 * MIB;
    uint8_t *kernel = header(2 * MIB, room);
    cr_assert(plan(kernel, 4096, 0, 64 * MIB, &layout, error) == 0, "%s", error);
    cr_assert(plan(kernel, 4096, 1, 64 * MIB, &layout, error) == -EFBIG);
    cr_assert_not_null(strstr(error, "memory of 64 MiB is too small"));
    free(kernel);
}

Test(boot, does_not_believe_sizes_that_wrap_around)
{
    static const uint64_t hostile[][2] = {
        {UINT64_MAX - 4095, 4096}, {2 * MIB, UINT64_MAX}, {UINT64_MAX - 4095, UINT64_MAX},
        {64 * MIB, 4096},          {0, 64 * MIB},         {UINT64_C(1) << 63, UINT64_C(1) << 63},
    };
    struct boot_layout layout;
    char error[MACHINE_ERROR_SIZE];
    for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
        uint8_t *kernel = header(hostile[i][0], hostile[i][1]);
        cr_assert(plan(kernel, 4096, 0, 64 * MIB, &layout, error) == -EFBIG, "case %zu", i);
        free(kernel);
    }
}

Test(boot, says_why_a_file_is_no_kernel)
{
    struct boot_layout layout;
    char error[MACHINE_ERROR_SIZE];
    uint8_t *kernel = header(2 * MIB, MIB);

    cr_assert(plan(kernel, 63, 0, 64 * MIB, &layout, error) == -ENOEXEC);
    cr_assert_str_eq(error, "F is no RISC-V kernel Image (it is shorter than the header)");
    kernel[0x18] = 1;
    cr_assert(plan(kernel, 4096, 0, 64 * MIB, &layout, error) == -ENOEXEC);
    cr_assert_not_null(strstr(error, "big-endian"));
    kernel[0x18] = 0;
    kernel[0x38] = 'X';
    cr_assert(plan(kernel, 4096, 0, 64 * MIB, &layout, error) == -ENOEXEC);
    cr_assert_str_eq(error, "F is no RISC-V kernel Image (no magic number at 0x38)");
    memcpy(kernel, "\x1f\x8b", 2);
    cr_assert(plan(kernel, 4096, 0, 64 * MIB, &layout, error) == -ENOEXEC);
    cr_assert_not_null(strstr(error, "gzip"));
    memcpy(kernel, "\177ELF", 4);
    cr_assert(plan(kernel, 4096, 0, 64 * MIB, &layout, error) == -ENOEXEC);
    cr_assert_not_null(strstr(error, "ELF"));
    cr_assert(plan(NULL, 0, 0, 64 * MIB, &layout, error) == -ENOEXEC);
    free(kernel);
}

Test(boot, names_the_file_that_cannot_be_read)
{
    struct boot_image image;
    char error[MACHINE_ERROR_SIZE] = "";
    cr_assert(boot_image_read(&image, "/nowhere/Image", error, sizeof error) == -ENOENT);
    cr_assert_str_eq(error, "/nowhere/Image: No such file or directory");
    cr_assert(boot_image_read(&image, "/dev/null", error, sizeof error) == -EINVAL);
    cr_assert(boot_image_read(&image, "/", error, sizeof error) < 0);
    cr_assert_null(image.data);
}

static const struct machine_description described = {
    .name = "m",
    .memory = UINT64_C(128) << 20,
    .append = "quiet",
    .disk_count = 1,
    .disk_size = {512},
    .nic_count = 1,
};

static const struct boot_layout placed = {.kernel = GUEST_RAM_START,
                                          .initrd = 0x81000000,
                                          .initrd_end = 0x81000123,
                                          .device_tree = 0x82000000};

Test(device_tree, has_what_the_machine_has)
{
    static uint8_t tree[BOOT_DEVICE_TREE_ROOM];
    uint8_t seed[DEVICE_TREE_RNG_SEED_SIZE] = {1, 2, 3};
    int length;
    cr_assert(device_tree_build(&described, &placed, seed, tree, sizeof tree));
    cr_assert(fdt_check_header(tree) == 0);

    int chosen = fdt_path_offset(tree, "/chosen");
    cr_assert_str_eq(fdt_getprop(tree, chosen, "bootargs", &length),
                     "console=ttyS0 " MACHINE_KERNEL_ARGUMENTS " quiet");
    const fdt64_t *end = fdt_getprop(tree, chosen, "linux,initrd-end", &length);
    cr_assert(fdt64_ld(end) == 0x81000123);
    cr_assert(memcmp(fdt_getprop(tree, chosen, "rng-seed", &length), seed, sizeof seed) == 0);

    char path[64];
    for (unsigned slot = 0; slot < MACHINE_SLOTS; slot++) {
        snprintf(path, sizeof path, "/soc/virtio_mmio@%llx",
                 (unsigned long long)machine_slot_address(slot));
        int node = fdt_path_offset(tree, path);
        bool there =
            slot == MACHINE_SLOT_RNG || slot == MACHINE_SLOT_DISK || slot == MACHINE_SLOT_NIC;
        cr_assert((node >= 0) == there, "slot %u", slot);
        if (there) {
            const fdt32_t *line = fdt_getprop(tree, node, "interrupts", &length);
            cr_assert(fdt32_ld(line) == machine_slot_device(slot));
        }
    }
}

Test(device_tree, says_when_the_room_is_too_small)
{
    uint8_t tree[512];
    uint8_t seed[DEVICE_TREE_RNG_SEED_SIZE] = {0};
    cr_assert_not(device_tree_build(&described, &placed, seed, tree, sizeof tree));
}

Test(device_tree, holds_the_largest_machine)
{
    static uint8_t tree[BOOT_DEVICE_TREE_ROOM];
    uint8_t seed[DEVICE_TREE_RNG_SEED_SIZE] = {0};
    struct machine_description description = described;
    memset(description.append, 'x', sizeof description.append - 1);
    description.disk_count = MACHINE_MAX_DISKS;
    description.nic_count = MACHINE_MAX_NICS;
    description.console_virtio = true;
    cr_assert(device_tree_build(&description, &placed, seed, tree, sizeof tree));
}

static void make_image(struct boot_image *image, uint64_t size)
{
    cr_assert_eq(boot_image_allocate(image, size), 0);
    for (uint64_t i = 0; i < size; i++) {
        image->data[i] = (uint8_t)(i / 1000 * 7);
    }
}

Test(boot, a_packed_image_is_what_it_was)
{
    struct boot_images images = {0};
    struct boot_image original;
    make_image(&images.kernel, 1000000);
    make_image(&original, 1000000);
    boot_images_pack(&images);
    cr_expect_null(images.kernel.data);
    cr_expect_lt(images.kernel.packed_size, 100000);
    cr_assert(boot_image_unpack(&images.kernel));
    cr_expect_arr_eq(images.kernel.data, original.data, 1000000);
    boot_images_free(&images);
    boot_images_free(&(struct boot_images){.kernel = original});
}

Test(boot, a_damaged_packed_image_is_refused)
{
    struct boot_images images = {0};
    struct boot_image damaged;
    make_image(&images.kernel, 1000000);
    boot_images_pack(&images);
    uint64_t size = images.kernel.packed_size;
    for (uint64_t kept = 0; kept < size; kept += size / 7 + 1) {
        cr_assert_eq(boot_image_allocate_packed(&damaged, 1000000, size), 0);
        memset(damaged.packed, 0xa5, size);
        memcpy(damaged.packed, images.kernel.packed, kept);
        cr_expect_not(boot_image_unpack(&damaged), "%llu bytes", (unsigned long long)kept);
        boot_images_free(&(struct boot_images){.kernel = damaged});
    }
    /* The size is another than the one that was told. */
    cr_assert_eq(boot_image_allocate_packed(&damaged, 999999, size), 0);
    memcpy(damaged.packed, images.kernel.packed, size);
    cr_expect_not(boot_image_unpack(&damaged));
    boot_images_free(&(struct boot_images){.kernel = damaged});
    boot_images_free(&images);
}
