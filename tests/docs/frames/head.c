/* What the code in the head of ftvm.h is compiled in. */
#include <ftvm/ftvm.h>

void head(struct ftvm_config config, struct ftvm_machine_ops ops, void *me, ftvm_position position,
          uint32_t device, const void *data, size_t size);

void head(struct ftvm_config config, struct ftvm_machine_ops ops, void *me, ftvm_position position,
          uint32_t device, const void *data, size_t size)
{
    struct ftvm_epoch epoch;
    struct ftvm_node *node;
    uint64_t value = 0;
    char error[256];

    /* LISTING */
}
