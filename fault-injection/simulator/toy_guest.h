/*
 * A guest for the engine's tests: deterministic by construction, it makes outputs, asks for values
 * and idles as a program says, and stirs all that reaches it into a hash. Each output tells that
 * hash, so that two runs with another history cannot make the same outputs.
 *
 * A program is text: one character per step, epochs separated by '|', repeated from its start.
 *   o output    v value    c clock value    d disk write    . nothing
 * and at the end of an epoch, which then is half as long:
 *   i idle for TOY_IDLE_NS of guest time    z idle without a timer    h halt    s hang for ever
 * Without a program the guest draws its steps from its hash.
 *
 * Where lengths of epochs are not fixed, what the guest does must not depend on them: `spacing`.
 */
#ifndef FAULT_INJECTION_SIMULATOR_TOY_GUEST_H
#define FAULT_INJECTION_SIMULATOR_TOY_GUEST_H

#include "replication/engine.h"

#define TOY_IDLE_NS    UINT64_C(20000000)
#define TOY_SPACING    UINT64_C(10000)
#define TOY_MAX_STEPS  8u
#define TOY_INPUT_SIZE 8u
#define TOY_CLIENTS    3u
#define TOY_BLOCKS     8u
/* An output tells the hash and, with devices, the last request served of each client. */
#define TOY_OUTPUT_SIZE (8u + 4u * TOY_CLIENTS)

enum toy_device {
    TOY_NUMBERS = 1, /* inputs that count upwards */
    TOY_DISK,        /* the number of a request that is done */
    TOY_NET,         /* client << 32 | number of its request */
    TOY_POWER,       /* the guest halts at the end of the epoch that begins */
};

struct toy_guest {
    /* State: what a save writes. */
    uint64_t hash;
    uint64_t position;
    uint64_t epochs;
    uint64_t inputs;        /* delivered */
    uint64_t last_input;    /* its number; inputs of one world are numbered upwards */
    uint64_t last_clock_ns; /* latest time that the guest has computed or was given */
    uint64_t last_value_ns; /* latest clock value */
    uint64_t outputs;       /* made */
    uint64_t *history;      /* [n - 1]: what output n said */
    bool devices;           /* has the following, and draws disk writes */
    uint64_t disk[TOY_BLOCKS];
    uint64_t requests, completed; /* of the disk; done in order */
    uint64_t served[TOY_CLIENTS];
    uint64_t powering_off; /* told by TOY_POWER */

    /* Of the epoch that it runs. */
    const char *program;
    uint64_t spacing; /* of its steps: as if epochs were that long. 0: by the epoch's length */
    struct engine_epoch epoch;
    char steps[TOY_MAX_STEPS + 1];
    unsigned step;
    size_t history_capacity;

    /* Violations that a guest can see. */
    bool time_went_back;
    bool input_out_of_order;
    bool completion_out_of_order;
    bool request_missing; /* a client went on after an answer, and what it had asked is not here */
};

void toy_destroy(struct toy_guest *toy);

void toy_deliver(struct toy_guest *toy, uint32_t device, struct log_bytes input);
void toy_start_epoch(struct toy_guest *toy, const struct engine_epoch *epoch);

/* The step that is next ('b' for a plain boundary), and the position at which it happens. */
char toy_next_step(const struct toy_guest *toy, uint64_t *position);
/* Performs it as far as the guest is concerned. Returns the size of the output. */
size_t toy_output(struct toy_guest *toy, uint8_t data[TOY_OUTPUT_SIZE]);
/* Returns the request's number. The block is written when it is asked for, as requests of one disk
 * are executed in order; that it is done comes as an input. */
uint64_t toy_write_disk(struct toy_guest *toy);
/* The block that is written next is left half written. */
void toy_tear_disk(struct toy_guest *toy);
void toy_value(struct toy_guest *toy, uint64_t value);
void toy_clock_value(struct toy_guest *toy, uint64_t clock_ns);
void toy_pass(struct toy_guest *toy);
void toy_end_epoch(struct toy_guest *toy);
/* Before the next step: its epoch ends here, or it is only looked whether it should. */
void toy_move(struct toy_guest *toy, uint64_t position);
void toy_cut_epoch(struct toy_guest *toy);
/* Guest time at its position. */
uint64_t toy_clock(const struct toy_guest *toy);

/* The whole state as bytes, and back. The caller frees what toy_save returns. */
uint8_t *toy_save(struct toy_guest *toy, size_t *size);
bool toy_load(struct toy_guest *toy, const uint8_t *data, size_t size);

uint64_t toy_mix(uint64_t a, uint64_t b);

#endif
