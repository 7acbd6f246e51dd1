/* Step 1: the machine by itself, with no thought of failures. */
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_NS UINT64_C(500000000) /* time of an instruction */

/* Of the guest: all of it, and nothing else. */
struct state {
    uint64_t count, step;
};

struct counter {
    struct state state;
    uint64_t position; /* instructions executed */
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A digit is the new step; 0 is power off. */
static void take_keys(struct counter *counter, const char *keys, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (keys[i] >= '0' && keys[i] <= '9') {
            counter->state.step = (uint64_t)(keys[i] - '0');
        }
    }
}

static void execute(struct counter *counter)
{
    counter->state.count += counter->state.step;
    counter->position++;
    printf("%llu\n", (unsigned long long)counter->state.count);
    fflush(stdout);
}

int main(void)
{
    struct counter counter = {.state = {.step = 1}};
    struct pollfd keyboard = {.fd = STDIN_FILENO, .events = POLLIN};
    uint64_t start_ns = now_ns();
    while (counter.state.step != 0) {
        uint64_t due_ns = start_ns + (counter.position + 1) * PERIOD_NS;
        uint64_t clock_ns = now_ns();
        char keys[64];
        if (clock_ns >= due_ns) {
            execute(&counter);
        } else if (poll(&keyboard, 1, (int)((due_ns - clock_ns) / 1000000) + 1) > 0) {
            ssize_t size = read(STDIN_FILENO, keys, sizeof keys);
            keyboard.fd = size > 0 ? keyboard.fd : -1; /* its end: nothing more will come */
            take_keys(&counter, keys, size > 0 ? (size_t)size : 0);
        }
    }
    return 0;
}
