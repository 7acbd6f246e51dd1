/*
 * How a backend's constructor says what went wrong: a negative errno as the result, and one line
 * for the operator that names the thing, the reason and the remedy.
 */
#ifndef VMM_BACKENDS_FAIL_H
#define VMM_BACKENDS_FAIL_H

#include <stddef.h>

/* Writes the line into `error` (which may be NULL with size 0) and returns `code`. */
int backend_fail(char *error, size_t error_size, int code, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

#endif
