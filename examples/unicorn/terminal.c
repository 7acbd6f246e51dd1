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

#define RETRY_MS    10   /* until a full node is asked again */
#define WRITE_BYTES 4096 /* a pipe that is ready takes so many without blocking */

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
    char output[TERMINAL_OUTPUT_SIZE];
    size_t output_head;
    size_t output_count;
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

void terminal_emit(void *context, const void *text, size_t size)
{
    struct terminal *terminal = context;
    const char *bytes = text;
    pthread_mutex_lock(&terminal->lock);
    for (size_t i = 0; i < size && terminal->output_count < TERMINAL_OUTPUT_SIZE; i++) {
        size_t at = (terminal->output_head + terminal->output_count) % TERMINAL_OUTPUT_SIZE;
        terminal->output[at] = bytes[i];
        terminal->output_count++;
    }
    pthread_mutex_unlock(&terminal->lock);
    wake(terminal);
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

static void write_output(struct terminal *terminal)
{
    char bytes[WRITE_BYTES];
    size_t count = 0;
    pthread_mutex_lock(&terminal->lock);
    for (; count < terminal->output_count && count < sizeof bytes; count++) {
        bytes[count] = terminal->output[(terminal->output_head + count) % TERMINAL_OUTPUT_SIZE];
    }
    pthread_mutex_unlock(&terminal->lock);
    ssize_t written = write(STDOUT_FILENO, bytes, count);
    if (written < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    size_t gone = written < 0 ? count : (size_t)written; /* nobody reads: what is to be done */
    pthread_mutex_lock(&terminal->lock);
    terminal->output_head = (terminal->output_head + gone) % TERMINAL_OUTPUT_SIZE;
    terminal->output_count -= gone;
    pthread_mutex_unlock(&terminal->lock);
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
        bool writes = terminal->output_count > 0;
        bool reads = terminal->is_live && terminal->input_count == 0 && !terminal->input_ended;
        bool closing = terminal->is_closing;
        pthread_mutex_unlock(&terminal->lock);
        if (closing && !writes) {
            return NULL;
        }
        struct pollfd fds[] = {
            {.fd = terminal->wake, .events = POLLIN},
            {.fd = terminal->signals, .events = POLLIN},
            {.fd = writes ? STDOUT_FILENO : -1, .events = POLLOUT},
            {.fd = reads && !closing ? STDIN_FILENO : -1, .events = POLLIN},
        };
        int timeout_ms = closing ? TERMINAL_DRAIN_MS : terminal->input_count > 0 ? RETRY_MS : -1;
        int ready = poll(fds, sizeof fds / sizeof fds[0], timeout_ms);
        if (ready == 0 && closing) {
            return NULL;
        }
        uint64_t count;
        if (fds[0].revents != 0 && read(terminal->wake, &count, sizeof count) < 0) {
            return NULL;
        }
        if (fds[1].revents != 0) {
            take_signal(terminal);
        }
        if (fds[2].revents != 0) {
            write_output(terminal);
        }
        if (fds[3].revents != 0) {
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
