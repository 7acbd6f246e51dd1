/*
 * The machine for ftvm-check(1):
 *
 *     ftvm-check ./unicorn-check.so -- GUEST
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <ftvm/check.h>

#include "machine.h"

/* What is typed at the guest, a byte at each boundary. Once it ticks, it does not sleep for ever,
 * which would end the check. */
#define TYPED "tick 1\nhelp\nprimes 3000\nsum 1 2 3\nuptime\nprimes 20000\ntick 3\nuptime\n"

#define EPOCH_LENGTH 100000 /* bytes of instructions: some ticks come inside of an epoch */

struct guest {
    size_t size;
    char image[BOARD_RAM_SIZE + 1];
};

static int ignore_text(void *context, const void *text, size_t size)
{
    (void)context;
    (void)text;
    (void)size;
    return 0;
}

static void ignore(void *context)
{
    (void)context;
}

static int create(void *context, void **machine)
{
    static const struct machine_host host = {ignore_text, ignore, NULL};
    const struct guest *guest = context;
    const char *why;
    *machine = machine_create(guest->image, guest->size, &host, &why);
    if (*machine == NULL) {
        fprintf(stderr, "unicorn-check: %s\n", why);
        return FTVM_E_MACHINE;
    }
    return 0;
}

static void destroy(void *context, void *machine)
{
    (void)context;
    machine_destroy(machine);
}

static int run(void *context, void *machine, struct ftvm_node *node)
{
    (void)context;
    return machine_run(machine, node);
}

static void world(void *context, struct ftvm_node *node, const struct ftvm_epoch *epoch)
{
    (void)context;
    if (epoch->number > 0 && epoch->number <= strlen(TYPED)) {
        (void)ftvm_input(node, MACHINE_CONSOLE, &TYPED[epoch->number - 1], 1);
    }
}

FTVM_API ftvm_check_entry ftvm_check_machine;
FTVM_API int ftvm_check_machine(struct ftvm_check *check, int argc, char **argv)
{
    if (argc != 2) { /* the first is the path of this object */
        fputs("unicorn-check: the argument behind -- is the guest's image\n", stderr);
        return FTVM_E_INVALID;
    }
    struct guest *guest = calloc(1, sizeof *guest); /* lives as long as the process */
    FILE *file = fopen(argv[1], "rb");
    if (guest == NULL || file == NULL) {
        perror(argv[1]);
        if (file != NULL) {
            fclose(file);
        }
        free(guest);
        return FTVM_E_SYSTEM;
    }
    guest->size = fread(guest->image, 1, sizeof guest->image, file);
    fclose(file);
    check->create = create;
    check->destroy = destroy;
    check->run = run;
    check->world = world;
    check->context = guest;
    check->epoch_length = EPOCH_LENGTH;
    return 0;
}
