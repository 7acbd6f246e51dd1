#include "tests/devices/support/state_bytes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int write_bytes(void *context, const void *data, size_t size)
{
    struct state_bytes *bytes = context;
    bytes->data = realloc(bytes->data, bytes->size + size);
    memcpy(bytes->data + bytes->size, data, size);
    bytes->size += size;
    return 0;
}

static int read_bytes(void *context, void *data, size_t size)
{
    struct state_bytes *bytes = context;
    if (size > bytes->size - bytes->position) {
        return -ENODATA;
    }
    memcpy(data, bytes->data + bytes->position, size);
    bytes->position += size;
    return 0;
}

void state_bytes_free(struct state_bytes *bytes)
{
    free(bytes->data);
    *bytes = (struct state_bytes){0};
}

struct state_writer state_bytes_writer(struct state_bytes *bytes)
{
    return (struct state_writer){.write = write_bytes, .context = bytes};
}

struct state_reader state_bytes_reader(struct state_bytes *bytes)
{
    bytes->position = 0;
    return (struct state_reader){.read = read_bytes, .context = bytes};
}
