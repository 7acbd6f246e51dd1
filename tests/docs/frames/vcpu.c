/* What a listing of calls of the vCPU thread is compiled in. */
#include <ftvm/ftvm.h>

void vcpu(struct ftvm_config config, struct ftvm_machine_ops ops, void *machine,
          ftvm_position position);

void vcpu(struct ftvm_config config, struct ftvm_machine_ops ops, void *machine,
          ftvm_position position)
{
    struct ftvm_epoch epoch;
    struct ftvm_node *node;
    char error[256];

    /* LISTING */
}
