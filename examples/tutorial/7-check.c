/* Step 7: a machine checked before it is trusted. Its fault is to look at the host's clock, once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ftvm/check.h>

struct machine {
    uint64_t registers[2];
    uint64_t position;
};

static void execute(struct machine *machine)
{
    machine->registers[0] = machine->registers[0] * 5 + 1;
    machine->registers[1] += machine->registers[0] >> 60;
    if (machine->position == 123456) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        machine->registers[1] += (uint64_t)now.tv_nsec;
    }
    machine->position++;
}

static int deliver(void *machine, uint32_t device, const void *data, size_t size)
{
    (void)machine, (void)device, (void)data, (void)size;
    return 0;
}

static int emit(void *machine, uint64_t number, uint32_t device, const void *data, size_t size)
{
    (void)machine, (void)number, (void)device, (void)data, (void)size;
    return 0;
}

static int save(void *machine, struct ftvm_writer *writer)
{
    return ftvm_write(writer, machine, sizeof(struct machine));
}

static int load(void *machine, struct ftvm_reader *reader)
{
    return ftvm_read(reader, machine, sizeof(struct machine));
}

static void digest(void *context, struct ftvm_digest *digest)
{
    struct machine *machine = context;
    for (uint64_t i = 0; i < 2; i++) {
        ftvm_digest_add(digest, "register", i, &machine->registers[i],
                        sizeof machine->registers[i]);
    }
}

/* The loop that the machine has anyway. */
static int run(void *context, void *argument, struct ftvm_node *node)
{
    const struct ftvm_machine_ops ops = {.size = sizeof ops,
                                         .deliver = deliver,
                                         .emit = emit,
                                         .save = save,
                                         .load = load,
                                         .digest = digest};
    struct machine *machine = argument;
    struct ftvm_epoch epoch;
    int result = ftvm_begin(node, &ops, machine, 0, &epoch);
    (void)context;
    while (result >= 0) {
        ftvm_position end;
        machine->position = epoch.position;
        while ((end = ftvm_stop_at(node, machine->position)) > machine->position) {
            while (machine->position < end) {
                execute(machine);
            }
        }
        result = ftvm_boundary(node, machine->position, &epoch);
    }
    return result;
}

static int create(void *context, void **machine)
{
    (void)context;
    *machine = calloc(1, sizeof(struct machine));
    return *machine != NULL ? 0 : FTVM_E_MEMORY;
}

static void destroy(void *context, void *machine)
{
    (void)context;
    free(machine);
}

int main(void)
{
    struct ftvm_check check;
    struct ftvm_check_report report = {.size = sizeof report};
    ftvm_check_init(&check);
    check.create = create;
    check.destroy = destroy;
    check.run = run;
    int result = ftvm_check_determinism(&check, &report);
    puts(report.text);
    return result == 0 ? 0 : 1;
}
