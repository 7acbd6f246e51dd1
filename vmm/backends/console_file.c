/* The console's output at the end of a file. */
#include "vmm/backends/console_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "vmm/backends/fail.h"

int console_file_open(struct console *console, char *error, size_t error_size)
{
    int fd = open(console->path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
                  0644);

    if (fd < 0)
        return backend_fail(error, error_size, -errno, "console: '%s' cannot be written: %s",
                            console->path, strerror(errno));
    console_flow_attach(console, -1, fd);
    return 0;
}
