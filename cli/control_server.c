#include "cli/control_server.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cli/control_protocol.h"
#include "cli/event_format.h"
#include "cli/status.h"

#define CLIENT_TIMEOUT_MS 1000
#define PENDING_CLIENTS   16
#define MAX_WAITERS       16u /* clients that wait for the end; more are answered and let go */
#define REASON_SIZE       512u

struct control_server {
    struct ftvm_node *node;
    _Atomic(struct machine *) machine; /* NULL until there is one */
    struct timespec started;
    struct sockaddr_un address;
    int listener;
    int ending; /* eventfd */
    pthread_t thread;
    int waiters[MAX_WAITERS]; /* the thread's until it has ended */
    unsigned waiter_count;
};

static uint64_t uptime_ns(const struct control_server *server)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)(now.tv_sec - server->started.tv_sec) * 1000000000u + (uint64_t)now.tv_nsec -
           (uint64_t)server->started.tv_nsec;
}

static json_t *refusal(const char *error, const char *text)
{
    return json_pack("{s:b, s:s, s:s}", "ok", 0, "error", error, "text", text);
}

static json_t *answer_status(struct control_server *server)
{
    struct ftvm_status status = {.size = sizeof(status)};
    struct machine *machine = atomic_load(&server->machine);
    struct hart_counters counters;
    int result = ftvm_node_status(server->node, &status);

    if (result < 0)
        return refusal(event_error_name(result), ftvm_strerror(result));
    if (machine)
        machine_get_counters(machine, &counters);
    return json_pack("{s:b, s:o}", "ok", 1, "status",
                     status_to_json(&status, uptime_ns(server), machine ? &counters : NULL));
}

static json_t *answer_call(struct control_server *server, int result)
{
    char reason[REASON_SIZE] = "";

    if (result >= 0)
        return json_pack("{s:b}", "ok", 1);
    ftvm_node_error(server->node, reason, sizeof(reason));
    return refusal(event_error_name(result), reason[0] ? reason : ftvm_strerror(result));
}

/* Returns true if the client stays connected until the replica ends. */
static bool serve(struct control_server *server, int client)
{
    json_t *message = control_receive(client);
    const char *request = json_string_value(json_object_get(message, "request"));
    bool stays = false;
    json_t *answer;

    if (!request) {
        answer = refusal("request", "expected {\"request\":\"status|stop|promote\"}");
    } else if (strcmp(request, "status") == 0) {
        answer = answer_status(server);
    } else if (strcmp(request, "stop") == 0) {
        int result = ftvm_node_stop(server->node);

        stays = result >= 0 && server->waiter_count < MAX_WAITERS;
        answer = answer_call(server, result);
    } else if (strcmp(request, "promote") == 0) {
        answer = answer_call(server, ftvm_node_promote(server->node));
    } else {
        answer = refusal("request", "unknown request; there are status, stop and promote");
    }
    stays = control_send(client, answer) && stays;
    json_decref(message);
    return stays;
}

static void *serve_clients(void *context)
{
    struct control_server *server = context;
    struct timeval timeout = {.tv_sec = CLIENT_TIMEOUT_MS / 1000};
    struct pollfd sources[2] = {{.fd = server->listener, .events = POLLIN},
                                {.fd = server->ending, .events = POLLIN}};

    for (;;) {
        if (poll(sources, 2, -1) < 0)
            continue;
        if (sources[1].revents)
            return NULL;
        int client = accept4(server->listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) {
            /* Out of descriptors, say: the client stays in the queue, so do not spin. */
            poll(&sources[1], 1, CLIENT_TIMEOUT_MS);
            continue;
        }
        setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
        setsockopt(client, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
        if (serve(server, client))
            server->waiters[server->waiter_count++] = client;
        else
            close(client);
    }
}

/* 0 if the path is free now. */
static int make_room(const struct sockaddr_un *address, char *error, size_t error_size)
{
    struct stat existing;
    const char *path = address->sun_path;

    if (lstat(path, &existing) < 0)
        return 0;
    if (!S_ISSOCK(existing.st_mode)) {
        snprintf(error, error_size, "--control %s: exists and is not a socket", path);
        return -EEXIST;
    }
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return -errno;
    int result = connect(probe, (const struct sockaddr *)address, sizeof(*address));
    int reason = result < 0 ? errno : 0;
    close(probe);
    if (reason != ECONNREFUSED) {
        snprintf(error, error_size, "--control %s: in use by another replica", path);
        return -EADDRINUSE;
    }
    return unlink(path) < 0 ? -errno : 0;
}

static int open_listener(struct control_server *server, const char *path, char *error,
                         size_t error_size)
{
    int result;

    if (!control_address(path, &server->address)) {
        snprintf(error, error_size, "--control %s: longer than the %zu bytes of a socket's path",
                 path, sizeof(server->address.sun_path) - 1);
        return -ENAMETOOLONG;
    }
    result = make_room(&server->address, error, error_size);
    if (result < 0)
        return result;
    server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* The mode is set before the bind: at no moment can others connect. */
    if (server->listener < 0 || fchmod(server->listener, S_IRUSR | S_IWUSR) < 0 ||
        bind(server->listener, (struct sockaddr *)&server->address, sizeof(server->address)) < 0)
        return -errno;
    if (listen(server->listener, PENDING_CLIENTS) < 0) {
        result = -errno;
        unlink(path);
        return result;
    }
    return 0;
}

static void free_server(struct control_server *server)
{
    if (server->listener >= 0)
        close(server->listener);
    if (server->ending >= 0)
        close(server->ending);
    free(server);
}

int control_server_create(struct control_server **server, const char *path, struct ftvm_node *node,
                          char *error, size_t error_size)
{
    struct control_server *made = calloc(1, sizeof(*made));
    int result = -ENOMEM;

    *server = NULL;
    error[0] = '\0';
    if (made) {
        made->node = node;
        made->listener = -1;
        clock_gettime(CLOCK_MONOTONIC, &made->started);
        made->ending = eventfd(0, EFD_CLOEXEC);
        result = made->ending < 0 ? -errno : open_listener(made, path, error, error_size);
        if (result == 0) {
            result = -pthread_create(&made->thread, NULL, serve_clients, made);
            if (result < 0)
                unlink(path);
        }
    }
    if (result < 0) {
        if (error[0] == '\0')
            snprintf(error, error_size, "--control %s: %s", path, strerror(-result));
        if (made)
            free_server(made);
        return result;
    }
    *server = made;
    return 0;
}

void control_server_set_machine(struct control_server *server, struct machine *machine)
{
    if (server)
        atomic_store(&server->machine, machine);
}

void control_server_destroy(struct control_server *server, int exit_code, const char *text)
{
    if (!server)
        return;
    /* The socket goes first: a replica started right after this one finds the path free. */
    unlink(server->address.sun_path);
    eventfd_write(server->ending, 1);
    pthread_join(server->thread, NULL);
    for (unsigned i = 0; i < server->waiter_count; i++) {
        control_send(server->waiters[i], json_pack("{s:i, s:s}", "exit", exit_code, "text", text));
        close(server->waiters[i]);
    }
    free_server(server);
}
