/*
 * Lines for people on stderr, each prefixed by "ftvm: " and written in one piece. Not for the vCPU
 * thread or in the library's callbacks: a terminal or a pipe may block; those use events.h.
 */
#ifndef CLI_SAY_H
#define CLI_SAY_H

void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
