#include "fault-injection/lab/faults/link_relay.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fault-injection/lab/faults/link_queue.h"

#define TURN_BYTES  ((size_t)1 << 20) /* of one direction, before the others have their turn */
#define FLUSH_BYTES ((size_t)256 << 10)
#define MAX_POLLS   (1u + LINK_ROUTES + 2u * LINK_CONNECTIONS)

/* Side 0 is the caller, side 1 whom it reached; queue s holds what side s has sent. */
struct connection {
    int sides[2]; /* -1: that side is gone */
    bool connecting, used;
    bool blocked[2]; /* that side takes no more at the moment */
    bool passed[2];  /* the end of queue s has reached the other side */
    unsigned way[2];
    uint64_t again_ns[2]; /* when side s may be read again */
    struct link_queue queues[2];
};

struct relay {
    struct link_shared *shared;
    const struct link_route *routes;
    unsigned count;
    int bell, home;
    unsigned seen, resets; /* of what the owner wants: done so far */
    struct link_way ways[LINK_WAYS];
    uint64_t random;
    uint32_t until_flip; /* bytes; 0: not drawn yet */
    struct connection connections[LINK_CONNECTIONS];
};

static uint64_t draw(struct relay *relay)
{
    /* xorshift64: any state but 0 is good. */
    relay->random ^= relay->random << 13;
    relay->random ^= relay->random >> 7;
    relay->random ^= relay->random << 17;
    return relay->random;
}

/* ---- Ends -------------------------------------------------------------------------------- */

static void close_side(struct connection *connection, int side, bool with_reset)
{
    static const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    int fd = connection->sides[side];

    connection->sides[side] = -1;
    if (fd < 0)
        return;
    if (with_reset)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(fd);
}

static void forget(struct relay *relay, struct connection *connection, bool with_reset)
{
    for (int side = 0; side < 2; side++) {
        close_side(connection, side, with_reset);
        link_queue_destroy(&connection->queues[side]);
    }
    connection->used = false;
    atomic_fetch_sub(&relay->shared->open, 1);
}

/* It was reset, or is not there: what was for it is lost, and the other side will hear of it in
 * the time that the way takes. */
static void lose_side(struct relay *relay, struct connection *connection, int side, uint64_t now)
{
    close_side(connection, side, true);
    link_queue_drop(&connection->queues[1 - side]);
    connection->passed[side] = false;
    link_queue_end(&connection->queues[side], &relay->ways[connection->way[side]], LINK_RESETS,
                   now);
}

/* ---- Bytes ------------------------------------------------------------------------------- */

static void corrupt(struct relay *relay, uint8_t *bytes, size_t size)
{
    while (atomic_load(&relay->shared->corrupt) > 0) {
        if (relay->until_flip == 0)
            relay->until_flip = 1 + (uint32_t)(draw(relay) % LINK_SPREAD);
        if (relay->until_flip > size) {
            relay->until_flip -= (uint32_t)size;
            return;
        }
        bytes += relay->until_flip - 1;
        size -= relay->until_flip - 1;
        relay->until_flip = 0;
        *bytes ^= (uint8_t)(1u << draw(relay) % 8);
        atomic_fetch_sub(&relay->shared->corrupt, 1);
        atomic_fetch_add(&relay->shared->flipped, 1);
    }
}

static void receive(struct relay *relay, struct connection *connection, int side, uint64_t now)
{
    struct link_queue *queue = &connection->queues[side];
    const struct link_way *way = &relay->ways[connection->way[side]];
    size_t taken = 0;

    while (taken < TURN_BYTES) {
        uint8_t *bytes;
        size_t space = link_queue_space(queue, way, now, &bytes, &connection->again_ns[side]);
        ssize_t size;

        if (space == 0)
            return;
        size = recv(connection->sides[side], bytes, space, 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size < 0) {
            lose_side(relay, connection, side, now);
            return;
        }
        if (size == 0) {
            link_queue_end(queue, way, LINK_CLOSES, now);
            return;
        }
        corrupt(relay, bytes, (size_t)size);
        link_queue_add(queue, way, (size_t)size, now, way->jitter_us > 0 ? draw(relay) : 0);
        atomic_fetch_add(&relay->shared->bytes[connection->way[side]], (unsigned long long)size);
        taken += (size_t)size;
        if ((size_t)size < space)
            return; /* that was all, most likely; poll knows */
    }
}

/* To the other side, what of `side` has arrived there. */
static void flush(struct relay *relay, struct connection *connection, int side, uint64_t now)
{
    struct link_queue *queue = &connection->queues[side];
    int other = 1 - side;
    const uint8_t *bytes;
    size_t size;

    while (!connection->blocked[other] && connection->sides[other] >= 0 &&
           (size = link_queue_due(queue, now, &bytes)) > 0) {
        ssize_t sent;

        if (size > FLUSH_BYTES)
            size = FLUSH_BYTES;
        sent = send(connection->sides[other], bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN && errno != EINTR) {
            lose_side(relay, connection, other, now);
            return;
        }
        if (sent > 0)
            link_queue_take(queue, (size_t)sent);
        if (sent < (ssize_t)size)
            connection->blocked[other] = true;
    }
}

/* The ends that have arrived. */
static void pass_ends(struct relay *relay, struct connection *connection, uint64_t now)
{
    for (int side = 0; side < 2; side++) {
        enum link_end end = link_queue_ended(&connection->queues[side], now);

        if (connection->passed[side] || end == LINK_OPEN || relay->ways[connection->way[side]].held)
            continue;
        if (end == LINK_RESETS) {
            forget(relay, connection, true);
            return;
        }
        connection->passed[side] = true;
        if (connection->sides[1 - side] >= 0)
            shutdown(connection->sides[1 - side], SHUT_WR);
    }
    if (connection->passed[0] && connection->passed[1])
        forget(relay, connection, false);
}

static void move(struct relay *relay, struct connection *connection, uint64_t now)
{
    if (connection->connecting)
        return;
    for (int side = 0; side < 2; side++)
        if (!relay->ways[connection->way[side]].held)
            flush(relay, connection, side, now);
    if (connection->sides[0] < 0 && connection->sides[1] < 0)
        forget(relay, connection, true); /* nobody is left to be told */
    else
        pass_ends(relay, connection, now);
}

/* ---- Connections ------------------------------------------------------------------------- */

/* Beginning; the answer comes later. -1: there is none to be had. */
static int call(const struct relay *relay, const struct link_route *route)
{
    int fd;

    if (route->namespace_fd >= 0 && setns(route->namespace_fd, CLONE_NEWNET))
        return -1;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    /* Not where a host is: whoever kills all that is on a host must not find this process. */
    if (route->namespace_fd >= 0 && setns(relay->home, CLONE_NEWNET)) {
        close(fd);
        return -1;
    }
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&route->to, sizeof(route->to)) &&
        errno != EINPROGRESS) {
        close(fd);
        return -1;
    }
    return fd;
}

static struct connection *unused(struct relay *relay)
{
    for (unsigned i = 0; i < LINK_CONNECTIONS; i++)
        if (!relay->connections[i].used)
            return &relay->connections[i];
    return NULL;
}

static void take_caller(struct relay *relay, const struct link_route *route)
{
    struct connection *connection = unused(relay);
    int caller =
            connection ? accept4(route->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1,
        yes = 1;

    if (caller < 0)
        return;
    *connection = (struct connection){.sides = {caller, call(relay, route)},
                                      .connecting = true,
                                      .used = true,
                                      .way = {route->caller, 1 - route->caller},
                                      .again_ns = {LINK_NEVER, LINK_NEVER}};
    atomic_fetch_add(&relay->shared->accepted, 1);
    atomic_fetch_add(&relay->shared->open, 1);
    if (connection->sides[1] < 0 || !link_queue_init(&connection->queues[0]) ||
        !link_queue_init(&connection->queues[1])) {
        atomic_fetch_add(&relay->shared->refused, 1);
        forget(relay, connection, true);
        return;
    }
    for (int side = 0; side < 2; side++)
        setsockopt(connection->sides[side], IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
}

static void connected(struct relay *relay, struct connection *connection)
{
    int error = 0;
    socklen_t size = sizeof(error);

    getsockopt(connection->sides[1], SOL_SOCKET, SO_ERROR, &error, &size);
    connection->connecting = false;
    if (error == 0)
        return;
    atomic_fetch_add(&relay->shared->refused, 1);
    forget(relay, connection, true);
}

/* ---- What the owner wants ---------------------------------------------------------------- */

static void obey(struct relay *relay, uint64_t now)
{
    struct link_shared *shared = relay->shared;
    unsigned wanted = atomic_load(&shared->wanted);
    bool reset = shared->resets != relay->resets;

    if (wanted == relay->seen)
        return;
    for (unsigned i = 0; i < LINK_WAYS; i++)
        relay->ways[i] = shared->ways[i];
    if (shared->corrupt_seed != 0 && atomic_load(&shared->corrupt) > 0) {
        relay->random = shared->corrupt_seed;
        relay->until_flip = 0;
    }
    for (unsigned i = 0; i < LINK_CONNECTIONS; i++) {
        struct connection *connection = &relay->connections[i];

        if (!connection->used)
            continue;
        if (reset) {
            atomic_fetch_add(&shared->reset, 1);
            forget(relay, connection, true);
            continue;
        }
        for (int side = 0; side < 2; side++) {
            connection->again_ns[side] = LINK_NEVER;
            link_queue_change(&connection->queues[side], &relay->ways[connection->way[side]], now);
        }
    }
    relay->resets = shared->resets;
    relay->seen = wanted;
    atomic_store(&shared->done, wanted);
}

/* ---- Turns ------------------------------------------------------------------------------- */

/* What poll is to look for at that side; sets when there is something to do without it. */
static short wishes(const struct relay *relay, struct connection *connection, int side,
                    uint64_t now, uint64_t *next)
{
    struct link_queue *in = &connection->queues[side], *out = &connection->queues[1 - side];
    bool out_held = relay->ways[connection->way[1 - side]].held;
    short events = 0;

    if (connection->connecting)
        return side == 1 ? POLLOUT : 0;
    if (connection->sides[side] < 0)
        return 0;
    if (connection->blocked[side] && !out_held)
        events |= POLLOUT;
    else if (!out_held && !connection->passed[1 - side] && link_queue_next(out) < *next)
        *next = link_queue_next(out);
    if (in->end == LINK_OPEN && !relay->ways[connection->way[side]].held) {
        uint8_t *bytes;

        if (link_queue_space(in, &relay->ways[connection->way[side]], now, &bytes,
                             &connection->again_ns[side]) > 0)
            events |= POLLIN;
        else if (connection->again_ns[side] < *next)
            *next = connection->again_ns[side];
    }
    return events;
}

static unsigned prepare(struct relay *relay, struct pollfd *polls, uint64_t now, uint64_t *next)
{
    unsigned count = 0;

    *next = LINK_NEVER;
    polls[count++] = (struct pollfd){.fd = relay->bell, .events = POLLIN};
    for (unsigned i = 0; i < relay->count; i++)
        polls[count++] =
            (struct pollfd){.fd = unused(relay) ? relay->routes[i].listener : -1, .events = POLLIN};
    for (unsigned i = 0; i < LINK_CONNECTIONS; i++)
        for (int side = 0; side < 2; side++) {
            struct connection *connection = &relay->connections[i];
            short events = connection->used ? wishes(relay, connection, side, now, next) : 0;

            /* One that nothing is wanted of is not asked at all: it would tell of its end. */
            polls[count++] =
                (struct pollfd){.fd = events ? connection->sides[side] : -1, .events = events};
        }
    return count;
}

static void serve(struct relay *relay, struct connection *connection, const struct pollfd *polls,
                  uint64_t now)
{
    if (connection->connecting && polls[1].revents)
        connected(relay, connection);
    if (!connection->used || connection->connecting)
        return;
    for (int side = 0; side < 2; side++) {
        if (polls[side].events & POLLOUT && polls[side].revents)
            connection->blocked[side] = false;
        if (polls[side].events & POLLIN && polls[side].revents && connection->sides[side] >= 0)
            receive(relay, connection, side, now);
    }
    move(relay, connection, now);
}

static void turn(struct relay *relay)
{
    struct pollfd polls[MAX_POLLS];
    uint64_t now = lab_now_ns(), next, rings;
    unsigned count = prepare(relay, polls, now, &next);
    uint64_t wait = next <= now ? 0 : next - now;
    struct timespec timeout = {(time_t)(wait / 1000000000u), (long)(wait % 1000000000u)};

    if (ppoll(polls, count, next == LINK_NEVER ? NULL : &timeout, NULL) < 0)
        return; /* interrupted: again */
    now = lab_now_ns();
    if (polls[0].revents && read(relay->bell, &rings, sizeof(rings)) == sizeof(rings))
        obey(relay, now);
    for (unsigned i = 0; i < LINK_CONNECTIONS; i++)
        if (relay->connections[i].used)
            serve(relay, &relay->connections[i], &polls[1 + relay->count + 2 * i], now);
    for (unsigned i = 0; i < relay->count; i++)
        if (polls[1 + i].revents)
            take_caller(relay, &relay->routes[i]);
}

void link_relay_run(struct link_shared *shared, int bell, int home, const struct link_route *routes,
                    unsigned count)
{
    struct relay relay = {.shared = shared,
                          .routes = routes,
                          .count = count,
                          .bell = bell,
                          .home = home,
                          .random = UINT64_C(0x9e3779b97f4a7c15)};

    /* The kernel may be late by this when it wakes us, 50 us if it is not told. */
    prctl(PR_SET_TIMERSLACK, 1000);
    for (;;)
        turn(&relay);
}
