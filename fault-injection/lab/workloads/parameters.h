/*
 * The parameters of a workload as an experiment's file has them: "clients=4,keys=3".
 */
#ifndef FAULT_INJECTION_LAB_WORKLOADS_PARAMETERS_H
#define FAULT_INJECTION_LAB_WORKLOADS_PARAMETERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct parameter {
    const char *name;
    uint64_t minimum, maximum, standard;
};

/* Fills `values`, one for each of the `count` parameters, with what the text says or the standard.
 * False, with one line that says what is wrong and what there is. */
bool parameters_read(const char *text, const struct parameter *parameters, size_t count,
                     uint64_t *values, char *error, size_t error_size);

#endif
