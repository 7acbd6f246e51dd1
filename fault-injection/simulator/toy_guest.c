#include "fault-injection/simulator/toy_guest.h"

#include <stdlib.h>
#include <string.h>

uint64_t toy_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b + 1;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void toy_destroy(struct toy_guest *toy)
{
    free(toy->history);
    toy->history = NULL;
}

void toy_deliver(struct toy_guest *toy, struct log_bytes input)
{
    uint64_t number = 0;
    memcpy(&number, input.data, input.size < sizeof number ? input.size : sizeof number);
    if (number <= toy->last_input) {
        toy->input_out_of_order = true;
    }
    toy->last_input = number;
    toy->inputs++;
    toy->hash = toy_mix(toy->hash, number);
}

static void see_time(struct toy_guest *toy, uint64_t clock_ns)
{
    if (clock_ns < toy->last_clock_ns) {
        toy->time_went_back = true;
    }
    toy->last_clock_ns = clock_ns;
    toy->hash = toy_mix(toy->hash, clock_ns);
}

static void draw_steps(struct toy_guest *toy)
{
    static const char kinds[] = "oovc";
    uint64_t x = toy_mix(toy->hash, 7);
    unsigned count = (unsigned)(x % 4);
    for (unsigned i = 0; i < count; i++) {
        toy->steps[i] = kinds[(x >> (8 + 4 * i)) % 4];
    }
    toy->steps[count] = (x >> 40) % 8 == 0 ? 'i' : '\0';
    toy->steps[count + 1] = '\0';
}

static void read_steps(struct toy_guest *toy)
{
    uint64_t segments = 1;
    for (const char *at = toy->program; *at != '\0'; at++) {
        segments += *at == '|';
    }
    const char *at = toy->program;
    for (uint64_t skip = toy->epochs % segments; skip > 0; at++) {
        skip -= *at == '|';
    }
    size_t size = strcspn(at, "|");
    size = size < TOY_MAX_STEPS ? size : TOY_MAX_STEPS;
    memcpy(toy->steps, at, size);
    toy->steps[size] = '\0';
}

void toy_start_epoch(struct toy_guest *toy, const struct engine_epoch *epoch)
{
    toy->epoch = *epoch;
    toy->step = 0;
    if (epoch->clock_ns < toy->last_value_ns) {
        toy->time_went_back = true;
    }
    see_time(toy, epoch->clock_ns);
    if (toy->spacing == 0) {
        toy->hash = toy_mix(toy->hash, epoch->length);
    }
    if (toy->program == NULL) {
        draw_steps(toy);
    } else {
        read_steps(toy);
    }
}

static bool ends_epoch(char step)
{
    return step == 'i' || step == 'z' || step == 'h' || step == 's';
}

char toy_next_step(const struct toy_guest *toy, uint64_t *position)
{
    size_t count = strlen(toy->steps);
    bool early = count > 0 && ends_epoch(toy->steps[count - 1]);
    uint64_t spread = toy->spacing != 0 ? toy->spacing : toy->epoch.length;
    uint64_t length = early ? spread / 2 : spread;
    size_t slots = early ? count : count + 1;
    uint64_t end = toy->epoch.position + toy->epoch.length;
    *position = toy->epoch.position + length * (toy->step + 1) / slots;
    if (toy->step >= count || *position > end) {
        *position = end;
        return 'b';
    }
    return toy->steps[toy->step];
}

static void move_on(struct toy_guest *toy)
{
    toy_next_step(toy, &toy->position);
    toy->step++;
}

uint64_t toy_output(struct toy_guest *toy)
{
    move_on(toy);
    see_time(toy, toy_clock(toy));
    if (toy->outputs == toy->history_capacity) {
        size_t capacity = toy->history_capacity == 0 ? 64 : 2 * toy->history_capacity;
        uint64_t *history = realloc(toy->history, capacity * sizeof *history);
        if (history == NULL) {
            abort();
        }
        toy->history = history;
        toy->history_capacity = capacity;
    }
    toy->history[toy->outputs] = toy_mix(toy->hash, toy->outputs);
    return toy->history[toy->outputs++];
}

void toy_value(struct toy_guest *toy, uint64_t value)
{
    move_on(toy);
    toy->hash = toy_mix(toy->hash, value);
}

/* A guest reads its clock in one of two ways, computed or as values. Here it does both, and each is
 * compared with its own kind and with the boundaries only. */
void toy_clock_value(struct toy_guest *toy, uint64_t clock_ns)
{
    move_on(toy);
    if (clock_ns < toy->epoch.clock_ns || clock_ns < toy->last_value_ns) {
        toy->time_went_back = true;
    }
    toy->last_value_ns = clock_ns;
    toy->hash = toy_mix(toy->hash, clock_ns);
}

void toy_pass(struct toy_guest *toy)
{
    move_on(toy);
}

void toy_end_epoch(struct toy_guest *toy)
{
    move_on(toy);
    toy->epochs++;
}

void toy_move(struct toy_guest *toy, uint64_t position)
{
    toy->position = position;
}

void toy_cut_epoch(struct toy_guest *toy)
{
    toy->epochs++;
}

uint64_t toy_clock(const struct toy_guest *toy)
{
    unsigned __int128 elapsed = toy->position - toy->epoch.position;
    return toy->epoch.clock_ns + (uint64_t)((elapsed * toy->epoch.rate_q32) >> 32);
}

#define SAVED_WORDS 8u

uint8_t *toy_save(const struct toy_guest *toy, size_t *size)
{
    uint64_t words[SAVED_WORDS] = {toy->hash,          toy->position,   toy->epochs,
                                   toy->inputs,        toy->last_input, toy->last_clock_ns,
                                   toy->last_value_ns, toy->outputs};
    *size = sizeof words + toy->outputs * sizeof *toy->history;
    uint8_t *data = malloc(*size);
    if (data == NULL) {
        abort();
    }
    memcpy(data, words, sizeof words);
    if (toy->outputs > 0) {
        memcpy(data + sizeof words, toy->history, toy->outputs * sizeof *toy->history);
    }
    return data;
}

bool toy_load(struct toy_guest *toy, const uint8_t *data, size_t size)
{
    uint64_t words[SAVED_WORDS];
    if (size < sizeof words) {
        return false;
    }
    memcpy(words, data, sizeof words);
    if (size != sizeof words + words[7] * sizeof *toy->history) {
        return false;
    }
    toy->hash = words[0];
    toy->position = words[1];
    toy->epochs = words[2];
    toy->inputs = words[3];
    toy->last_input = words[4];
    toy->last_clock_ns = words[5];
    toy->last_value_ns = words[6];
    toy->outputs = words[7];
    free(toy->history);
    toy->history_capacity = toy->outputs + 1;
    toy->history = calloc(toy->history_capacity, sizeof *toy->history);
    if (toy->history == NULL) {
        abort();
    }
    if (toy->outputs > 0) {
        memcpy(toy->history, data + sizeof words, toy->outputs * sizeof *toy->history);
    }
    return true;
}
