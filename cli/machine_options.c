#include "cli/machine_options.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "cli/trace_option.h"
#include "vmm/backends/disk.h"

#define MAC_SIZE         6u
#define FNV_OFFSET_BASIS UINT32_C(2166136261)
#define FNV_PRIME        UINT32_C(16777619)

/* 52:54:00 is the locally administered prefix that VMMs use; the rest is from the machine's name,
 * so that machines on one network differ, and counts up, so that NICs of one machine do. */
static void default_mac(const char *name, unsigned index, uint8_t mac[MAC_SIZE])
{
    uint32_t hash = FNV_OFFSET_BASIS;

    for (const char *letter = name; *letter; letter++)
        hash = (hash ^ (uint8_t)*letter) * FNV_PRIME;
    mac[0] = 0x52;
    mac[1] = 0x54;
    mac[2] = 0x00;
    mac[3] = (uint8_t)(hash >> 16);
    mac[4] = (uint8_t)(hash >> 8);
    mac[5] = (uint8_t)(hash + index);
}

static void format_mac(const uint8_t mac[MAC_SIZE], char text[18])
{
    snprintf(text, 18, "%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4],
             mac[5]);
}

static bool check_mac(const struct machine_local *local, unsigned index,
                      char error[OPTIONS_ERROR_SIZE])
{
    const struct nic_config *nic = &local->nic[index];
    char text[18];

    for (unsigned i = 0; nic->has_mac && i < index; i++) {
        if (local->nic[i].has_mac && memcmp(local->nic[i].mac, nic->mac, MAC_SIZE) == 0) {
            format_mac(nic->mac, text);
            snprintf(error, OPTIONS_ERROR_SIZE, "--net: mac=%s is given to two interfaces", text);
            return false;
        }
    }
    return true;
}

bool machine_options_local(const struct options *options, struct machine_local *local,
                           char error[OPTIONS_ERROR_SIZE])
{
    char reason[MACHINE_ERROR_SIZE] = "";

    *local = (struct machine_local){
        .kernel = options->kernel,
        .initrd = options->initrd,
        .disk_count = options->disk.count,
        .nic_count = options->net.count,
        .cpu = &options->cpu,
    };
    for (unsigned i = 0; i < options->disk.count; i++)
        local->disk[i] = options->disk.items[i];
    for (unsigned i = 0; i < options->net.count; i++) {
        if (nic_config_parse(&local->nic[i], options->net.items[i], reason, sizeof(reason)) < 0) {
            snprintf(error, OPTIONS_ERROR_SIZE, "--%s", reason);
            return false;
        }
        if (!check_mac(local, i, error))
            return false;
    }
    if (console_config_parse(&local->console, options->console, reason, sizeof(reason)) < 0) {
        snprintf(error, OPTIONS_ERROR_SIZE, "--%s", reason);
        return false;
    }
    if (!trace_option_parse(options->trace, &local->trace, error))
        return false;
    if (strcmp(local->trace.path, "-") == 0 && local->console.kind == CONSOLE_STDIO) {
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "--trace -: standard output is the console's; give --console another place, "
                 "or the trace a file");
        return false;
    }
    return true;
}

static bool build_append(const struct options *options, struct machine_description *description,
                         char error[OPTIONS_ERROR_SIZE])
{
    char *text = description->append;
    size_t size = sizeof(description->append);
    size_t used = 0;

    for (unsigned i = 0; i < options->append.count; i++) {
        used += (size_t)snprintf(text + used, size - used, "%s%s", i > 0 ? " " : "",
                                 options->append.items[i]);
        if (used >= size) {
            snprintf(error, OPTIONS_ERROR_SIZE, "--append: together longer than %zu bytes",
                     size - 1);
            return false;
        }
    }
    for (const char *letter = text; *letter; letter++) {
        if (*letter < ' ' || *letter > '~') {
            snprintf(error, OPTIONS_ERROR_SIZE, "--append: expected printable ASCII alone");
            return false;
        }
    }
    return true;
}

/* An image file or a block device. */
static bool disk_image_size(const char *path, uint64_t *size, char error[OPTIONS_ERROR_SIZE])
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    off_t end = file < 0 ? -1 : lseek(file, 0, SEEK_END);

    if (end < 0)
        snprintf(error, OPTIONS_ERROR_SIZE, "--disk %s: %s", path, strerror(errno));
    else if (end == 0 || end % DISK_SECTOR_SIZE != 0)
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "--disk %s: %lld bytes; a raw image has a multiple of %u, and not none", path,
                 (long long)end, DISK_SECTOR_SIZE);
    if (file >= 0)
        close(file);
    *size = (uint64_t)end;
    return end > 0 && end % DISK_SECTOR_SIZE == 0;
}

bool machine_options_describe(const struct options *options, const struct machine_local *local,
                              struct machine_description *description,
                              char error[OPTIONS_ERROR_SIZE])
{
    struct timespec now;

    *description = (struct machine_description){
        .memory = options->memory,
        .clock = (enum machine_clock)options->clock,
        .seed = options->seed,
        .disk_count = local->disk_count,
        .nic_count = local->nic_count,
        .console_virtio = options->console_device == CONSOLE_DEVICE_VIRTIO,
    };
    snprintf(description->name, sizeof(description->name), "%s", options->name);
    if (!options_given(options, "seed") &&
        getrandom(&description->seed, sizeof(description->seed), 0) < 0) {
        snprintf(error, OPTIONS_ERROR_SIZE, "no random seed: %s; give one with --seed",
                 strerror(errno));
        return false;
    }
    clock_gettime(CLOCK_REALTIME, &now);
    description->wall_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    for (unsigned i = 0; i < local->disk_count; i++)
        if (!disk_image_size(local->disk[i], &description->disk_size[i], error))
            return false;
    for (unsigned i = 0; i < local->nic_count; i++) {
        if (local->nic[i].has_mac)
            memcpy(description->nic_mac[i], local->nic[i].mac, MAC_SIZE);
        else
            default_mac(options->name, i, description->nic_mac[i]);
    }
    return build_append(options, description, error);
}

static bool match_count(const char *option, unsigned here, unsigned there,
                        char error[OPTIONS_ERROR_SIZE])
{
    if (here == there)
        return true;
    snprintf(error, OPTIONS_ERROR_SIZE,
             "--%s: the primary's machine has %u, but here are %u; the numbers must be equal",
             option, there, here);
    return false;
}

bool machine_options_match(const struct machine_description *description,
                           const struct machine_local *local, char error[OPTIONS_ERROR_SIZE])
{
    char here[18], there[18];

    if (!match_count("disk", local->disk_count, description->disk_count, error) ||
        !match_count("net", local->nic_count, description->nic_count, error))
        return false;
    for (unsigned i = 0; i < local->nic_count; i++) {
        if (!local->nic[i].has_mac ||
            memcmp(local->nic[i].mac, description->nic_mac[i], MAC_SIZE) == 0)
            continue;
        format_mac(local->nic[i].mac, here);
        format_mac(description->nic_mac[i], there);
        snprintf(error, OPTIONS_ERROR_SIZE,
                 "--net: mac=%s, but the primary's machine has %s there; leave mac= out", here,
                 there);
        return false;
    }
    return true;
}
