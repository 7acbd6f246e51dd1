/*
 * unicorn-measure GUEST: how fast unicorn runs a guest that ends in wfi, in each of the ways to
 * count what it does. Instructions are those of RV64 without compressed ones, four bytes each.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <unicorn/unicorn.h>

#include "board.h"

#define WFI     0x10500073u
#define NS_IN_S 1e9

enum way {
    WAY_BARE,  /* nothing is counted: it runs to its end */
    WAY_BLOCK, /* by a hook at each block, stopped at the first one behind every STEP */
    WAY_CODE,  /* by a hook at each instruction, run to its end */
    WAY_COUNT, /* by uc_emu_start's count, STEP each time */
};

static const struct {
    const char *name;
    enum way way;
    uint64_t step; /* instructions; 0: to the end */
} runs[] = {
    {"nothing counted", WAY_BARE, 0},
    {"UC_HOOK_BLOCK, never stopped", WAY_BLOCK, 0},
    {"UC_HOOK_BLOCK, every 1000000", WAY_BLOCK, 1000000},
    {"UC_HOOK_BLOCK, every 1000", WAY_BLOCK, 1000},
    {"UC_HOOK_CODE, never stopped", WAY_CODE, 0},
    {"count, every 1000000", WAY_COUNT, 1000000},
    {"count, every 1000", WAY_COUNT, 1000},
};

struct run {
    uint64_t bytes;
    uint64_t limit;
    uint64_t block;
    uint32_t in_block;
    int stopped;
};

static void at_block(uc_engine *engine, uint64_t address, uint32_t size, void *context)
{
    struct run *run = context;
    run->bytes += run->in_block;
    run->in_block = 0;
    run->block = address;
    if (run->bytes >= run->limit) {
        run->stopped = 1;
        (void)uc_emu_stop(engine);
        return;
    }
    run->in_block = size;
}

static void at_instruction(uc_engine *engine, uint64_t address, uint32_t size, void *context)
{
    struct run *run = context;
    (void)engine;
    (void)address;
    run->bytes += size;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / NS_IN_S;
}

static uint64_t read_pc(uc_engine *engine)
{
    uint64_t pc = 0;
    (void)uc_reg_read(engine, UC_RISCV_REG_PC, &pc);
    return pc;
}

static int is_behind_wfi(uc_engine *engine, uint64_t pc)
{
    uint32_t instruction = 0;
    (void)uc_mem_read(engine, pc - sizeof instruction, &instruction, sizeof instruction);
    return instruction == WFI;
}

/* Runs to the end. The number of times it was started; 0: an error. */
static uint64_t run_in_way(uc_engine *engine, struct run *run, enum way way, uint64_t step)
{
    uint64_t pc = BOARD_RAM;
    for (uint64_t starts = 1;; starts++) {
        run->limit = step == 0 ? UINT64_MAX : run->bytes + 4 * step;
        run->stopped = 0;
        size_t count = way == WAY_COUNT ? step : 0;
        if (uc_emu_start(engine, pc, 0, 0, count) != UC_ERR_OK) {
            return 0;
        }
        pc = read_pc(engine);
        if (way == WAY_COUNT ? is_behind_wfi(engine, pc) : !run->stopped) {
            run->bytes += run->in_block != 0 ? pc - run->block : 0;
            return starts;
        }
    }
}

static int measure(const char *image, size_t size, unsigned number, uint64_t *instructions)
{
    enum way way = runs[number].way;
    uc_engine *engine;
    uc_hook hook;
    struct run run = {0};
    if (uc_open(UC_ARCH_RISCV, UC_MODE_RISCV64, &engine) != UC_ERR_OK ||
        uc_mem_map(engine, BOARD_RAM, BOARD_RAM_SIZE, UC_PROT_ALL) != UC_ERR_OK ||
        uc_mem_write(engine, BOARD_RAM, image, size) != UC_ERR_OK) {
        return -1;
    }
    if (way == WAY_BLOCK) {
        (void)uc_hook_add(engine, &hook, UC_HOOK_BLOCK, (void *)at_block, &run, 1, 0);
    } else if (way == WAY_CODE) {
        (void)uc_hook_add(engine, &hook, UC_HOOK_CODE, (void *)at_instruction, &run, 1, 0);
    }
    double started = seconds();
    uint64_t starts = run_in_way(engine, &run, way, runs[number].step);
    double took = seconds() - started;
    if (way == WAY_BLOCK || way == WAY_CODE) {
        if (*instructions != 0 && *instructions != run.bytes / 4) {
            printf("the counts differ: %llu\n", (unsigned long long)run.bytes / 4);
        }
        *instructions = run.bytes / 4;
    }
    printf("%-32s %8.3f s  %10llu starts\n", runs[number].name, took, (unsigned long long)starts);
    (void)uc_close(engine);
    return starts == 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    static char image[BOARD_RAM_SIZE];
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
    if (file == NULL) {
        fputs("usage: unicorn-measure GUEST\n", stderr);
        return 2;
    }
    size_t size = fread(image, 1, sizeof image, file);
    fclose(file);
    uint64_t instructions = 0;
    for (unsigned i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        if (measure(image, size, i, &instructions) < 0) {
            fprintf(stderr, "unicorn-measure: %s does not run\n", argv[1]);
            return EXIT_FAILURE;
        }
    }
    printf("%llu instructions\n", (unsigned long long)instructions);
    return EXIT_SUCCESS;
}
