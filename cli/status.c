#include "cli/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/event_format.h"

#define STATUS_NUMBERS(X)                                                                          \
    X(term)                                                                                        \
    X(epoch)                                                                                       \
    X(position)                                                                                    \
    X(peer_position)                                                                               \
    X(clock_ns)                                                                                    \
    X(lsn)                                                                                         \
    X(lsn_acked)                                                                                   \
    X(lsn_consumed)                                                                                \
    X(outputs)                                                                                     \
    X(outputs_released)                                                                            \
    X(outputs_held)                                                                                \
    X(inputs)                                                                                      \
    X(log_bytes)                                                                                   \
    X(sent_bytes)                                                                                  \
    X(received_bytes)                                                                              \
    X(hold_ns_total)                                                                               \
    X(hold_count)                                                                                  \
    X(hold_ns_median)                                                                              \
    X(peer_silent_ns)                                                                              \
    X(listen_port)

#define CPU_NUMBERS(X)                                                                             \
    X(decoded_blocks)                                                                              \
    X(decoded_flushes)                                                                             \
    X(translations)                                                                                \
    X(translations_alive)                                                                          \
    X(code_bytes)                                                                                  \
    X(code_capacity)                                                                               \
    X(code_flushes)                                                                                \
    X(invalidations)

#define STATUS_TEXTS(X)                                                                            \
    X(name)                                                                                        \
    X(replica)                                                                                     \
    X(peer)

#define STATUS_FLAGS(X)                                                                            \
    X(joining)                                                                                     \
    X(claiming)                                                                                    \
    X(ended)

static json_t *counters_to_json(const struct hart_counters *counters)
{
    json_t *object = json_object();

    if (!object)
        return NULL;
    json_object_set_new(object, "engine",
                        json_string(counters->engine == HART_JIT ? "jit" : "interp"));
#define SET_NUMBER(field)                                                                          \
    json_object_set_new(object, #field, json_integer((json_int_t)counters->field));
    CPU_NUMBERS(SET_NUMBER)
#undef SET_NUMBER
    return object;
}

json_t *status_to_json(const struct ftvm_status *status, uint64_t uptime_ns,
                       const struct hart_counters *counters)
{
    json_t *object = json_object();

    if (!object)
        return NULL;
    json_object_set_new(object, "version", json_string(ftvm_version()));
    json_object_set_new(object, "pid", json_integer(getpid()));
    json_object_set_new(object, "uptime_ns", json_integer((json_int_t)uptime_ns));
    json_object_set_new(object, "role",
                        json_string(status->role == FTVM_ROLE_PRIMARY ? "primary" : "backup"));
    json_object_set_new(object, "protected", json_boolean(status->is_protected));
    json_object_set_new(object, "error", json_string(event_error_name(status->error)));
#define SET_NUMBER(field)                                                                          \
    json_object_set_new(object, #field, json_integer((json_int_t)status->field));
    STATUS_NUMBERS(SET_NUMBER)
#undef SET_NUMBER
#define SET_TEXT(field) json_object_set_new(object, #field, json_string(status->field));
    STATUS_TEXTS(SET_TEXT)
#undef SET_TEXT
#define SET_FLAG(field) json_object_set_new(object, #field, json_boolean(status->field));
    STATUS_FLAGS(SET_FLAG)
#undef SET_FLAG
    if (counters)
        json_object_set_new(object, "cpu", counters_to_json(counters));
    return object;
}

static uint64_t number(const json_t *status, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(status, key));
}

static const char *text(const json_t *status, const char *key)
{
    const char *value = json_string_value(json_object_get(status, key));

    return value ? value : "";
}

static bool flag(const json_t *status, const char *key)
{
    return json_is_true(json_object_get(status, key));
}

static const char *role_words(const json_t *status)
{
    bool is_protected = flag(status, "protected");

    if (strcmp(text(status, "role"), "primary") == 0)
        return is_protected ? "primary, protected" : "primary, unprotected";
    return is_protected ? "backup, following" : "backup, joining";
}

static void print_bytes(const char *label, uint64_t bytes)
{
    printf("%-16s%.1f MiB\n", label, (double)bytes / 1048576.0);
}

static void print_peer(const json_t *status)
{
    if (text(status, "peer")[0] == '\0') {
        printf("%-16snone\n", "peer");
        return;
    }
    printf("%-16s%s, at position %" PRIu64 ", heard %.0f ms ago\n", "peer", text(status, "peer"),
           number(status, "peer_position"), (double)number(status, "peer_silent_ns") / 1e6);
}

static void print_cpu(const json_t *cpu)
{
    bool translates = strcmp(text(cpu, "engine"), "jit") == 0;

    if (!cpu) {
        printf("%-16snone yet\n", "cpu");
        return;
    }
    printf("%-16s%s; blocks decoded: %" PRIu64 ", cache flushes: %" PRIu64 "\n", "cpu",
           text(cpu, "engine"), number(cpu, "decoded_blocks"), number(cpu, "decoded_flushes"));
    if (!translates)
        return;
    printf("%-16smade: %" PRIu64 ", alive: %" PRIu64 ", dropped as their code changed: %" PRIu64
           "\n",
           "  translations", number(cpu, "translations"), number(cpu, "translations_alive"),
           number(cpu, "invalidations"));
    printf("%-16s%.2f of %.2f MiB used, flushes: %" PRIu64 "\n", "  code cache",
           (double)number(cpu, "code_bytes") / 1048576.0,
           (double)number(cpu, "code_capacity") / 1048576.0, number(cpu, "code_flushes"));
}

void status_print(const json_t *status)
{
    uint64_t held = number(status, "hold_count");

    printf("%-16s%s\n", "machine", text(status, "name"));
    printf("%-16s%s (pid %" PRIu64 ", version %s, up %.0f s)\n", "replica", text(status, "replica"),
           number(status, "pid"), text(status, "version"),
           (double)number(status, "uptime_ns") / 1e9);
    printf("%-16s%s%s%s%s\n", "role", role_words(status),
           flag(status, "joining") ? ", a state transfer is under way" : "",
           flag(status, "claiming") ? ", waiting for the arbiter" : "",
           flag(status, "ended") ? ", ended" : "");
    if (text(status, "error")[0])
        printf("%-16s%s\n", "error", text(status, "error"));
    printf("%-16s%" PRIu64 "\n", "term", number(status, "term"));
    print_peer(status);
    if (number(status, "listen_port") != 0)
        printf("%-16sport %" PRIu64 "\n", "listening", number(status, "listen_port"));
    printf("%-16s%" PRIu64 ", epoch %" PRIu64 "\n", "position", number(status, "position"),
           number(status, "epoch"));
    printf("%-16s%.3f s\n", "guest time", (double)number(status, "clock_ns") / 1e9);
    printf("%-16s%" PRIu64 " written or received, %" PRIu64 " acknowledged, %" PRIu64
           " executed by the backup\n",
           "log entries", number(status, "lsn"), number(status, "lsn_acked"),
           number(status, "lsn_consumed"));
    printf("%-16s%" PRIu64 " made, %" PRIu64 " released, %" PRIu64 " held\n", "outputs",
           number(status, "outputs"), number(status, "outputs_released"),
           number(status, "outputs_held"));
    if (held > 0)
        printf("%-16smedian %.3f ms, mean %.3f ms\n", "outputs waited",
               (double)number(status, "hold_ns_median") / 1e6,
               (double)number(status, "hold_ns_total") / (double)held / 1e6);
    printf("%-16s%" PRIu64 "\n", "inputs", number(status, "inputs"));
    print_bytes("log", number(status, "log_bytes"));
    print_bytes("sent", number(status, "sent_bytes"));
    print_bytes("received", number(status, "received_bytes"));
    print_cpu(json_object_get(status, "cpu"));
}
