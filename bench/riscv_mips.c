/* How many million guest instructions a second the hart carries out: riscv_mips PROGRAM [SCALE].
 * PROGRAM is the flat image of bench/guest, loaded at the start of RAM. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>

#include "vmm/riscv/hart.h"

#define RAM_SIZE (64u << 20)

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        uint64_t rounds;
    } workloads[] = {{"integer loop", 20000000},
                     {"calls", 20000000},
                     {"memory, sequential", 20000000},
                     {"memory, random 4 MiB", 10000000},
                     {"double arithmetic", 5000000}};
    struct guest_memory memory = {.start = GUEST_RAM_START, .size = RAM_SIZE};
    const struct hart_callbacks callbacks = {0};
    double scale = argc > 2 ? strtod(argv[2], NULL) : 1;

    memory.host = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (argc < 2 || memory.host == MAP_FAILED) {
        fprintf(stderr, "usage: riscv_mips PROGRAM [SCALE]\n");
        return 2;
    }
    FILE *image = fopen(argv[1], "rb");
    if (image == NULL || fread(memory.host, 1, RAM_SIZE, image) == 0) {
        perror(argv[1]);
        return 1;
    }
    fclose(image);

    printf("%-22s %14s %9s %9s\n", "workload", "instructions", "seconds", "MIPS");
    for (unsigned i = 0; i < sizeof workloads / sizeof *workloads; i++) {
        struct hart *hart = hart_create(&memory, &callbacks, NULL);
        if (hart == NULL) {
            return 1;
        }
        hart_reset(hart, GUEST_RAM_START, 0);
        hart_set_x(hart, 10, i);
        hart_set_x(hart, 11, (uint64_t)((double)workloads[i].rounds * scale));
        double start = now();
        enum hart_stop stop = hart_run(hart, UINT64_C(1) << 40);
        double seconds = now() - start;
        uint64_t count = hart_position(hart);
        if (stop != HART_STOP_IDLE) {
            printf("%s: did not end\n", workloads[i].name);
            return 1;
        }
        printf("%-22s %14llu %9.3f %9.1f\n", workloads[i].name, (unsigned long long)count, seconds,
               (double)count / seconds / 1e6);
        hart_destroy(hart);
    }
    return 0;
}
