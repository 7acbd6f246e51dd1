/*
 * Who is compared: our machine, once for each kind of processor that was asked for, then each QEMU,
 * plain and counting instructions. All get the same kernel, initial RAM disk, memory and command
 * line.
 */
#ifndef BENCH_LINEUP_H
#define BENCH_LINEUP_H

#include "bench/bench.h"
#include "bench/emulator.h"

#define LINEUP_MAX 8u

struct lineup {
    struct emulator emulators[LINEUP_MAX]; /* ours first; the first of all is what ratios are of */
    unsigned count;
    char texts[2048]; /* what arguments point to */
    size_t texts_size;
    char missing[256]; /* a line about the QEMU that is not there, or "" */
};

/* `append` is for the guest's kernel. False, with a line in bench->error, if our own machine cannot
 * take part, or a QEMU that was named. */
bool lineup_make(struct lineup *lineup, struct bench *bench, const char *append);
/* Kills what runs. */
void lineup_end(struct lineup *lineup);

#endif
