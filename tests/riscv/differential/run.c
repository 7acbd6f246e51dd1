#include "tests/riscv/differential/run.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define LONGEST 1000000u /* instructions of a case */
#define CPU     "rv64,zba=true,zbb=true,zbs=true"

static int read_stub(uint8_t region[WFI_OFFSET])
{
    FILE *file = fopen(HART_GUEST_DIR "/stub.bin", "rb");
    size_t size = file != NULL ? fread(region, 1, WFI_OFFSET, file) : 0;
    if (file != NULL) {
        fclose(file);
    }
    if (size == 0) {
        perror(HART_GUEST_DIR "/stub.bin");
        return -1;
    }
    return 0;
}

int run_under_qemu(const struct test_case *cases, size_t count, struct test_result *results)
{
    uint8_t stub[WFI_OFFSET] = {0};
    FILE *input = tmpfile();
    FILE *output = tmpfile();
    int status = -1;
    pid_t child;

    if (input == NULL || output == NULL || read_stub(stub) != 0 ||
        fwrite(stub, sizeof stub, 1, input) != 1 ||
        fwrite(cases, sizeof *cases, count, input) != count || fflush(input) != 0 ||
        lseek(fileno(input), 0, SEEK_SET) != 0) {
        perror("temporary files");
        return -1;
    }
    child = fork();
    if (child == 0) {
        dup2(fileno(input), 0);
        dup2(fileno(output), 1);
        execlp("qemu-riscv64", "qemu-riscv64", "-cpu", CPU, HART_GUEST_DIR "/runner", NULL);
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
        fprintf(stderr, "qemu-riscv64: wait status %#x\n", status);
    }
    rewind(output);
    if (fread(results, sizeof *results, count, output) != count) {
        fprintf(stderr, "qemu-riscv64: too few results\n");
        status = -1;
    }
    fclose(input);
    fclose(output);
    return status == 0 ? 0 : -1;
}

int run_on_hart(const struct hart_config *config, const struct test_case *cases, size_t count,
                struct test_result *results)
{
    static const uint32_t wfi = 0x10500073;
    struct guest_memory memory = {.start = REGION_START, .size = REGION_SIZE};
    const struct hart_callbacks callbacks = {0};
    struct hart *hart;
    int result = 0;

    memory.host = aligned_alloc(GUEST_PAGE_SIZE, REGION_SIZE);
    memset(memory.host, 0, REGION_SIZE);
    hart = hart_create(&memory, &callbacks, config);
    if (hart == NULL || read_stub(memory.host) != 0) {
        return -1;
    }
    memcpy(memory.host + WFI_OFFSET, &wfi, sizeof wfi);
    for (size_t i = 0; i < count && result == 0; i++) {
        memcpy(memory.host + CONTEXT_OFFSET, &cases[i].context, sizeof cases[i].context);
        memcpy(memory.host + CODE_OFFSET, cases[i].code, sizeof cases[i].code);
        memcpy(memory.host + SCRATCH_OFFSET, cases[i].scratch, sizeof cases[i].scratch);
        hart_memory_written(hart, REGION_START + CONTEXT_OFFSET, CODE_OFFSET - CONTEXT_OFFSET);
        hart_memory_written(hart, REGION_START + CODE_OFFSET, CODE_SIZE);
        hart_memory_written(hart, REGION_START + SCRATCH_OFFSET, SCRATCH_SIZE);
        hart_reset(hart, REGION_START + STUB_OFFSET, 0);
        hart_set_csr(hart, 0x100, 1 << 13); /* sstatus.FS = Initial */
        hart_set_x(hart, 1, REGION_START + WFI_OFFSET);
        hart_set_x(hart, 10, REGION_START + CONTEXT_OFFSET);
        if (hart_run(hart, hart_position(hart) + LONGEST) != HART_STOP_IDLE) {
            fprintf(stderr, "hart: case %zu trapped: cause %llu, stval %#llx, sepc %#llx\n", i,
                    (unsigned long long)hart_get_csr(hart, 0x142),
                    (unsigned long long)hart_get_csr(hart, 0x143),
                    (unsigned long long)hart_get_csr(hart, 0x141));
            result = -1;
        }
        memcpy(&results[i].context, memory.host + CONTEXT_OFFSET, sizeof results[i].context);
        memcpy(results[i].scratch, memory.host + SCRATCH_OFFSET, sizeof results[i].scratch);
    }
    hart_destroy(hart);
    free(memory.host);
    return result;
}
