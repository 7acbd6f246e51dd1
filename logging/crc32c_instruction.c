/* CRC32C by the CPU's instruction. Other hosts than x86-64 get the stubs at the end. */
#include "logging/crc32c.h"

#if defined(__x86_64__)

#include <nmmintrin.h>
#include <string.h>

bool crc32c_instruction_usable(void)
{
    return __builtin_cpu_supports("sse4.2");
}

__attribute__((target("sse4.2"))) uint32_t crc32c_by_instruction(uint32_t crc, const void *data,
                                                                 size_t size)
{
    const uint8_t *at = data;
    uint64_t state = (uint32_t)~crc;

    for (; size >= 8; size -= 8, at += 8) {
        uint64_t word;

        memcpy(&word, at, sizeof(word));
        state = _mm_crc32_u64(state, word);
    }
    for (; size > 0; size--, at++) {
        state = _mm_crc32_u8((uint32_t)state, *at);
    }
    return ~(uint32_t)state;
}

#else

bool crc32c_instruction_usable(void)
{
    return false;
}

uint32_t crc32c_by_instruction(uint32_t crc, const void *data, size_t size)
{
    return crc32c_by_table(crc, data, size);
}

#endif
