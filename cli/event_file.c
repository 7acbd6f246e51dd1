#include "cli/event_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct event_file {
    int descriptor;
    int error;
    uint64_t dropped;
    size_t waiting; /* bytes in `backlog`, the first of which may be the middle of a line */
    char backlog[EVENT_FILE_BACKLOG];
};

int event_file_open(struct event_file **file, const char *path)
{
    struct event_file *made = calloc(1, sizeof(*made));

    *file = NULL;
    if (!made)
        return -ENOMEM;
    made->descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
    if (made->descriptor < 0) {
        int error = errno;

        free(made);
        return -error;
    }
    *file = made;
    return 0;
}

void event_file_close(struct event_file *file)
{
    if (!file)
        return;
    close(file->descriptor);
    free(file);
}

void event_file_append(struct event_file *file, const char *line)
{
    size_t size = strlen(line);

    if (size + 1 > sizeof(file->backlog) - file->waiting) {
        file->dropped++;
        return;
    }
    memcpy(file->backlog + file->waiting, line, size);
    file->backlog[file->waiting + size] = '\n';
    file->waiting += size + 1;
}

bool event_file_flush(struct event_file *file)
{
    size_t done = 0;

    file->error = 0;
    while (done < file->waiting) {
        ssize_t size = write(file->descriptor, file->backlog + done, file->waiting - done);

        if (size < 0 && errno == EINTR)
            continue;
        if (size <= 0) {
            file->error = size < 0 ? errno : ENOSPC;
            break;
        }
        done += (size_t)size;
    }
    file->waiting -= done;
    memmove(file->backlog, file->backlog + done, file->waiting);
    return file->waiting == 0;
}

int event_file_error(const struct event_file *file)
{
    return file->error;
}

uint64_t event_file_take_dropped(struct event_file *file)
{
    uint64_t dropped = file->dropped;

    file->dropped = 0;
    return dropped;
}
