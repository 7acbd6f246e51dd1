#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#define RETRY_MS 10 /* until a full node is asked again */

struct terminal {
    pthread_mutex_t node_lock; /* held while the node is called; not by emit, which it calls */
    struct ftvm_node *node;    /* NULL: detached */
    uint32_t device;
    pthread_t thread;
    int wake;
    int signals;
    bool is_set; /* `before` is to be set back */
    struct termios before;

    pthread_mutex_t lock; /* of these */
    bool is_live;
    bool is_closing;

    /* The thread's own. */
    char input[TERMINAL_INPUT_SIZE];
    size_t input_count;
    bool input_ended;
    bool was_told; /* to stop, by a signal */
};

static void fill_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
}

void terminal_block_signals(void)
{
    sigset_t set;
    fill_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static void wake(struct terminal *terminal)
{
    uint64_t one = 1;
    (void)!write(terminal->wake, &one, sizeof one);
}

/* A pipe, or a terminal, that is ready takes a line without blocking. */
int terminal_emit(void *context, const void *text, size_t size)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
    (void)context;
    if (poll(&out, 1, 0) == 0) {
        return FTVM_E_FULL;
    }
    (void)!write(STDOUT_FILENO, text, size); /* one that is closed is nobody's loss */
    return 0;
}

void terminal_live(void *context)
{
    struct terminal *terminal = context;
    pthread_mutex_lock(&terminal->lock);
    terminal->is_live = true;
    pthread_mutex_unlock(&terminal->lock);
    wake(terminal);
}

static void set_back(struct terminal *terminal)
{
    if (terminal->is_set) {
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->before);
    }
}

static void set_keys(struct terminal *terminal)
{
    if (isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &terminal->before) == 0) {
        struct termios keys = terminal->before;
        keys.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
        keys.c_cc[VMIN] = 1;
        keys.c_cc[VTIME] = 0;
        terminal->is_set = tcsetattr(STDIN_FILENO, TCSADRAIN, &keys) == 0;
    }
}

static void read_input(struct terminal *terminal)
{
    ssize_t count = read(STDIN_FILENO, terminal->input, sizeof terminal->input);
    if (count > 0) {
        terminal->input_count = (size_t)count;
    } else if (count == 0 || (errno != EINTR && errno != EAGAIN)) {
        terminal->input_ended = true;
    }
}

/* A node that is full, or not started yet, is asked again later. */
static void give_input(struct terminal *terminal)
{
    pthread_mutex_lock(&terminal->node_lock);
    int result =
        ftvm_input(terminal->node, terminal->device, terminal->input, terminal->input_count);
    pthread_mutex_unlock(&terminal->node_lock);
    if (result != FTVM_E_FULL && result != FTVM_E_STATE) {
        terminal->input_count = 0;
    }
}

static void take_signal(struct terminal *terminal)
{
    struct signalfd_siginfo signal;
    if (read(terminal->signals, &signal, sizeof signal) != sizeof signal) {
        return;
    }
    if (terminal->was_told) {
        set_back(terminal);
        _exit(EXIT_FAILURE);
    }
    terminal->was_told = true;
    pthread_mutex_lock(&terminal->node_lock);
    (void)ftvm_node_stop(terminal->node);
    pthread_mutex_unlock(&terminal->node_lock);
}

static void *move_bytes(void *context)
{
    struct terminal *terminal = context;
    for (;;) {
        pthread_mutex_lock(&terminal->lock);
        bool reads = terminal->is_live && terminal->input_count == 0 && !terminal->input_ended;
        bool closing = terminal->is_closing;
        pthread_mutex_unlock(&terminal->lock);
        if (closing) {
            return NULL;
        }
        struct pollfd fds[] = {
            {.fd = terminal->wake, .events = POLLIN},
            {.fd = terminal->signals, .events = POLLIN},
            {.fd = reads ? STDIN_FILENO : -1, .events = POLLIN},
        };
        poll(fds, sizeof fds / sizeof fds[0], terminal->input_count > 0 ? RETRY_MS : -1);
        uint64_t count;
        if (fds[0].revents != 0 && read(terminal->wake, &count, sizeof count) < 0) {
            return NULL;
        }
        if (fds[1].revents != 0) {
            take_signal(terminal);
        }
        if (fds[2].revents != 0) {
            read_input(terminal);
        }
        if (terminal->input_count > 0) {
            give_input(terminal);
        }
    }
}

static void release(struct terminal *terminal)
{
    set_back(terminal);
    close(terminal->wake);
    close(terminal->signals);
    pthread_mutex_destroy(&terminal->lock);
    pthread_mutex_destroy(&terminal->node_lock);
    free(terminal);
}

struct terminal *terminal_open(struct ftvm_node *node, uint32_t device)
{
    struct terminal *terminal = calloc(1, sizeof *terminal);
    if (terminal == NULL) {
        return NULL;
    }
    sigset_t set;
    fill_signals(&set);
    terminal->node = node;
    terminal->device = device;
    pthread_mutex_init(&terminal->lock, NULL);
    pthread_mutex_init(&terminal->node_lock, NULL);
    terminal->wake = eventfd(0, EFD_CLOEXEC);
    terminal->signals = signalfd(-1, &set, SFD_CLOEXEC);
    set_keys(terminal);
    if (terminal->wake < 0 || terminal->signals < 0 ||
        pthread_create(&terminal->thread, NULL, move_bytes, terminal) != 0) {
        release(terminal);
        return NULL;
    }
    return terminal;
}

void terminal_detach(struct terminal *terminal)
{
    pthread_mutex_lock(&terminal->node_lock);
    terminal->node = NULL;
    pthread_mutex_unlock(&terminal->node_lock);
}

void terminal_close(struct terminal *terminal)
{
    pthread_mutex_lock(&terminal->lock);
    terminal->is_closing = true;
    pthread_mutex_unlock(&terminal->lock);
    wake(terminal);
    pthread_join(terminal->thread, NULL);
    release(terminal);
}
