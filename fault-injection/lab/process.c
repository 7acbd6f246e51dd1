#include "fault-injection/lab/process.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* In the child. */
static void become(pid_t parent, int namespace_fd, int log, const char *const arguments[],
                   const char *const variables[])
{
    sigset_t none;
    int nowhere = open("/dev/null", O_RDONLY | O_CLOEXEC);

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(PROCESS_NOT_FOUND); /* it died before we asked */
    /* Ctrl-C is for the parent, who decides in which order the children go. */
    setsid();
    signal(SIGPIPE, SIG_DFL);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (setns(namespace_fd, CLONE_NEWNET) || nowhere < 0 || dup2(nowhere, 0) < 0 ||
        dup2(log, 1) < 0 || dup2(log, 2) < 0)
        _exit(PROCESS_NOT_FOUND);
    for (; *variables; variables++)
        if (putenv((char *)*variables))
            _exit(PROCESS_NOT_FOUND);
    execvp(arguments[0], (char *const *)arguments);
    _exit(PROCESS_NOT_FOUND);
}

bool process_start(struct process *process, struct lab *lab, int namespace_fd, const char *log,
                   const char *const arguments[])
{
    static const char *const none[] = {NULL};

    return process_start_with(process, lab, namespace_fd, log, arguments, none);
}

bool process_start_with(struct process *process, struct lab *lab, int namespace_fd, const char *log,
                        const char *const arguments[], const char *const variables[])
{
    pid_t parent = getpid();
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    *process = (struct process){0};
    if (fd < 0)
        return lab_fail(lab, "%s: %s", log, strerror(errno));
    snprintf(process->log, sizeof(process->log), "%s", log);
    process->pid = fork();
    if (process->pid == 0)
        become(parent, namespace_fd, fd, arguments, variables);
    close(fd);
    if (process->pid < 0)
        return lab_fail(lab, "no process for %s: %s", arguments[0], strerror(errno));
    process->running = true;
    return true;
}

static void note_end(struct process *process, int status)
{
    process->running = false;
    process->code = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

bool process_running(struct process *process)
{
    int status;

    if (process->running && waitpid(process->pid, &status, WNOHANG) == process->pid)
        note_end(process, status);
    return process->running;
}

void process_signal(struct process *process, int signal)
{
    if (process->running)
        kill(process->pid, signal);
}

bool process_wait_stopped(struct process *process, struct lab *lab, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);

    while (process_running(process)) {
        siginfo_t state = {0};

        /* Only looks: what has stopped is told again, until it goes on. */
        if (waitid(P_PID, (id_t)process->pid, &state, WSTOPPED | WNOHANG | WNOWAIT) == 0 &&
            state.si_pid == process->pid)
            return true;
        if (!lab_pause(lab, deadline))
            return lab_fail(lab, "process %d does not stop", (int)process->pid);
    }
    return true;
}

void process_kill(struct process *process)
{
    int status;

    if (!process_running(process))
        return;
    kill(process->pid, SIGKILL);
    if (waitpid(process->pid, &status, 0) == process->pid)
        note_end(process, status);
}

bool process_wait(struct process *process, struct lab *lab, unsigned timeout_ms, int *code)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);

    while (process_running(process))
        if (!lab_pause(lab, deadline))
            return lab->interrupted
                       ? lab_fail(lab, "interrupted")
                       : lab_fail_log(lab, process->log, "still running after %u ms", timeout_ms);
    *code = process->code;
    return true;
}
