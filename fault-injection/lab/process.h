/*
 * A child process: in a network namespace, with a log file for what it prints, and killed when this
 * process dies. Children are started by the main thread only: the kernel takes the end of the
 * thread that forked for the parent's death.
 */
#ifndef FAULT_INJECTION_LAB_PROCESS_H
#define FAULT_INJECTION_LAB_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

#include "fault-injection/lab/lab.h"

#define PROCESS_NOT_FOUND 127 /* the exit code if the program cannot be executed */

struct process {
    pid_t pid;
    bool running;
    int code; /* once it has ended: its exit code, or 128 + the signal */
    char log[LAB_PATH_SIZE];
};

/* `arguments` end with NULL; the first is the program, looked up in PATH if it has no slash. */
bool process_start(struct process *process, struct lab *lab, int namespace_fd, const char *log,
                   const char *const arguments[]);
/* The same with further variables in its environment, "NAME=VALUE" up to NULL. */
bool process_start_with(struct process *process, struct lab *lab, int namespace_fd, const char *log,
                        const char *const arguments[], const char *const variables[]);
/* Looks, and does not wait. */
bool process_running(struct process *process);
void process_signal(struct process *process, int signal);
/* Until it stands still after a SIGSTOP, which may have been its own; or has ended. */
bool process_wait_stopped(struct process *process, struct lab *lab, unsigned timeout_ms);
/* At once; returns when it is gone. */
void process_kill(struct process *process);
/* For its end by itself; still running after the timeout is a failure. */
bool process_wait(struct process *process, struct lab *lab, unsigned timeout_ms, int *code);

#endif
