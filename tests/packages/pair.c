/*
 * A user of the installed library: a machine that is one number, and a pair of it in two processes,
 * of which the primary kills itself once it is protected. The backup must go on, and end where the
 * machine alone would. For smoke.sh.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ftvm/ftvm.h>

#define EPOCH_LENGTH    1000u
#define EPOCHS_TOGETHER 50u /* after which the primary is lost */
#define EPOCHS_ALONE    50u /* after which the survivor halts */
#define PATIENCE_S      30u

struct machine {
    struct ftvm_node *node;
    uint64_t position;
    uint64_t state;
    uint64_t epochs_together;
    uint64_t epochs_alone;
    bool survived;
};

static void step(struct machine *machine)
{
    machine->state = machine->state * 6364136223846793005u + 1442695040888963407u;
    machine->position++;
}

static int save(void *context, struct ftvm_writer *writer)
{
    struct machine *machine = context;

    return ftvm_write(writer, &machine->state, sizeof(machine->state));
}

static int load(void *context, struct ftvm_reader *reader)
{
    struct machine *machine = context;

    return ftvm_read(reader, &machine->state, sizeof(machine->state));
}

static void add_digest(void *context, struct ftvm_digest *digest)
{
    struct machine *machine = context;

    ftvm_digest_add(digest, "state", 0, &machine->state, sizeof(machine->state));
}

static int deliver(void *context, uint32_t device, const void *data, size_t size)
{
    (void)context;
    (void)device;
    (void)data;
    (void)size;
    return 0;
}

static int emit(void *context, uint64_t number, uint32_t device, const void *data, size_t size)
{
    (void)number;
    return deliver(context, device, data, size);
}

static void promoted(void *context, enum ftvm_settle settle)
{
    (void)settle;
    ((struct machine *)context)->survived = true;
}

static const struct ftvm_machine_ops ops = {
    .size = sizeof(ops),
    .deliver = deliver,
    .emit = emit,
    .save = save,
    .load = load,
    .digest = add_digest,
    .promoted = promoted,
};

/* At the end of an epoch. */
static int end_epoch(struct machine *machine, struct ftvm_epoch *next)
{
    struct ftvm_status status = {.size = sizeof(status)};
    int result = ftvm_output(machine->node, 0, &machine->state, sizeof(machine->state));

    if (result < 0) {
        return result;
    }
    ftvm_node_status(machine->node, &status);
    if (machine->survived) {
        if (++machine->epochs_alone == EPOCHS_ALONE) {
            return ftvm_halt(machine->node, machine->position);
        }
    } else if (status.role == FTVM_ROLE_PRIMARY && status.is_protected &&
               ++machine->epochs_together == EPOCHS_TOGETHER) {
        raise(SIGKILL);
    }
    usleep(1000);
    return ftvm_boundary(machine->node, machine->position, next);
}

/* Until the machine ends: why it did. */
static int run(struct machine *machine)
{
    struct ftvm_epoch epoch;
    int result = ftvm_begin(machine->node, &ops, machine, 0, &epoch);

    while (result >= 0) {
        machine->position = epoch.position;
        while (machine->position < epoch.position + epoch.length) {
            step(machine);
        }
        result = end_epoch(machine, &epoch);
    }
    return result;
}

static bool is_as_alone(const struct machine *machine)
{
    struct machine alone = {0};

    while (alone.position < machine->position) {
        step(&alone);
    }
    return alone.state == machine->state;
}

/* The primary if `join` is NULL; then it tells its port. */
static int replica(const char *arbiter, const char *join, int tell)
{
    struct machine machine = {0};
    struct ftvm_status status = {.size = sizeof(status)};
    struct ftvm_config config;
    char line[256] = "";
    int result;

    ftvm_config_init(&config);
    config.name = "smoke";
    config.role = join ? FTVM_ROLE_BACKUP : FTVM_ROLE_PRIMARY;
    config.listen = "127.0.0.1:0";
    config.join = join;
    config.arbiter = arbiter;
    config.epoch_length = EPOCH_LENGTH;
    result = ftvm_node_create(&config, &machine.node, line, sizeof(line));
    if (result >= 0) {
        result = ftvm_node_start(machine.node);
    }
    if (result >= 0) {
        ftvm_node_status(machine.node, &status);
        if (!join) {
            dprintf(tell, "127.0.0.1:%u", status.listen_port);
        }
        result = run(&machine);
    }
    if (machine.node) {
        ftvm_node_error(machine.node, line, sizeof(line));
    }
    if (result != FTVM_E_HALTED) {
        fprintf(stderr, "pair: %s: %s\n", ftvm_strerror(result), line);
        return 1;
    }
    ftvm_node_destroy(machine.node);
    printf("pair: the backup went on to position %" PRIu64 ", its state is %s\n", machine.position,
           is_as_alone(&machine) ? "right" : "WRONG");
    return is_as_alone(&machine) ? 0 : 1;
}

static pid_t start(const char *arbiter, const char *join, int tell)
{
    pid_t child = fork();

    if (child == 0) {
        alarm(PATIENCE_S);
        exit(replica(arbiter, join, tell));
    }
    return child;
}

int main(int count, char **arguments)
{
    char arbiter[256];
    char address[64] = "";
    int pipes[2];
    int status;
    pid_t primary;
    pid_t backup;

    if (count != 2 || pipe(pipes) < 0) {
        fprintf(stderr, "usage: pair FILE-FOR-THE-ARBITER\n");
        return 2;
    }
    if (ftvm_version_number() != FTVM_VERSION_NUMBER) {
        fprintf(stderr, "pair: the header is of %s, the library of %s\n", FTVM_VERSION,
                ftvm_version());
        return 1;
    }
    snprintf(arbiter, sizeof(arbiter), "file:%s", arguments[1]);
    primary = start(arbiter, NULL, pipes[1]);
    close(pipes[1]);
    if (primary < 0 || read(pipes[0], address, sizeof(address) - 1) <= 0) {
        fprintf(stderr, "pair: the primary did not start\n");
        return 1;
    }
    backup = start(arbiter, address, STDERR_FILENO);
    waitpid(primary, &status, 0);
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        fprintf(stderr, "pair: the primary was not killed\n");
        return 1;
    }
    waitpid(backup, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
