/* The console on the standard input and output of the process. */
#include "vmm/backends/console_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/backends/fail.h"

/* O_NONBLOCK belongs to an open file, which standard descriptors share with the shell and others:
 * so a terminal or pipe is opened anew for ourselves. Where that is not possible, a plain copy is
 * used. */
static int open_anew(int fd, int flags, bool *shared)
{
    char path[32];
    struct stat status;
    int own = -1;

    *shared = false;
    if (fstat(fd, &status))
        return -1;
    if (S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode)) {
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        own = open(path, flags | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    }
    if (own < 0) {
        *shared = S_ISCHR(status.st_mode) || S_ISFIFO(status.st_mode);
        own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    }
    return own;
}

static bool in_background(void)
{
    pid_t foreground = tcgetpgrp(STDIN_FILENO);

    return foreground >= 0 && foreground != getpgrp();
}

/* Every key goes to the guest, which echoes and edits. Output processing stays on: our own messages
 * appear on the same terminal. */
static int make_raw(struct console *console)
{
    struct termios raw;

    if (tcgetattr(STDIN_FILENO, &console->terminal))
        return -errno;
    raw = console->terminal;
    raw.c_iflag &= (tcflag_t) ~(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    raw.c_lflag &= (tcflag_t) ~(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
        return -errno;
    console->raw = true;
    return 0;
}

int console_stdio_open(struct console *console, char *error, size_t error_size)
{
    bool terminal = isatty(STDIN_FILENO);
    bool shared;
    int in = -1, out;

    if (terminal && !in_background()) {
        int code = make_raw(console);

        if (code)
            return backend_fail(error, error_size, code,
                                "console: the terminal cannot be put into raw mode: %s",
                                strerror(-code));
    }
    if (!terminal || console->raw)
        in = open_anew(STDIN_FILENO, O_RDONLY, &shared);
    /* No descriptor at all is a console without output or input, as for any daemon. */
    out = open_anew(STDOUT_FILENO, O_WRONLY, &shared);
    console->out_may_block = shared;
    console_flow_attach(console, in, out);
    return 0;
}
