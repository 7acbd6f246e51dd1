/* The flow of a console's bytes, on the reactor thread: from a descriptor to the sink, waiting
 * where the sink is full, and from the backlog to a descriptor, waiting where that is full. */
#include "vmm/backends/console_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vmm/backends/signals.h"

#define OFFER_AGAIN_S  0.01
#define WRITE_AGAIN_S  0.5 /* after a full disk */
#define WRITE_CHUNK    4096u
#define CAUTIOUS_CHUNK 64u /* on a terminal whose write may block */
#define FINISH_STEP_MS 20
#define FINISH_STEPS   50

static void close_output(struct console *console)
{
    ev_io_stop(console->loop, &console->writable);
    close(console->out);
    console->out = -1;
}

static void drop_backlog(struct console *console)
{
    pthread_mutex_lock(&console->mutex);
    console->backlog_start = 0;
    console->backlog_size = 0;
    pthread_mutex_unlock(&console->mutex);
}

/* What a client did not read before it left is not for the next one. */
void console_flow_end_visit(struct console *console)
{
    console_flow_detach(console);
    drop_backlog(console);
}

bool console_flow_hung_up(const struct console *console)
{
    struct pollfd client = {.fd = console->out};

    return poll(&client, 1, 0) == 1 && (client.revents & (POLLHUP | POLLERR));
}

/* Input */

static bool offer(struct console *console)
{
    if (console->pending_size &&
        reactor_input(console->reactor, console->device, console->pending, console->pending_size))
        return false;
    console->pending_size = 0;
    return true;
}

static void offer_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct console *console = watcher->data;

    (void)events;
    if (!offer(console))
        return;
    ev_timer_stop(loop, watcher);
    if (console->in >= 0)
        ev_io_start(loop, &console->readable);
}

static void accept_input(struct console *console, const uint8_t *bytes, size_t size)
{
    bool quit = false;

    if (console->kind == CONSOLE_STDIO) {
        console->pending_size =
            console_escape_filter(&console->escape, bytes, size, console->pending, &quit);
    } else {
        memcpy(console->pending, bytes, size);
        console->pending_size = size;
    }
    if (!offer(console)) {
        ev_io_stop(console->loop, &console->readable);
        ev_timer_again(console->loop, &console->offer_again);
    }
    if (quit && console->quit)
        console->quit(console->quit_context);
}

/* The end of the input alone ends nothing else: a script may send its commands, close its half of
 * the connection, and read the answers. */
static void end_input(struct console *console)
{
    ev_io_stop(console->loop, &console->readable);
    if (console->kind != CONSOLE_UNIX)
        close(console->in);
    console->in = -1;
    if (console->kind == CONSOLE_UNIX && console_flow_hung_up(console))
        console_flow_end_visit(console);
}

static void readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct console *console = watcher->data;
    uint8_t bytes[CONSOLE_CHUNK - 1]; /* the escape filter may add one */
    ssize_t size = read(console->in, bytes, sizeof(bytes));

    (void)loop;
    (void)events;
    if (size > 0) {
        accept_input(console, bytes, (size_t)size);
    } else if (size == 0 || (errno != EAGAIN && errno != EINTR)) {
        end_input(console);
    }
}

/* Output */

static size_t copy_backlog(struct console *console, uint8_t *chunk, size_t size)
{
    size_t start, first;

    pthread_mutex_lock(&console->mutex);
    start = console->backlog_start;
    if (size > console->backlog_size)
        size = console->backlog_size;
    first = CONSOLE_BACKLOG - start < size ? CONSOLE_BACKLOG - start : size;
    memcpy(chunk, console->backlog + start, first);
    memcpy(chunk + first, console->backlog, size - first);
    pthread_mutex_unlock(&console->mutex);
    return size;
}

static void consume_backlog(struct console *console, size_t size)
{
    pthread_mutex_lock(&console->mutex);
    console->backlog_start = (console->backlog_start + size) % CONSOLE_BACKLOG;
    console->backlog_size -= size;
    pthread_mutex_unlock(&console->mutex);
}

static ssize_t write_some(struct console *console, const uint8_t *bytes, size_t size)
{
    struct pollfd room = {.fd = console->out, .events = POLLOUT};
    ssize_t written;

    if (console->out_is_socket) {
        written = send(console->out, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    } else if (console->out_may_block && poll(&room, 1, 0) == 0) {
        return -EAGAIN;
    } else {
        written = write(console->out, bytes, size);
    }
    return written < 0 ? -errno : written;
}

/* Writes until there is nothing left (0) or the host takes no more (a negative errno). */
static int write_backlog(struct console *console)
{
    size_t limit = console->out_may_block ? CAUTIOUS_CHUNK : WRITE_CHUNK;
    uint8_t chunk[WRITE_CHUNK];
    size_t size;

    if (console->out < 0) {
        drop_backlog(console);
        return 0;
    }
    while ((size = copy_backlog(console, chunk, limit))) {
        ssize_t written = write_some(console, chunk, size);

        if (written == -EINTR)
            continue;
        if (written < 0)
            return (int)written;
        consume_backlog(console, (size_t)written);
    }
    return 0;
}

static void pump(struct console *console)
{
    int code = write_backlog(console);

    ev_io_stop(console->loop, &console->writable);
    ev_timer_stop(console->loop, &console->write_again);
    switch (code) {
    case 0:
        if (console->out >= 0)
            console->error = 0;
        break;
    case -EAGAIN: ev_io_start(console->loop, &console->writable); break;
    case -EPIPE:
    case -ECONNRESET:
        if (console->kind == CONSOLE_UNIX) {
            console_flow_end_visit(console);
        } else {
            console->error = code; /* nobody will ever read */
            close_output(console);
            drop_backlog(console);
        }
        break;
    default: /* a full disk may be given room */
        console->error = code;
        ev_timer_again(console->loop, &console->write_again);
    }
}

static void emitted(struct ev_loop *loop, ev_async *watcher, int events)
{
    struct console *console = watcher->data;

    (void)loop;
    (void)events;
    /* While it waits for room, more bytes make no difference. */
    if (!ev_is_active(&console->writable) && !ev_is_active(&console->write_again))
        pump(console);
}

static void writable(struct ev_loop *loop, ev_io *watcher, int events)
{
    (void)loop;
    (void)events;
    pump(watcher->data);
}

static void write_again(struct ev_loop *loop, ev_timer *watcher, int events)
{
    (void)loop;
    (void)events;
    pump(watcher->data);
}

/* With the mutex held. Who emits counts these bytes as gone and lets the other replica forget them,
 * which a replica that dies before the reactor thread has written them would make a lie. A file
 * takes them into memory at once; terminals and sockets may not, and their bytes wait. */
static size_t write_at_once(struct console *console, const uint8_t *bytes, size_t size)
{
    ssize_t written = 0;

    if (console->out_is_file && console->backlog_size == 0)
        written = write(console->out, bytes, size);
    return written > 0 ? (size_t)written : 0;
}

void console_emit(struct console *console, const void *data, size_t size)
{
    const uint8_t *bytes = data;
    size_t room, end, first;

    pthread_mutex_lock(&console->mutex);
    first = write_at_once(console, bytes, size);
    bytes += first;
    size -= first;
    if (size == 0) {
        pthread_mutex_unlock(&console->mutex);
        return;
    }
    room = CONSOLE_BACKLOG - console->backlog_size;
    if (size > room) {
        size = room;
        console->lost = true;
    }
    end = (console->backlog_start + console->backlog_size) % CONSOLE_BACKLOG;
    first = CONSOLE_BACKLOG - end < size ? CONSOLE_BACKLOG - end : size;
    memcpy(console->backlog + end, bytes, first);
    memcpy(console->backlog, bytes + first, size - first);
    console->backlog_size += size;
    pthread_mutex_unlock(&console->mutex);
    ev_async_send(console->loop, &console->emitted);
}

int console_error(const struct console *console)
{
    int code = console->error;

    return code || !console->lost ? code : -ENOBUFS;
}

/* Descriptors */

int console_flow_init(struct console *console)
{
    console->in = -1;
    console->out = -1;
    console->backlog = malloc(CONSOLE_BACKLOG);
    if (!console->backlog)
        return -ENOMEM;
    pthread_mutex_init(&console->mutex, NULL);
    ev_async_init(&console->emitted, emitted);
    console->emitted.data = console;
    ev_async_start(console->loop, &console->emitted);
    ev_init(&console->readable, readable);
    console->readable.data = console;
    ev_init(&console->writable, writable);
    console->writable.data = console;
    ev_timer_init(&console->offer_again, offer_again, 0., OFFER_AGAIN_S);
    console->offer_again.data = console;
    ev_timer_init(&console->write_again, write_again, 0., WRITE_AGAIN_S);
    console->write_again.data = console;
    return 0;
}

void console_flow_destroy(struct console *console)
{
    console_flow_detach(console);
    ev_async_stop(console->loop, &console->emitted);
    pthread_mutex_destroy(&console->mutex);
    free(console->backlog);
}

void console_flow_attach(struct console *console, int in, int out)
{
    struct stat status;
    bool known = out >= 0 && fstat(out, &status) == 0;

    pthread_mutex_lock(&console->mutex); /* console_emit() looks at the file on another thread */
    console->in = in;
    console->out = out;
    console->out_is_socket = known && S_ISSOCK(status.st_mode);
    console->out_is_file = known && S_ISREG(status.st_mode);
    pthread_mutex_unlock(&console->mutex);
    if (in >= 0) {
        ev_io_set(&console->readable, in, EV_READ);
        ev_io_start(console->loop, &console->readable);
    }
    if (out >= 0)
        ev_io_set(&console->writable, out, EV_WRITE);
}

void console_flow_detach(struct console *console)
{
    ev_io_stop(console->loop, &console->readable);
    ev_io_stop(console->loop, &console->writable);
    ev_timer_stop(console->loop, &console->offer_again);
    ev_timer_stop(console->loop, &console->write_again);
    console->pending_size = 0;
    if (console->out >= 0 && console->out != console->in)
        close(console->out);
    if (console->in >= 0)
        close(console->in);
    console->in = -1;
    console->out = -1;
}

void console_flow_finish(struct console *console)
{
    sigset_t saved;

    signals_hold(&saved);
    for (unsigned i = 0; i < FINISH_STEPS && write_backlog(console) == -EAGAIN; i++) {
        struct pollfd room = {.fd = console->out, .events = POLLOUT};

        poll(&room, 1, FINISH_STEP_MS);
    }
    signals_restore(&saved);
}
