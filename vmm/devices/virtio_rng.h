/*
 * A source of entropy: virtio-rng (virtio 1.2, 5.4) over MMIO.
 *
 * The bytes come from a generator whose key is part of the state, so both replicas give the guest
 * the same ones and nothing is logged. The generator is ChaCha20 with fast key erasure: each
 * request replaces the key, so a captured state does not tell what was given before. Its strength
 * is that of the seed, which the machine takes from its host once, when it is first created.
 */
#ifndef VMM_DEVICES_VIRTIO_RNG_H
#define VMM_DEVICES_VIRTIO_RNG_H

#include "vmm/devices/device.h"

#define VIRTIO_RNG_QUEUE_SIZE  64u
#define VIRTIO_RNG_SEED_SIZE   32u
#define VIRTIO_RNG_MAX_REQUEST 4096u /* bytes given per buffer, however long it is */

struct virtio_rng;

/* The MMIO window is VIRTIO_MMIO_SIZE long. Host is copied, memory must outlive the device. NULL if
 * out of memory. */
struct virtio_rng *virtio_rng_create(const struct device_host *host, unsigned line,
                                     const struct guest_memory *memory,
                                     const uint8_t seed[VIRTIO_RNG_SEED_SIZE]);
void virtio_rng_destroy(struct virtio_rng *rng);

bool virtio_rng_read(struct virtio_rng *rng, uint64_t offset, unsigned size, uint64_t *value);
bool virtio_rng_write(struct virtio_rng *rng, uint64_t offset, unsigned size, uint64_t value);

/* Bytes for the machine itself (the `rng-seed` of the device tree, say); same generator, so only
 * where all replicas ask alike. At most VIRTIO_RNG_MAX_REQUEST. */
void virtio_rng_take(struct virtio_rng *rng, void *data, size_t size);

/* Registers and queue back to power-on; the generator goes on and never repeats itself. */
void virtio_rng_reset(struct virtio_rng *rng);
uint64_t virtio_rng_digest(const struct virtio_rng *rng);
void virtio_rng_save(const struct virtio_rng *rng, struct state_writer *writer);
/* On failure (reader->error) the device is as after a reset. */
void virtio_rng_load(struct virtio_rng *rng, struct state_reader *reader);

#endif
