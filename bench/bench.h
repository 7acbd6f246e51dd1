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
#include "fault-injection/lab/measure/machine.h"

#define BENCH_ERROR_SIZE LAB_ERROR_SIZE

struct bench_options {
    const char *ftvm, *kernel, *initrd; /* paths */
    const char *mips, *mips_program;    /* riscv_mips and the guest code it runs */
    const char *results;                /* directory of the CSV files */
    const char *only;                   /* names of sections with commas, or NULL: all */
    const char *memory;                 /* of the guest */
    const char *cpu;                    /* of the machine (ftvm's --cpu), or NULL: its default;
                                         * sections qemu and memory take
                                         * several, with commas */
    const char *qemu;                   /* paths, with commas, or NULL: the one in PATH */
    const char *programs;               /* of section qemu, with commas, or NULL: all */
    const char *programs_initrd;        /* holds them */
    const char *plots;                  /* directory of the scripts for gnuplot */
    const char *epochs;                 /* fixed lengths to compare, with commas */
    const char *epochs_max_us;          /* and the longest of lengths that vary */
    unsigned rounds;                    /* how often each value is taken */
    unsigned kills, silences;           /* failovers of each kind */
    unsigned work;                      /* of those programs, in percent */
    bool keep;                          /* the replicas' files */
};

/* -1: go on. Otherwise the exit code. */
int bench_options_parse(struct bench_options *options, int count, char **arguments);
/* Is the name one of those in a list with commas? */
bool bench_listed(const char *list, const char *name);

struct forms;

struct bench {
    struct bench_options options;
    struct machine_config machines; /* as the options say */
    char cpu[16];
    struct report report; /* of the section that runs */
    struct forms *forms;  /* machines that sections share, or NULL (forms.h) */
    char error[BENCH_ERROR_SIZE];
};

/* False with a line in bench->error. What was reported before stays. */
typedef bool bench_section(struct bench *bench);

bench_section section_hart;
bench_section section_qemu;
bench_section section_memory;
bench_section section_cpu;
bench_section section_disk;
bench_section section_network;
bench_section section_redis;
bench_section section_log;
bench_section section_failover;
bench_section section_transfer;
bench_section section_epoch;

#endif
