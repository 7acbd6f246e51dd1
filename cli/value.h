/*
 * Parsing of what stands in an option: numbers, sizes, addresses; and the nearest name to a wrong
 * one. On error the functions return false and leave in `expected` what would have been right.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VALUE_EXPECTED_SIZE 128u

/* Decimal, or hexadecimal with 0x. */
bool value_parse_number(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *number,
                        char expected[VALUE_EXPECTED_SIZE]);
/* Bytes, with an optional suffix K, M, G or T (powers of 1024). */
bool value_parse_size(const char *text, uint64_t minimum, uint64_t maximum, uint64_t *size,
                      char expected[VALUE_EXPECTED_SIZE]);
/* The largest unit without remainder: "256M". */
void value_format_size(uint64_t size, char *text, size_t capacity);

#define VALUE_HOST_SIZE 256u

/* HOST:PORT or [IPV6]:PORT. */
bool value_parse_address(const char *text, char host[VALUE_HOST_SIZE], uint16_t *port,
                         char expected[VALUE_EXPECTED_SIZE]);
/* 127.0.0.0/8, ::1, localhost. No name is looked up. */
bool value_is_loopback(const char *host);

/* Edits (insert, delete, replace, swap) that turn one word into the other. */
unsigned value_distance(const char *one, const char *other);

#endif
