/*
 * counter as ftvm-check(1) runs it: the same machine, with keys that are pressed by the number of
 * the epoch. In a shared object main() is a function that nobody calls.
 *
 *     ftvm-check ./counter.so
 */
#include <stdlib.h>

#include <ftvm/check.h>

#include "counter.c"

static int create(void *context, void **machine)
{
    struct counter *counter = calloc(1, sizeof *counter);
    (void)context;
    if (counter == NULL) {
        return FTVM_E_MEMORY;
    }
    counter->state.step = 1;
    *machine = counter;
    return 0;
}

static void destroy(void *context, void *machine)
{
    (void)context;
    free(machine);
}

static int run_under(void *context, void *machine, struct ftvm_node *node)
{
    struct counter *counter = machine;
    (void)context;
    counter->node = node;
    return run(counter);
}

static void press_keys(void *context, struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    char key = (char)('1' + epoch->number % 9);
    (void)context;
    if (epoch->number % 7 == 0) {
        ftvm_input(node, CONSOLE, &key, 1);
    }
}

ftvm_check_entry ftvm_check_machine;

int ftvm_check_machine(struct ftvm_check *check, int argc, char **argv)
{
    (void)argc, (void)argv;
    check->create = create;
    check->destroy = destroy;
    check->run = run_under;
    check->world = press_keys;
    check->epoch_length = 1;
    return 0;
}
