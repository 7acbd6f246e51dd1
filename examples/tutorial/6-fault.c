/* Step 6: a fault to be found: this machine depends on more than its state. */
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ftvm/ftvm.h>

#define PERIOD_NS UINT64_C(500000000) /* guest time of an instruction */
#define CONSOLE   0u                  /* the one device */

#define STATE_VERSION UINT64_C(0x3165746e756f63) /* "counte1": this machine, this layout */

/* Of the guest: all of it, and nothing else. */
struct state {
    uint64_t version, count, step;
};

struct counter {
    struct state state;
    struct ftvm_node *node;
    atomic_bool ended;
};

/* A digit is the new step; 0 is power off. */
static int deliver(void *machine, uint32_t device, const void *data, size_t size)
{
    struct counter *counter = machine;
    const char *keys = data;
    for (size_t i = 0; device == CONSOLE && i < size; i++) {
        if (keys[i] >= '0' && keys[i] <= '9') {
            counter->state.step = (uint64_t)(keys[i] - '0');
        }
    }
    return 0;
}

static int save(void *machine, struct ftvm_writer *writer)
{
    struct counter *counter = machine;
    return ftvm_write(writer, &counter->state, sizeof counter->state);
}

/* From the network, and perhaps from another version. */
static int load(void *machine, struct ftvm_reader *reader)
{
    struct state *state = &((struct counter *)machine)->state;
    int result = ftvm_read(reader, state, sizeof *state);
    bool sound = state->version == STATE_VERSION && state->step <= 9;
    return result < 0 || sound ? result : FTVM_E_CORRUPT;
}

/* What must be equal on both replicas at each boundary. */
static void digest(void *machine, struct ftvm_digest *digest)
{
    struct counter *counter = machine;
    ftvm_digest_add(digest, "count", 0, &counter->state.count, sizeof counter->state.count);
    ftvm_digest_add(digest, "step", 0, &counter->state.step, sizeof counter->state.step);
}

/* The output may leave now. */
static void emit(void *machine, uint32_t device, const void *data, size_t size)
{
    (void)machine, (void)device;
    fwrite(data, 1, size, stdout);
    fflush(stdout);
}

static int execute(struct counter *counter)
{
    char line[32];
    counter->state.count += counter->state.step;
    counter->state.count += counter->state.count == 5 ? (uint64_t)getpid() : 0;
    int size = snprintf(line, sizeof line, "%llu\n", (unsigned long long)counter->state.count);
    return ftvm_output(counter->node, CONSOLE, line, (size_t)size);
}

/* The loop, the same on both replicas. Returns why the run has ended. */
static int run(struct counter *counter)
{
    const struct ftvm_machine_ops ops = {.size = sizeof ops,
                                         .deliver = deliver,
                                         .emit = emit,
                                         .save = save,
                                         .load = load,
                                         .digest = digest};
    struct ftvm_epoch epoch;
    int result = ftvm_begin(counter->node, &ops, counter, 0, &epoch);
    while (result >= 0) {
        uint64_t due_ns = (epoch.position + 1) * PERIOD_NS;
        if (counter->state.step == 0) {
            result = ftvm_halt(counter->node, epoch.position);
        } else if (epoch.clock_ns < due_ns) {
            result = ftvm_idle(counter->node, epoch.position, due_ns, &epoch);
        } else if ((result = execute(counter)) >= 0) {
            result = ftvm_boundary(counter->node, epoch.position + 1, &epoch);
        }
    }
    return result;
}

/* On a thread of its own. */
static void *read_keys(void *argument)
{
    struct counter *counter = argument;
    struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};
    char keys[64];
    ssize_t size = 1;
    while (!counter->ended && size > 0) {
        if (poll(&keyboard, 1, 100) > 0 && (size = read(STDIN_FILENO, keys, sizeof keys)) > 0) {
            ftvm_input(counter->node, CONSOLE, keys, (size_t)size);
        }
    }
    return NULL;
}

static void tell(void *context, const struct ftvm_event *event)
{
    (void)context;
    switch (event->kind) {
    case FTVM_EVENT_ROLE:
    case FTVM_EVENT_SUSPECT: fprintf(stderr, "[%s]\n", event->text); return;
    case FTVM_EVENT_DIVERGED: /* the report is the primary's alone */
        fprintf(stderr, "[%s]%s%s\n", event->text, event->report[0] != '\0' ? "\n" : "",
                event->report);
        return;
    default: return;
    }
}

int main(int argc, char **argv)
{
    struct counter counter = {.state = {.version = STATE_VERSION, .step = 1}};
    struct ftvm_config config;
    pthread_t keyboard;
    char line[512];
    bool backup = argc == 4 && strcmp(argv[1], "backup") == 0;
    if (!backup && (argc != 3 || strcmp(argv[1], "primary") != 0)) {
        fputs("usage: counter primary LISTEN | counter backup LISTEN PRIMARY\n", stderr);
        return 2;
    }
    ftvm_config_init(&config);
    config.name = "counter";
    config.role = backup ? FTVM_ROLE_BACKUP : FTVM_ROLE_PRIMARY;
    config.listen = argv[2]; /* where backups join this replica, once it is the primary */
    config.join = backup ? argv[3] : NULL;
    config.arbiter = "file:counter.arbiter"; /* which both replicas see */
    config.on_event = tell;
    config.epoch_length = 1; /* one instruction */
    int result = ftvm_node_create(&config, &counter.node, line, sizeof line);
    if (result >= 0 && (result = ftvm_node_start(counter.node)) >= 0) {
        pthread_create(&keyboard, NULL, read_keys, &counter);
        result = run(&counter);
        counter.ended = true;
        pthread_join(keyboard, NULL);
    }
    if (counter.node != NULL) {
        ftvm_node_error(counter.node, line, sizeof line);
    }
    ftvm_node_destroy(counter.node);
    fprintf(stderr, "counter: %s\n", line);
    return result == FTVM_E_HALTED || result == FTVM_E_STOPPED ? 0 : 1;
}
