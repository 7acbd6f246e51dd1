#include "tests/devices/support/device_ops.h"

#include "vmm/devices/goldfish_rtc.h"
#include "vmm/devices/plic.h"
#include "vmm/devices/uart16550.h"
#include "vmm/devices/virtio_blk.h"
#include "vmm/devices/virtio_console.h"
#include "vmm/devices/virtio_mmio.h"
#include "vmm/devices/virtio_net.h"
#include "vmm/devices/virtio_rng.h"

const uint8_t test_mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

/* Functions of one device with the context as void pointer, and the table of them. */
#define DEFINE_OPS(prefix, window_size, is_virtio)                                                 \
    static void prefix##_destroy_any(void *device)                                                 \
    {                                                                                              \
        prefix##_destroy(device);                                                                  \
    }                                                                                              \
    static bool prefix##_read_any(void *device, uint64_t offset, unsigned size, uint64_t *value)   \
    {                                                                                              \
        return prefix##_read(device, offset, size, value);                                         \
    }                                                                                              \
    static bool prefix##_write_any(void *device, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        return prefix##_write(device, offset, size, value);                                        \
    }                                                                                              \
    static void prefix##_reset_any(void *device)                                                   \
    {                                                                                              \
        prefix##_reset(device);                                                                    \
    }                                                                                              \
    static uint64_t prefix##_digest_any(const void *device)                                        \
    {                                                                                              \
        return prefix##_digest(device);                                                            \
    }                                                                                              \
    static void prefix##_save_any(const void *device, struct state_writer *writer)                 \
    {                                                                                              \
        prefix##_save(device, writer);                                                             \
    }                                                                                              \
    static void prefix##_load_any(void *device, struct state_reader *reader)                       \
    {                                                                                              \
        prefix##_load(device, reader);                                                             \
    }                                                                                              \
    static const struct device_ops prefix##_ops = {                                                \
        .name = #prefix,                                                                           \
        .window = window_size,                                                                     \
        .virtio = is_virtio,                                                                       \
        .create = prefix##_create_any,                                                             \
        .destroy = prefix##_destroy_any,                                                           \
        .read = prefix##_read_any,                                                                 \
        .write = prefix##_write_any,                                                               \
        .deliver = prefix##_deliver_any,                                                           \
        .reset = prefix##_reset_any,                                                               \
        .digest = prefix##_digest_any,                                                             \
        .save = prefix##_save_any,                                                                 \
        .load = prefix##_load_any,                                                                 \
    };

static void external_interrupt(void *context, bool level)
{
    (void)context;
    (void)level;
}

static void *plic_create_any(struct rig *rig, struct disk *disk)
{
    (void)disk;
    return plic_create(external_interrupt, rig);
}

static void plic_deliver_any(void *device, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = ((const uint8_t *)data)[i];
        plic_set_interrupt(device, byte & 0x7f, byte >> 7);
    }
}
DEFINE_OPS(plic, PLIC_SIZE, false)

static void *uart16550_create_any(struct rig *rig, struct disk *disk)
{
    (void)disk;
    return uart16550_create(&rig->host, RIG_DEVICE, RIG_LINE);
}

static void uart16550_deliver_any(void *device, const void *data, size_t size)
{
    uart16550_deliver(device, data, size);
}
DEFINE_OPS(uart16550, UART16550_SIZE, false)

static uint64_t guest_time(void *context)
{
    (void)context;
    return 12345;
}

static void *goldfish_rtc_create_any(struct rig *rig, struct disk *disk)
{
    (void)disk;
    return goldfish_rtc_create(UINT64_C(1700000000000000000), guest_time, rig);
}

static void goldfish_rtc_deliver_any(void *device, const void *data, size_t size)
{
    (void)device;
    (void)data;
    (void)size;
}
DEFINE_OPS(goldfish_rtc, GOLDFISH_RTC_SIZE, false)

static void *virtio_net_create_any(struct rig *rig, struct disk *disk)
{
    (void)disk;
    return virtio_net_create(&rig->host, RIG_DEVICE, RIG_LINE, &rig->memory, test_mac);
}

static void virtio_net_deliver_any(void *device, const void *data, size_t size)
{
    virtio_net_deliver(device, data, size);
}
DEFINE_OPS(virtio_net, VIRTIO_MMIO_SIZE, true)

static void *virtio_blk_create_any(struct rig *rig, struct disk *disk)
{
    return virtio_blk_create(&rig->host, RIG_LINE, &rig->memory, disk, "serial-0");
}

static void virtio_blk_deliver_any(void *device, const void *data, size_t size)
{
    virtio_blk_deliver(device, data, size);
}
DEFINE_OPS(virtio_blk, VIRTIO_MMIO_SIZE, true)

static void *virtio_console_create_any(struct rig *rig, struct disk *disk)
{
    (void)disk;
    return virtio_console_create(&rig->host, RIG_DEVICE, RIG_LINE, &rig->memory);
}

static void virtio_console_deliver_any(void *device, const void *data, size_t size)
{
    virtio_console_deliver(device, data, size);
}
DEFINE_OPS(virtio_console, VIRTIO_MMIO_SIZE, true)

static void *virtio_rng_create_any(struct rig *rig, struct disk *disk)
{
    static const uint8_t seed[VIRTIO_RNG_SEED_SIZE] = {1, 2, 3};
    (void)disk;
    return virtio_rng_create(&rig->host, RIG_LINE, &rig->memory, seed);
}

static void virtio_rng_deliver_any(void *device, const void *data, size_t size)
{
    (void)device;
    (void)data;
    (void)size;
}
DEFINE_OPS(virtio_rng, VIRTIO_MMIO_SIZE, true)

const struct device_ops *device_ops(enum device_kind kind)
{
    static const struct device_ops *const table[DEVICE_KINDS] = {
        [DEVICE_PLIC] = &plic_ops,        [DEVICE_UART] = &uart16550_ops,
        [DEVICE_RTC] = &goldfish_rtc_ops, [DEVICE_NET] = &virtio_net_ops,
        [DEVICE_BLK] = &virtio_blk_ops,   [DEVICE_CONSOLE] = &virtio_console_ops,
        [DEVICE_RNG] = &virtio_rng_ops,
    };
    return table[kind];
}
