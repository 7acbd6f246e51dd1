/*
 * The state of the unicorn machine: what is sent is what is taken, and nothing else is.
 */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "examples/unicorn/state.h"
#include "tests/unicorn/guest_code.h"

static int ignore_text(void *context, const void *text, size_t size)
{
    (void)context;
    (void)text;
    (void)size;
    return 0;
}

static void ignore(void *context)
{
    (void)context;
}

static struct machine *make(void)
{
    static const struct machine_host host = {ignore_text, ignore, NULL};
    const char *why = "";
    struct machine *machine = machine_create(guest_code, sizeof guest_code, &host, &why);
    cr_assert_not_null(machine, "%s", why);
    return machine;
}

/* A state as a primary would send it: in the middle of things. */
static struct state_head sample(void)
{
    struct machine *machine = make();
    struct state_head head;
    cr_assert_eq(cpu_run(&machine->cpu, 4000), CPU_STOPPED);
    machine->input_head = MACHINE_INPUT_SIZE - 2;
    devices_type(machine, (const uint8_t *)"hello", 5);
    machine->timer_ns = 12345678901;
    machine->waits = true;
    state_fill(machine, &head);
    machine_destroy(machine);
    return head;
}

static void expect_refused(const struct state_head *head, const char *what)
{
    struct machine *machine = make();
    cr_expect_not(state_apply(machine, head), "%s was taken", what);
    machine_destroy(machine);
}

Test(unicorn_state, what_is_taken_is_what_was_sent)
{
    struct state_head head = sample();
    struct machine *machine = make();
    cr_assert(state_apply(machine, &head));
    struct state_head again;
    state_fill(machine, &again);
    cr_expect_eq(memcmp(&head, &again, sizeof head), 0);
    cr_expect_eq(memcmp(machine->input, "hello", 5), 0);
    machine_destroy(machine);
}

Test(unicorn_state, another_format_version_or_board_is_refused)
{
    struct state_head head = sample();
    head.magic++;
    expect_refused(&head, "another format");
    head = sample();
    head.version++;
    expect_refused(&head, "another version");
    head = sample();
    head.ram_size *= 2;
    expect_refused(&head, "another size of memory");
}

Test(unicorn_state, numbers_out_of_their_range_are_refused)
{
    struct state_head head = sample();
    head.input_count = MACHINE_INPUT_SIZE + 1;
    expect_refused(&head, "more input than there is room for");
    head = sample();
    head.waits = 2;
    expect_refused(&head, "neither awake nor asleep");
}

Test(unicorn_state, registers_that_the_processor_cannot_hold_are_refused)
{
    struct state_head head = sample();
    head.registers.csr[CPU_mtvec] |= 3; /* a reserved mode */
    expect_refused(&head, "a vector of a reserved mode");
    head = sample();
    head.registers.csr[CPU_mstatus] = UINT64_MAX;
    expect_refused(&head, "a status with all bits");
}

Test(unicorn_state, more_input_than_there_is_room_for_is_lost)
{
    static uint8_t bytes[MACHINE_INPUT_SIZE + 100];
    struct machine *machine = make();
    devices_type(machine, bytes, sizeof bytes);
    cr_expect_eq(machine->input_count, MACHINE_INPUT_SIZE);
    machine_destroy(machine);
}

Test(unicorn_state, an_image_larger_than_the_memory_is_no_guest)
{
    static const struct machine_host host = {ignore_text, ignore, NULL};
    const char *why = NULL;
    void *image = calloc(1, BOARD_RAM_SIZE + 1);
    cr_expect_null(machine_create(image, BOARD_RAM_SIZE + 1, &host, &why));
    cr_expect_not_null(why);
    free(image);
}
