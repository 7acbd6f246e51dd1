/* Faults of cables, and of the channel between the replicas. */
#include <errno.h>
#include <string.h>

#include "fault-injection/lab/faults/faults_parts.h"

unsigned faults_way(enum place host)
{
    return host == PLACE_HOST_A ? 0 : 1;
}

/* ---- The link ---------------------------------------------------------------------------- */

static void add_narrower(struct link_way *way, uint32_t kbit)
{
    if (way->kbit == 0 || kbit < way->kbit)
        way->kbit = kbit;
}

/* What one fault makes of the way of what one host sends. */
static void add_fault(struct link_way *way, const struct active *active, unsigned number)
{
    switch (active->fault.kind) {
    case FAULT_DELAY:
        way->delay_us += (uint32_t)active->fault.amount[0];
        way->jitter_us += (uint32_t)active->fault.amount[1];
        break;
    case FAULT_LIMIT: add_narrower(way, (uint32_t)active->fault.amount[0]); break;
    case FAULT_STALL: way->held = true; break;
    case FAULT_ONE_WAY: way->held |= number == faults_way(active->host); break;
    default: break;
    }
}

static bool apply_way(struct faults *faults, unsigned number)
{
    struct link_way way = {0}, *now = &faults->ways[number];

    for (unsigned i = 0; i < faults->count; i++)
        add_fault(&way, &faults->active[i], number);
    if (way.delay_us == now->delay_us && way.jitter_us == now->jitter_us && way.kbit == now->kbit &&
        way.held == now->held)
        return true;
    *now = way;
    return link_set(faults->link, number, &way);
}

static bool apply_corruption(struct faults *faults)
{
    bool corrupting = false;

    for (unsigned i = 0; i < faults->count; i++)
        corrupting |= faults->active[i].fault.kind == FAULT_CORRUPT;
    if (corrupting || !faults->corrupting)
        return true;
    faults->corrupting = false;
    return link_corrupt(faults->link, 0, 0);
}

bool faults_begin_channel(struct faults *faults, const struct active *active)
{
    if (active->fault.kind == FAULT_RESET)
        return link_reset(faults->link);
    if (active->fault.kind != FAULT_CORRUPT)
        return true;
    faults->corrupting = true;
    return link_corrupt(faults->link, (uint32_t)active->fault.amount[0], active->random);
}

/* ---- Cables ------------------------------------------------------------------------------ */

static bool pulls(const struct fault *fault, const char *link)
{
    return fault->kind == FAULT_POWER_CYCLE ||
           (fault->kind == FAULT_UNPLUG &&
            (fault->link[0] == '\0' || strcmp(fault->link, link) == 0));
}

static bool apply_cables(struct faults *faults)
{
    struct network *network = &faults->lab->network;
    bool cable = false, lan[PLACE_COUNT] = {false}, good = true;

    for (unsigned i = 0; i < faults->count; i++) {
        cable |= pulls(&faults->active[i].fault, "channel");
        lan[faults->active[i].host] |= pulls(&faults->active[i].fault, "lan");
    }
    if (cable != faults->cable_pulled)
        good = network_plug_channel(network, !cable);
    faults->cable_pulled = cable;
    for (unsigned i = PLACE_HOST_A; i <= PLACE_HOST_B; i++) {
        if (lan[i] != faults->lan_pulled[i])
            good &= network_plug_lan(network, (enum place)i, !lan[i]);
        faults->lan_pulled[i] = lan[i];
    }
    return good ||
           lab_fail(faults->lab, "a cable cannot be pulled or plugged: %s", strerror(errno));
}

bool faults_apply_channel(struct faults *faults)
{
    return apply_cables(faults) && apply_way(faults, 0) && apply_way(faults, 1) &&
           apply_corruption(faults);
}
