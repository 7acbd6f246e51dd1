/*
 * What the files of faults.h share. Each kind is one of three sorts: of processes
 * (faults_process.c), of cables and the channel (faults_channel.c), of a host's storage and clocks
 * (faults_host.c). The last two are derived anew from all that is on, whenever that changes; so
 * overlapping faults need no care, and healing is the same as beginning.
 */
#ifndef FAULT_INJECTION_LAB_FAULTS_FAULTS_PARTS_H
#define FAULT_INJECTION_LAB_FAULTS_FAULTS_PARTS_H

#include "fault-injection/lab/faults/faults.h"
#include "fault-injection/lab/faults/starve.h"

#define FAULTS_PAST    64u /* healed ones that are remembered */
#define FAULTS_DAMAGED 16u

/* One that is on. */
struct active {
    struct fault fault;
    struct replica *victim;
    enum place host;
    uint64_t number, random;
    uint64_t heal_at_ns; /* 0: with the round */
    struct starve *starve;
    char what[96];
};

struct faults {
    struct lab *lab;
    struct link *link;
    int listeners[LINK_ROUTES];
    char peers[PLACE_COUNT][32];
    uint64_t numbers;
    struct active active[FAULTS_ACTIVE]; /* in the order in which they began */
    unsigned count;
    struct {
        uint64_t number, healed_ns;
        char what[96];
    } past[FAULTS_PAST];
    unsigned past_count;              /* all of them; the array is a ring */
    char damaged[FAULTS_DAMAGED][12]; /* labels of replicas with flipped bits; a ring, too */
    unsigned damaged_count;
    bool arbiter_hidden, cable_pulled, lan_pulled[PLACE_COUNT];
    struct link_way ways[LINK_WAYS]; /* as they were set last */
    bool corrupting;
};

/* The way of what this host sends. */
unsigned faults_way(enum place host);
bool faults_is_damaged(const struct faults *faults, const struct replica *replica);
void faults_note_damage(struct faults *faults, const struct replica *replica);

/* Begins what befalls a process. What was only a moment leaves nothing to heal. */
bool faults_begin_process(struct faults *faults, const struct pair *pair, struct active *active);
/* `active` is not in the list any more. */
void faults_heal_process(struct faults *faults, struct active *active);

/* What is on decides: cables, and the link's two ways. */
bool faults_apply_channel(struct faults *faults);
/* What happens once, when it begins: reset, corrupt. */
bool faults_begin_channel(struct faults *faults, const struct active *active);

/* What is on decides: the arbiter's storage, and the victims' disks. */
bool faults_apply_host(struct faults *faults, struct pair *pair);
/* Clocks jump when it begins; the wall clock is set right when it is healed. */
void faults_begin_clock(const struct active *active);
void faults_heal_clock(const struct active *active);

/* Who is who by the event logs, which it reads: the live replica of the latest term, and one that
 * follows; or NULL. */
struct replica *faults_find(struct pair *pair, bool backup);

#endif
