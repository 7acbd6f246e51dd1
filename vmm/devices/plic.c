#include "vmm/devices/plic.h"

#include <stdlib.h>
#include <string.h>

#include "vmm/devices/digest.h"

/* Register offsets, PLIC specification 1.0, chapter 3. */
#define PRIORITY_START   UINT64_C(0x000000)
#define PRIORITY_END     (PRIORITY_START + 4 * PLIC_SOURCES)
#define PENDING_START    UINT64_C(0x001000)
#define PENDING_END      (PENDING_START + PLIC_SOURCES / 8)
#define ENABLE_START     UINT64_C(0x002000) /* context 0 */
#define ENABLE_END       (ENABLE_START + PLIC_SOURCES / 8)
#define THRESHOLD        UINT64_C(0x200000) /* context 0 */
#define CLAIM_COMPLETE   UINT64_C(0x200004)
#define HIGHEST_PRIORITY 7u

struct plic {
    /* Guest-visible; bit n of a mask is source n. */
    uint64_t levels;  /* lines from the devices */
    uint64_t pending; /* forwarded by the gateway, not yet claimed */
    uint64_t claimed; /* claimed, not yet completed: the gateway forwards nothing */
    uint64_t enabled;
    uint8_t threshold;
    uint8_t priorities[PLIC_SOURCES];
    /* Wired. */
    plic_set_external *set_external;
    void *context;
    /* Derived. */
    bool external;
};

struct plic *plic_create(plic_set_external *set_external, void *context)
{
    struct plic *plic = calloc(1, sizeof *plic);
    if (plic != NULL) {
        plic->set_external = set_external;
        plic->context = context;
    }
    return plic;
}

void plic_destroy(struct plic *plic)
{
    free(plic);
}

/* The enabled pending source of the highest priority above `floor`, the lowest number among equals
 * (chapter 4); 0 if there is none. */
static unsigned best_source(const struct plic *plic, unsigned floor)
{
    unsigned best = 0;
    unsigned best_priority = floor;
    for (uint64_t rest = plic->pending & plic->enabled; rest != 0; rest &= rest - 1) {
        unsigned source = (unsigned)__builtin_ctzll(rest);
        if (plic->priorities[source] > best_priority) {
            best = source;
            best_priority = plic->priorities[source];
        }
    }
    return best;
}

static void update_external(struct plic *plic)
{
    bool external = best_source(plic, plic->threshold) != 0;
    if (external != plic->external) {
        plic->external = external;
        plic->set_external(plic->context, external);
    }
}

static void run_gateways(struct plic *plic)
{
    plic->pending |= plic->levels & ~plic->claimed;
    update_external(plic);
}

void plic_set_interrupt(struct plic *plic, unsigned source, bool level)
{
    if (source == 0 || source >= PLIC_SOURCES) {
        return;
    }
    uint64_t bit = UINT64_C(1) << source;
    plic->levels = level ? plic->levels | bit : plic->levels & ~bit;
    run_gateways(plic);
}

/* A claim disregards the threshold (chapter 8): only the notification obeys it. */
static uint32_t claim(struct plic *plic)
{
    unsigned source = best_source(plic, 0);
    if (source != 0) {
        uint64_t bit = UINT64_C(1) << source;
        plic->pending &= ~bit;
        plic->claimed |= bit;
        update_external(plic);
    }
    return source;
}

/* Ignored for a source that is not enabled (chapter 9). */
static void complete(struct plic *plic, uint64_t source)
{
    if (source == 0 || source >= PLIC_SOURCES || (plic->enabled >> source & 1) == 0) {
        return;
    }
    plic->claimed &= ~(UINT64_C(1) << source);
    run_gateways(plic);
}

bool plic_read(struct plic *plic, uint64_t offset, unsigned size, uint64_t *value)
{
    if (size != 4 || offset % 4 != 0) {
        return false;
    }
    if (offset < PRIORITY_END) {
        *value = plic->priorities[offset / 4];
    } else if (offset >= PENDING_START && offset < PENDING_END) {
        *value = (uint32_t)(plic->pending >> (offset - PENDING_START) * 8);
    } else if (offset >= ENABLE_START && offset < ENABLE_END) {
        *value = (uint32_t)(plic->enabled >> (offset - ENABLE_START) * 8);
    } else if (offset == THRESHOLD) {
        *value = plic->threshold;
    } else if (offset == CLAIM_COMPLETE) {
        *value = claim(plic);
    } else {
        *value = 0; /* sources and contexts that do not exist read as zero */
    }
    return true;
}

bool plic_write(struct plic *plic, uint64_t offset, unsigned size, uint64_t value)
{
    if (size != 4 || offset % 4 != 0) {
        return false;
    }
    if (offset < PRIORITY_END) {
        if (offset != 0) {
            plic->priorities[offset / 4] = value & HIGHEST_PRIORITY;
        }
    } else if (offset >= ENABLE_START && offset < ENABLE_END) {
        unsigned shift = (unsigned)(offset - ENABLE_START) * 8;
        uint64_t mask = UINT64_C(0xffffffff) << shift;
        plic->enabled = (plic->enabled & ~mask) | (value << shift & mask);
        plic->enabled &= ~UINT64_C(1);
    } else if (offset == THRESHOLD) {
        plic->threshold = value & HIGHEST_PRIORITY;
    } else if (offset == CLAIM_COMPLETE) {
        complete(plic, value & 0xffffffff);
    }
    update_external(plic);
    return true;
}

void plic_reset(struct plic *plic)
{
    plic->pending = 0;
    plic->claimed = 0;
    plic->enabled = 0;
    plic->threshold = 0;
    memset(plic->priorities, 0, sizeof plic->priorities);
    run_gateways(plic);
}

static void put_fields(const void *device, struct state_writer *writer)
{
    const struct plic *plic = device;
    state_put_tag(writer, "PLIC", 1);
    state_put_u64(writer, plic->levels);
    state_put_u64(writer, plic->pending);
    state_put_u64(writer, plic->claimed);
    state_put_u64(writer, plic->enabled);
    state_put_u8(writer, plic->threshold);
    state_put_bytes(writer, plic->priorities, sizeof plic->priorities);
}

uint64_t plic_digest(const struct plic *plic)
{
    return device_digest(put_fields, plic);
}

void plic_save(const struct plic *plic, struct state_writer *writer)
{
    put_fields(plic, writer);
}

static bool is_possible(const struct plic *plic)
{
    for (unsigned source = 0; source < PLIC_SOURCES; source++) {
        if (plic->priorities[source] > (source == 0 ? 0 : HIGHEST_PRIORITY)) {
            return false;
        }
    }
    uint64_t masks = plic->levels | plic->pending | plic->claimed | plic->enabled;
    return (masks & 1) == 0 && (plic->levels & ~plic->claimed & ~plic->pending) == 0 &&
           plic->threshold <= HIGHEST_PRIORITY;
}

void plic_load(struct plic *plic, struct state_reader *reader)
{
    state_get_tag(reader, "PLIC", 1);
    plic->levels = state_get_u64(reader);
    plic->pending = state_get_u64(reader);
    plic->claimed = state_get_u64(reader);
    plic->enabled = state_get_u64(reader);
    plic->threshold = state_get_u8(reader);
    state_get_bytes(reader, plic->priorities, sizeof plic->priorities);
    if (!is_possible(plic)) {
        state_reader_fail(reader);
    }
    if (reader->error != 0) {
        plic->levels = 0;
        plic_reset(plic);
    }
    plic->external = best_source(plic, plic->threshold) != 0;
    plic->set_external(plic->context, plic->external);
}
