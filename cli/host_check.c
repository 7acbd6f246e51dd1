#include "cli/host_check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int try_port(const struct nic_forward *forward)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons(forward->host_port),
        .sin_addr.s_addr = forward->host_address,
    };
    int type = (forward->udp ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC;
    int probe = socket(AF_INET, type, 0);
    int one = 1, result = 0;

    if (probe < 0)
        return -errno;
    /* What remains of connections that were closed lately is in nobody's way. */
    if (!forward->udp)
        setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(probe, (const struct sockaddr *)&address, sizeof(address)) < 0)
        result = -errno;
    close(probe);
    return result;
}

bool host_check_cpu(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    if (options->cpu.engine == HART_JIT && !hart_has_jit()) {
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "--cpu jit: there is none for this host's processor; use --cpu interp, or leave "
                 "it out");
        return false;
    }
    if (options->cpu.perf_map && options->cpu.engine != HART_JIT) {
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "--perf-map: names what the JIT translates, but the guest is interpreted here; "
                 "leave it out, or use --cpu jit%s",
                 hart_has_jit() ? "" : " on a host that has it");
        return false;
    }
    return true;
}

bool host_check_record(const struct options *options, char error[OPTIONS_ERROR_SIZE])
{
    static const char prefix[] = "file:";
    const char *path = options->arbiter + strlen(prefix);

    if (strncmp(options->arbiter, prefix, strlen(prefix)) != 0 || access(path, R_OK | W_OK) == 0)
        return true;
    snprintf(error, OPTIONS_ERROR_SIZE,
             "--arbiter %s: %s, although the primary runs; name the file that the primary uses, "
             "on storage that both see",
             options->arbiter, strerror(errno));
    return false;
}

bool host_check_forwards(const struct machine_local *local, char error[OPTIONS_ERROR_SIZE])
{
    char host[INET_ADDRSTRLEN];

    for (unsigned i = 0; i < local->nic_count; i++) {
        for (unsigned j = 0; j < local->nic[i].forward_count; j++) {
            const struct nic_forward *forward = &local->nic[i].forwards[j];
            int result = try_port(forward);

            if (result == 0)
                continue;
            inet_ntop(AF_INET, &forward->host_address, host, sizeof(host));
            snprintf(error, OPTIONS_ERROR_SIZE, "--net: hostfwd=%s:%s:%u: %s",
                     forward->udp ? "udp" : "tcp", host, forward->host_port, strerror(-result));
            return false;
        }
    }
    return true;
}
