#include "fault-injection/lab/redis.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fault-injection/lab/client.h"

#define ANSWER_SIZE 128u

/* Is the answer complete? Then what it says. */
static bool parse(const char *text, int64_t *answer)
{
    const char *end = strstr(text, "\r\n");

    if (!end)
        return false;
    if (text[0] == ':') {
        *answer = strtoll(text + 1, NULL, 10);
        return true;
    }
    if (strncmp(text, "$-1", 3) == 0) {
        *answer = 0;
        return true;
    }
    if (text[0] != '$' || !strstr(end + 2, "\r\n"))
        return false;
    *answer = strtoll(end + 2, NULL, 10);
    return true;
}

bool redis_ask(struct lab *lab, int fd, const char *command, unsigned timeout_ms, int64_t *answer)
{
    uint64_t deadline = lab_deadline(lab, timeout_ms);
    char text[ANSWER_SIZE] = "";
    size_t used = 0;

    snprintf(text, sizeof(text), "%s\r\n", command);
    if (send(fd, text, strlen(text), 0) != (ssize_t)strlen(text))
        return lab_fail(lab, "'%s' cannot be sent: %s", command, strerror(errno));
    text[0] = '\0';
    while (!parse(text, answer)) {
        ssize_t size;

        if (!client_wait(lab, fd, POLLIN, deadline))
            return lab_fail(lab, "'%s' is not answered after %u ms", command, timeout_ms);
        size = recv(fd, text + used, sizeof(text) - 1 - used, 0);
        if (size <= 0)
            return lab_fail(lab, "'%s' is not answered: %s", command,
                            size < 0 ? strerror(errno) : "the connection was closed");
        used += (size_t)size;
        text[used] = '\0';
        if (text[0] == '-' || used == sizeof(text) - 1)
            return lab_fail(lab, "'%s' is answered by: %s", command, text);
    }
    return true;
}

bool redis_ask_anew(struct lab *lab, const char *command, unsigned timeout_ms, int64_t *answer)
{
    int fd = client_connect(lab, REDIS_PORT, timeout_ms);
    bool good = fd >= 0 && redis_ask(lab, fd, command, timeout_ms, answer);

    if (fd >= 0)
        close(fd);
    return good;
}
