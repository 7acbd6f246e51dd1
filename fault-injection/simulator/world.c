#include "fault-injection/simulator/world.h"

#include <string.h>

#include "fault-injection/simulator/cluster_parts.h"

#define AGAIN_NS (60 * MS) /* without one */
#define ROOM_NS  (1 * MS)  /* a device whose engine has no room for its input */

static void push(struct cluster *cluster, uint64_t after_ns, struct pending pending)
{
    pending.at_ns = cluster->now_ns + after_ns;
    pending.order = ++cluster->order;
    cluster_push(cluster, &pending);
}

static void client_turn(struct cluster *cluster, unsigned client, uint64_t after_ns)
{
    cluster->clients[client].again_ns = cluster->now_ns + after_ns;
    push(cluster, after_ns, (struct pending){.kind = PENDING_CLIENT, .request = client});
}

void world_start(struct cluster *cluster)
{
    for (unsigned i = 0; i < CLUSTER_CLIENTS && cluster->config.think_ns != CLUSTER_NEVER; i++) {
        client_turn(cluster, i, (i + 1) * cluster->config.think_ns);
    }
}

/* A frame reaches every replica that is live, as on a lan where both answer to the address: only
 * the one that may let an answer go can have it believed. */
static void ask(struct cluster *cluster, unsigned client)
{
    uint64_t request = (uint64_t)client << 32 | cluster->clients[client].asked;
    uint8_t data[sizeof request];
    memcpy(data, &request, sizeof data);
    for (unsigned i = 0; i < cluster->replica_count; i++) {
        const struct replica *replica = &cluster->replicas[i];
        if (replica->alive && !replica->paused) {
            replica_take_input(cluster, i, TOY_NET, (struct log_bytes){data, sizeof data});
        }
    }
}

static void client_acts(struct cluster *cluster, unsigned number)
{
    struct client *client = &cluster->clients[number];
    if (cluster->now_ns < client->again_ns || cluster->clients_silent) {
        return; /* an earlier turn, which an answer has put off */
    }
    if (client->asked == client->acknowledged) {
        client->asked++;
    }
    ask(cluster, number);
    client_turn(cluster, number, AGAIN_NS);
}

void world_sees(struct cluster *cluster, const struct engine_output *output)
{
    if (!cluster->config.devices || output->size < TOY_OUTPUT_SIZE) {
        return;
    }
    for (unsigned i = 0; i < CLUSTER_CLIENTS; i++) {
        struct client *client = &cluster->clients[i];
        uint32_t served;
        memcpy(&served, output->data + 8 + 4 * i, sizeof served);
        if (served > client->asked) {
            cluster_violation(cluster, CHECKER_CLIENTS,
                              "client %u is answered request %u and has asked %u", i, served,
                              client->asked);
        } else if (served > client->acknowledged) {
            client->acknowledged = served;
            client_turn(cluster, i, cluster->config.think_ns);
        }
    }
}

void world_disk_request(struct cluster *cluster, unsigned replica, uint64_t request)
{
    push(cluster, cluster->config.disk_ns + cluster_random(cluster, cluster->config.disk_ns),
         (struct pending){.kind = PENDING_DISK,
                          .to = replica,
                          .request = request,
                          .generation = cluster->replicas[replica].disk_generation});
}

/* The disk of a backup is done with its requests too; that its engine ignores it is rule R6. */
static void disk_done(struct cluster *cluster, const struct pending *pending)
{
    const struct replica *replica = &cluster->replicas[pending->to];
    uint8_t data[sizeof pending->request];
    if (!replica->alive || pending->generation != replica->disk_generation) {
        return;
    }
    /* One after the other, however long each took: the device is done with them in order. */
    if (pending->request > replica->disk_done + 1) {
        push(cluster, ROOM_NS, *pending);
        return;
    }
    memcpy(data, &pending->request, sizeof data);
    if (!replica_take_input(cluster, pending->to, TOY_DISK,
                            (struct log_bytes){data, sizeof data})) {
        push(cluster, ROOM_NS, *pending);
        return;
    }
    cluster->replicas[pending->to].disk_done = pending->request;
}

void world_arrive(struct cluster *cluster, const struct pending *pending)
{
    if (pending->kind == PENDING_DISK) {
        disk_done(cluster, pending);
    } else {
        client_acts(cluster, (unsigned)pending->request);
    }
}
