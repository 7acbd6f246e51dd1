#include "cli/control_client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "cli/control_protocol.h"
#include "cli/exit_codes.h"
#include "cli/say.h"
#include "cli/status.h"

#define ANSWER_TIMEOUT_S  5
#define STOP_TIMEOUT_S    60
#define PROMOTE_TIMEOUT_S 30
#define POLL_MS           50

static void set_timeout(int connection, unsigned seconds)
{
    struct timeval timeout = {.tv_sec = seconds};

    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    setsockopt(connection, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
}

static int connect_to(const char *path)
{
    struct sockaddr_un address;
    int connection;

    if (!control_address(path, &address)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    connection = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection < 0)
        return -1;
    set_timeout(connection, ANSWER_TIMEOUT_S);
    if (connect(connection, (struct sockaddr *)&address, sizeof(address)) < 0) {
        int error = errno;

        close(connection);
        errno = error;
        return -1;
    }
    return connection;
}

static void explain_silence(const char *path)
{
    if (errno == ENOENT || errno == ECONNREFUSED)
        say("nobody answers at %s; is a replica running with --control %s?", path, path);
    else
        say("%s: %s", path, strerror(errno));
}

/* Sends a request and receives its answer: a new reference, or NULL after saying why not. The
 * connection stays open. */
static json_t *ask(const struct options *options, const char *request, int *connection)
{
    json_t *answer;

    *connection = connect_to(options->control);
    if (*connection < 0) {
        explain_silence(options->control);
        return NULL;
    }
    answer = control_send(*connection, json_pack("{s:s}", "request", request))
                 ? control_receive(*connection)
                 : NULL;
    if (answer && json_is_true(json_object_get(answer, "ok")))
        return answer;
    if (answer) {
        const char *text = json_string_value(json_object_get(answer, "text"));

        say("refused: %s", text ? text : "no reason was given");
    } else {
        say("no answer from %s; the replica ended or hangs", options->control);
    }
    json_decref(answer);
    close(*connection);
    return NULL;
}

static int show_status(const struct options *options)
{
    int connection;
    json_t *answer = ask(options, "status", &connection);
    json_t *status = json_object_get(answer, "status");

    if (!answer)
        return CLI_EXIT_REQUEST;
    if (options->json) {
        json_dumpf(status, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
        putchar('\n');
    } else {
        status_print(status);
    }
    json_decref(answer);
    close(connection);
    return fflush(stdout) == 0 ? CLI_EXIT_GOOD : CLI_EXIT_REQUEST;
}

static int stop(const struct options *options)
{
    int connection, code = CLI_EXIT_REQUEST;
    json_t *answer = ask(options, "stop", &connection);

    if (!answer)
        return CLI_EXIT_REQUEST;
    json_decref(answer);
    set_timeout(connection, STOP_TIMEOUT_S);
    errno = 0;
    answer = control_receive(connection);
    if (answer) {
        const char *text = json_string_value(json_object_get(answer, "text"));

        code = (int)json_integer_value(json_object_get(answer, "exit"));
        if (code != CLI_EXIT_GOOD)
            say("it ended, but not in good order: %s", text ? text : "");
        else if (!options->quiet)
            say("%s", text ? text : "stopped");
        code = code == CLI_EXIT_GOOD ? CLI_EXIT_GOOD : CLI_EXIT_REQUEST;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        say("asked to stop, but it still runs after %u s", STOP_TIMEOUT_S);
    } else {
        say("asked to stop; it ended without saying how");
    }
    json_decref(answer);
    close(connection);
    return code;
}

/* A promotion is asked for, then watched: the claim may be lost, or take its time. */
static int promote(const struct options *options)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    int connection;
    json_t *answer = ask(options, "promote", &connection);

    if (!answer)
        return CLI_EXIT_REQUEST;
    json_decref(answer);
    close(connection);
    for (unsigned waited = 0; waited < PROMOTE_TIMEOUT_S * 1000; waited += POLL_MS) {
        answer = ask(options, "status", &connection);
        if (!answer) {
            say("it was asked to take over, and has ended since; its own last line says why");
            return CLI_EXIT_REQUEST;
        }
        close(connection);
        json_t *status = json_object_get(answer, "status");
        const char *role = json_string_value(json_object_get(status, "role"));
        bool promoted = role && strcmp(role, "primary") == 0;
        json_int_t term = json_integer_value(json_object_get(status, "term"));
        json_decref(answer);
        if (promoted) {
            if (!options->quiet)
                say("promoted: primary, term %" PRIu64, (uint64_t)term);
            return CLI_EXIT_GOOD;
        }
        nanosleep(&pause, NULL);
    }
    say("asked to promote, but it is not primary after %u s; 'ftvm status' says more",
        PROMOTE_TIMEOUT_S);
    return CLI_EXIT_REQUEST;
}

int control_client(const struct options *options)
{
    switch (options->command) {
    case COMMAND_STATUS: return show_status(options);
    case COMMAND_STOP: return stop(options);
    case COMMAND_PROMOTE: return promote(options);
    default: return CLI_EXIT_USAGE;
    }
}
