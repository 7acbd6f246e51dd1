#include "fault-injection/lab/faults/faults.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-injection/lab/faults/faults_parts.h"

#define AT_EVENT_MS 5000 /* from passing a point to standing still there */
#define BACKLOG     16

/* ---- Opening ----------------------------------------------------------------------------- */

static bool listen_at(struct faults *faults, enum place host, const struct sockaddr_in *address)
{
    int *listener = &faults->listeners[faults_way(host)], yes = 1;

    *listener = network_socket(&faults->lab->network, host, SOCK_STREAM);
    if (*listener >= 0)
        setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes));
    return (*listener >= 0 &&
            bind(*listener, (const struct sockaddr *)address, sizeof(*address)) == 0 &&
            listen(*listener, BACKLOG) == 0) ||
           lab_fail(faults->lab, "the link cannot listen on %s: %s", network_name(host),
                    strerror(errno));
}

/* On each host somebody listens in the replica's place: the link's process, whose connections to
 * the replica do not leave the host. So what a cable does to the channel, it still does. */
static bool open_link(struct faults *faults, const struct replica_options *options)
{
    struct link_route routes[LINK_ROUTES];

    for (unsigned host = PLACE_HOST_A; host <= PLACE_HOST_B; host++) {
        struct link_route *route = &routes[faults_way(host)];
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(FAULTS_LINK_PORT)};

        inet_pton(AF_INET, network_channel_address(host), &address.sin_addr);
        if (!listen_at(faults, host, &address))
            return false;
        *route = (struct link_route){.listener = faults->listeners[faults_way(host)],
                                     .namespace_fd = faults->lab->network.places[host],
                                     .to = address,
                                     .caller = 1 - faults_way(host)};
        route->to.sin_port = htons((uint16_t)(options->port ? options->port : REPLICA_PORT));
    }
    return link_open(&faults->link, faults->lab, routes, LINK_ROUTES);
}

bool faults_open(struct faults **faults, struct lab *lab, struct replica_options *options)
{
    struct faults *made = *faults = calloc(1, sizeof(*made));

    if (!made)
        return lab_fail(lab, "out of memory");
    made->lab = lab;
    for (unsigned i = 0; i < LINK_ROUTES; i++)
        made->listeners[i] = -1;
    if (!open_link(made, options))
        return false;
    for (unsigned host = PLACE_HOST_A; host <= PLACE_HOST_B; host++) {
        enum place other = host == PLACE_HOST_A ? PLACE_HOST_B : PLACE_HOST_A;

        snprintf(made->peers[host], sizeof(made->peers[host]), "%s:%d",
                 network_channel_address(other), FAULTS_LINK_PORT);
        options->peer[host] = made->peers[host];
    }
    /* The plain build does not look at it. */
    options->hooks = true;
    options->keep_undo = options->disk;
    return true;
}

void faults_close(struct faults *faults)
{
    if (!faults)
        return;
    for (unsigned i = 0; i < faults->count; i++)
        starve_end(faults->active[i].starve);
    faults->count = 0;
    if (faults->link) { /* cables and storage are the lab's, and others come after us */
        struct pair nobody = {.lab = faults->lab};

        faults_apply_channel(faults);
        faults_apply_host(faults, &nobody);
    }
    link_close(faults->link);
    for (unsigned i = 0; i < LINK_ROUTES; i++)
        if (faults->listeners[i] >= 0)
            close(faults->listeners[i]);
    free(faults);
}

/* ---- Who --------------------------------------------------------------------------------- */

bool faults_is_damaged(const struct faults *faults, const struct replica *replica)
{
    for (unsigned i = 0; i < faults->damaged_count && i < FAULTS_DAMAGED; i++)
        if (strcmp(faults->damaged[i], replica->label) == 0)
            return true;
    return false;
}

void faults_note_damage(struct faults *faults, const struct replica *replica)
{
    memcpy(faults->damaged[faults->damaged_count++ % FAULTS_DAMAGED], replica->label,
           sizeof(replica->label));
}

struct replica *faults_find(struct pair *pair, bool backup)
{
    struct replica *found = NULL;

    for (unsigned i = 0; i < pair->count; i++) {
        struct replica *replica = &pair->replicas[i];
        const struct event_log *events = &replica->events;

        if (!process_running(&replica->process))
            continue;
        event_log_read(&replica->events);
        if (events->started && events->is_primary != backup && !events->fenced &&
            !events->diverged && (!found || events->term >= found->events.term))
            found = replica;
    }
    return found;
}

/* While a failover is under way there may be none of the role for a moment. */
static struct replica *find_victim(struct faults *faults, struct pair *pair,
                                   enum fault_victim victim, uint64_t random, unsigned patience_ms)
{
    uint64_t deadline = lab_deadline(faults->lab, patience_ms);
    bool backup = victim == FAULT_AT_EITHER ? random & 1 : victim == FAULT_AT_BACKUP;
    struct replica *found;

    while (!(found = faults_find(pair, backup)))
        if (!lab_pause(faults->lab, deadline) || !faults_tick(faults, pair)) {
            lab_fail(faults->lab, "there is no %s for the fault to befall",
                     backup ? "backup" : "primary");
            return NULL;
        }
    return found;
}

/* ---- When -------------------------------------------------------------------------------- */

static bool wait_ms(struct faults *faults, struct pair *pair, uint64_t milliseconds)
{
    uint64_t until = lab_now_ns() + milliseconds * 1000000u;

    while (lab_now_ns() < until) {
        if (!lab_pause(faults->lab, until) && faults->lab->interrupted)
            return lab_fail(faults->lab, "interrupted");
        if (!faults_tick(faults, pair))
            return false;
    }
    return true;
}

/* The victim is on its way from the event to the word that it has come there. */
static void wait_for_word(struct faults *faults, struct replica *victim, uint64_t *at_ns)
{
    uint64_t deadline = lab_deadline(faults->lab, AT_EVENT_MS);

    while (!hooks_fired(victim->hooks, at_ns) && process_running(&victim->process) &&
           lab_pause(faults->lab, deadline))
        continue;
}

/* `record` says whether it came, and when. If not, the victim is not at the event, and nothing is
 * armed any more. */
static void wait_for_event(struct faults *faults, struct pair *pair, struct replica *victim,
                           unsigned patience_ms, struct fault_record *record)
{
    uint64_t deadline = lab_deadline(faults->lab, patience_ms);

    while (!hooks_fired(victim->hooks, &record->at_ns))
        if (!lab_pause(faults->lab, deadline) || !faults_tick(faults, pair) ||
            !process_running(&victim->process)) {
            if (!hooks_disarm(victim->hooks))
                wait_for_word(faults, victim, &record->at_ns);
            break;
        }
    record->event_came = hooks_fired(victim->hooks, &record->at_ns);
}

static bool check_means(struct faults *faults, const struct pair *pair, const struct fault *fault,
                        const struct replica *victim)
{
    if (fault_needs_hooks(fault) && !(victim->hooks && hooks_attached(victim->hooks)))
        return lab_fail(faults->lab, "%s%s: this fault needs the build with hooks: make lab",
                        fault_kind_name(fault->kind), fault->event[0] ? " at an event" : "");
    if (fault_needs_disk(fault) && !pair->options.disk)
        return lab_fail(faults->lab, "%s: this guest has no disk", fault_kind_name(fault->kind));
    return true;
}

/* ---- Beginning --------------------------------------------------------------------------- */

/* Is there something to undo? */
static bool lasts(enum fault_kind kind)
{
    return kind != FAULT_NONE && kind != FAULT_KILL && kind != FAULT_RESET;
}

static void forget(struct faults *faults, unsigned index)
{
    faults->count--;
    memmove(&faults->active[index], &faults->active[index + 1],
            (faults->count - index) * sizeof(faults->active[0]));
}

static bool begin_now(struct faults *faults, struct pair *pair, struct active *active)
{
    faults_begin_clock(active);
    return faults_begin_process(faults, pair, active) && faults_begin_channel(faults, active) &&
           faults_apply_channel(faults) && faults_apply_host(faults, pair);
}

static bool begin(struct faults *faults, struct pair *pair, struct replica *victim, uint64_t random,
                  struct fault_record *record)
{
    struct active *active = &faults->active[faults->count++];
    bool good;

    *active = (struct active){.fault = record->fault,
                              .victim = victim,
                              .host = victim->host,
                              .number = ++faults->numbers,
                              .random = random ? random : 1};
    if (active->fault.for_ms > 0)
        active->heal_at_ns = lab_now_ns() + active->fault.for_ms * 1000000u;
    if (!record->event_came)
        record->at_ns = lab_now_ns();
    good = begin_now(faults, pair, active);
    record->number = active->number;
    memcpy(record->what, active->what, sizeof(record->what));
    if (!good || !lasts(active->fault.kind)) {
        struct active ended = *active;

        forget(faults, faults->count - 1);
        if (!good && ended.starve)
            faults_heal_process(faults, &ended);
    }
    return good;
}

/* An event stops the victim in its tracks, so that the fault is on before it takes another step;
 * but for one that is to be killed, who does that itself. */
static bool begin_at_event(struct faults *faults, struct pair *pair, struct replica *victim,
                           uint64_t random, unsigned patience_ms, struct fault_record *record)
{
    enum fault_kind kind = record->fault.kind;
    bool good, stays = kind == FAULT_STOP || kind == FAULT_KILL || kind == FAULT_POWER_CYCLE;

    if (!hooks_arm(faults->lab, victim->hooks, record->fault.event,
                   kind == FAULT_KILL ? HOOKS_KILL : HOOKS_STOP))
        return false;
    wait_for_event(faults, pair, victim, patience_ms, record);
    if (faults->lab->interrupted)
        return lab_fail(faults->lab, "interrupted");
    /* Or it would stop after it was let go on. */
    if (record->event_came && kind != FAULT_KILL &&
        !process_wait_stopped(&victim->process, faults->lab, AT_EVENT_MS))
        return false;
    good = begin(faults, pair, victim, random, record);
    if (record->event_came && !stays)
        process_signal(&victim->process, SIGCONT);
    return good;
}

bool faults_begin(struct faults *faults, struct pair *pair, const struct fault *fault,
                  uint64_t random, unsigned patience_ms, struct fault_record *record)
{
    struct replica *victim;

    *record = (struct fault_record){.fault = *fault};
    if (faults->count == FAULTS_ACTIVE)
        return lab_fail(faults->lab, "%u faults are on already", FAULTS_ACTIVE);
    if (!wait_ms(faults, pair, fault->after_ms + random % (fault->random_ms + 1)))
        return false;
    victim = find_victim(faults, pair, fault->victim, random >> 32, patience_ms);
    if (!victim || !check_means(faults, pair, fault, victim))
        return false;
    record->host = victim->host;
    record->was_primary = victim->events.is_primary;
    memcpy(record->label, victim->label, sizeof(record->label));
    return fault->event[0] ? begin_at_event(faults, pair, victim, random, patience_ms, record)
                           : begin(faults, pair, victim, random, record);
}

/* ---- Healing ----------------------------------------------------------------------------- */

static bool heal(struct faults *faults, struct pair *pair, unsigned index)
{
    struct active healed = faults->active[index];
    unsigned slot = faults->past_count++ % FAULTS_PAST;

    forget(faults, index);
    faults_heal_process(faults, &healed);
    faults_heal_clock(&healed);
    faults->past[slot].number = healed.number;
    faults->past[slot].healed_ns = lab_now_ns();
    memcpy(faults->past[slot].what, healed.what, sizeof(healed.what));
    return faults_apply_channel(faults) && faults_apply_host(faults, pair);
}

bool faults_tick(struct faults *faults, struct pair *pair)
{
    uint64_t now = lab_now_ns();

    for (unsigned i = 0; i < faults->count;) {
        if (faults->active[i].heal_at_ns == 0 || faults->active[i].heal_at_ns > now)
            i++;
        else if (!heal(faults, pair, i))
            return false;
    }
    return true;
}

bool faults_heal(struct faults *faults, struct pair *pair)
{
    bool good = true;

    while (faults->count > 0)
        good &= heal(faults, pair, 0);
    return good;
}

void faults_update(const struct faults *faults, struct fault_record *record)
{
    for (unsigned i = 0; i < faults->past_count && i < FAULTS_PAST; i++)
        if (faults->past[i].number == record->number) {
            record->healed_ns = faults->past[i].healed_ns;
            memcpy(record->what, faults->past[i].what, sizeof(record->what));
        }
}
