#include "cli/control_protocol.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool control_address(const char *path, struct sockaddr_un *address)
{
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(address->sun_path))
        return false;
    strcpy(address->sun_path, path);
    return true;
}

static bool send_all(int socket, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(socket, data, size, MSG_NOSIGNAL);

        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool control_send(int socket, json_t *object)
{
    char *line = object ? json_dumps(object, JSON_COMPACT | JSON_PRESERVE_ORDER) : NULL;
    bool sent = line && send_all(socket, line, strlen(line)) && send_all(socket, "\n", 1);

    free(line);
    json_decref(object);
    return sent;
}

/* Byte by byte: what follows the line stays in the socket, and lines are short and rare. */
json_t *control_receive(int socket)
{
    char line[CONTROL_LINE_LIMIT];
    size_t size = 0;

    while (size < sizeof(line)) {
        ssize_t received = recv(socket, line + size, 1, 0);

        if (received < 0 && errno == EINTR)
            continue;
        if (received <= 0)
            return NULL;
        if (line[size] == '\n')
            return json_loadb(line, size, 0, NULL);
        size++;
    }
    return NULL;
}
