#include "tests/libftvm/check_machine.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "libftvm/digest.h"

struct machine {
    struct check_machine_options *options;
    uint64_t run; /* number of this one, from 1 */
    struct ftvm_node *node;
    struct ftvm_epoch epoch;
    /* Its state. */
    uint64_t position;
    uint64_t registers[REGISTERS];
    uint8_t memory[MEMORY_SIZE];
    uint64_t latch; /* in no digest */
    bool idling;    /* the instruction at `position` has idled */
};

static uint64_t stir(uint64_t state, uint64_t with)
{
    state = (state ^ with) * UINT64_C(0x9e3779b97f4a7c15);
    return state ^ (state >> 29);
}

static bool is_fault(const struct machine *machine, enum check_fault fault)
{
    return machine->options->fault == fault;
}

/* ---- Faults ---------------------------------------------------------------------------------- */

/* excerpt: host-time */
static uint64_t read_host_clock(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
/* end */

static uint64_t count_for_all(void)
{
    static uint64_t count;
    return ++count;
}

static void fail_here(struct machine *machine)
{
    uint64_t *registers = machine->registers;
    switch (machine->options->fault) {
    case FAULT_HOST_TIME: registers[3] = read_host_clock(); break;
    case FAULT_SECONDS: registers[3] = (uint64_t)time(NULL); break;
    case FAULT_LATE: registers[3] += machine->run >= 5; break;
    case FAULT_RANDOM: registers[3] ^= (uint64_t)rand(); break;
    case FAULT_ADDRESS: registers[4] ^= (uintptr_t)machine; break;
    case FAULT_STATIC: registers[0] += count_for_all(); break;
    case FAULT_BYTE: machine->memory[4242] ^= (uint8_t)machine->run; break;
    case FAULT_RARELY: registers[3] += machine->run == 2; break;
    default: break;
    }
}

/* ---- The processor --------------------------------------------------------------------------- */

static int ask(struct machine *machine)
{
    uint64_t at = machine->position;
    if (at % 3001 == 3000) {
        uint64_t value = read_host_clock();
        int result = ftvm_value(machine->node, at, &value, sizeof value);
        if (result < 0) {
            return result;
        }
        machine->registers[1] = stir(machine->registers[1], value);
    }
    if (at % 5003 == 5002) {
        uint64_t clock_ns;
        int result = ftvm_clock(machine->node, at, &clock_ns);
        if (result < 0) {
            return result;
        }
        machine->registers[1] = stir(machine->registers[1], clock_ns);
    }
    return 0;
}

static int ask_elsewhere(struct machine *machine)
{
    uint8_t value[4] = {0};
    uint64_t at = machine->options->fault_at + machine->run % 2;
    return machine->position == at ? ftvm_value(machine->node, at, value, sizeof value) : 0;
}

static int speak(struct machine *machine)
{
    uint64_t line[2] = {machine->position, machine->registers[0]};
    bool lies = is_fault(machine, FAULT_OUTPUT) && machine->position == machine->options->fault_at;
    line[1] += lies ? machine->run : 0;
    return ftvm_output(machine->node, 1, line, sizeof line);
}

static bool speaks(const struct machine *machine)
{
    return machine->position % 2500 == 2499 ||
           (is_fault(machine, FAULT_OUTPUT) && machine->position == machine->options->fault_at);
}

/* One instruction. Negative: the node has ended. */
static int step(struct machine *machine)
{
    uint64_t at = machine->position;
    uint64_t *registers = machine->registers;
    uint64_t now_ns = ftvm_epoch_clock(&machine->epoch, at);
    int result = machine->options->asks ? ask(machine) : 0;
    if (result == 0 && is_fault(machine, FAULT_VALUES)) {
        result = ask_elsewhere(machine);
    }
    if (result == 0 && speaks(machine)) {
        result = speak(machine);
    }
    if (result < 0) {
        return result;
    }
    registers[at % REGISTERS] = stir(registers[at % REGISTERS], registers[(at + 3) % REGISTERS]);
    if (at % 512 == 0) {
        registers[0] = stir(registers[0], now_ns);
    }
    machine->memory[registers[at % REGISTERS] % MEMORY_SIZE]++;
    machine->latch += at % 1000 == 7;
    if (is_fault(machine, FAULT_HIDDEN) && at % 40960 == 40959) {
        registers[1] ^= machine->latch;
    }
    if (at == machine->options->fault_at) {
        fail_here(machine);
    }
    if (is_fault(machine, FAULT_ANYWHERE) && at == read_host_clock() % 100000) {
        registers[3]++;
    }
    if (is_fault(machine, FAULT_ANYWHERE) && at == 777 * machine->run) {
        registers[3]++;
    }
    machine->position++;
    machine->idling = false;
    return 0;
}

/* ---- The loop -------------------------------------------------------------------------------- */

enum stop { STOP_END, STOP_IDLE, STOP_HALT };

static bool is_at_end(const struct machine *machine, ftvm_position end)
{
    const struct check_machine_options *options = machine->options;
    uint64_t granule = options->granule > 1 ? options->granule : 1;
    return machine->position >= end && machine->position % granule == 0;
}

/* Until `end`, or until it idles or halts. An epoch may end just there. */
static int execute(struct machine *machine, ftvm_position end)
{
    const struct check_machine_options *options = machine->options;
    for (;;) {
        if (is_fault(machine, FAULT_END_FIRST) && is_at_end(machine, end)) {
            return STOP_END;
        }
        if (options->halt_at != 0 && machine->position >= options->halt_at) {
            return STOP_HALT;
        }
        if ((options->idles || options->sleeps) && machine->position % 7919 == 7918 &&
            !machine->idling) {
            return STOP_IDLE;
        }
        if (is_at_end(machine, end)) {
            return STOP_END;
        }
        int result = step(machine);
        if (result < 0) {
            return result;
        }
    }
    return STOP_END;
}

/* As far as the epoch goes. */
static int execute_epoch(struct machine *machine)
{
    const struct check_machine_options *options = machine->options;
    ftvm_position end = machine->epoch.position + machine->epoch.length;
    if (!options->looks) {
        return execute(machine, end);
    }
    for (;;) {
        ftvm_position stop = ftvm_stop_at(machine->node, machine->position);
        if (stop <= machine->position) {
            return STOP_END;
        }
        if (is_fault(machine, FAULT_STOPS) && machine->position >= options->fault_at &&
            machine->position != machine->epoch.position) {
            machine->registers[2]++;
        }
        int result = execute(machine, stop);
        if (result != STOP_END) {
            return result;
        }
    }
}

static const struct ftvm_machine_ops *choose_ops(const struct check_machine_options *options);

static int run(void *context, void *made, struct ftvm_node *node)
{
    struct check_machine_options *options = context;
    struct machine *machine = made;
    machine->node = node;
    int result = ftvm_begin(node, choose_ops(options), machine, 0, &machine->epoch);
    while (result >= 0) {
        if (is_fault(machine, FAULT_LENGTH) && machine->position >= options->fault_at) {
            machine->registers[4] += machine->epoch.length;
        }
        result = execute_epoch(machine);
        if (result == STOP_HALT) {
            result = ftvm_halt(node, machine->position);
        } else if (result == STOP_IDLE) {
            uint64_t wake_ns = ftvm_epoch_clock(&machine->epoch, machine->position) + 50000;
            machine->idling = true;
            result = ftvm_idle(node, machine->position, options->sleeps ? UINT64_MAX : wake_ns,
                               &machine->epoch);
        } else if (result == STOP_END) {
            result = ftvm_boundary(node, machine->position, &machine->epoch);
        }
    }
    return result;
}

/* ---- Callbacks ------------------------------------------------------------------------------- */

static int deliver(void *context, uint32_t device, const void *data, size_t size)
{
    struct machine *machine = context;
    uint64_t value = 0;
    memcpy(&value, data, size < sizeof value ? size : sizeof value);
    bool lies = is_fault(machine, FAULT_DELIVER) && machine->position >= machine->options->fault_at;
    value ^= lies ? read_host_clock() : 0;
    machine->registers[5] = stir(machine->registers[5], value + device);
    return ftvm_output(machine->node, 2, &value, sizeof value);
}

static int emit(void *context, uint64_t number, uint32_t device, const void *data, size_t size)
{
    struct machine *machine = context;
    (void)data;
    (void)size;
    /* A console that echoes. */
    if (device == 1 && machine->position % 20000 == 19999) {
        ftvm_input(machine->node, 7, "echo", 4);
    }
    if (is_fault(machine, FAULT_EMIT) && machine->position >= machine->options->fault_at) {
        machine->registers[2]++;
    }
    (void)number;
    return 0;
}

struct image {
    uint64_t position;
    uint64_t registers[REGISTERS];
    uint64_t latch;
    uint8_t idling;
    uint8_t memory[MEMORY_SIZE];
};

/* Of the image in the state. */
static size_t image_size(const struct machine *machine, enum check_fault short_one)
{
    size_t size = machine->options->pages ? offsetof(struct image, memory) : sizeof(struct image);
    return size - (is_fault(machine, short_one) ? 8 : 0);
}

static int save(void *context, struct ftvm_writer *writer)
{
    struct machine *machine = context;
    struct image image;
    memset(&image, 0, sizeof image);
    image.position = machine->position;
    memcpy(image.registers, machine->registers, sizeof image.registers);
    image.latch = is_fault(machine, FAULT_HIDDEN) ? 0 : machine->latch;
    image.idling = machine->idling;
    memcpy(image.memory, machine->memory, MEMORY_SIZE);
    if (is_fault(machine, FAULT_SAVE)) {
        image.registers[5] = 0;
    }
    machine->registers[7] += is_fault(machine, FAULT_SAVING);
    int result = ftvm_write(writer, &image, image_size(machine, FAULT_SHORT_SAVE));
    return result == 0 && machine->options->pages
               ? ftvm_write_memory(writer, machine->memory, MEMORY_SIZE)
               : result;
}

static int load(void *context, struct ftvm_reader *reader)
{
    struct machine *machine = context;
    struct image image;
    memset(&image, 0, sizeof image);
    int result = ftvm_read(reader, &image, image_size(machine, FAULT_SHORT_LOAD));
    if (result < 0) {
        return result;
    }
    if (is_fault(machine, FAULT_LOAD)) {
        image.registers[6] = machine->registers[6];
    }
    machine->position = image.position;
    memcpy(machine->registers, image.registers, sizeof image.registers);
    machine->latch = image.latch;
    machine->idling = image.idling != 0;
    if (machine->options->pages) {
        return ftvm_read_memory(reader, machine->memory, MEMORY_SIZE);
    }
    memcpy(machine->memory, image.memory, MEMORY_SIZE);
    return 0;
}

static void digest(void *context, struct ftvm_digest *digest)
{
    const struct machine *machine = context;
    bool swapped = is_fault(machine, FAULT_ORDER) && machine->run % 2 == 0 &&
                   machine->position >= machine->options->fault_at;
    for (uint64_t i = 0; i < REGISTERS; i++) {
        uint64_t number = swapped ? REGISTERS - 1 - i : i;
        ftvm_digest_add(digest, "register", number, &machine->registers[number],
                        sizeof machine->registers[0]);
    }
    ftvm_digest_add(digest, "position", 0, &machine->position, sizeof machine->position);
    machine->options->wrong_epochs += digest->epoch != machine->epoch.number;
    if (machine->options->pages) {
        ftvm_digest_memory(digest, "memory", machine->memory, MEMORY_SIZE);
    } else if (ftvm_digest_is_whole(digest)) {
        ftvm_digest_add(digest, "memory", 0, machine->memory, MEMORY_SIZE);
    }
}

static const struct ftvm_machine_ops *choose_ops(const struct check_machine_options *options)
{
    static const struct ftvm_machine_ops with_digest = {
        .size = sizeof with_digest,
        .deliver = deliver,
        .emit = emit,
        .save = save,
        .load = load,
        .digest = digest,
    };
    static const struct ftvm_machine_ops without_digest = {
        .size = sizeof without_digest,
        .deliver = deliver,
        .emit = emit,
        .save = save,
        .load = load,
    };
    return options->without_digest ? &without_digest : &with_digest;
}

/* ---- For the check --------------------------------------------------------------------------- */

static int create(void *context, void **made)
{
    struct check_machine_options *options = context;
    struct machine *machine = calloc(1, sizeof *machine);
    if (machine == NULL) {
        return FTVM_E_MEMORY;
    }
    machine->options = options;
    machine->run = ++options->runs;
    if (is_fault(machine, FAULT_CREATE)) {
        machine->registers[3] = machine->run;
        machine->memory[4242] = (uint8_t)machine->run;
    }
    machine->registers[4] = is_fault(machine, FAULT_CREATE_LATER) && machine->run > 2;
    *made = machine;
    return 0;
}

static void destroy(void *context, void *made)
{
    struct check_machine_options *options = context;
    struct machine *machine = made;
    if (is_fault(machine, FAULT_ADDRESS) && options->runs <= 512) {
        options->blocks[options->runs - 1] = machine;
    } else {
        free(machine);
    }
}

/* A key each third epoch; to one who sleeps more often, but not for ever. */
static void world(void *context, struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    const struct check_machine_options *options = context;
    if (epoch->number % 3 == 0 || (options->sleeps && epoch->number % 40 != 0)) {
        ftvm_input(node, 3, &epoch->number, sizeof epoch->number);
    }
}

void check_machine_set_up(struct ftvm_check *check, struct check_machine_options *options)
{
    check->create = create;
    check->destroy = destroy;
    check->run = run;
    check->world = world;
    check->context = options;
}

void check_machine_clean_up(struct check_machine_options *options)
{
    for (size_t i = 0; i < sizeof options->blocks / sizeof options->blocks[0]; i++) {
        free(options->blocks[i]);
        options->blocks[i] = NULL;
    }
}
