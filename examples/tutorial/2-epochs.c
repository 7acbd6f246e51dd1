/* Step 2: the same guest under a node: epochs, guest time and outputs. */
#include <poll.h>
#include <stdio.h>
#include <unistd.h>

#include <ftvm/ftvm.h>

#define PERIOD_NS UINT64_C(500000000) /* guest time of an instruction */
#define CONSOLE   0u                  /* the one device */

/* Of the guest: all of it, and nothing else. */
struct state {
    uint64_t count, step;
};

struct counter {
    struct state state;
    struct ftvm_node *node;
};

/* Nothing comes in yet, and nobody joins. */
static int deliver(void *machine, uint32_t device, const void *data, size_t size)
{
    (void)machine, (void)device, (void)data, (void)size;
    return 0;
}

static int save(void *machine, struct ftvm_writer *writer)
{
    (void)machine, (void)writer;
    return FTVM_E_STATE;
}

static int load(void *machine, struct ftvm_reader *reader)
{
    (void)machine, (void)reader;
    return FTVM_E_STATE;
}

/* The output may leave now. */
static int emit(void *machine, uint64_t number, uint32_t device, const void *data, size_t size)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    (void)machine, (void)number, (void)device;
    bool is_read = poll(&out, 1, 0) != 0; /* else the library keeps it, and asks again */
    return !is_read ? FTVM_E_FULL : write(STDOUT_FILENO, data, size) < 0 ? FTVM_E_MACHINE : 0;
}

static int execute(struct counter *counter)
{
    char line[32];
    counter->state.count += counter->state.step;
    int size = snprintf(line, sizeof line, "%llu\n", (unsigned long long)counter->state.count);
    return ftvm_output(counter->node, CONSOLE, line, (size_t)size);
}

/* The loop. Returns why the run has ended. */
static int run(struct counter *counter)
{
    const struct ftvm_machine_ops ops = {
        .size = sizeof ops, .deliver = deliver, .emit = emit, .save = save, .load = load};
    struct ftvm_epoch epoch;
    int result = ftvm_begin(counter->node, &ops, counter, 0, &epoch);
    while (result >= 0) {
        uint64_t due_ns = (epoch.position + 1) * PERIOD_NS;
        if (counter->state.count == 4) {
            result = ftvm_halt(counter->node, epoch.position); /* power off */
        } else if (epoch.clock_ns < due_ns) {
            result = ftvm_idle(counter->node, epoch.position, due_ns, &epoch);
        } else if ((result = execute(counter)) >= 0) {
            result = ftvm_boundary(counter->node, epoch.position + 1, &epoch);
        }
    }
    return result;
}

int main(void)
{
    struct counter counter = {.state = {.step = 1}};
    struct ftvm_config config;
    char line[512];
    ftvm_config_init(&config);
    config.name = "counter";
    config.arbiter = "none"; /* there is no other replica */
    config.assume_fail_stop = true;
    config.epoch_length = 1; /* one instruction */
    int result = ftvm_node_create(&config, &counter.node, line, sizeof line);
    if (result >= 0 && (result = ftvm_node_start(counter.node)) >= 0) {
        result = run(&counter);
    }
    if (counter.node != NULL) {
        ftvm_node_error(counter.node, line, sizeof line);
    }
    ftvm_node_destroy(counter.node);
    fprintf(stderr, "counter: %s\n", line);
    return result == FTVM_E_HALTED ? 0 : 1;
}
