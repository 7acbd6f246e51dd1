/*
 * On what was measured: processor, cores, kernel, load, commit. Numbers without it mean nothing.
 */
#ifndef BENCH_HOST_H
#define BENCH_HOST_H

/* To standard output, and to host.txt in the directory. */
void host_describe(const char *directory);

#endif
