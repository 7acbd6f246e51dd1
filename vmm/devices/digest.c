#define XXH_STATIC_LINKING_ONLY /* to have the hash's state on the stack */
#include "vmm/devices/digest.h"

#include <xxhash.h>

static int hash_fields(void *context, const void *data, size_t size)
{
    XXH3_64bits_update(context, data, size);
    return 0;
}

uint64_t device_digest(device_put_fields *put_fields, const void *device)
{
    XXH3_state_t state;
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    struct state_writer writer = {.write = hash_fields, .context = &state};
    put_fields(device, &writer);
    return XXH3_64bits_digest(&state);
}
