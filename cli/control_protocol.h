/*
 * The control socket's protocol: one connection, one request, one answer; each a JSON object on a
 * line.
 *
 *     {"request":"status"}    {"ok":true,"status":{...}}
 *     {"request":"stop"}      {"ok":true}, and when the replica has ended {"exit":0,"text":"..."}
 *     {"request":"promote"}   {"ok":true}
 *     anything refused        {"ok":false,"error":"FTVM_E_STATE","text":"..."}
 */
#ifndef CLI_CONTROL_PROTOCOL_H
#define CLI_CONTROL_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <sys/un.h>

#define CONTROL_LINE_LIMIT 8192u

/* False if the path is too long for a unix socket. */
bool control_address(const char *path, struct sockaddr_un *address);
/* Sends the object as a line, within the socket's send timeout; consumes the reference. */
bool control_send(int socket, json_t *object);
/* Receives one line, within the socket's receive timeout; NULL on its end, garbage, or a line that
 * is too long. */
json_t *control_receive(int socket);

#endif
