#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* Alternate screen and no cursor, and back. */
#define ENTER "\033[?1049h\033[?25l\033[2J"
#define LEAVE "\033[?25h\033[?1049l"

bool terminal_is_ready(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&out, 1, 0) != 0;
}

void terminal_write(const char *text, size_t size)
{
    while (size > 0) {
        ssize_t written = write(STDOUT_FILENO, text, size);
        if (written < 0 && errno != EINTR && errno != EAGAIN) {
            return;
        }
        if (written > 0) {
            text += written;
            size -= (size_t)written;
        }
    }
}

static void give_back(const struct termios *before)
{
    terminal_write(LEAVE, strlen(LEAVE));
    tcsetattr(STDIN_FILENO, TCSANOW, before);
}

/* Lives on whatever is done to its parent: signals from the keyboard are ignored, it is of another
 * group, and has another name, for those who kill by name. A byte says that the terminal is taken.
 */
static void guard(const struct termios *before, int from_parent)
{
    sigset_t all;
    char byte;
    ssize_t size;
    bool is_taken = false;
    sigfillset(&all); /* SIGTTOU, too: it is not in the foreground any more */
    sigprocmask(SIG_SETMASK, &all, NULL);
    setpgid(0, 0);
    prctl(PR_SET_NAME, "terminal-guard");
    while ((size = read(from_parent, &byte, 1)) != 0) {
        is_taken = is_taken || size > 0;
    }
    if (is_taken) {
        give_back(before);
    }
    _exit(0);
}

static bool start_guard(struct terminal *terminal)
{
    int ends[2];
    if (pipe(ends) < 0) {
        return false;
    }
    terminal->guard = fork();
    if (terminal->guard == 0) {
        close(ends[1]);
        guard(&terminal->before, ends[0]);
    }
    close(ends[0]);
    if (terminal->guard < 0) {
        close(ends[1]);
        return false;
    }
    terminal->guard_fd = ends[1];
    return true;
}

bool terminal_open(struct terminal *terminal)
{
    return isatty(STDOUT_FILENO) && tcgetattr(STDIN_FILENO, &terminal->before) == 0 &&
           start_guard(terminal);
}

void terminal_enter(struct terminal *terminal)
{
    struct termios raw = terminal->before;
    if (write(terminal->guard_fd, "", 1) != 1) {
        return; /* without a guard it would stay as it becomes now */
    }
    cfmakeraw(&raw);
    tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    terminal_write(ENTER, strlen(ENTER));
}

void terminal_close(struct terminal *terminal)
{
    close(terminal->guard_fd);
    while (waitpid(terminal->guard, NULL, 0) < 0 && errno == EINTR) {
    }
}
