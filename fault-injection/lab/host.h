/*
 * On what was measured: processor, cores, kernel, load, commit. Numbers without it mean nothing.
 */
#ifndef FAULT_INJECTION_LAB_HOST_H
#define FAULT_INJECTION_LAB_HOST_H

#include <stdio.h>

void host_print(FILE *file);
/* To standard output, and to host.txt in the directory. */
void host_describe(const char *directory);

#endif
