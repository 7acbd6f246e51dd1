#include "tests/riscv/support/guest_host.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* SBI extension 0 is the tests' own: the program ends. */
static void sbi_call(void *context)
{
    struct guest_outcome *outcome = context;
    outcome->finished = true;
    outcome->line = hart_get_x(outcome->hart, 10);
    hart_request_stop(outcome->hart);
}

void guest_host_start(struct guest_host *host, const char *program)
{
    struct guest_outcome *outcome = calloc(1, sizeof *outcome);
    const struct hart_callbacks callbacks = {.context = outcome, .sbi_call = sbi_call};
    const struct hart_clock clock = {.rate_q32 = UINT64_C(10) << 32};
    char path[256];
    FILE *file;

    *host = (struct guest_host){.outcome = outcome,
                                .memory = {.start = GUEST_RAM_START, .size = GUEST_HOST_RAM}};
    host->memory.host = aligned_alloc(GUEST_PAGE_SIZE, GUEST_HOST_RAM);
    cr_assert_not_null(host->memory.host);
    memset(host->memory.host, 0, GUEST_HOST_RAM);
    snprintf(path, sizeof path, "%s/%s.bin", HART_GUEST_DIR, program);
    file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    cr_assert_gt(fread(host->memory.host, 1, GUEST_HOST_RAM, file), 0);
    fclose(file);
    host->hart = hart_create(&host->memory, &callbacks, NULL);
    cr_assert_not_null(host->hart);
    outcome->hart = host->hart;
    hart_reset(host->hart, GUEST_RAM_START, 0);
    hart_set_clock(host->hart, &clock);
}

void guest_host_stop(struct guest_host *host)
{
    hart_destroy(host->hart);
    free(host->memory.host);
    free(host->outcome);
}

uint64_t guest_host_run(struct guest_host *host, uint64_t limit)
{
    while (!host->outcome->finished && hart_position(host->hart) < limit) {
        if (hart_run(host->hart, limit) == HART_STOP_IDLE) {
            struct hart_clock clock = {.clock_ns = hart_wake_time_ns(host->hart),
                                       .position = hart_position(host->hart),
                                       .rate_q32 = UINT64_C(10) << 32};
            cr_assert_neq(clock.clock_ns, UINT64_MAX, "idle for ever");
            hart_set_clock(host->hart, &clock);
        }
    }
    cr_assert(host->outcome->finished, "still running at %#llx",
              (unsigned long long)hart_get_pc(host->hart));
    return host->outcome->line;
}
