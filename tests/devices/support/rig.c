#include "tests/devices/support/rig.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

static void set_interrupt(void *context, unsigned line, bool level)
{
    struct rig *rig = context;
    assert(line == RIG_LINE);
    rig->line_rises += level && !rig->line_level;
    rig->line_level = level;
}

static void output(void *context, uint32_t device, const void *data, size_t size)
{
    struct rig *rig = context;
    assert(device == RIG_DEVICE && size > 0);
    if (rig->output_count == RIG_MAX_OUTPUTS) {
        return;
    }
    uint8_t *copy = malloc(size);
    memcpy(copy, data, size);
    rig->outputs[rig->output_count++] =
        (struct rig_output){.device = device, .data = copy, .size = size};
}

static void memory_written(void *context, uint64_t address, uint64_t size)
{
    struct rig *rig = context;
    const uint8_t *written = guest_memory_slice(&rig->memory, address, size);
    assert(written != NULL);
    memcpy(rig->reported + (address - GUEST_RAM_START), written, size);
}

void rig_init(struct rig *rig)
{
    /* Each allocation is exact, so that the address sanitizer sees a step beyond it. */
    *rig = (struct rig){
        .memory = {.host = aligned_alloc(GUEST_PAGE_SIZE, RIG_RAM_SIZE),
                   .start = GUEST_RAM_START,
                   .size = RIG_RAM_SIZE},
        .host = {.context = rig,
                 .set_interrupt = set_interrupt,
                 .output = output,
                 .memory_written = memory_written},
        .reported = calloc(1, RIG_RAM_SIZE),
    };
    memset(rig->memory.host, 0, RIG_RAM_SIZE);
}

void rig_forget_outputs(struct rig *rig)
{
    for (unsigned i = 0; i < rig->output_count; i++) {
        free(rig->outputs[i].data);
    }
    rig->output_count = 0;
}

void rig_free(struct rig *rig)
{
    rig_forget_outputs(rig);
    free(rig->memory.host);
    free(rig->reported);
}

uint8_t *rig_at(struct rig *rig, uint64_t address, uint64_t size)
{
    uint8_t *host = guest_memory_slice(&rig->memory, address, size);
    assert(host != NULL);
    return host;
}

void rig_store(struct rig *rig, uint64_t address, const void *data, size_t size)
{
    memcpy(rig_at(rig, address, size), data, size);
    memcpy(rig->reported + (address - GUEST_RAM_START), data, size);
}

void rig_store16(struct rig *rig, uint64_t address, uint16_t value)
{
    uint16_t little = htole16(value);
    rig_store(rig, address, &little, sizeof little);
}

void rig_store32(struct rig *rig, uint64_t address, uint32_t value)
{
    uint32_t little = htole32(value);
    rig_store(rig, address, &little, sizeof little);
}

void rig_store64(struct rig *rig, uint64_t address, uint64_t value)
{
    uint64_t little = htole64(value);
    rig_store(rig, address, &little, sizeof little);
}

uint16_t rig_load16(struct rig *rig, uint64_t address)
{
    uint16_t little;
    memcpy(&little, rig_at(rig, address, sizeof little), sizeof little);
    return le16toh(little);
}

uint32_t rig_load32(struct rig *rig, uint64_t address)
{
    uint32_t little;
    memcpy(&little, rig_at(rig, address, sizeof little), sizeof little);
    return le32toh(little);
}

bool rig_all_writes_reported(const struct rig *rig)
{
    return memcmp(rig->memory.host, rig->reported, RIG_RAM_SIZE) == 0;
}
