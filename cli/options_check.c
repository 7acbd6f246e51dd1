#include "cli/options_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "cli/machine_options.h"
#include "cli/value.h"

#define MEMORY_UNIT            (UINT64_C(1) << 20)
#define HEARTBEATS_PER_TIMEOUT 3u /* one that is late must not look like a lost replica */

static bool fail(char error[OPTIONS_ERROR_SIZE], const char *text)
{
    snprintf(error, OPTIONS_ERROR_SIZE, "%s", text);
    return false;
}

static bool check_required(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    switch (options->command) {
    case COMMAND_PRIMARY:
        if (!options->listen)
            return fail(error, "--listen HOST:PORT is missing: where backups join "
                               "(127.0.0.1:0 takes a free port)");
        if (!options->kernel)
            return fail(error, "--kernel FILE is missing: a RISC-V 64 Linux Image");
        return true;
    case COMMAND_RUN:
        return options->kernel || fail(error, "--kernel FILE is missing: a RISC-V 64 Linux Image");
    case COMMAND_BACKUP:
        return options->join ||
               fail(error, "--join HOST:PORT is missing: where the primary listens");
    default:
        return options->control ||
               fail(error, "--control PATH is missing: the one that the replica was started with");
    }
}

static bool check_address(const struct options *options, const char *name, const char *address,
                          bool needs_port, char error[OPTIONS_ERROR_SIZE])
{
    char expected[VALUE_EXPECTED_SIZE], host[VALUE_HOST_SIZE];
    uint16_t port;

    if (!address)
        return true;
    if (!value_parse_address(address, host, &port, expected)) {
        snprintf(error, OPTIONS_ERROR_SIZE, "--%s: '%s': expected %s", name, address, expected);
        return false;
    }
    if (needs_port && port == 0) {
        snprintf(error, OPTIONS_ERROR_SIZE, "--%s: '%s': port 0 is nowhere to connect to", name,
                 address);
        return false;
    }
    if (!options->insecure_channel && !value_is_loopback(host)) {
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "--%s: %s is not a loopback address and the channel is not encrypted; on a "
                 "network that you trust add --insecure-channel, else use a tunnel",
                 name, host);
        return false;
    }
    return true;
}

static bool check_arbiter(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    const char *arbiter = options->arbiter;

    if (!arbiter)
        return fail(error, "--arbiter is missing; choose --arbiter file:PATH (on storage that both "
                           "replicas see) or --arbiter none --assume-fail-stop");
    if (strcmp(arbiter, "none") == 0)
        return options->assume_fail_stop ||
               fail(error, "--arbiter none cannot tell a dead replica from a silent one, and two "
                           "might run; use --arbiter file:PATH, or add --assume-fail-stop");
    if (strncmp(arbiter, "file:", 5) != 0 || arbiter[5] == '\0') {
        snprintf(error, OPTIONS_ERROR_SIZE, "--arbiter: '%s': expected file:PATH or none", arbiter);
        return false;
    }
    return !options->assume_fail_stop ||
           fail(error, "--assume-fail-stop goes with --arbiter none; leave it out");
}

static bool check_times(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    if (options->timeout_ms >= HEARTBEATS_PER_TIMEOUT * options->heartbeat_ms)
        return true;
    snprintf(error, OPTIONS_ERROR_SIZE,
             "--timeout-ms %" PRIu64 " is less than %u heartbeats of %" PRIu64
             " ms; use --timeout-ms %" PRIu64 " or more, or a shorter --heartbeat-ms",
             options->timeout_ms, HEARTBEATS_PER_TIMEOUT, options->heartbeat_ms,
             HEARTBEATS_PER_TIMEOUT * options->heartbeat_ms);
    return false;
}

static bool check_epochs(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    if (options_given(options, "epoch") &&
        (options_given(options, "epoch-min-us") || options_given(options, "epoch-max-us")))
        return fail(error, "--epoch fixes the length of each epoch, and --epoch-min-us and "
                           "--epoch-max-us let it vary; leave out the one or the others");
    if (options->epoch_min_us <= options->epoch_max_us)
        return true;
    snprintf(error, OPTIONS_ERROR_SIZE,
             "--epoch-min-us %" PRIu64 " is more than --epoch-max-us %" PRIu64
             "; give both, the shorter one first",
             options->epoch_min_us, options->epoch_max_us);
    return false;
}

static bool check_name(const char *option, const char *name, char error[OPTIONS_ERROR_SIZE])
{
    if (!name)
        return true;
    size_t size = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                               "0123456789._-");
    if (size > 0 && name[size] == '\0' && size <= FTVM_MAX_NAME)
        return true;
    snprintf(error, OPTIONS_ERROR_SIZE,
             "--%s: '%.80s': expected at most %u letters, digits, dots, dashes and underscores",
             option, name, FTVM_MAX_NAME);
    return false;
}

static bool check_memory(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    if (options->memory % MEMORY_UNIT == 0)
        return true;
    snprintf(error, OPTIONS_ERROR_SIZE, "--memory: %" PRIu64 " bytes are not whole MiB; use 256M",
             options->memory);
    return false;
}

static bool same_file(const char *one, const char *other)
{
    struct stat first, second;

    if (strcmp(one, other) == 0)
        return true;
    return stat(one, &first) == 0 && stat(other, &second) == 0 && first.st_dev == second.st_dev &&
           first.st_ino == second.st_ino;
}

static bool check_disks(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    for (unsigned i = 0; i < options->disk.count; i++) {
        for (unsigned j = i + 1; j < options->disk.count; j++) {
            if (!same_file(options->disk.items[i], options->disk.items[j]))
                continue;
            snprintf(error, OPTIONS_ERROR_SIZE, "--disk %s: the same file is disk %u already",
                     options->disk.items[j], i + 1);
            return false;
        }
    }
    return true;
}

bool options_check(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    struct machine_local local;

    if (!check_required(options, error))
        return false;
    if (!command_runs_machine(options->command))
        return true;
    if (options->quiet && options->verbose)
        return fail(error, "--quiet and --verbose: choose one");
    if (!check_name("name", options->name, error) ||
        !check_name("replica", options->replica, error))
        return false;
    if (options->command != COMMAND_RUN &&
        (!check_address(options, "listen", options->listen, false, error) ||
         !check_address(options, "join", options->join, true, error) ||
         !check_arbiter(options, error) || !check_times(options, error)))
        return false;
    return check_memory(options, error) && check_epochs(options, error) &&
           check_disks(options, error) && machine_options_local(options, &local, error);
}
