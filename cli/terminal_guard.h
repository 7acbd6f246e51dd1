/*
 * Gives the terminal back when the process dies without a chance to do so itself: by a fatal
 * signal, a failed assertion or SIGKILL. A child process holds the end of a pipe and sees it close.
 * (A signal handler would need global state, and SIGKILL has none.)
 */
#ifndef CLI_TERMINAL_GUARD_H
#define CLI_TERMINAL_GUARD_H

struct terminal_guard {
    int pipe; /* -1: there is no terminal to guard */
    int child;
};

/* To be called before there are threads, while the terminal is in its normal mode. Without a
 * terminal on stdin, or if the child cannot be made, nothing is guarded. */
void terminal_guard_start(struct terminal_guard *guard);
/* The process ends in good order and has restored the terminal. */
void terminal_guard_end(struct terminal_guard *guard);

#endif
