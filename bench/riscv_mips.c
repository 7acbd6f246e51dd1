/* How many million guest instructions a second the hart carries out: riscv_mips PROGRAM [SCALE].
 * PROGRAM is the flat image of bench/guest, loaded at the start of RAM. Each workload is
 * interpreted, and translated where this host can. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "vmm/riscv/hart.h"

#define RAM_SIZE (64u << 20)

struct workload {
    const char *name;
    uint64_t rounds; /* for the interpreter */
};

/* Translated code does more in that time. */
static const double scales[] = {[HART_INTERPRETER] = 1, [HART_JIT] = 4};
static const char *const names[] = {[HART_INTERPRETER] = "interp", [HART_JIT] = "jit"};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool load(struct guest_memory *memory, const char *path)
{
    FILE *image = fopen(path, "rb");
    bool good;

    memory->host = mmap(NULL, RAM_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    good = image && memory->host != MAP_FAILED && fread(memory->host, 1, RAM_SIZE, image) > 0;
    if (!good)
        perror(path);
    if (image)
        fclose(image);
    return good;
}

static bool measure(const struct guest_memory *memory, enum hart_engine engine, unsigned number,
                    const struct workload *workload, double scale)
{
    const struct hart_callbacks callbacks = {0};
    struct hart_config config;
    struct hart *hart;
    double seconds;
    uint64_t count;
    bool good;

    hart_config_init(&config);
    config.engine = engine;
    hart = hart_create(memory, &callbacks, &config);
    if (!hart)
        return false;
    hart_reset(hart, GUEST_RAM_START, 0);
    hart_set_x(hart, 10, number);
    hart_set_x(hart, 11, (uint64_t)((double)workload->rounds * scale * scales[engine]));
    seconds = now();
    good = hart_run(hart, UINT64_C(1) << 40) == HART_STOP_IDLE;
    seconds = now() - seconds;
    count = hart_position(hart);
    if (good)
        printf("%-22s %-7s %14llu %9.3f %9.1f\n", workload->name, names[engine],
               (unsigned long long)count, seconds, (double)count / seconds / 1e6);
    else
        printf("%s: did not end\n", workload->name);
    hart_destroy(hart);
    return good;
}

int main(int argc, char **argv)
{
    static const struct workload workloads[] = {{"integer loop", 20000000},
                                                {"calls", 20000000},
                                                {"memory, sequential", 20000000},
                                                {"memory, random 4 MiB", 10000000},
                                                {"double arithmetic", 5000000}};
    struct guest_memory memory = {.start = GUEST_RAM_START, .size = RAM_SIZE};
    double scale = argc > 2 ? strtod(argv[2], NULL) : 1;

    if (argc < 2) {
        fprintf(stderr, "usage: riscv_mips PROGRAM [SCALE]\n");
        return 2;
    }
    if (!load(&memory, argv[1]))
        return 1;
    printf("%-22s %-7s %14s %9s %9s\n", "workload", "engine", "instructions", "seconds", "MIPS");
    for (unsigned i = 0; i < sizeof(workloads) / sizeof(workloads[0]); i++)
        for (int engine = HART_INTERPRETER; engine <= HART_JIT; engine++)
            if ((engine != HART_JIT || hart_has_jit()) &&
                !measure(&memory, (enum hart_engine)engine, i, &workloads[i], scale))
                return 1;
    return 0;
}
