/*
 * CRC32C (Castagnoli, as in RFC 3720): the checksum of frames. By the CPU's own instruction where
 * there is one, by tables elsewhere; both give the same values.
 */
#ifndef LOGGING_CRC32C_H
#define LOGGING_CRC32C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checksum of what `crc` is the checksum of, followed by `data`. Start with 0. */
uint32_t crc32c(uint32_t crc, const void *data, size_t size);

/* The two ways, for crc32c() and for tests. The second may be called only where it is usable. */
uint32_t crc32c_by_table(uint32_t crc, const void *data, size_t size);
bool crc32c_instruction_usable(void);
uint32_t crc32c_by_instruction(uint32_t crc, const void *data, size_t size);

#endif
