#include "libftvm/state_stream.h"

int ftvm_write(struct ftvm_writer *writer, const void *data, size_t size)
{
    if (writer->error >= 0) {
        writer->error = writer->write(writer, data, size);
    }
    return writer->error;
}

int ftvm_read(struct ftvm_reader *reader, void *data, size_t size)
{
    if (reader->error >= 0) {
        reader->error = reader->read(reader, data, size);
    }
    return reader->error;
}
