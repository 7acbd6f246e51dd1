#include "tests/libftvm/toy_machine.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t stir(uint64_t state, uint64_t with)
{
    state = (state ^ with) * UINT64_C(0x9e3779b97f4a7c15);
    return state ^ (state >> 29);
}

static int toy_deliver(void *machine, uint32_t device, const void *data, size_t size)
{
    struct toy_machine *toy = machine;
    uint64_t value = 0;
    memcpy(&value, data, size < sizeof value ? size : sizeof value);
    toy->state = stir(toy->state, value + device);
    toy->inputs++;
    toy->blind += toy->epoch->position != toy->position;
    return 0;
}

static int toy_emit(void *machine, uint64_t number, uint32_t device, const void *data, size_t size)
{
    struct toy_machine *toy = machine;
    (void)device;
    if (toy->emit_result < 0) {
        return toy->emit_result;
    }
    if (++toy->calls < toy->refuses) {
        return FTVM_E_FULL;
    }
    toy->calls = 0;
    pthread_mutex_lock(&toy->lock);
    if (size == sizeof *toy->emitted && toy->emitted_count < TOY_MAX_OUTPUTS) {
        struct toy_output *output = &toy->emitted[toy->emitted_count++];
        memcpy(output, data, size);
        output->number = number;
    }
    pthread_mutex_unlock(&toy->lock);
    return 0;
}

static int toy_save(void *machine, struct ftvm_writer *writer)
{
    struct toy_machine *toy = machine;
    uint64_t fields[] = {toy->position, toy->state, toy->epochs, toy->inputs, toy->last_clock_ns};
    int result = ftvm_write(writer, fields, sizeof fields);
    if (result < 0) {
        return result;
    }
    return toy->has_memory ? ftvm_write_memory(writer, toy->ballast, TOY_BALLAST)
                           : ftvm_write(writer, toy->ballast, TOY_BALLAST);
}

static int toy_load(void *machine, struct ftvm_reader *reader)
{
    struct toy_machine *toy = machine;
    uint64_t fields[5];
    int result = ftvm_read(reader, fields, sizeof fields);
    if (result < 0) {
        return result;
    }
    toy->position = fields[0];
    toy->blind += toy->epoch->position != toy->position;
    toy->state = fields[1];
    toy->epochs = fields[2];
    toy->inputs = fields[3];
    toy->last_clock_ns = fields[4];
    result = toy->has_memory ? ftvm_read_memory(reader, toy->ballast, TOY_BALLAST)
                             : ftvm_read(reader, toy->ballast, TOY_BALLAST);
    return toy->load_result < 0 ? toy->load_result : result;
}

static void toy_digest(void *machine, struct ftvm_digest *digest)
{
    struct toy_machine *toy = machine;
    ftvm_digest_add(digest, "state", 0, &toy->state, sizeof toy->state);
    ftvm_digest_add(digest, "epochs", 0, &toy->epochs, sizeof toy->epochs);
    if (toy->has_memory) {
        ftvm_digest_memory(digest, "ballast", toy->ballast, TOY_BALLAST);
    }
}

static void toy_promoted(void *machine, enum ftvm_settle settle)
{
    struct toy_machine *toy = machine;
    (void)settle;
    toy->promotions++;
}

static uint64_t toy_state_size(void *machine)
{
    (void)machine;
    return TOY_BALLAST + 5 * sizeof(uint64_t);
}

#define UNITS_PER_US 10u

static void run_as_told(struct toy_machine *toy)
{
    for (;;) {
        ftvm_position end = ftvm_stop_at(toy->node, toy->position);
        if (end <= toy->position) {
            return;
        }
        usleep((unsigned)((end - toy->position) / UNITS_PER_US));
        toy->position = end;
    }
}

/* One epoch's work. Negative: the node has ended. */
static int execute(struct toy_machine *toy, const struct ftvm_epoch *epoch)
{
    toy->state = stir(toy->state, epoch->clock_ns);
    toy->ballast[toy->state % TOY_BALLAST]++;
    if (toy->flip_at != 0 && toy->epochs == toy->flip_at) {
        toy->state ^= 1;
    }
    if (toy->spoil_at != 0 && toy->epochs == toy->spoil_at) {
        toy->ballast[TOY_SPOILED] ^= 1;
    }
    if (toy->asks_values) {
        uint64_t value = toy->state * 3;
        uint64_t clock_ns = 0;
        int result = ftvm_value(toy->node, toy->position + 1, &value, sizeof value);
        if (result >= 0) {
            result = ftvm_clock(toy->node, toy->position + 2, &clock_ns);
        }
        if (result < 0) {
            return result;
        }
        if (clock_ns < toy->last_clock_ns) {
            abort(); /* time went backwards */
        }
        toy->last_clock_ns = clock_ns;
        toy->state = stir(toy->state, value + clock_ns);
    }
    if (toy->looks) {
        run_as_told(toy);
    } else {
        usleep(toy->epoch_us);
        toy->position += epoch->length;
    }
    toy->epochs++;
    struct toy_output output = {.epoch = toy->epochs, .state = toy->state};
    return ftvm_output(toy->node, 1, &output, sizeof output);
}

static void *run(void *argument)
{
    static const struct ftvm_machine_ops ops = {
        .size = sizeof ops,
        .deliver = toy_deliver,
        .emit = toy_emit,
        .save = toy_save,
        .load = toy_load,
        .digest = toy_digest,
        .promoted = toy_promoted,
        .state_size = toy_state_size,
    };
    struct toy_machine *toy = argument;
    struct ftvm_epoch epoch = {.position = UINT64_MAX};
    toy->epoch = &epoch;
    int result = ftvm_begin(toy->node, &ops, toy, toy->position, &epoch);
    while (result >= 0) {
        result = execute(toy, &epoch);
        if (result < 0) {
            break;
        }
        if (toy->serves) {
            ftvm_node_dispatch(toy->node);
        }
        if (toy->halt_at != 0 && toy->epochs >= toy->halt_at) {
            result = ftvm_halt(toy->node, toy->position);
        } else if (toy->sleeps) {
            result = ftvm_idle(toy->node, toy->position, UINT64_MAX, &epoch);
        } else if (toy->idles) {
            result = ftvm_idle(toy->node, toy->position, epoch.clock_ns + 1000000, &epoch);
        } else {
            result = ftvm_boundary(toy->node, toy->position, &epoch);
        }
    }
    toy->result = result;
    return NULL;
}

struct toy_machine *toy_create(void)
{
    struct toy_machine *toy = calloc(1, sizeof *toy);
    toy->ballast = calloc(1, TOY_BALLAST);
    toy->emitted = calloc(TOY_MAX_OUTPUTS, sizeof *toy->emitted);
    toy->epoch_us = 200;
    pthread_mutex_init(&toy->lock, NULL);
    return toy;
}

void toy_destroy(struct toy_machine *toy)
{
    pthread_mutex_destroy(&toy->lock);
    free(toy->ballast);
    free(toy->emitted);
    free(toy);
}

void toy_run(struct toy_machine *toy, struct ftvm_node *node)
{
    toy->node = node;
    if (pthread_create(&toy->thread, NULL, run, toy) != 0) {
        abort();
    }
}

int toy_run_here(struct toy_machine *toy, struct ftvm_node *node)
{
    toy->node = node;
    run(toy);
    return toy->result;
}

int toy_join(struct toy_machine *toy)
{
    pthread_join(toy->thread, NULL);
    return toy->result;
}

size_t toy_emitted(struct toy_machine *toy, struct toy_output *copy, size_t capacity)
{
    pthread_mutex_lock(&toy->lock);
    size_t count = toy->emitted_count < capacity ? toy->emitted_count : capacity;
    memcpy(copy, toy->emitted, count * sizeof *copy);
    pthread_mutex_unlock(&toy->lock);
    return count;
}
