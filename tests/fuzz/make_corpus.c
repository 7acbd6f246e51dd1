/* Writes the sample messages into a directory, as inputs that fuzz_codec starts from. */
#include <stdio.h>
#include <stdlib.h>

#include "logging/codec.h"
#include "tests/logging/samples.h"

#define LARGEST 8192u /* frames beyond this make a fuzzer slow and no wiser */

static bool write_file(const char *directory, const char *form, const struct message *message,
                       int kind, const uint8_t *data, size_t size)
{
    char path[4096];
    FILE *file;
    bool written;

    snprintf(path, sizeof(path), "%s/%s-%s-%d", directory, form, message_type_name(message->type),
             kind);
    file = fopen(path, "wb");
    if (file == NULL) {
        perror(path);
        return false;
    }
    written = fwrite(data, 1, size, file) == size;
    return fclose(file) == 0 && written;
}

/* As a stream: a 0, and the frame. As a payload: a 1, the type, and the payload. */
static bool write_message(const char *directory, const struct message *message, int kind)
{
    static const size_t payload_at = 1 + FRAME_HEADER_SIZE;
    uint8_t input[1 + LARGEST];
    size_t size;

    if (codec_frame_size(message) > LARGEST) {
        return true;
    }
    input[0] = 0;
    if (codec_encode(message, input + 1, LARGEST, &size) != CODEC_OK ||
        !write_file(directory, "stream", message, kind, input, 1 + size)) {
        return false;
    }
    input[payload_at - 2] = 1;
    input[payload_at - 1] = (uint8_t)message->type;
    return write_file(directory, "payload", message, kind, input + payload_at - 2,
                      size - FRAME_HEADER_SIZE + 2);
}

int main(int argc, char **argv)
{
    struct samples *samples = malloc(sizeof(*samples));
    bool written = argc == 2 && samples != NULL;

    if (written) {
        samples_init(samples);
    }
    for (int type = MESSAGE_HELLO; written && type < MESSAGE_TYPE_END; type++) {
        for (int kind = SAMPLE_EMPTY; written && kind < SAMPLE_KIND_END; kind++) {
            struct message message =
                sample_make(samples, (enum message_type)type, (enum sample_kind)kind);

            written = write_message(argv[1], &message, kind);
        }
    }
    free(samples);
    return written ? 0 : 1;
}
