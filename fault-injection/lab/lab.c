#include "fault-injection/lab/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fault-injection/lab/sandbox.h"

#define LOG_TAIL_BYTES   1500
#define CLEANER_TRIES    20
#define CLEANER_PAUSE_US 100000

/* ---- Time and failure ---------------------------------------------------------------------- */

uint64_t lab_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t lab_deadline(const struct lab *lab, unsigned timeout_ms)
{
    uint64_t deadline = lab_now_ns() + (uint64_t)timeout_ms * 1000000u;

    return lab->deadline_ns != 0 && lab->deadline_ns < deadline ? lab->deadline_ns : deadline;
}

bool lab_pause(struct lab *lab, uint64_t deadline_ns)
{
    struct pollfd poll_for = {.fd = lab->signals, .events = POLLIN};

    if (lab->interrupted || lab_now_ns() >= deadline_ns)
        return false;
    if (poll(&poll_for, 1, LAB_POLL_MS) == 1)
        lab->interrupted = lab_take_signal(lab->signals);
    return lab->interrupted == 0;
}

bool lab_sleep(struct lab *lab, unsigned milliseconds)
{
    uint64_t deadline = lab_now_ns() + (uint64_t)milliseconds * 1000000u;

    while (lab_pause(lab, deadline))
        ;
    return lab->interrupted ? lab_fail(lab, "interrupted") : true;
}

static void set_error(struct lab *lab, const char *format, va_list arguments)
{
    char text[LAB_ERROR_SIZE]; /* the arguments may point into the old error */

    vsnprintf(text, sizeof(text), format, arguments);
    memcpy(lab->error, text, sizeof(text));
}

bool lab_fail(struct lab *lab, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    set_error(lab, format, arguments);
    va_end(arguments);
    return false;
}

static void add_error(struct lab *lab, const char *text, size_t size)
{
    size_t used = strlen(lab->error);

    snprintf(lab->error + used, sizeof(lab->error) - used, "%.*s", (int)size, text);
}

bool lab_fail_log(struct lab *lab, const char *log, const char *format, ...)
{
    char tail[LOG_TAIL_BYTES + 1];
    va_list arguments;
    ssize_t size = 0;
    int fd = open(log, O_RDONLY | O_CLOEXEC);

    va_start(arguments, format);
    set_error(lab, format, arguments);
    va_end(arguments);
    if (fd >= 0) {
        if (lseek(fd, -LOG_TAIL_BYTES, SEEK_END) < 0)
            lseek(fd, 0, SEEK_SET);
        size = read(fd, tail, LOG_TAIL_BYTES);
        close(fd);
    }
    if (size <= 0)
        return false;
    tail[size] = '\0';
    add_error(lab, "; its last words:", 17);
    for (char *line = strtok(tail, "\r\n"); line; line = strtok(NULL, "\r\n")) {
        add_error(lab, "\n    ", 5);
        add_error(lab, line, strlen(line));
    }
    return false;
}

/* ---- The directory ------------------------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)walk;
    if (kind == FTW_DP)
        umount2(path, MNT_DETACH);
    remove(path);
    return 0;
}

/* Waits until the lab's process closes its end of the pipe or dies, then removes the directory: by
 * and by, as replicas that are about to be killed may still write there. */
static void clean_when_gone(int pipe_end, const char *directory)
{
    char keep;
    int nowhere = open("/dev/null", O_RDWR);

    setsid();
    for (int fd = 0; fd <= 2 && nowhere >= 0; fd++)
        dup2(nowhere, fd);
    if (read(pipe_end, &keep, 1) == 1)
        _exit(0);
    for (int i = 0; i < CLEANER_TRIES; i++) {
        nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
        if (access(directory, F_OK))
            break;
        usleep(CLEANER_PAUSE_US);
    }
    _exit(0);
}

static bool make_directory(struct lab *lab)
{
    const char *parent = getenv("TMPDIR");
    int ends[2];

    /* Sockets live here, and their paths must be short. */
    if (!parent || strlen(parent) > 30)
        parent = "/tmp";
    snprintf(lab->directory, sizeof(lab->directory), "%s/ftvm-XXXXXX", parent);
    if (!mkdtemp(lab->directory)) {
        lab->directory[0] = '\0';
        return lab_fail(lab, "no directory in %s: %s", parent, strerror(errno));
    }
    if (pipe2(ends, O_CLOEXEC))
        return lab_fail(lab, "no pipe: %s", strerror(errno));
    lab->cleaner_pid = fork();
    if (lab->cleaner_pid == 0) {
        close(ends[1]);
        clean_when_gone(ends[0], lab->directory);
    }
    close(ends[0]);
    lab->cleaner = ends[1];
    return lab->cleaner_pid > 0 || lab_fail(lab, "no process: %s", strerror(errno));
}

void lab_path(const struct lab *lab, const char *name, char path[LAB_PATH_SIZE])
{
    snprintf(path, LAB_PATH_SIZE, "%s/%s", lab->directory, name);
}

/* ---- From beginning to end ----------------------------------------------------------------- */

static bool check_file(struct lab *lab, const char *path, int mode, const char *hint)
{
    return access(path, mode) == 0 || lab_fail(lab, "%s: %s; %s", path, strerror(errno), hint);
}

int lab_catch_signals(void)
{
    sigset_t set;

    /* Who goes away at the other end is an error of that socket, not the end of us. */
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int lab_take_signal(int signals)
{
    struct signalfd_siginfo taken;

    return read(signals, &taken, sizeof(taken)) == sizeof(taken) ? (int)taken.ssi_signo : 0;
}

static bool catch_signals(struct lab *lab)
{
    lab->signals = lab_catch_signals();
    return lab->signals >= 0 || lab_fail(lab, "no signalfd: %s", strerror(errno));
}

bool lab_open(struct lab *lab, const struct lab_config *config)
{
    *lab = (struct lab){.config = *config, .signals = -1, .cleaner = -1};
    network_init(&lab->network);
    return check_file(lab, config->ftvm, X_OK, "make it with: make") &&
           check_file(lab, config->kernel, R_OK, "make it with: make guest") &&
           check_file(lab, config->initrd, R_OK, "make it with: make guest") &&
           catch_signals(lab) && sandbox_enter(lab) && make_directory(lab) &&
           network_create(&lab->network, lab);
}

void lab_close(struct lab *lab)
{
    network_destroy(&lab->network);
    if (lab->signals >= 0)
        close(lab->signals);
    if (lab->cleaner >= 0) {
        if (lab->config.keep && write(lab->cleaner, "k", 1) == 1)
            fprintf(stderr, "left behind: %s\n", lab->directory);
        close(lab->cleaner);
    }
    if (lab->cleaner_pid > 0)
        waitpid(lab->cleaner_pid, NULL, 0);
}
