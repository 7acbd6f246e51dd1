/* What a listing of a processor's loop is compiled in. */
#include <ftvm/ftvm.h>

ftvm_position execute_until(void *machine, ftvm_position end);
int processor(struct ftvm_node *node, void *machine, ftvm_position position);

int processor(struct ftvm_node *node, void *machine, ftvm_position position)
{
    struct ftvm_epoch epoch;
    int result = 0;

    /* LISTING */
    return result;
}
