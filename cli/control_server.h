/*
 * The replica's end of the control socket: a thread that answers `ftvm status`, `stop` and
 * `promote`. Only the user who runs the replica may connect.
 */
#ifndef CLI_CONTROL_SERVER_H
#define CLI_CONTROL_SERVER_H

#include <stddef.h>

#include <ftvm/ftvm.h>

#include "vmm/machine/machine.h"

struct control_server;

/* Takes a stale socket's place, but refuses a path where somebody answers or that is something
 * else. The node must outlive the server. On error a negative errno and a line. */
int control_server_create(struct control_server **server, const char *path, struct ftvm_node *node,
                          char *error, size_t error_size);
/* From here on the status tells of the machine too, which must outlive the server. */
void control_server_set_machine(struct control_server *server, struct machine *machine);
/* Tells those who asked for the stop how it went, ends the thread, removes the socket. */
void control_server_destroy(struct control_server *server, int exit_code, const char *text);

#endif
