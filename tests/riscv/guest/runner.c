/* Under qemu-riscv64: runs the test cases on standard input, results to standard output. The input
 * is the stub, padded to STUB_SIZE, then cases. */
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "tests/riscv/differential/layout.h"

int main(void)
{
    uint8_t *region = mmap((void *)REGION_START, REGION_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    void (*stub)(void *) = (void (*)(void *))region;
    static struct test_case input;
    static struct test_result result;

    if (region == MAP_FAILED || fread(region, 1, WFI_OFFSET, stdin) != WFI_OFFSET) {
        return 1;
    }
    while (fread(&input, sizeof input, 1, stdin) == 1) {
        memcpy(region + CONTEXT_OFFSET, &input.context, sizeof input.context);
        memcpy(region + CODE_OFFSET, input.code, sizeof input.code);
        memcpy(region + SCRATCH_OFFSET, input.scratch, sizeof input.scratch);
        __builtin___clear_cache((char *)region + CODE_OFFSET,
                                (char *)region + CODE_OFFSET + CODE_SIZE);
        stub(region + CONTEXT_OFFSET);
        memcpy(&result.context, region + CONTEXT_OFFSET, sizeof result.context);
        memcpy(result.scratch, region + SCRATCH_OFFSET, sizeof result.scratch);
        if (fwrite(&result, sizeof result, 1, stdout) != 1) {
            return 1;
        }
    }
    return 0;
}
