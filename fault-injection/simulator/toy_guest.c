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

static void take_number(struct toy_guest *toy, uint64_t number)
{
    if (number <= toy->last_input) {
        toy->input_out_of_order = true;
    }
    toy->last_input = number;
}

/* The driver reads back what it wrote: a disk that differs makes another guest. */
static void take_completion(struct toy_guest *toy, uint64_t number)
{
    if (number != toy->completed + 1 || number > toy->requests) {
        toy->completion_out_of_order = true;
    }
    toy->completed = number;
    toy->hash = toy_mix(toy->hash, toy->disk[number % TOY_BLOCKS]);
}

static void take_request(struct toy_guest *toy, uint64_t request)
{
    uint64_t *served = &toy->served[(request >> 32) % TOY_CLIENTS];
    uint32_t number = (uint32_t)request;
    if (number > *served + 1) {
        toy->request_missing = true;
    }
    *served = number > *served ? number : *served;
}

void toy_deliver(struct toy_guest *toy, uint32_t device, struct log_bytes input)
{
    uint64_t number = 0;
    memcpy(&number, input.data, input.size < sizeof number ? input.size : sizeof number);
    toy->inputs++;
    toy->hash = toy_mix(toy->hash, number);
    switch (device) {
    case TOY_DISK: take_completion(toy, number); return;
    case TOY_NET: take_request(toy, number); return;
    case TOY_POWER: toy->powering_off = 1; return;
    default: take_number(toy, number); return;
    }
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
    static const char kinds[] = "oovcdo";
    uint64_t x = toy_mix(toy->hash, 7);
    unsigned count = (unsigned)(x % 4);
    for (unsigned i = 0; i < count; i++) {
        toy->steps[i] = kinds[(x >> (8 + 4 * i)) % (toy->devices ? 6 : 4)];
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
    if (toy->powering_off != 0) {
        strcpy(toy->steps, "oh");
        toy->spacing = toy->spacing > TOY_SPACING ? TOY_SPACING : toy->spacing; /* soon */
    } else if (toy->program == NULL) {
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

size_t toy_output(struct toy_guest *toy, uint8_t data[TOY_OUTPUT_SIZE])
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
    uint64_t content = toy_mix(toy->hash, toy->outputs);
    toy->history[toy->outputs++] = content;
    memcpy(data, &content, sizeof content);
    if (!toy->devices) {
        return sizeof content;
    }
    for (unsigned i = 0; i < TOY_CLIENTS; i++) {
        uint32_t served = (uint32_t)toy->served[i];
        memcpy(data + sizeof content + 4 * i, &served, sizeof served);
    }
    return TOY_OUTPUT_SIZE;
}

uint64_t toy_write_disk(struct toy_guest *toy)
{
    move_on(toy);
    toy->requests++;
    toy->disk[toy->requests % TOY_BLOCKS] = toy_mix(toy->hash, toy->requests);
    return toy->requests;
}

void toy_tear_disk(struct toy_guest *toy)
{
    uint64_t *block = &toy->disk[(toy->requests + 1) % TOY_BLOCKS];
    *block = (*block & UINT64_C(0xffffffff00000000)) | 0xdead;
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

/* What is saved beside the history. */
#define PLAIN_WORDS  8u
#define DEVICE_WORDS (3u + TOY_BLOCKS + TOY_CLIENTS)
#define MAX_WORDS    (PLAIN_WORDS + DEVICE_WORDS)

static size_t word_count(const struct toy_guest *toy)
{
    return toy->devices ? MAX_WORDS : PLAIN_WORDS;
}

/* Where each of them stands in the guest; the outputs last, as their number says how long the
 * history is. */
static void find_words(struct toy_guest *toy, uint64_t *words[MAX_WORDS])
{
    uint64_t *plain[PLAIN_WORDS] = {&toy->hash,          &toy->position,   &toy->epochs,
                                    &toy->inputs,        &toy->last_input, &toy->last_clock_ns,
                                    &toy->last_value_ns, &toy->outputs};
    memcpy(words, plain, sizeof plain);
    words += PLAIN_WORDS;
    *words++ = &toy->requests;
    *words++ = &toy->completed;
    *words++ = &toy->powering_off;
    for (unsigned i = 0; i < TOY_BLOCKS; i++) {
        *words++ = &toy->disk[i];
    }
    for (unsigned i = 0; i < TOY_CLIENTS; i++) {
        *words++ = &toy->served[i];
    }
}

uint8_t *toy_save(struct toy_guest *toy, size_t *size)
{
    uint64_t *words[MAX_WORDS];
    size_t count = word_count(toy);
    find_words(toy, words);
    *size = (count + toy->outputs) * sizeof(uint64_t);
    uint8_t *data = malloc(*size);
    if (data == NULL) {
        abort();
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(data + i * sizeof(uint64_t), words[i], sizeof(uint64_t));
    }
    if (toy->outputs > 0) {
        memcpy(data + count * sizeof(uint64_t), toy->history, toy->outputs * sizeof *toy->history);
    }
    return data;
}

bool toy_load(struct toy_guest *toy, const uint8_t *data, size_t size)
{
    uint64_t *words[MAX_WORDS];
    size_t count = word_count(toy);
    uint64_t outputs;
    find_words(toy, words);
    if (size < count * sizeof(uint64_t)) {
        return false;
    }
    memcpy(&outputs, data + (PLAIN_WORDS - 1) * sizeof outputs, sizeof outputs);
    if (size != (count + outputs) * sizeof(uint64_t)) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        memcpy(words[i], data + i * sizeof(uint64_t), sizeof(uint64_t));
    }
    free(toy->history);
    toy->history_capacity = toy->outputs + 1;
    toy->history = calloc(toy->history_capacity, sizeof *toy->history);
    if (toy->history == NULL) {
        abort();
    }
    if (toy->outputs > 0) {
        memcpy(toy->history, data + count * sizeof(uint64_t), toy->outputs * sizeof *toy->history);
    }
    return true;
}
