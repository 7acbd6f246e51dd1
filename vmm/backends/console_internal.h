/*
 * What the kinds of consoles share. A kind opens one or two descriptors and attaches them; the flow
 * of bytes between them, the sink and the backlog is the same for all and runs on the reactor
 * thread alone.
 */
#ifndef VMM_BACKENDS_CONSOLE_INTERNAL_H
#define VMM_BACKENDS_CONSOLE_INTERNAL_H

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>
#include <termios.h>

#include "vmm/backends/console.h"
#include "vmm/backends/console_escape.h"

#define CONSOLE_CHUNK 1024u /* bytes read, and given to the sink, at a time */

struct console {
    struct reactor *reactor;
    struct ev_loop *loop;
    uint32_t device;
    enum console_kind kind;
    char path[256];
    console_quit *quit;
    void *quit_context;

    /* The flow, console_flow.c. */
    int in, out; /* -1: nothing to read; what is printed is dropped. May be the same. */
    bool out_is_socket;
    bool out_is_file;   /* a regular one: what is emitted is written at once */
    bool out_may_block; /* a terminal that could not be opened anew for ourselves */
    ev_io readable, writable;
    ev_timer offer_again, write_again;
    uint8_t pending[CONSOLE_CHUNK]; /* read, and refused by the sink so far */
    size_t pending_size;
    ev_async emitted;
    pthread_mutex_t mutex; /* for the backlog, a ring */
    uint8_t *backlog;
    size_t backlog_start, backlog_size;
    atomic_bool lost; /* bytes found the backlog full */
    atomic_int error;

    /* stdio */
    struct console_escape escape;
    struct termios terminal; /* as found */
    atomic_bool raw;

    /* unix */
    int listener;
    ev_io connectable;
    dev_t socket_device; /* the socket file that is ours to remove */
    ino_t socket_inode;
};

int console_stdio_open(struct console *console, char *error, size_t error_size);
int console_file_open(struct console *console, char *error, size_t error_size);
int console_unix_open(struct console *console, char *error, size_t error_size);
void console_unix_close(struct console *console);

int console_flow_init(struct console *console);
void console_flow_destroy(struct console *console);
/* From here bytes flow. Takes the descriptors, which may be one and the same; either may be -1. */
void console_flow_attach(struct console *console, int in, int out);
void console_flow_detach(struct console *console);
/* Of a client's connection: it has left altogether, and may be forgotten. */
bool console_flow_hung_up(const struct console *console);
void console_flow_end_visit(struct console *console);
/* Writes what is left, for at most a second, at the end of the machine. Any one thread. */
void console_flow_finish(struct console *console);

#endif
