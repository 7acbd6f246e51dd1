#include "vmm/devices/uart16550.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/devices/byte_queue.h"
#include "vmm/devices/digest.h"
#include "vmm/devices/output_buffer.h"

/* Registers and bits as in the PC16550D data sheet, section 8. */
#define RBR_THR_DLL 0u
#define IER_DLM     1u
#define IIR_FCR     2u
#define LCR         3u
#define MCR         4u
#define LSR         5u
#define MSR         6u
#define SCR         7u

#define IER_RECEIVED    0x01u
#define IER_TRANSMITTER 0x02u
#define IER_LINE_STATUS 0x04u
#define IER_BITS        0x0fu

#define IIR_NONE        0x01u
#define IIR_TRANSMITTER 0x02u
#define IIR_RECEIVED    0x04u
#define IIR_LINE_STATUS 0x06u
#define IIR_TIMEOUT     0x0cu
#define IIR_FIFO        0xc0u

#define FCR_ENABLE         0x01u
#define FCR_CLEAR_RECEIVER 0x02u
#define FCR_BITS           0xc9u /* those that last: enable, DMA mode, trigger level */

#define LCR_DIVISOR 0x80u

#define MCR_DTR  0x01u
#define MCR_RTS  0x02u
#define MCR_OUT1 0x04u
#define MCR_OUT2 0x08u
#define MCR_LOOP 0x10u
#define MCR_BITS 0x1fu

#define LSR_DATA_READY  0x01u
#define LSR_OVERRUN     0x02u
#define LSR_TRANSMITTER 0x60u /* holding register and shift register empty */

#define MSR_CTS 0x10u
#define MSR_DSR 0x20u
#define MSR_RI  0x40u
#define MSR_DCD 0x80u

#define FIFO_BYTES 16u

struct uart16550 {
    /* Guest-visible. */
    uint8_t interrupt_enable;
    uint8_t fifo_control;
    uint8_t line_control;
    uint8_t modem_control;
    uint8_t scratch;
    uint8_t divisor_low;
    uint8_t divisor_high;
    bool overrun;
    bool transmitter_interrupt; /* THR became empty and IIR was not read since */
    struct byte_queue fifo;     /* what the guest can read now */
    struct byte_queue wire;     /* what follows when the FIFO has room */
    struct output_buffer sent;
    /* Wired. */
    struct device_host host;
    uint32_t device;
    unsigned line;
};

static void power_on(struct uart16550 *uart)
{
    uart->interrupt_enable = 0;
    uart->fifo_control = 0;
    uart->line_control = 0;
    uart->modem_control = 0;
    uart->scratch = 0;
    uart->divisor_low = 0;
    uart->divisor_high = 0;
    uart->overrun = false;
    uart->transmitter_interrupt = false;
    byte_queue_clear(&uart->fifo);
    byte_queue_clear(&uart->wire);
    uart->sent.size = 0;
}

struct uart16550 *uart16550_create(const struct device_host *host, uint32_t device, unsigned line)
{
    struct uart16550 *uart = calloc(1, sizeof *uart);
    if (uart == NULL) {
        return NULL;
    }
    uart->host = *host;
    uart->device = device;
    uart->line = line;
    if (!byte_queue_init(&uart->fifo, FIFO_BYTES) ||
        !byte_queue_init(&uart->wire, UART16550_WIRE_BYTES)) {
        uart16550_destroy(uart);
        return NULL;
    }
    return uart;
}

void uart16550_destroy(struct uart16550 *uart)
{
    if (uart != NULL) {
        byte_queue_free(&uart->fifo);
        byte_queue_free(&uart->wire);
        free(uart);
    }
}

static bool has_fifo(const struct uart16550 *uart)
{
    return (uart->fifo_control & FCR_ENABLE) != 0;
}

static bool is_looped(const struct uart16550 *uart)
{
    return (uart->modem_control & MCR_LOOP) != 0;
}

static uint32_t fifo_depth(const struct uart16550 *uart)
{
    return has_fifo(uart) ? FIFO_BYTES : 1;
}

/* Bytes in the FIFO at which "received" is signalled; below that it is a timeout, at once, as the
 * sender is always faster than the guest. */
static uint32_t trigger_level(const struct uart16550 *uart)
{
    static const uint8_t levels[4] = {1, 4, 8, 14};
    return has_fifo(uart) ? levels[uart->fifo_control >> 6] : 1;
}

/* The pending interrupt of the highest priority (table IV of the data sheet). */
static uint8_t pending_interrupt(const struct uart16550 *uart)
{
    if ((uart->interrupt_enable & IER_LINE_STATUS) != 0 && uart->overrun) {
        return IIR_LINE_STATUS;
    }
    if ((uart->interrupt_enable & IER_RECEIVED) != 0 && uart->fifo.size > 0) {
        return uart->fifo.size >= trigger_level(uart) ? IIR_RECEIVED : IIR_TIMEOUT;
    }
    if ((uart->interrupt_enable & IER_TRANSMITTER) != 0 && uart->transmitter_interrupt) {
        return IIR_TRANSMITTER;
    }
    return IIR_NONE;
}

static void update_interrupt(struct uart16550 *uart)
{
    uart->host.set_interrupt(uart->host.context, uart->line, pending_interrupt(uart) != IIR_NONE);
}

/* In loopback the receiver hears the transmitter only; the wire waits. */
static void receive_from_wire(struct uart16550 *uart)
{
    while (!is_looped(uart) && uart->wire.size > 0 && uart->fifo.size < fifo_depth(uart)) {
        uint8_t byte;
        byte_queue_get(&uart->wire, &byte, 1);
        byte_queue_put(&uart->fifo, &byte, 1);
    }
}

void uart16550_deliver(struct uart16550 *uart, const void *data, size_t size)
{
    if (byte_queue_put(&uart->wire, data, size) < size) {
        uart->overrun = true;
    }
    receive_from_wire(uart);
    update_interrupt(uart);
}

void uart16550_flush(struct uart16550 *uart)
{
    output_buffer_flush(&uart->sent, &uart->host, uart->device);
}

static uint8_t read_receiver(struct uart16550 *uart)
{
    uint8_t byte = 0;
    byte_queue_get(&uart->fifo, &byte, 1);
    receive_from_wire(uart);
    return byte;
}

static uint8_t read_interrupt_identification(struct uart16550 *uart)
{
    uint8_t pending = pending_interrupt(uart);
    if (pending == IIR_TRANSMITTER) {
        uart->transmitter_interrupt = false;
    }
    return pending | (has_fifo(uart) ? IIR_FIFO : 0);
}

static uint8_t read_line_status(struct uart16550 *uart)
{
    uint8_t status = LSR_TRANSMITTER | (uart->fifo.size > 0 ? LSR_DATA_READY : 0) |
                     (uart->overrun ? LSR_OVERRUN : 0);
    uart->overrun = false;
    return status;
}

static uint8_t read_modem_status(const struct uart16550 *uart)
{
    if (!is_looped(uart)) {
        return MSR_CTS | MSR_DSR | MSR_DCD;
    }
    return ((uart->modem_control & MCR_RTS) != 0 ? MSR_CTS : 0) |
           ((uart->modem_control & MCR_DTR) != 0 ? MSR_DSR : 0) |
           ((uart->modem_control & MCR_OUT1) != 0 ? MSR_RI : 0) |
           ((uart->modem_control & MCR_OUT2) != 0 ? MSR_DCD : 0);
}

bool uart16550_read(struct uart16550 *uart, uint64_t offset, unsigned size, uint64_t *value)
{
    if (size != 1) {
        return false;
    }
    bool divisor = (uart->line_control & LCR_DIVISOR) != 0;
    switch (offset) {
    case RBR_THR_DLL: *value = divisor ? uart->divisor_low : read_receiver(uart); break;
    case IER_DLM: *value = divisor ? uart->divisor_high : uart->interrupt_enable; break;
    case IIR_FCR: *value = read_interrupt_identification(uart); break;
    case LCR: *value = uart->line_control; break;
    case MCR: *value = uart->modem_control; break;
    case LSR: *value = read_line_status(uart); break;
    case MSR: *value = read_modem_status(uart); break;
    case SCR: *value = uart->scratch; break;
    default: *value = 0; return true;
    }
    update_interrupt(uart);
    return true;
}

static void write_transmitter(struct uart16550 *uart, uint8_t byte)
{
    if (!is_looped(uart)) {
        output_buffer_put(&uart->sent, &uart->host, uart->device, &byte, 1);
    } else if (uart->fifo.size < fifo_depth(uart)) {
        byte_queue_put(&uart->fifo, &byte, 1);
    } else {
        uart->overrun = true;
    }
    uart->transmitter_interrupt = true;
}

static void write_interrupt_enable(struct uart16550 *uart, uint8_t enable)
{
    /* Enabling it while the transmitter is empty, as it always is, raises the interrupt. */
    if ((enable & ~uart->interrupt_enable & IER_TRANSMITTER) != 0) {
        uart->transmitter_interrupt = true;
    }
    uart->interrupt_enable = enable & IER_BITS;
}

static void write_fifo_control(struct uart16550 *uart, uint8_t control)
{
    bool toggled = ((control ^ uart->fifo_control) & FCR_ENABLE) != 0;
    uart->fifo_control = (control & FCR_ENABLE) != 0 ? control & FCR_BITS : 0;
    if (toggled || (control & FCR_CLEAR_RECEIVER) != 0) {
        byte_queue_clear(&uart->fifo);
    }
    receive_from_wire(uart);
}

static void write_modem_control(struct uart16550 *uart, uint8_t control)
{
    uart->modem_control = control & MCR_BITS;
    receive_from_wire(uart);
}

bool uart16550_write(struct uart16550 *uart, uint64_t offset, unsigned size, uint64_t value)
{
    if (size != 1) {
        return false;
    }
    uint8_t byte = (uint8_t)value;
    bool divisor = (uart->line_control & LCR_DIVISOR) != 0;
    if (divisor && offset == RBR_THR_DLL) {
        uart->divisor_low = byte;
        return true;
    }
    if (divisor && offset == IER_DLM) {
        uart->divisor_high = byte;
        return true;
    }
    switch (offset) {
    case RBR_THR_DLL: write_transmitter(uart, byte); break;
    case IER_DLM: write_interrupt_enable(uart, byte); break;
    case IIR_FCR: write_fifo_control(uart, byte); break;
    case LCR: uart->line_control = byte; break;
    case MCR: write_modem_control(uart, byte); break;
    case SCR: uart->scratch = byte; break;
    default: return true; /* LSR and MSR are read-only */
    }
    update_interrupt(uart);
    return true;
}

void uart16550_reset(struct uart16550 *uart)
{
    uart16550_flush(uart);
    power_on(uart);
    update_interrupt(uart);
}

static void put_fields(const void *device, struct state_writer *writer)
{
    const struct uart16550 *uart = device;
    state_put_tag(writer, "UART", 1);
    state_put_u8(writer, uart->interrupt_enable);
    state_put_u8(writer, uart->fifo_control);
    state_put_u8(writer, uart->line_control);
    state_put_u8(writer, uart->modem_control);
    state_put_u8(writer, uart->scratch);
    state_put_u8(writer, uart->divisor_low);
    state_put_u8(writer, uart->divisor_high);
    state_put_u8(writer, uart->overrun);
    state_put_u8(writer, uart->transmitter_interrupt);
    byte_queue_save(&uart->fifo, writer);
    byte_queue_save(&uart->wire, writer);
    output_buffer_save(&uart->sent, writer);
}

uint64_t uart16550_digest(const struct uart16550 *uart)
{
    return device_digest(put_fields, uart);
}

void uart16550_save(const struct uart16550 *uart, struct state_writer *writer)
{
    put_fields(uart, writer);
}

static bool is_possible(const struct uart16550 *uart)
{
    return (uart->interrupt_enable & ~IER_BITS) == 0 && (uart->fifo_control & ~FCR_BITS) == 0 &&
           (uart->modem_control & ~MCR_BITS) == 0 && uart->fifo.size <= fifo_depth(uart);
}

void uart16550_load(struct uart16550 *uart, struct state_reader *reader)
{
    state_get_tag(reader, "UART", 1);
    uart->interrupt_enable = state_get_u8(reader);
    uart->fifo_control = state_get_u8(reader);
    uart->line_control = state_get_u8(reader);
    uart->modem_control = state_get_u8(reader);
    uart->scratch = state_get_u8(reader);
    uart->divisor_low = state_get_u8(reader);
    uart->divisor_high = state_get_u8(reader);
    uart->overrun = state_get_u8(reader) != 0;
    uart->transmitter_interrupt = state_get_u8(reader) != 0;
    byte_queue_load(&uart->fifo, reader);
    byte_queue_load(&uart->wire, reader);
    output_buffer_load(&uart->sent, reader);
    if (!is_possible(uart)) {
        state_reader_fail(reader);
    }
    if (reader->error != 0) {
        power_on(uart);
    }
    update_interrupt(uart);
}
