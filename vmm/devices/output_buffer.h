/*
 * Gathers the bytes that a console prints, so that they leave in a few outputs instead of one per
 * byte. Part of the device's state between two flushes.
 */
#ifndef VMM_DEVICES_OUTPUT_BUFFER_H
#define VMM_DEVICES_OUTPUT_BUFFER_H

#include "vmm/devices/device.h"

#define OUTPUT_BUFFER_BYTES 4096u

struct output_buffer {
    uint32_t size;
    uint8_t data[OUTPUT_BUFFER_BYTES];
};

/* Appends; whenever the buffer is full, gives it to host->output under `device`. */
void output_buffer_put(struct output_buffer *buffer, const struct device_host *host,
                       uint32_t device, const void *data, size_t size);
void output_buffer_flush(struct output_buffer *buffer, const struct device_host *host,
                         uint32_t device);

void output_buffer_save(const struct output_buffer *buffer, struct state_writer *writer);
void output_buffer_load(struct output_buffer *buffer, struct state_reader *reader);

#endif
