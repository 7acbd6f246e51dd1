#include "vmm/riscv/jit/code_memory.h"

#include <sys/mman.h>
#include <unistd.h>

bool code_memory_create(struct code_memory *memory, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    int file = memfd_create("ftvm-code", MFD_CLOEXEC);
    void *writable = MAP_FAILED;
    void *executable = MAP_FAILED;

    size = (size + page - 1) / page * page;
    if (file >= 0 && ftruncate(file, (off_t)size) == 0) {
        writable = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        executable = mmap(NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
    }
    if (file >= 0) {
        close(file);
    }
    if (writable == MAP_FAILED || executable == MAP_FAILED) {
        if (writable != MAP_FAILED) {
            munmap(writable, size);
        }
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
