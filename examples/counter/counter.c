/*
 * counter - a machine that survives the loss of its host, as small as one can be.
 * Twice a second of its own time the guest adds `step` to `count` and prints the count. A digit
 * typed on the console is the new step, and 0 is power off. README.md goes through all of it.
 */
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <ftvm/ftvm.h>

#define PERIOD_NS UINT64_C(500000000) /* guest time of an instruction */
#define CONSOLE   0u                  /* the one device */

struct counter {
    struct {
        uint64_t count, step;
    } state; /* the guest's: all of it, and nothing else */
    struct ftvm_node *node;
    _Atomic bool ended;
};

static const struct ftvm_field fields[] = {FTVM_FIELD(struct counter, state.count),
                                           FTVM_FIELD(struct counter, state.step), FTVM_FIELDS_END};

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

static int emit(void *machine, uint64_t number, uint32_t device, const void *data, size_t size)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    (void)machine, (void)number, (void)device;
    bool is_read = poll(&out, 1, 0) != 0; /* else the library keeps it, and asks again */
    return !is_read ? FTVM_E_FULL : write(STDOUT_FILENO, data, size) < 0 ? FTVM_E_MACHINE : 0;
}

static int save(void *machine, struct ftvm_writer *writer)
{
    return ftvm_write_fields(writer, fields, machine);
}

static int load(void *machine, struct ftvm_reader *reader)
{
    struct counter *counter = machine;
    int result = ftvm_read_fields(reader, fields, machine);
    return result < 0 || counter->state.step <= 9 ? result : FTVM_E_CORRUPT;
}

static void digest(void *machine, struct ftvm_digest *digest)
{
    ftvm_digest_fields(digest, fields, machine);
}

static int execute(struct counter *counter)
{
    char line[32];
    counter->state.count += counter->state.step;
    int size = snprintf(line, sizeof line, "%llu\n", (unsigned long long)counter->state.count);
    return ftvm_output(counter->node, CONSOLE, line, (size_t)size);
}

/* The loop, the same on both replicas. Returns why the run has ended. */
static int run(struct counter *counter)
{
    const struct ftvm_machine_ops ops = {sizeof ops, deliver, emit, save, load, digest, NULL, NULL};
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

/* A thread of its own. What is typed at a backup is ignored by its library. */
static void *read_keys(void *argument)
{
    struct counter *counter = argument;
    struct pollfd terminal = {.fd = STDIN_FILENO, .events = POLLIN};
    char keys[64];
    ssize_t size = 1;
    while (!counter->ended && size > 0) {
        if (poll(&terminal, 1, 100) > 0 && (size = read(STDIN_FILENO, keys, sizeof keys)) > 0) {
            ftvm_input(counter->node, CONSOLE, keys, (size_t)size);
        }
    }
    return NULL;
}

static void tell(void *context, const struct ftvm_event *event)
{
    (void)context;
    if (event->kind == FTVM_EVENT_ROLE || event->kind == FTVM_EVENT_SUSPECT) {
        fprintf(stderr, "[%s]\n", event->text);
    }
}

int main(int argc, char **argv)
{
    struct counter counter = {.state = {.step = 1}};
    struct ftvm_config config;
    pthread_t keyboard;
    char line[512];
    bool backup = argc > 1 && strcmp(argv[1], "backup") == 0;
    if (!backup && (argc < 2 || strcmp(argv[1], "primary") != 0)) {
        fputs("usage: counter primary [LISTEN] | counter backup [LISTEN [PRIMARY]]\n", stderr);
        return 2;
    }
    ftvm_config_init(&config);
    config.name = "counter";
    config.role = backup ? FTVM_ROLE_BACKUP : FTVM_ROLE_PRIMARY;
    config.listen = argc > 2 ? argv[2] : backup ? "127.0.0.1:7101" : "127.0.0.1:7100";
    config.join = argc > 3 ? argv[3] : "127.0.0.1:7100";
    config.arbiter = "file:counter.arbiter";
    config.epoch_length = 1;
    config.on_event = tell;
    if (ftvm_node_create(&config, &counter.node, line, sizeof line) < 0) {
        fprintf(stderr, "counter: %s\n", line);
        return 1;
    }
    int result = ftvm_node_start(counter.node);
    if (result >= 0 && pthread_create(&keyboard, NULL, read_keys, &counter) == 0) {
        result = run(&counter);
        counter.ended = true;
        pthread_join(keyboard, NULL);
    }
    ftvm_node_error(counter.node, line, sizeof line);
    fprintf(stderr, "counter: %s\n", line);
    ftvm_node_destroy(counter.node);
    return result == FTVM_E_HALTED || result == FTVM_E_STOPPED ? 0 : 1;
}
