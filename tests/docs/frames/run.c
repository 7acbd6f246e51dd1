/* A part of a machine's loop, with what it needs around it. */
#include <poll.h>

#include <ftvm/ftvm.h>

struct machine {
    ftvm_position position;
};

void execute(struct machine *machine, ftvm_position end);
int run(struct ftvm_node *node, const struct ftvm_machine_ops ops, struct machine *machine);

void execute(struct machine *machine, ftvm_position end)
{
    machine->position = end;
}

int run(struct ftvm_node *node, const struct ftvm_machine_ops ops, struct machine *machine)
{
    execute(machine, 0);
    (void)ops, (void)node;
    /* LISTING */
    return 0;
}
