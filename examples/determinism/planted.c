/*
 * planted.c - a machine for ftvm-check that breaks the contract of determinism where it is told to.
 *
 *     cc -shared -fPIC planted.c $(pkg-config --cflags --libs ftvm) -o planted.so
 *     ftvm-check planted.so                 it keeps the contract
 *     ftvm-check planted.so -- time         its instruction 123457 reads the host's clock
 *
 * The machine has four registers and 64 KiB of memory, and executes one made-up instruction for
 * each unit of position. Faults: time, memory, length, stop, save, latch,
 * output.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ftvm/check.h>

#define MEMORY_SIZE 65536u
#define FAULT_AT    123457u

struct machine {
    const char *fault; /* what is planted, "" if nothing is */
    uint64_t runs;     /* of machines, this one counted */
    struct ftvm_node *node;
    struct ftvm_epoch epoch;
    uint64_t position;
    uint64_t registers[4];
    uint64_t latch; /* set by a key, used much later */
    uint8_t memory[MEMORY_SIZE];
};

struct context {
    const char *fault;
    uint64_t runs;
};

static int has(const struct machine *machine, const char *fault)
{
    return strcmp(machine->fault, fault) == 0;
}

/* ---- The processor --------------------------------------------------------------------------- */

static uint64_t read_timer(struct machine *machine)
{
    if (has(machine, "time") && machine->position == FAULT_AT) {
        struct timespec now;
        clock_gettime(CLOCK_REALTIME, &now); /* wrong: another answer in each run */
        return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    }
    return ftvm_epoch_clock(&machine->epoch, machine->position);
}

static int execute_one(struct machine *machine)
{
    uint64_t at = machine->position;
    uint64_t *r = machine->registers;
    r[at % 3] = (r[at % 3] ^ at) * 0x9e3779b97f4a7c15u;
    machine->memory[r[at % 3] >> 48]++;
    if (at % 1000 == 457) {
        r[3] += read_timer(machine);
    }
    if (has(machine, "memory") && at == FAULT_AT) {
        machine->memory[4242] ^= (uint8_t)machine->runs; /* as memory is that nobody has set */
    }
    if (at % 50000 == 49999) {
        r[2] ^= machine->latch;
    }
    machine->position++;
    if (at % 5000 == 4999) {
        uint64_t line[2] = {at, r[0]};
        line[1] += has(machine, "output") && at > FAULT_AT ? machine->runs : 0;
        return ftvm_output(machine->node, 1, line, sizeof line);
    }
    return 0;
}

/* ---- What the library asks of it ---------------------------------------------------------------
 */

static int deliver(void *made, uint32_t device, const void *data, size_t size)
{
    struct machine *machine = made;
    (void)device;
    memcpy(&machine->latch, data, size < 8 ? size : 8);
    return 0;
}

static int emit(void *made, uint64_t number, uint32_t device, const void *data, size_t size)
{
    (void)number, (void)made, (void)device, (void)data, (void)size;
    return 0;
}

static int save(void *made, struct ftvm_writer *writer)
{
    struct machine *machine = made;
    uint64_t fields[6] = {machine->position};
    memcpy(&fields[1], machine->registers, sizeof machine->registers);
    fields[5] = has(machine, "latch") ? 0 : machine->latch;
    fields[4] = has(machine, "save") ? 0 : fields[4]; /* register 3 is forgotten */
    int result = ftvm_write(writer, fields, sizeof fields);
    return result < 0 ? result : ftvm_write(writer, machine->memory, MEMORY_SIZE);
}

static int load(void *made, struct ftvm_reader *reader)
{
    struct machine *machine = made;
    uint64_t fields[6];
    int result = ftvm_read(reader, fields, sizeof fields);
    if (result < 0) {
        return result;
    }
    machine->position = fields[0];
    memcpy(machine->registers, &fields[1], sizeof machine->registers);
    machine->latch = fields[5];
    return ftvm_read(reader, machine->memory, MEMORY_SIZE);
}

static void digest(void *made, struct ftvm_digest *digest)
{
    struct machine *machine = made;
    for (uint64_t i = 0; i < 4; i++) {
        ftvm_digest_add(digest, "register", i, &machine->registers[i], 8);
    }
    if (ftvm_digest_is_whole(digest)) {
        ftvm_digest_add(digest, "memory", 0, machine->memory, MEMORY_SIZE);
    }
}

static int run(void *context, void *made, struct ftvm_node *node)
{
    static const struct ftvm_machine_ops ops = {.size = sizeof ops,
                                                .deliver = deliver,
                                                .emit = emit,
                                                .save = save,
                                                .load = load,
                                                .digest = digest};
    struct machine *machine = made;
    (void)context;
    machine->node = node;
    int result = ftvm_begin(node, &ops, machine, 0, &machine->epoch);
    while (result == 0) {
        ftvm_position stop = ftvm_stop_at(node, machine->position);
        if (stop == machine->position) {
            result = ftvm_boundary(node, machine->position, &machine->epoch);
            if (has(machine, "length") && machine->position > FAULT_AT) {
                machine->registers[3] += machine->epoch.length; /* wrong: a backup's is another */
            }
            continue;
        }
        while (result == 0 && machine->position < stop) {
            result = execute_one(machine);
        }
        if (has(machine, "stop") && machine->position > FAULT_AT) {
            machine->registers[3]++; /* wrong: guests must not see where they are stopped */
        }
    }
    return result;
}

/* ---- For ftvm-check ----------------------------------------------------------------------------
 */

static int create(void *made_for, void **made)
{
    struct context *context = made_for;
    struct machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL) {
        return FTVM_E_MEMORY;
    }
    machine->fault = context->fault;
    machine->runs = ++context->runs;
    *made = machine;
    return 0;
}

static void destroy(void *context, void *made)
{
    (void)context;
    free(made);
}

/* A key, now and then. */
static void world(void *context, struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    (void)context;
    if (epoch->number % 7 == 0) {
        ftvm_input(node, 1, &epoch->number, sizeof epoch->number);
    }
}

FTVM_API ftvm_check_entry ftvm_check_machine; /* so that the compiler compares the two */

int ftvm_check_machine(struct ftvm_check *check, int argc, char **argv)
{
    static const char faults[] = " time memory length stop save latch output ";
    static struct context context = {.fault = ""};
    if (argc > 1) {
        char word[32];
        snprintf(word, sizeof word, " %s ", argv[1]);
        if (strstr(faults, word) == NULL) {
            fprintf(stderr, "planted: '%s': expected one of%s\n", argv[1], faults);
            return FTVM_E_INVALID;
        }
        context.fault = argv[1];
    }
    check->create = create;
    check->destroy = destroy;
    check->run = run;
    check->world = world;
    check->context = &context;
    return 0;
}
