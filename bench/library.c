/*
 * What the library costs a machine that is left alone: the same loop without it, and under a
 * primary without a backup, in turns; and each call by itself. One table; medians.
 *
 *     build/bench/library [ROUNDS]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ftvm/ftvm.h>

#define UNITS      UINT64_C(300000000) /* of position, in a run */
#define CALLS      20000
#define MAX_ROUNDS 101

/* The guest: a generator, a unit of position for each number. */
struct machine {
    struct ftvm_node *node;
    uint64_t state, position;
};

static double now_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

__attribute__((noinline)) static void execute(struct machine *machine, uint64_t end)
{
    uint64_t state = machine->state;
    for (uint64_t at = machine->position; at < end; at++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407u;
        state ^= state >> 29;
    }
    machine->state = state;
    machine->position = end;
}

static int deliver(void *machine, uint32_t device, const void *data, size_t size)
{
    (void)machine, (void)device, (void)data, (void)size;
    return 0;
}

static int emit(void *machine, uint64_t number, uint32_t device, const void *data, size_t size)
{
    (void)number, (void)machine, (void)device, (void)data, (void)size;
    return 0;
}

static int save(void *machine, struct ftvm_writer *writer)
{
    return ftvm_write(writer, machine, sizeof(struct machine));
}

static int load(void *machine, struct ftvm_reader *reader)
{
    return ftvm_read(reader, machine, sizeof(struct machine));
}

static void digest(void *context, struct ftvm_digest *digest)
{
    struct machine *machine = context;
    ftvm_digest_add(digest, "state", 0, &machine->state, sizeof machine->state);
}

static const struct ftvm_machine_ops ops = {.size = sizeof ops,
                                            .deliver = deliver,
                                            .emit = emit,
                                            .save = save,
                                            .load = load,
                                            .digest = digest};

static void start(struct machine *machine, uint64_t epoch_length, struct ftvm_epoch *epoch)
{
    struct ftvm_config config;
    char error[256];
    ftvm_config_init(&config);
    config.name = "bench";
    config.arbiter = "none";
    config.assume_fail_stop = true;
    config.listen = "127.0.0.1:0"; /* a backup could join at any time */
    config.epoch_length = epoch_length;
    if (ftvm_node_create(&config, &machine->node, error, sizeof error) < 0 ||
        ftvm_node_start(machine->node) < 0 ||
        ftvm_begin(machine->node, &ops, machine, 0, epoch) < 0) {
        fprintf(stderr, "library: a lone primary cannot be started\n");
        exit(1);
    }
}

/* Seconds of a run, and in *boundaries how many epochs it had. */
static double run_under_node(uint64_t *boundaries)
{
    struct machine machine = {.state = 1};
    struct ftvm_epoch epoch;
    start(&machine, 0, &epoch);
    double begin_s = now_s();
    for (*boundaries = 0; machine.position < UNITS; (*boundaries)++) {
        ftvm_position end;
        while ((end = ftvm_stop_at(machine.node, machine.position)) > machine.position) {
            execute(&machine, end);
        }
        if (ftvm_boundary(machine.node, machine.position, &epoch) < 0) {
            exit(1);
        }
    }
    double seconds = (now_s() - begin_s) * (double)UNITS / (double)machine.position;
    ftvm_node_destroy(machine.node);
    return seconds;
}

static double run_alone(void)
{
    struct machine machine = {.state = 1};
    double begin_s = now_s();
    execute(&machine, UNITS);
    double seconds = now_s() - begin_s;
    volatile uint64_t result = machine.state; /* or nothing would be executed */
    (void)result;
    return seconds;
}

/* ---- Each call ----------------------------------------------------------------------------- */

static double boundary_s(struct machine *machine)
{
    struct ftvm_epoch epoch;
    double begin_s = now_s();
    for (int i = 0; i < CALLS; i++) {
        ftvm_boundary(machine->node, ++machine->position, &epoch);
    }
    return (now_s() - begin_s) / CALLS;
}

static double stop_at_s(struct machine *machine)
{
    double begin_s = now_s();
    for (int i = 0; i < CALLS; i++) {
        machine->state += ftvm_stop_at(machine->node, machine->position);
    }
    return (now_s() - begin_s) / CALLS;
}

static double output_s(struct machine *machine)
{
    static const char frame[64];
    double begin_s = now_s();
    for (int i = 0; i < CALLS; i++) {
        ftvm_output(machine->node, 1, frame, sizeof frame);
    }
    return (now_s() - begin_s) / CALLS;
}

static double value_s(struct machine *machine)
{
    double begin_s = now_s();
    for (int i = 0; i < CALLS; i++) {
        ftvm_value(machine->node, machine->position, &machine->state, sizeof machine->state);
    }
    return (now_s() - begin_s) / CALLS;
}

static double clock_s(struct machine *machine)
{
    uint64_t clock_ns;
    double begin_s = now_s();
    for (int i = 0; i < CALLS; i++) {
        ftvm_clock(machine->node, machine->position, &clock_ns);
    }
    return (now_s() - begin_s) / CALLS;
}

static int ascending(const void *a, const void *b)
{
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

static double median(double *values, int count)
{
    qsort(values, (size_t)count, sizeof *values, ascending);
    return values[count / 2];
}

static void report_calls(int rounds)
{
    static const struct {
        const char *name;
        double (*measure)(struct machine *machine);
    } calls[] = {
        {"ftvm_boundary", boundary_s},
        {"ftvm_stop_at", stop_at_s},
        {"ftvm_output, 64 bytes", output_s},
        {"ftvm_value, 8 bytes", value_s},
        {"ftvm_clock", clock_s},
    };
    struct machine machine = {.state = 1};
    struct ftvm_epoch epoch;
    start(&machine, 1, &epoch);
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        double seconds[MAX_ROUNDS];
        for (int round = 0; round < rounds; round++) {
            seconds[round] = calls[i].measure(&machine);
            ftvm_boundary(machine.node, ++machine.position, &epoch);
        }
        printf("%-28s %10.3f us\n", calls[i].name, median(seconds, rounds) * 1e6);
    }
    ftvm_node_destroy(machine.node);
}

int main(int argc, char **argv)
{
    int rounds = argc > 1 ? atoi(argv[1]) : 9;
    double ratios[MAX_ROUNDS], alone[MAX_ROUNDS], under[MAX_ROUNDS];
    uint64_t boundaries = 0;
    if (rounds < 1 || rounds > MAX_ROUNDS) {
        fprintf(stderr, "usage: library [ROUNDS], 1 to %d\n", MAX_ROUNDS);
        return 2;
    }
    for (int i = 0; i < rounds; i++) {
        alone[i] = run_alone();
        under[i] = run_under_node(&boundaries);
        ratios[i] = alone[i] / under[i];
    }
    printf("%-28s %10.1f million units/s\n", "without the library",
           (double)UNITS / median(alone, rounds) / 1e6);
    printf("%-28s %10.1f million units/s, ratio %.4f, %llu boundaries\n", "lone primary",
           (double)UNITS / median(under, rounds) / 1e6, median(ratios, rounds),
           (unsigned long long)boundaries);
    report_calls(rounds);
    return 0;
}
