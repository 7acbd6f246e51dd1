#include "cli/terminal_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

static void guard_terminal(int pipe, const struct termios *normal)
{
    struct termios now;
    sigset_t all;
    ssize_t size;
    char byte;

    /* Ctrl-C ends the replica and not its guard; and with SIGTTOU blocked a process in the
     * background, which this one may be by then, can set the terminal's mode. */
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    /* Who reads the replica's output must not wait for the guard. */
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    do
        size = read(pipe, &byte, 1);
    while (size < 0 && errno == EINTR);
    /* A shell may have set its own mode already. Raw mode is told by the signals being off. */
    if (size == 0 && tcgetattr(STDIN_FILENO, &now) == 0 && !(now.c_lflag & ISIG) &&
        (normal->c_lflag & ISIG))
        tcsetattr(STDIN_FILENO, TCSANOW, normal);
    _exit(0);
}

void terminal_guard_start(struct terminal_guard *guard)
{
    struct termios normal;
    int ends[2];

    guard->pipe = -1;
    guard->child = -1;
    if (tcgetattr(STDIN_FILENO, &normal) < 0 || pipe2(ends, O_CLOEXEC) < 0)
        return;
    guard->child = fork();
    if (guard->child == 0) {
        close(ends[1]);
        guard_terminal(ends[0], &normal);
    }
    close(ends[0]);
    if (guard->child < 0)
        close(ends[1]);
    else
        guard->pipe = ends[1];
}

void terminal_guard_end(struct terminal_guard *guard)
{
    if (guard->pipe < 0)
        return;
    ssize_t written = write(guard->pipe, "", 1);
    (void)written;
    close(guard->pipe);
    while (waitpid(guard->child, NULL, 0) < 0 && errno == EINTR)
        continue;
    guard->pipe = -1;
}
