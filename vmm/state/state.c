#include "vmm/state/state.h"

#include <endian.h>
#include <errno.h>
#include <string.h>

void state_put_bytes(struct state_writer *writer, const void *data, size_t size)
{
    if (writer->error == 0 && size > 0) {
        writer->error = writer->write(writer->context, data, size);
    }
}

void state_put_u8(struct state_writer *writer, uint8_t value)
{
    state_put_bytes(writer, &value, sizeof value);
}

void state_put_u16(struct state_writer *writer, uint16_t value)
{
    uint16_t little = htole16(value);
    state_put_bytes(writer, &little, sizeof little);
}

void state_put_u32(struct state_writer *writer, uint32_t value)
{
    uint32_t little = htole32(value);
    state_put_bytes(writer, &little, sizeof little);
}

void state_put_u64(struct state_writer *writer, uint64_t value)
{
    uint64_t little = htole64(value);
    state_put_bytes(writer, &little, sizeof little);
}

void state_put_tag(struct state_writer *writer, const char tag[4], uint32_t version)
{
    state_put_bytes(writer, tag, 4);
    state_put_u32(writer, version);
}

void state_get_bytes(struct state_reader *reader, void *data, size_t size)
{
    if (reader->error == 0 && size > 0) {
        reader->error = reader->read(reader->context, data, size);
    }
    if (reader->error != 0) {
        memset(data, 0, size);
    }
}

uint8_t state_get_u8(struct state_reader *reader)
{
    uint8_t value;
    state_get_bytes(reader, &value, sizeof value);
    return value;
}

uint16_t state_get_u16(struct state_reader *reader)
{
    uint16_t little;
    state_get_bytes(reader, &little, sizeof little);
    return le16toh(little);
}

uint32_t state_get_u32(struct state_reader *reader)
{
    uint32_t little;
    state_get_bytes(reader, &little, sizeof little);
    return le32toh(little);
}

uint64_t state_get_u64(struct state_reader *reader)
{
    uint64_t little;
    state_get_bytes(reader, &little, sizeof little);
    return le64toh(little);
}

void state_get_tag(struct state_reader *reader, const char tag[4], uint32_t version)
{
    char read_tag[4];
    state_get_bytes(reader, read_tag, sizeof read_tag);
    uint32_t read_version = state_get_u32(reader);
    if (memcmp(read_tag, tag, sizeof read_tag) != 0 || read_version != version) {
        state_reader_fail(reader);
    }
}

void state_reader_fail(struct state_reader *reader)
{
    if (reader->error == 0) {
        reader->error = -EBADMSG;
    }
}
