/* The loop of a processor, with what it needs around it. */
#include <stdbool.h>

#include <ftvm/ftvm.h>

struct cpu {
    ftvm_position position;
    uint64_t timer_ns; /* UINT64_MAX: not set */
    bool waits, is_off;
};

bool interrupt_is_due(const struct cpu *cpu, const struct ftvm_epoch *epoch);
void take_interrupt(struct cpu *cpu);
void execute_one(struct cpu *cpu);
int run(struct ftvm_node *node, struct ftvm_machine_ops ops, struct cpu *cpu);

bool interrupt_is_due(const struct cpu *cpu, const struct ftvm_epoch *epoch)
{
    return ftvm_epoch_clock(epoch, cpu->position) >= cpu->timer_ns;
}

void take_interrupt(struct cpu *cpu)
{
    cpu->waits = false;
    cpu->timer_ns += 10000000;
}

void execute_one(struct cpu *cpu)
{
    cpu->waits = cpu->position % 1000 == 999;
}

int run(struct ftvm_node *node, struct ftvm_machine_ops ops, struct cpu *cpu)
{
    struct ftvm_epoch epoch;
    /* LISTING */
    return result;
}
