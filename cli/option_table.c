#include "cli/option_table.h"

#include <string.h>

#include "cli/value.h"
#include "vmm/machine/machine.h"

#define ON(command) (1u << COMMAND_##command)
#define RUNNING     (ON(RUN) | ON(PRIMARY) | ON(BACKUP))
#define STARTING    (ON(RUN) | ON(PRIMARY))
#define PAIR        (ON(PRIMARY) | ON(BACKUP))
#define CLIENTS     (ON(STATUS) | ON(STOP) | ON(PROMOTE))
#define AT(field)   .offset = offsetof(struct options, field)

/* OPTION_CHOICE writes an int. */
_Static_assert(sizeof(enum hart_engine) == sizeof(int), "an engine is a choice");
_Static_assert(HART_INTERPRETER == 0 && HART_JIT == 1, "as in the words of --cpu");

/* One row a line or two reads better than what the formatter makes of it. */
/* clang-format off */
const struct option option_table[] = {
    {.name = "config", .value = "FILE", .kind = OPTION_TEXT, .group = GROUP_CONTROL,
     .commands = RUNNING, .on_command_line_only = true, AT(config),
     .help = "read options from an INI file: the same names, without dashes"},

    {.name = "name", .value = "NAME", .kind = OPTION_TEXT, .group = GROUP_MACHINE,
     .commands = RUNNING, AT(name),
     .help = "name of the machine (ftvm; a backup takes its primary's, and checks it if given)"},
    {.name = "kernel", .value = "FILE", .kind = OPTION_TEXT, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(kernel),
     .help = "RISC-V 64 Linux Image"},
    {.name = "initrd", .value = "FILE", .kind = OPTION_TEXT, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(initrd),
     .help = "initial RAM disk"},
    {.name = "append", .value = "TEXT", .kind = OPTION_LIST, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(append), .maximum = OPTIONS_MAX_REPEAT,
     .help = "add words to the kernel command line, which begins with console= for the "
             "console device and " MACHINE_KERNEL_ARGUMENTS},
    {.name = "memory", .value = "SIZE", .kind = OPTION_SIZE, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(memory),
     .minimum = MACHINE_MIN_MEMORY, .maximum = MACHINE_MAX_MEMORY,
     .help = "RAM of the guest (256M)"},
    {.name = "disk", .value = "FILE", .kind = OPTION_LIST, .group = GROUP_MACHINE,
     .commands = RUNNING, AT(disk), .maximum = MACHINE_MAX_DISKS,
     .help = "raw image of a disk; each replica has its own copy, and a backup's is "
             "filled when it joins"},
    {.name = "net", .value = "NET", .kind = OPTION_LIST, .group = GROUP_MACHINE,
     .commands = RUNNING, AT(net), .maximum = MACHINE_MAX_NICS,
     .help = "network interface: tap:IF, pcap:IF, user or none; then, after commas, "
             "hostfwd=tcp:HOST:PORT-:GUESTPORT (user), mac=ADDRESS, capture=FILE.pcap"},
    {.name = "console", .value = "CONSOLE", .kind = OPTION_TEXT, .group = GROUP_MACHINE,
     .commands = RUNNING, AT(console),
     .help = "stdio (default; Ctrl-A x quits), file:FILE, unix:SOCKET or none"},
    {.name = "console-device", .value = "uart|virtio", .kind = OPTION_CHOICE,
     .group = GROUP_MACHINE, .commands = STARTING, .from_primary = true, AT(console_device),
     .help = "what the guest's console is: 16550 (uart, default) or virtio"},
    {.name = "seed", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(seed), .maximum = UINT64_MAX,
     .help = "of the guest's entropy device (random)"},
    {.name = "clock", .value = "computed|logged", .kind = OPTION_CHOICE, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(clock),
     .help = "guest time inside an epoch: computed from the instructions executed "
             "(default), or the host's, logged at each read"},
    {.name = "epoch", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(epoch),
     .minimum = OPTIONS_MIN_EPOCH, .maximum = OPTIONS_MAX_EPOCH,
     .help = "instructions in each epoch (as the next two say)"},
    {.name = "epoch-min-us", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(epoch_min_us),
     .minimum = 1, .maximum = OPTIONS_MAX_EPOCH_US,
     .help = "how long the guest runs before an input may end its epoch (100)"},
    {.name = "epoch-max-us", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_MACHINE,
     .commands = STARTING, .from_primary = true, AT(epoch_max_us),
     .minimum = 1, .maximum = OPTIONS_MAX_EPOCH_US,
     .help = "the longest epoch, while nothing waits (4000)"},

    {.name = "cpu", .value = "interp|jit", .kind = OPTION_CHOICE, .group = GROUP_CPU,
     .commands = RUNNING, AT(cpu.engine),
     .help = "how this replica executes the guest: interpreted, or translated to the host's "
             "code (the default where the host can). The guest cannot tell, and the other "
             "replica may choose otherwise"},
    {.name = "code-cache", .value = "SIZE", .kind = OPTION_SIZE, .group = GROUP_CPU,
     .commands = RUNNING, AT(cpu.code_cache_size),
     .minimum = OPTIONS_MIN_CODE_CACHE, .maximum = OPTIONS_MAX_CODE_CACHE,
     .help = "room for translated code (24M); when it is full, all translations are dropped"},
    {.name = "perf-map", .kind = OPTION_FLAG, .group = GROUP_CPU,
     .commands = RUNNING, AT(cpu.perf_map),
     .help = "name translated code for perf(1), in /tmp/perf-PID.map"},
    {.name = "trace", .value = "FILE[,from=POSITION][,to=POSITION]", .kind = OPTION_TEXT,
     .group = GROUP_CPU, .commands = RUNNING, AT(trace),
     .help = "write a line for each instruction, trap and interrupt from one position up to, "
             "but without, the other; slow in between, and unnoticed by the guest. - is "
             "standard output"},

    {.name = "listen", .value = "HOST:PORT", .kind = OPTION_TEXT, .group = GROUP_PROTECTION,
     .commands = PAIR, AT(listen),
     .help = "where backups join this replica, once it is primary; port 0: a free one"},
    {.name = "join", .value = "HOST:PORT", .kind = OPTION_TEXT, .group = GROUP_PROTECTION,
     .commands = ON(BACKUP), AT(join),
     .help = "where the primary listens"},
    {.name = "join-timeout-ms", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_PROTECTION,
     .commands = ON(BACKUP), AT(join_timeout_ms), .maximum = 86400000,
     .help = "give up if no primary answers for that long (10000)"},
    {.name = "wait-backup", .kind = OPTION_FLAG, .group = GROUP_PROTECTION,
     .commands = ON(PRIMARY), AT(wait_backup),
     .help = "start the guest only when a backup protects it"},
    {.name = "arbiter", .value = "file:FILE|none", .kind = OPTION_TEXT, .group = GROUP_PROTECTION,
     .commands = PAIR, AT(arbiter),
     .help = "who decides which replica is active: a file on storage that all "
             "replicas see, or nobody (with --assume-fail-stop)"},
    {.name = "assume-fail-stop", .kind = OPTION_FLAG, .group = GROUP_PROTECTION,
     .commands = PAIR, AT(assume_fail_stop),
     .help = "a silent replica has really halted. If that is untrue, two run"},
    {.name = "take-over", .kind = OPTION_FLAG, .group = GROUP_PROTECTION,
     .commands = ON(PRIMARY), AT(take_over),
     .help = "start although the arbiter's record says that another replica is active"},
    {.name = "replica", .value = "NAME", .kind = OPTION_TEXT, .group = GROUP_PROTECTION,
     .commands = PAIR, AT(replica),
     .help = "name of this replica (host name, process id and a random number)"},
    {.name = "insecure-channel", .kind = OPTION_FLAG, .group = GROUP_PROTECTION,
     .commands = PAIR, AT(insecure_channel),
     .help = "allow addresses other than loopback: the channel is not encrypted"},
    {.name = "protocol", .value = "original|revised", .kind = OPTION_CHOICE,
     .group = GROUP_PROTECTION, .commands = ON(PRIMARY), .from_primary = true, AT(protocol),
     .help = "the guest waits at each boundary, or its outputs wait (revised, default)"},
    {.name = "heartbeat-ms", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_PROTECTION,
     .commands = ON(PRIMARY), .from_primary = true, AT(heartbeat_ms),
     .minimum = 1, .maximum = 60000,
     .help = "time between signs of life (50)"},
    {.name = "timeout-ms", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_PROTECTION,
     .commands = ON(PRIMARY), .from_primary = true, AT(timeout_ms),
     .minimum = 3, .maximum = 3600000,
     .help = "silence after which the other is suspected lost; at least three "
             "heartbeats (1000)"},
    {.name = "lag", .value = "wait|drop", .kind = OPTION_CHOICE, .group = GROUP_PROTECTION,
     .commands = ON(PRIMARY), .from_primary = true, AT(lag),
     .help = "when the backup falls behind: slow the guest (default), or drop the backup"},
    {.name = "lag-epochs", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_PROTECTION,
     .commands = ON(PRIMARY), .from_primary = true, AT(lag_epochs),
     .minimum = 2, .maximum = 1000000,
     .help = "epochs that the backup may be behind (64)"},
    {.name = "settle", .value = "reissue|uncertain", .kind = OPTION_CHOICE,
     .group = GROUP_PROTECTION, .commands = PAIR, AT(settle),
     .help = "I/O in flight when this replica takes over: issued again (default), or "
             "the guest is told that it may have failed"},
    {.name = "stuck-ms", .value = "N", .kind = OPTION_NUMBER, .group = GROUP_PROTECTION,
     .commands = RUNNING, AT(stuck_ms), .minimum = 100, .maximum = 3600000,
     .help = "end this replica if its guest reaches no boundary for that long (10000)"},

    {.name = "control", .value = "PATH", .kind = OPTION_TEXT, .group = GROUP_CONTROL,
     .commands = RUNNING | CLIENTS, AT(control),
     .help = "unix socket for status, stop and promote"},
    {.name = "events", .value = "FILE", .kind = OPTION_TEXT, .group = GROUP_CONTROL,
     .commands = RUNNING, AT(events),
     .help = "append what happens, one JSON object per line"},
    {.name = "json", .kind = OPTION_FLAG, .group = GROUP_CONTROL,
     .commands = ON(STATUS), AT(json),
     .help = "print JSON"},
    {.name = "quiet", .kind = OPTION_FLAG, .group = GROUP_CONTROL,
     .commands = RUNNING | CLIENTS, AT(quiet),
     .help = "print problems only"},
    {.name = "verbose", .kind = OPTION_FLAG, .group = GROUP_CONTROL,
     .commands = RUNNING, AT(verbose),
     .help = "print details too"},
};
/* clang-format on */

const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);
_Static_assert(sizeof(option_table) / sizeof(option_table[0]) <= OPTIONS_MAX,
               "struct options.source has a place for each option");

const struct option *option_find(const char *name)
{
    for (size_t i = 0; i < option_count; i++)
        if (strcmp(option_table[i].name, name) == 0)
            return &option_table[i];
    return NULL;
}

const struct option *option_nearest(const char *name)
{
    const struct option *nearest = NULL;
    size_t size = strlen(name);
    unsigned least = size < 6 ? 2 : (unsigned)(size / 3);

    for (size_t i = 0; i < option_count; i++) {
        const struct option *option = &option_table[i];
        unsigned distance = value_distance(name, option->name);

        /* A word that was cut short or went on too long is near as well. */
        if (size >= 3 && strncmp(name, option->name, size) == 0)
            distance = 1;
        if (distance <= least) {
            nearest = option;
            least = distance > 0 ? distance - 1 : 0;
        }
    }
    return nearest;
}

size_t option_index(const struct option *option)
{
    return (size_t)(option - option_table);
}
