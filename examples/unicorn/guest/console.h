/*
 * console.h - text to and from the board's console.
 */
#ifndef EXAMPLES_UNICORN_GUEST_CONSOLE_H
#define EXAMPLES_UNICORN_GUEST_CONSOLE_H

#include <stdint.h>

void print(const char *text);
void print_number(uint64_t number);
/* Nanoseconds as seconds with `digits` digits behind the point. */
void print_seconds(uint64_t ns, unsigned digits);

#endif
