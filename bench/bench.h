/*
 * The measurements: what they share. A section measures one side of the whole, prints a table, and
 * writes two CSV files: the summary, and every single value. Sections know nothing of each other;
 * each can run alone. What cannot be measured on this host is said, and the rest goes on.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/report.h"

#define BENCH_ERROR_SIZE 4096u

struct bench_options {
    const char *ftvm, *kernel, *initrd; /* paths */
    const char *mips, *mips_program;    /* riscv_mips and the guest code it runs */
    const char *results;                /* directory of the CSV files */
    const char *only;                   /* names of sections with commas, or NULL: all */
    const char *memory;                 /* of the guest */
    const char *epochs;                 /* fixed lengths to compare, with commas */
    const char *epochs_max_us;          /* and the longest of lengths that vary */
    unsigned rounds;                    /* how often each value is taken */
    unsigned kills, silences;           /* failovers of each kind */
    bool keep;                          /* the replicas' files */
};

/* -1: go on. Otherwise the exit code. */
int bench_options_parse(struct bench_options *options, int count, char **arguments);

struct forms;

struct bench {
    struct bench_options options;
    struct report report; /* of the section that runs */
    struct forms *forms;  /* machines that sections share, or NULL (forms.h) */
    char error[BENCH_ERROR_SIZE];
};

/* False with a line in bench->error. What was reported before stays. */
typedef bool bench_section(struct bench *bench);

bench_section section_interpreter;
bench_section section_cpu;
bench_section section_disk;
bench_section section_network;
bench_section section_redis;
bench_section section_log;
bench_section section_failover;
bench_section section_transfer;
bench_section section_epoch;

#endif
