/*
 * Memory for generated code, mapped twice: once to be written, once to be executed. No address is
 * ever both, so a stray write cannot become code, and translating costs no system call.
 *
 * A bump allocator: code is appended, and all of it is dropped at once.
 */
#ifndef VMM_RISCV_JIT_CODE_MEMORY_H
#define VMM_RISCV_JIT_CODE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code_memory {
    uint8_t *writable;
    const uint8_t *executable;
    size_t size; /* whole pages */
    size_t used;
};

/* False: the host refuses. */
bool code_memory_create(struct code_memory *memory, size_t size);
void code_memory_destroy(struct code_memory *memory);

/* Where code at a writable address is executed, and the other way round. */
static inline const uint8_t *code_memory_executable(const struct code_memory *memory,
                                                    const uint8_t *writable)
{
    return memory->executable + (writable - memory->writable);
}

static inline uint8_t *code_memory_writable(const struct code_memory *memory,
                                            const uint8_t *executable)
{
    return memory->writable + (executable - memory->executable);
}

#endif
