/*
 * ledger - a node in an event loop that its program has anyway.
 *
 * The guest keeps a ledger: each number that arrives is added, and answered by how many there were
 * and what they sum up to. Numbers come by TCP. One libev loop, on the main thread, serves the
 * clients, a timer, signals, and the node; the guest runs on a thread of its own and costs nothing
 * while nothing arrives. README.md goes through it.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <ev.h>

#include <ftvm/ftvm.h>

#define STATE_VERSION UINT64_C(0x31726567646c65) /* "eldger1" */
#define MAX_CLIENTS   16
#define LINE_SIZE     64
#define TICK_S        0.1
#define LINGER_TICKS  10 /* how long one that has said all may wait for its answers */

/* The guest: all of it. */
struct state {
    uint64_t version, count;
    int64_t sum;
};

struct client {
    ev_io readable;
    struct program *program;
    int fd;     /* -1: free. Written under the program's lock, by the loop */
    int linger; /* ticks left of one that will say no more; 0: it may */
    size_t used;
    char line[LINE_SIZE];
};

struct program {
    struct state state; /* the vCPU thread's */
    struct ftvm_node *node;
    pthread_t vcpu;
    int result;

    struct ev_loop *loop;
    ev_io node_ready, acceptable;
    ev_timer tick;
    ev_signal interrupted, terminated;
    int port; /* of the clients */
    bool serves;

    /* emit may be on either thread. */
    pthread_mutex_t lock;
    struct client clients[MAX_CLIENTS];
};

/* ---- The machine, on the vCPU thread ------------------------------------------------------- */

static int deliver(void *machine, uint32_t device, const void *data, size_t size)
{
    struct program *program = machine;
    char line[LINE_SIZE] = "";
    memcpy(line, data, size < sizeof line ? size : sizeof line - 1);
    program->state.count++;
    program->state.sum += strtoll(line, NULL, 10);
    int length = snprintf(line, sizeof line, "%" PRIu64 " %" PRId64 "\n", program->state.count,
                          program->state.sum);
    return ftvm_output(program->node, device, line, (size_t)length);
}

static int save(void *machine, struct ftvm_writer *writer)
{
    struct program *program = machine;
    return ftvm_write(writer, &program->state, sizeof program->state);
}

static int load(void *machine, struct ftvm_reader *reader)
{
    struct program *program = machine;
    int result = ftvm_read(reader, &program->state, sizeof program->state);
    return result < 0 || program->state.version == STATE_VERSION ? result : FTVM_E_CORRUPT;
}

static void digest(void *machine, struct ftvm_digest *digest)
{
    struct program *program = machine;
    ftvm_digest_add(digest, "count", 0, &program->state.count, sizeof program->state.count);
    ftvm_digest_add(digest, "sum", 0, &program->state.sum, sizeof program->state.sum);
}

/* To all clients: a client of the lost primary's is another connection here. */
static int emit(void *machine, uint64_t number, uint32_t device, const void *data, size_t size)
{
    struct program *program = machine;
    (void)number, (void)device;
    pthread_mutex_lock(&program->lock);
    for (int i = 0; i < MAX_CLIENTS; i++) {
        if (program->clients[i].fd >= 0) {
            /* One that does not read loses lines, as it must not hold up the others. */
            (void)!send(program->clients[i].fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        }
    }
    pthread_mutex_unlock(&program->lock);
    return 0;
}

static void *run(void *argument)
{
    static const struct ftvm_machine_ops ops = {.size = sizeof ops,
                                                .deliver = deliver,
                                                .emit = emit,
                                                .save = save,
                                                .load = load,
                                                .digest = digest};
    struct program *program = argument;
    struct ftvm_epoch epoch;
    int result = ftvm_begin(program->node, &ops, program, 0, &epoch);
    while (result >= 0) {
        result = ftvm_idle(program->node, program->state.count, UINT64_MAX, &epoch);
    }
    program->result = result;
    return NULL;
}

/* ---- The loop, on the main thread ---------------------------------------------------------- */

static void drop(struct client *client)
{
    struct program *program = client->program;
    ev_io_stop(program->loop, &client->readable);
    pthread_mutex_lock(&program->lock);
    close(client->fd);
    client->fd = -1;
    pthread_mutex_unlock(&program->lock);
}

/* Each whole line is an input. */
static void on_readable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct client *client = watcher->data;
    ssize_t size = read(client->fd, client->line + client->used, LINE_SIZE - client->used);
    (void)loop, (void)events;
    if (size == 0) {
        ev_io_stop(client->program->loop, &client->readable);
        client->linger = LINGER_TICKS;
    } else if (size < 0 && errno != EAGAIN) {
        drop(client);
    }
    if (size <= 0) {
        return;
    }
    client->used += (size_t)size;
    char *end;
    while ((end = memchr(client->line, '\n', client->used)) != NULL) {
        size_t length = (size_t)(end + 1 - client->line);
        ftvm_input(client->program->node, 1, client->line, length);
        memmove(client->line, end + 1, client->used - length);
        client->used -= length;
    }
    if (client->used == LINE_SIZE) {
        drop(client); /* no number is that long */
    }
}

static void on_acceptable(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct program *program = watcher->data;
    int fd = accept(watcher->fd, NULL, NULL);
    struct client *client = NULL;
    (void)events;
    for (int i = 0; i < MAX_CLIENTS && fd >= 0 && client == NULL; i++) {
        client = program->clients[i].fd < 0 ? &program->clients[i] : NULL;
    }
    if (client == NULL) {
        close(fd);
        return;
    }
    fcntl(fd, F_SETFL, O_NONBLOCK);
    client->used = 0;
    client->linger = 0;
    pthread_mutex_lock(&program->lock);
    client->fd = fd;
    pthread_mutex_unlock(&program->lock);
    ev_io_init(&client->readable, on_readable, fd, EV_READ);
    client->readable.data = client;
    ev_io_start(loop, &client->readable);
}

/* Only who is the primary is found by clients. */
static void serve_clients(struct program *program)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)program->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (program->serves) {
        return;
    }
    program->serves = true;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, 8) < 0) {
        fprintf(stderr, "ledger: port %d: %s\n", program->port, strerror(errno));
        ftvm_node_fail(program->node, "the clients' port cannot be opened");
        return;
    }
    ev_io_init(&program->acceptable, on_acceptable, fd, EV_READ);
    program->acceptable.data = program;
    ev_io_start(program->loop, &program->acceptable);
}

/* All that the node needs of a loop. */
static void on_node_ready(struct ev_loop *loop, ev_io *watcher, int events)
{
    struct program *program = watcher->data;
    (void)events;
    if (ftvm_node_dispatch(program->node) < 0) {
        ev_break(loop, EVBREAK_ALL);
    }
}

/* On this thread, inside of ftvm_node_dispatch, or on the vCPU thread: so the loop is only told. */
static void on_event(void *context, const struct ftvm_event *event)
{
    (void)context;
    if (event->text[0] != '\0') {
        fprintf(stderr, "[%s]\n", event->text);
    }
}

static void on_tick(struct ev_loop *loop, ev_timer *watcher, int events)
{
    struct program *program = watcher->data;
    struct ftvm_status status = {.size = sizeof status};
    (void)loop, (void)events;
    if (ftvm_node_status(program->node, &status) == 0 && status.role == FTVM_ROLE_PRIMARY) {
        serve_clients(program);
    }
    for (int i = 0; i < MAX_CLIENTS; i++) {
        struct client *client = &program->clients[i];
        if (client->fd >= 0 && client->linger > 0 && --client->linger == 0) {
            drop(client);
        }
    }
}

static void on_signal(struct ev_loop *loop, ev_signal *watcher, int events)
{
    struct program *program = watcher->data;
    (void)loop, (void)events;
    ftvm_node_stop(program->node);
}

static void watch(struct program *program)
{
    ev_io_init(&program->node_ready, on_node_ready, ftvm_node_fd(program->node), EV_READ);
    program->node_ready.data = program;
    ev_io_start(program->loop, &program->node_ready);
    ev_timer_init(&program->tick, on_tick, 0., TICK_S);
    program->tick.data = program;
    ev_timer_start(program->loop, &program->tick);
    ev_signal_init(&program->interrupted, on_signal, SIGINT);
    program->interrupted.data = program;
    ev_signal_start(program->loop, &program->interrupted);
    ev_signal_init(&program->terminated, on_signal, SIGTERM);
    program->terminated.data = program;
    ev_signal_start(program->loop, &program->terminated);
}

static int usage(void)
{
    fputs("usage: ledger primary PORT LISTEN | ledger backup PORT LISTEN PRIMARY\n", stderr);
    return 2;
}

int main(int argc, char **argv)
{
    static struct program program = {.state = {.version = STATE_VERSION},
                                     .lock = PTHREAD_MUTEX_INITIALIZER};
    struct ftvm_config config;
    char line[512];
    bool backup = argc == 5 && strcmp(argv[1], "backup") == 0;
    if (!backup && (argc != 4 || strcmp(argv[1], "primary") != 0)) {
        return usage();
    }
    program.port = atoi(argv[2]);
    program.loop = EV_DEFAULT;
    for (int i = 0; i < MAX_CLIENTS; i++) {
        program.clients[i] = (struct client){.program = &program, .fd = -1};
    }
    ftvm_config_init(&config);
    config.name = "ledger";
    config.role = backup ? FTVM_ROLE_BACKUP : FTVM_ROLE_PRIMARY;
    config.listen = argv[3];
    config.join = backup ? argv[4] : NULL;
    config.arbiter = "file:ledger.arbiter";
    config.epoch_length = 1;
    config.io = FTVM_IO_CALLER;
    config.on_event = on_event;
    int result = ftvm_node_create(&config, &program.node, line, sizeof line);
    if (result >= 0 && (result = ftvm_node_start(program.node)) >= 0) {
        watch(&program);
        pthread_create(&program.vcpu, NULL, run, &program);
        ev_run(program.loop, 0);
        pthread_join(program.vcpu, NULL);
        result = program.result;
    }
    if (program.node != NULL) {
        ftvm_node_error(program.node, line, sizeof line);
    }
    ftvm_node_destroy(program.node);
    fprintf(stderr, "ledger: %s\n", line);
    return result == FTVM_E_STOPPED ? 0 : 1;
}
