/*
 * A simulated directory on shared storage, as arbiter_file.h asks for one: files that can be
 * written, synced, renamed and locked, and that forget at a loss of power what was not synced. Any
 * call can be made to fail, or to be the last one before the power goes.
 *
 * Calls do not overlap: a whole change of the record happens at one moment of virtual time.
 */
#ifndef FAULT_INJECTION_SIMULATOR_STORE_H
#define FAULT_INJECTION_SIMULATOR_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "replication/arbiter_file.h"

#define STORE_FILES       8u /* nodes: each new file and each replaced one takes one */
#define STORE_NAMES       4u
#define STORE_DESCRIPTORS 4u
#define STORE_FILE_SIZE   512u
#define STORE_STALL_MS    30000u
#define STORE_PATH        "shared/arbiter"

struct store_node {
    size_t size, synced_size;
    uint8_t data[STORE_FILE_SIZE], synced[STORE_FILE_SIZE];
};

struct store_name {
    char path[48];
    int node, synced_node; /* -1: there is no such file */
};

struct store_descriptor {
    bool used, directory;
    int node;
    size_t offset;
};

struct store {
    struct arbiter_file_calls calls; /* context: this store */
    struct store_node nodes[STORE_FILES];
    struct store_name names[STORE_NAMES];
    struct store_descriptor descriptors[STORE_DESCRIPTORS];
    uint64_t now_ms;
    uint64_t random;       /* decides what an unsynced change comes to */
    unsigned call_count;   /* since store_arm() */
    unsigned fail_at;      /* this call answers EIO; 0: none */
    unsigned power_off_at; /* before this call the power goes, and all further ones answer EIO */
    unsigned stall_at;     /* before this call the caller stands still for STORE_STALL_MS */
    bool locked;
    uint64_t locked_ms; /* since when */
    int lock_descriptor;
    bool misused; /* a record was put in place without the lock, or long after it was taken */
    bool torn;    /* the failing call, if a write, leaves a part of it behind */
    bool off;
};

void store_init(struct store *store, uint64_t seed);
/* Counts calls from here on; each may be 0. */
void store_arm(struct store *store, unsigned fail_at, unsigned power_off_at, unsigned stall_at,
               bool torn);
/* Power is back, if it was gone. */
void store_power_on(struct store *store);
/* Behind everybody's back: the file has that content, and is synced. False if there is none. */
bool store_put(struct store *store, const char *path, const void *data, size_t size);
/* Lost, all at once: what was written and not synced is there or not, as drawn. */
void store_power_off(struct store *store);

#endif
