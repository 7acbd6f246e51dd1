/*
 * The fields of a machine's state by one table: made of ftvm_write, ftvm_read and ftvm_digest_add,
 * for whoever is behind these. vCPU thread.
 */
#include <string.h>

#include <endian.h>

#include "libftvm/digest.h"
#include "logging/digest.h"

/* Names, sizes and counts: what another machine, or another version of this one, has otherwise. */
static uint64_t layout_of(const struct ftvm_field *fields)
{
    uint64_t layout = 0;
    for (const struct ftvm_field *field = fields; field->name != NULL; field++) {
        uint64_t shape[] = {htole64(field->size), htole64(field->count)};
        layout = digest_bytes(layout, field->name, strlen(field->name) + 1);
        layout = digest_bytes(layout, shape, sizeof shape);
    }
    return htole64(layout);
}

int ftvm_write_fields(struct ftvm_writer *writer, const struct ftvm_field *fields,
                      const void *machine)
{
    uint64_t layout = layout_of(fields);
    int result = ftvm_write(writer, &layout, sizeof layout);
    for (const struct ftvm_field *field = fields; field->name != NULL && result >= 0; field++) {
        result = ftvm_write(writer, (const uint8_t *)machine + field->offset,
                            field->size * field->count);
    }
    return result;
}

int ftvm_read_fields(struct ftvm_reader *reader, const struct ftvm_field *fields, void *machine)
{
    uint64_t layout = 0;
    int result = ftvm_read(reader, &layout, sizeof layout);
    if (result >= 0 && layout != layout_of(fields)) {
        return FTVM_E_CORRUPT;
    }
    for (const struct ftvm_field *field = fields; field->name != NULL && result >= 0; field++) {
        result = ftvm_read(reader, (uint8_t *)machine + field->offset, field->size * field->count);
    }
    return result;
}

void ftvm_digest_fields(struct ftvm_digest *digest, const struct ftvm_field *fields,
                        const void *machine)
{
    for (const struct ftvm_field *field = fields; field->name != NULL; field++) {
        const uint8_t *element = (const uint8_t *)machine + field->offset;
        for (size_t i = 0; i < field->count; i++) {
            ftvm_digest_add(digest, field->name, i, element + i * field->size, field->size);
        }
    }
}
