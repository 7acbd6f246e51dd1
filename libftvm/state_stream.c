#include "libftvm/state_stream.h"

int ftvm_write(struct ftvm_writer *writer, const void *data, size_t size)
{
    return writer->write(writer, data, size);
}

int ftvm_read(struct ftvm_reader *reader, void *data, size_t size)
{
    return reader->read(reader, data, size);
}
