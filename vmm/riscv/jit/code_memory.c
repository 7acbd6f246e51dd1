#include "vmm/riscv/jit/code_memory.h"

#include <sys/mman.h>
#include <unistd.h>

bool code_memory_create(struct code_memory *memory, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    void *writable, *executable;

    size = (size + page - 1) / page * page;
    /* Shared, so that it can be mapped again (mremap(2): an old size of zero); anonymous, so that
     * perf looks for its symbols in the process's map file. */
    writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (writable == MAP_FAILED) {
        return false;
    }
    executable = mremap(writable, 0, size, MREMAP_MAYMOVE);
    if (executable == MAP_FAILED || mprotect(executable, size, PROT_READ | PROT_EXEC) != 0) {
        munmap(writable, size);
        if (executable != MAP_FAILED) {
            munmap(executable, size);
        }
        return false;
    }
    *memory = (struct code_memory){.writable = writable, .executable = executable, .size = size};
    return true;
}

void code_memory_destroy(struct code_memory *memory)
{
    if (memory->size != 0) {
        munmap(memory->writable, memory->size);
        munmap((void *)(uintptr_t)memory->executable, memory->size);
        memory->size = 0;
    }
}
