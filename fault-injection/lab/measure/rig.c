#include "fault-injection/lab/measure/rig.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SCALE_MAX (1u << 20) /* an amount beyond it is not doubled */

struct answer {
    bool good;
    double values[RIG_VALUES];
    char error[LAB_ERROR_SIZE];
};

/* ---- Inside -------------------------------------------------------------------------------- */

static void answer(int socket, struct machine *machine, bool good, const double values[RIG_VALUES])
{
    struct answer answer = {.good = good};

    memcpy(answer.values, values, sizeof(answer.values));
    if (!good)
        snprintf(answer.error, sizeof(answer.error), "%s", machine->lab.error);
    if (send(socket, &answer, sizeof(answer), 0) != sizeof(answer))
        machine->lab.interrupted = 1; /* the owner is gone; so are we at the next receive */
}

static void serve(int socket, struct machine *machine)
{
    struct rig_task task;

    while (recv(socket, &task, sizeof(task), 0) == sizeof(task) && task.run) {
        double values[RIG_VALUES] = {0};
        bool good = task.run(machine, task.arguments, values);

        answer(socket, machine, good, values);
    }
}

static void live(int socket, const struct machine_config *config,
                 const struct machine_options *options)
{
    struct machine *machine = calloc(1, sizeof(*machine));
    double values[RIG_VALUES] = {0};
    bool good;

    if (!machine)
        _exit(EXIT_FAILURE);
    good = machine_open(machine, config, options) && machine_boot(machine);
    answer(socket, machine, good, values);
    if (good)
        serve(socket, machine);
    machine_close(machine);
    _exit(EXIT_SUCCESS);
}

/* ---- Outside ------------------------------------------------------------------------------- */

static bool fail(char error[LAB_ERROR_SIZE], const char *what)
{
    snprintf(error, LAB_ERROR_SIZE, "%s: %s", what, strerror(errno));
    return false;
}

/* Waits for a signal or the rig's answer, `timeout_ms` at most (-1: for ever). */
static bool is_interrupted(const struct rig *rig, int timeout_ms)
{
    struct pollfd poll_for[] = {{.fd = rig->socket, .events = POLLIN},
                                {.fd = rig->signals, .events = POLLIN}};

    if (rig->signals == 0)
        return false;
    while (poll(poll_for, 2, timeout_ms) < 0 && errno == EINTR)
        ;
    return poll_for[1].revents != 0;
}

static bool wait_for_answer(struct rig *rig, double values[RIG_VALUES], char error[LAB_ERROR_SIZE])
{
    struct answer answer;
    ssize_t size;

    if (is_interrupted(rig, -1)) {
        errno = EINTR;
        return fail(error, "the process of the machine");
    }
    size = recv(rig->socket, &answer, sizeof(answer), 0);
    if (size != sizeof(answer)) {
        errno = size < 0 ? errno : ECHILD;
        return fail(error, "the process of the machine");
    }
    if (!answer.good)
        memcpy(error, answer.error, LAB_ERROR_SIZE);
    else if (values)
        memcpy(values, answer.values, sizeof(answer.values));
    return answer.good;
}

bool rig_open(struct rig *rig, const struct machine_config *config,
              const struct machine_options *options, char error[LAB_ERROR_SIZE])
{
    int ends[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
        return fail(error, "no socket");
    fflush(NULL);
    rig->pid = fork();
    if (rig->pid == 0) {
        close(ends[0]);
        live(ends[1], config, options);
    }
    close(ends[1]);
    rig->socket = ends[0];
    rig->signals = config->signals;
    if (rig->pid < 0) {
        close(rig->socket);
        return fail(error, "no process");
    }
    if (wait_for_answer(rig, NULL, error))
        return true;
    rig_close(rig);
    return false;
}

void rig_close(struct rig *rig)
{
    static const struct rig_task end = {0};

    if (is_interrupted(rig, 0))
        kill(rig->pid, SIGTERM);
    /* Not by closing alone: later rigs have inherited this end. If it is dead already, good. */
    (void)!send(rig->socket, &end, sizeof(end), 0);
    close(rig->socket);
    waitpid(rig->pid, NULL, 0);
}

bool rig_do(struct rig *rig, const struct rig_task *task, double values[RIG_VALUES],
            char error[LAB_ERROR_SIZE])
{
    if (send(rig->socket, task, sizeof(*task), 0) != sizeof(*task))
        return fail(error, "the process of the machine");
    return wait_for_answer(rig, values, error);
}

bool rig_scale(struct rig *rig, struct rig_task *task, unsigned argument, unsigned milliseconds,
               char error[LAB_ERROR_SIZE])
{
    double values[RIG_VALUES];

    for (;;) {
        uint64_t start = lab_now_ns(), took;
        unsigned amount = task->arguments[argument];

        if (!rig_do(rig, task, values, error))
            return false;
        took = (lab_now_ns() - start) / 1000000u + 1;
        /* From a third on, what does not grow with the amount is small enough to scale by. */
        if (took >= milliseconds / 3 || amount > SCALE_MAX) {
            task->arguments[argument] = (unsigned)(amount * (uint64_t)milliseconds / took);
            if (task->arguments[argument] == 0)
                task->arguments[argument] = 1;
            return true;
        }
        task->arguments[argument] = amount * 2;
    }
}
