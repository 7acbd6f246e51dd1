#include "vmm/backends/console.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vmm/backends/console_internal.h"
#include "vmm/backends/fail.h"

#define CONSOLES "stdio, file:PATH, unix:PATH or none"

int console_config_parse(struct console_config *config, const char *text, char *error,
                         size_t error_size)
{
    const char *path = strchr(text, ':');

    *config = (struct console_config){0};
    if (strcmp(text, "none") == 0)
        return 0;
    if (strcmp(text, "stdio") == 0) {
        config->kind = CONSOLE_STDIO;
        return 0;
    }
    if (strncmp(text, "file:", 5) == 0)
        config->kind = CONSOLE_FILE;
    else if (strncmp(text, "unix:", 5) == 0)
        config->kind = CONSOLE_UNIX;
    else
        return backend_fail(error, error_size, -EINVAL,
                            "console: '%s' is no console; expected " CONSOLES, text);
    path++;
    if (!*path || strlen(path) >= sizeof(config->path))
        return backend_fail(error, error_size, -EINVAL,
                            "console: '%s' needs a path of 1 to %zu characters; expected " CONSOLES,
                            text, sizeof(config->path) - 1);
    strcpy(config->path, path);
    return 0;
}

static int open_kind(struct console *console, char *error, size_t error_size)
{
    switch (console->kind) {
    case CONSOLE_STDIO: return console_stdio_open(console, error, error_size);
    case CONSOLE_FILE: return console_file_open(console, error, error_size);
    case CONSOLE_UNIX: return console_unix_open(console, error, error_size);
    case CONSOLE_NONE: break;
    }
    return 0;
}

int console_create(struct console **console, const struct console_config *config,
                   struct reactor *reactor, uint32_t device, console_quit *quit, void *quit_context,
                   char *error, size_t error_size)
{
    struct console *created = calloc(1, sizeof(*created));
    int code;

    if (!created)
        return backend_fail(error, error_size, -ENOMEM, "console: no memory");
    created->reactor = reactor;
    created->loop = reactor_loop(reactor);
    created->device = device;
    created->kind = config->kind;
    created->quit = quit;
    created->quit_context = quit_context;
    created->listener = -1;
    memcpy(created->path, config->path, sizeof(created->path));
    if (console_flow_init(created)) {
        free(created);
        return backend_fail(error, error_size, -ENOMEM, "console: no memory");
    }
    code = open_kind(created, error, error_size);
    if (code) {
        console_flow_destroy(created);
        free(created);
        return code;
    }
    *console = created;
    return 0;
}

void console_destroy(struct console *console)
{
    if (!console)
        return;
    console_flow_finish(console);
    if (console->kind == CONSOLE_UNIX)
        console_unix_close(console);
    console_flow_destroy(console);
    console_restore(console);
    free(console);
}

void console_restore(struct console *console)
{
    if (atomic_exchange(&console->raw, false))
        tcsetattr(STDIN_FILENO, TCSANOW, &console->terminal);
}
