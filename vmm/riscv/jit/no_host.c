/* A host without a back end: everything is interpreted. */
#include "vmm/riscv/hart_state.h"
#include "vmm/riscv/jit/jit.h"

bool jit_is_available(void)
{
    return false;
}

bool jit_create(struct hart *hart)
{
    (void)hart;
    return false;
}

void jit_destroy(struct hart *hart)
{
    (void)hart;
}

void jit_run(struct hart *hart, uint64_t limit)
{
    hart_interpret(hart, limit, INTERPRET_ALL);
}

void jit_get_counters(const struct hart *hart, struct hart_counters *counters)
{
    (void)hart;
    (void)counters;
}

void jit_block_killed(struct hart *hart, uint32_t index)
{
    (void)hart;
    (void)index;
}

void jit_drop_all(struct hart *hart)
{
    (void)hart;
}

void jit_forget_jumps(struct hart *hart)
{
    (void)hart;
}
