/*
 * Machines for tests: a bare-metal guest or Linux under a fake node, with its console kept.
 */
#ifndef TESTS_VMM_GUESTS_H
#define TESTS_VMM_GUESTS_H

#include <criterion/criterion.h>

#include <unistd.h>

#include "tests/vmm/fake_node.h"
#include "vmm/machine/layout.h"
#include "vmm/machine/machine.h"
#include "vmm/machine/parts.h"

/* What a test knows of one run. */
struct guest_run {
    struct machine *machine;
    struct ftvm_node node;
    int result;
    struct bytes console;
    /* When the console shows `prompt`, once: */
    const char *prompt;
    const char *answer;   /* is typed */
    bool stop_at_prompt;  /* the run ends at the next boundary */
    const char *truncate; /* this file loses its contents */
};

static inline bool guest_printed(const struct guest_run *run, const char *text)
{
    return run->console.data != NULL &&
           memmem(run->console.data, run->console.size, text, strlen(text)) != NULL;
}

/* Requests that the guest made before are executed before, however slow the disk's thread is: every
 * replica whose image is emptied at the same position loses the same requests. */
static inline void guest_truncate_disk(struct guest_run *run)
{
    for (unsigned i = 0; i < run->machine->description.disk_count; i++) {
        disk_drain(run->machine->disk[i]);
    }
    cr_assert(truncate(run->truncate, 0) == 0);
}

static inline void guest_output(struct ftvm_node *node, uint32_t device, const void *data,
                                size_t size)
{
    struct guest_run *run = node->context;
    if (device != MACHINE_DEVICE_UART && device != machine_slot_device(MACHINE_SLOT_CONSOLE)) {
        return;
    }
    bytes_append(&run->console, data, size);
    if (run->prompt != NULL && guest_printed(run, run->prompt)) {
        run->prompt = NULL;
        if (run->answer != NULL) {
            ftvm_input(node, device, run->answer, strlen(run->answer));
        }
        node->stop = run->stop_at_prompt;
        if (run->truncate != NULL) {
            guest_truncate_disk(run);
        }
    }
}

/* An empty disk image with a name of its own. */
static inline void guest_make_disk(char path[64], uint64_t size)
{
    snprintf(path, 64, "/tmp/ftvm-test-XXXXXX");
    int fd = mkstemp(path);
    cr_assert(fd >= 0 && ftruncate(fd, (off_t)size) == 0);
    close(fd);
}

static inline struct machine_description guest_description(void)
{
    return (struct machine_description){
        .name = "test",
        .memory = UINT64_C(64) << 20,
        .seed = 42,
        .wall_ns = UINT64_C(1700000000000000000),
    };
}

/* Everything but running: the test may still set up the node. */
static inline void guest_prepare(struct guest_run *run,
                                 const struct machine_description *description,
                                 const struct machine_local *local, struct recording *recording)
{
    char error[MACHINE_ERROR_SIZE] = "";
    memset(run, 0, sizeof *run);
    int result = machine_create(&run->machine, description, local, error, sizeof error);
    cr_assert(result == 0, "%s", error);
    fake_node_init(&run->node, recording);
    run->node.on_output = guest_output;
    run->node.context = run;
}

static inline void guest_go(struct guest_run *run)
{
    run->result = machine_run(run->machine, &run->node);
}

static inline void guest_free(struct guest_run *run)
{
    machine_destroy(run->machine);
    fake_node_free(&run->node);
    free(run->console.data);
}

#endif
