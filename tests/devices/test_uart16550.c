#include <criterion/criterion.h>
#include <string.h>

#include "tests/devices/support/rig.h"
#include "vmm/devices/output_buffer.h"
#include "vmm/devices/uart16550.h"

#define RBR 0u
#define IER 1u
#define IIR 2u
#define LCR 3u
#define MCR 4u
#define LSR 5u
#define MSR 6u
#define SCR 7u

static uint8_t get(struct uart16550 *uart, uint64_t offset)
{
    uint64_t value = 0;
    cr_assert(uart16550_read(uart, offset, 1, &value));
    return (uint8_t)value;
}

static void put(struct uart16550 *uart, uint64_t offset, uint8_t value)
{
    cr_assert(uart16550_write(uart, offset, 1, value));
}

static struct uart16550 *create(struct rig *rig)
{
    rig_init(rig);
    return uart16550_create(&rig->host, RIG_DEVICE, RIG_LINE);
}

static void destroy(struct rig *rig, struct uart16550 *uart)
{
    uart16550_destroy(uart);
    rig_free(rig);
}

Test(uart16550, bytes_leave_at_the_flush_in_one_output)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    for (const char *c = "hello"; *c != '\0'; c++) {
        cr_assert_eq(get(uart, LSR) & 0x20, 0x20);
        put(uart, RBR, (uint8_t)*c);
    }
    cr_assert_eq(rig.output_count, 0);
    uart16550_flush(uart);
    uart16550_flush(uart);
    cr_assert_eq(rig.output_count, 1);
    cr_assert_eq(rig.outputs[0].size, 5);
    cr_assert_arr_eq(rig.outputs[0].data, "hello", 5);
    destroy(&rig, uart);
}

Test(uart16550, a_full_buffer_leaves_without_a_flush)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    for (unsigned i = 0; i < OUTPUT_BUFFER_BYTES + 1; i++) {
        put(uart, RBR, (uint8_t)i);
    }
    cr_assert_eq(rig.output_count, 1);
    cr_assert_eq(rig.outputs[0].size, OUTPUT_BUFFER_BYTES);
    uart16550_reset(uart);
    cr_assert_eq(rig.output_count, 2, "a reset does not lose the last words");
    destroy(&rig, uart);
}

Test(uart16550, transmitter_interrupt_is_raised_when_enabled_and_cleared_by_identification)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    cr_assert_eq(get(uart, IIR), 0x01);
    put(uart, IER, 0x02);
    cr_assert(rig.line_level);
    cr_assert_eq(get(uart, IIR), 0x02);
    cr_assert_not(rig.line_level);
    cr_assert_eq(get(uart, IIR), 0x01);
    put(uart, RBR, 'x');
    cr_assert(rig.line_level);
    put(uart, IER, 0);
    cr_assert_not(rig.line_level);
    destroy(&rig, uart);
}

Test(uart16550, pasted_text_arrives_whole_and_in_order)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    uint8_t text[3000];
    for (unsigned i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)(i * 7);
    }
    put(uart, IIR, 0xc1); /* FIFO on, trigger at 14 */
    put(uart, IER, 0x01);
    uart16550_deliver(uart, text, 1000);
    uart16550_deliver(uart, text + 1000, 2000);
    for (unsigned i = 0; i < sizeof text; i++) {
        cr_assert(rig.line_level);
        cr_assert_eq(get(uart, LSR) & 0x01, 0x01);
        cr_assert_eq(get(uart, RBR), text[i]);
    }
    cr_assert_not(rig.line_level);
    cr_assert_eq(get(uart, LSR) & 0x03, 0);
    destroy(&rig, uart);
}

Test(uart16550, tells_a_full_fifo_from_a_few_bytes)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    put(uart, IIR, 0xc1);
    put(uart, IER, 0x01);
    uart16550_deliver(uart, "abc", 3);
    cr_assert_eq(get(uart, IIR), 0xcc);
    uart16550_deliver(uart, "0123456789abc", 13);
    cr_assert_eq(get(uart, IIR), 0xc4);
    destroy(&rig, uart);
}

Test(uart16550, clearing_the_fifo_loses_only_the_fifo)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    put(uart, IIR, 0x01);
    uart16550_deliver(uart, "0123456789abcdefXYZ", 19);
    put(uart, IIR, 0x03);
    cr_assert_eq(get(uart, RBR), 'X');
    destroy(&rig, uart);
}

Test(uart16550, overrun_is_told_once)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    static uint8_t flood[UART16550_WIRE_BYTES + 1];
    put(uart, IER, 0x04);
    uart16550_deliver(uart, flood, sizeof flood);
    cr_assert(rig.line_level);
    cr_assert_eq(get(uart, IIR), 0x06);
    cr_assert_eq(get(uart, LSR) & 0x02, 0x02);
    cr_assert_eq(get(uart, LSR) & 0x02, 0);
    cr_assert_not(rig.line_level);
    destroy(&rig, uart);
}

Test(uart16550, loopback_hears_itself_and_not_the_wire)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    put(uart, IIR, 0x01);
    put(uart, MCR, 0x1a); /* loop, OUT2, RTS: as a driver probes */
    cr_assert_eq(get(uart, MSR) & 0xf0, 0x90);
    uart16550_deliver(uart, "wire", 4);
    for (unsigned i = 0; i < 20; i++) {
        put(uart, RBR, (uint8_t)i);
    }
    unsigned count = 0;
    while ((get(uart, LSR) & 0x01) != 0) {
        cr_assert_eq(get(uart, RBR), count++);
    }
    cr_assert_eq(count, 16, "which is how a driver measures the FIFO");
    put(uart, MCR, 0);
    cr_assert_eq(get(uart, RBR), 'w');
    uart16550_flush(uart);
    cr_assert_eq(rig.output_count, 0);
    destroy(&rig, uart);
}

Test(uart16550, registers_keep_what_is_written)
{
    struct rig rig;
    struct uart16550 *uart = create(&rig);
    put(uart, SCR, 0x5a);
    put(uart, LCR, 0x83);
    put(uart, RBR, 0x0d);
    put(uart, IER, 0x01);
    cr_assert_eq(get(uart, RBR), 0x0d);
    cr_assert_eq(get(uart, IER), 0x01);
    put(uart, LCR, 0x03);
    cr_assert_eq(get(uart, IER), 0);
    cr_assert_eq(get(uart, SCR), 0x5a);
    put(uart, IER, 0xff);
    cr_assert_eq(get(uart, IER), 0x0f);
    cr_assert_eq(get(uart, MSR), 0xb0);
    uint64_t value;
    cr_assert_not(uart16550_read(uart, RBR, 4, &value));
    cr_assert_not(uart16550_write(uart, RBR, 2, 0));
    destroy(&rig, uart);
}
