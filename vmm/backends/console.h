/*
 * Where the guest's console goes: `stdio`, `file:PATH` (output only, appended), `unix:PATH` (a
 * listening socket; one client at a time; what is printed with no client connected is dropped).
 *
 * On `stdio` a terminal is put into raw mode and restored at destruction, also on fatal signals by
 * the caller calling console_restore(); Ctrl-A x quits, Ctrl-A Ctrl-A sends Ctrl-A. A process in
 * the background of its terminal prints, but leaves the terminal and its keys alone.
 */
#ifndef VMM_BACKENDS_CONSOLE_H
#define VMM_BACKENDS_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vmm/backends/reactor.h"

enum console_kind { CONSOLE_NONE, CONSOLE_STDIO, CONSOLE_FILE, CONSOLE_UNIX };

struct console_config {
    enum console_kind kind;
    char path[256];
};

int console_config_parse(struct console_config *config, const char *text, char *error,
                         size_t error_size);

struct console;

/* Called on the reactor thread when the user asked to quit with Ctrl-A x. */
typedef void console_quit(void *context);

int console_create(struct console **console, const struct console_config *config,
                   struct reactor *reactor, uint32_t device, console_quit *quit, void *quit_context,
                   char *error, size_t error_size);
/* Writes what is left, for at most a second; restores a terminal; removes the socket. */
void console_destroy(struct console *console);
/* Console bytes leave. Any one thread at a time; never blocks: the reactor thread writes them. What
 * could not be written (a disk full, a terminal stopped, a client that does not read) is kept up to
 * CONSOLE_BACKLOG bytes and tried again, so that a short shortage loses nothing; what comes beyond
 * that is dropped. */
#define CONSOLE_BACKLOG (1u << 20)
void console_emit(struct console *console, const void *data, size_t size);
/* 0; or the negative errno because of which bytes are waiting now or nobody reads any more; or
 * -ENOBUFS, for good, after some were dropped. Any thread. */
int console_error(const struct console *console);
/* Terminal back to normal; async-signal-safe. */
void console_restore(struct console *console);

#endif
