/*
 * A 16550A serial port (`ns16550a`, reg-shift 0, byte accesses): the console of the guest.
 *
 * The transmitter is always empty: bytes written are gathered and leave through host.output at
 * uart16550_flush(), or when the gathering buffer is full. The receiver has the 16-byte FIFO that a
 * driver expects and behind it a queue standing for the wire, so that pasted text waits for the
 * guest instead of being overrun.
 */
#ifndef VMM_DEVICES_UART16550_H
#define VMM_DEVICES_UART16550_H

#include "vmm/devices/device.h"

#define UART16550_SIZE       UINT64_C(0x100)
#define UART16550_WIRE_BYTES 8192u /* what is delivered beyond that is dropped */

struct uart16550;

/* `device` is the number given to host.output, `line` the one given to host.set_interrupt. The host
 * structure is copied. NULL if out of memory. */
struct uart16550 *uart16550_create(const struct device_host *host, uint32_t device, unsigned line);
void uart16550_destroy(struct uart16550 *uart);

/* Offset is inside UART16550_SIZE. False: access fault. */
bool uart16550_read(struct uart16550 *uart, uint64_t offset, unsigned size, uint64_t *value);
bool uart16550_write(struct uart16550 *uart, uint64_t offset, unsigned size, uint64_t value);

/* An input: bytes typed at the console. */
void uart16550_deliver(struct uart16550 *uart, const void *data, size_t size);
/* Gives host.output what was gathered. The machine calls it at each boundary. */
void uart16550_flush(struct uart16550 *uart);

/* Back to power-on; what was gathered leaves first. */
void uart16550_reset(struct uart16550 *uart);
uint64_t uart16550_digest(const struct uart16550 *uart);
void uart16550_save(const struct uart16550 *uart, struct state_writer *writer);
/* On failure (reader->error) the device is as after a reset. */
void uart16550_load(struct uart16550 *uart, struct state_reader *reader);

#endif
