/* Command lines, good and bad, and the configuration file. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/machine_options.h"
#include "cli/node_config.h"
#include "command_line.h"

#define PRIMARY "primary --kernel k --listen 127.0.0.1:7000 --arbiter file:a "
#define BACKUP  "backup --join 127.0.0.1:7000 --arbiter file:a "
#define RUN     "run --kernel k "

Test(options, good_command_lines_are_taken)
{
    static const char *const cases[] = {
        RUN,
        PRIMARY,
        BACKUP,
        "run --help",
        "primary -h --nonsense",
        RUN "--memory 64M --disk a --disk b --net none --net user,hostfwd=tcp::2222-:22",
        RUN "--append=--strange --append quiet --seed 0xffffffffffffffff",
        RUN "--cpu interp --code-cache 256K",
        PRIMARY "--cpu jit --code-cache 1G --perf-map",
        BACKUP "--cpu interp",
        RUN "--trace file",
        RUN "--trace file,to=0x100,from=5",
        BACKUP "--trace - --console none",
        RUN "--console file:x --console-device virtio --clock logged --epoch 1000",
        RUN "--epoch-min-us 20 --epoch-max-us 1000",
        PRIMARY "--heartbeat-ms 10 --timeout-ms 30 --protocol original --lag drop --wait-backup",
        PRIMARY "--listen 0.0.0.0:7000 --insecure-channel --take-over --settle uncertain",
        "primary --kernel k --listen [::1]:0 --arbiter none --assume-fail-stop",
        BACKUP "--listen localhost:0 --disk a --net none --replica left --events e --control c",
        "status --control c --json",
        "stop --control c --quiet",
        "promote --control c",
    };
    struct command_line line;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect(command_line_parse(&line, cases[i]), "%s: %s", cases[i], line.error);
        options_free(&line.options);
    }
}

/* Each says what is wrong and what would be right. */
Test(options, bad_command_lines_are_refused_with_a_line_that_helps)
{
    static const struct {
        const char *line;
        const char *says;
        const char *helps;
    } cases[] = {
        {"run", "--kernel FILE is missing", "Image"},
        {RUN "--kernal x", "unknown option --kernal", "did you mean --kernel?"},
        {RUN "--mem 1G", "unknown option --mem", "did you mean --memory?"},
        {RUN "--zzzzzzzz", "unknown option --zzzzzzzz", "ftvm run --help"},
        {RUN "extra", "'extra': unexpected", "two dashes"},
        {RUN "--", "'--': unexpected", "two dashes"},
        {RUN "--initrd", "--initrd needs a value", "FILE"},
        {RUN "--initrd --quiet", "--initrd needs a value", "FILE"},
        {RUN "--name=", "--name needs a value", "NAME"},
        {RUN "--quiet=perhaps", "--quiet: 'perhaps'", "yes or no"},
        {RUN "--memory 256", "--memory: '256'", "256M"},
        {RUN "--memory 65G", "--memory: '65G'", "64M to 64G"},
        {RUN "--memory 67108865", "not whole MiB", "256M"},
        {RUN "--epoch 999", "--epoch: '999'", "1000 to 100000000"},
        {RUN "--epoch 100000001", "--epoch: '100000001'", "1000 to 100000000"},
        {RUN "--epoch ten", "--epoch: 'ten'", "a number"},
        {RUN "--epoch 1000 --epoch-max-us 50", "--epoch fixes the length", "leave out"},
        {RUN "--epoch-min-us 5000", "--epoch-min-us 5000 is more than", "give both"},
        {RUN "--epoch-max-us 0", "--epoch-max-us: '0'", "1 to 1000000"},
        {RUN "--seed -1", "--seed: '-1'", "64 bits"},
        {RUN "--clock exact", "--clock: 'exact'", "computed|logged"},
        {RUN "--clock log", "--clock: 'log'", "computed|logged"},
        {RUN "--cpu fast", "--cpu: 'fast'", "interp|jit"},
        {RUN "--trace ,from=1", "--trace: ',from=1'", "name of a file"},
        {RUN "--trace file,form=1", "--trace: 'form=1'", "from=POSITION or to=POSITION"},
        {RUN "--trace file,from=x", "--trace: 'from=x'", "a number"},
        {RUN "--trace file,", "--trace: ''", "from=POSITION or to=POSITION"},
        {RUN "--trace file,from=9,to=9", "nothing is from 9 to 9", "the first position"},
        {RUN "--trace -", "standard output is the console's", "--console"},
        {RUN "--code-cache 255K", "--code-cache: '255K'", "256K to 1G"},
        {RUN "--code-cache 1025M", "--code-cache: '1025M'", "256K to 1G"},
        {"status --control c --cpu jit", "--cpu: not for 'ftvm status'",
         "only for run, primary, backup"},
        {RUN "--console tty", "--console: 'tty'", "stdio"},
        {RUN "--net usr", "--net: 'usr'", "user"},
        {RUN "--net user,mac=52:54:00:00:00:01 --net none,mac=52:54:00:00:00:01",
         "mac=52:54:00:00:00:01", "two interfaces"},
        {RUN "--net none --net none --net none --net none --net none", "--net: 'none'",
         "at most 4"},
        {RUN "--disk a --disk a", "--disk a: the same file", "disk 1"},
        {RUN "--disk / --disk /./", "--disk /./: the same file", "disk 1"},
        {RUN "--name a/b", "--name: 'a/b'", "letters"},
        {RUN "--quiet --verbose", "--quiet and --verbose", "choose one"},
        {RUN "--listen 127.0.0.1:7000", "--listen: not for 'ftvm run'", "only for primary"},
        {RUN "--protocol revised", "--protocol: not for 'ftvm run'", "only for primary"},
        {"primary --kernel k --arbiter file:a", "--listen HOST:PORT is missing", "backups join"},
        {"primary --listen 127.0.0.1:1 --arbiter file:a", "--kernel FILE is missing", "Image"},
        {"primary --kernel k --listen 127.0.0.1:1", "--arbiter is missing",
         "--arbiter none --assume-fail-stop"},
        {"primary --kernel k --listen 127.0.0.1:1 --arbiter none", "two might run",
         "--assume-fail-stop"},
        {PRIMARY "--arbiter shared", "--arbiter: 'shared'", "file:PATH or none"},
        {PRIMARY "--arbiter file:", "--arbiter: 'file:'", "file:PATH or none"},
        {PRIMARY "--assume-fail-stop", "--assume-fail-stop goes with", "leave it out"},
        {PRIMARY "--listen 7000", "--listen: '7000'", "HOST:PORT"},
        {PRIMARY "--listen 192.0.2.1:7000", "not a loopback address", "--insecure-channel"},
        {PRIMARY "--timeout-ms 149", "less than 3 heartbeats", "--timeout-ms 150"},
        {PRIMARY "--heartbeat-ms 2000", "less than 3 heartbeats", "--timeout-ms 6000"},
        {PRIMARY "--join 127.0.0.1:7000", "--join: not for 'ftvm primary'", "only for backup"},
        {"backup --arbiter file:a", "--join HOST:PORT is missing", "primary listens"},
        {"backup --join 127.0.0.1:1", "--arbiter is missing", "file:PATH"},
        {BACKUP "--join 127.0.0.1:0", "port 0", "connect"},
        {BACKUP "--join 192.0.2.1:7000", "not a loopback address", "--insecure-channel"},
        {BACKUP "--kernel k", "--kernel: not for 'ftvm backup'", "told it by the primary"},
        {BACKUP "--initrd k", "--initrd: not for 'ftvm backup'", "told it by the primary"},
        {BACKUP "--memory 1G", "--memory: not for 'ftvm backup'", "told it by the primary"},
        {BACKUP "--append x", "--append: not for 'ftvm backup'", "told it by the primary"},
        {BACKUP "--epoch 5000", "--epoch: not for 'ftvm backup'", "told it by the primary"},
        {BACKUP "--epoch-max-us 5", "--epoch-max-us: not for 'ftvm backup'",
         "told it by the primary"},
        {BACKUP "--wait-backup", "--wait-backup: not for 'ftvm backup'", "only for primary"},
        {BACKUP "--take-over", "--take-over: not for 'ftvm backup'", "only for primary"},
        {"status", "--control PATH is missing", "started with"},
        {"stop --json --control c", "--json: not for 'ftvm stop'", "only for status"},
        {RUN "--config /nonexistent/file", "/nonexistent/file", "No such file"},
    };
    struct command_line line;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_not(command_line_parse(&line, cases[i].line), "%s", cases[i].line);
        cr_expect(strstr(line.error, cases[i].says), "%s: '%s' says not '%s'", cases[i].line,
                  line.error, cases[i].says);
        cr_expect(strstr(line.error, cases[i].helps), "%s: '%s' says not '%s'", cases[i].line,
                  line.error, cases[i].helps);
        cr_expect_not(strchr(line.error, '\n'), "%s: more than a line", cases[i].line);
        options_free(&line.options);
    }
}

Test(options, a_later_option_wins_and_lists_grow)
{
    struct command_line line;

    cr_assert(command_line_parse(&line, RUN "--memory 128M --memory 64M --disk a --disk b"));
    cr_expect_eq(line.options.memory, UINT64_C(64) << 20);
    cr_expect_eq(line.options.disk.count, 2);
    cr_expect_str_eq(line.options.disk.items[1], "b");
    options_free(&line.options);
}

Test(options, what_is_not_given_is_the_librarys_default)
{
    struct command_line line;
    struct ftvm_config config, defaults;

    cr_assert(command_line_parse(&line, PRIMARY));
    node_config_fill(&config, &line.options);
    ftvm_config_init(&defaults);
    cr_expect_eq(config.epoch_length, defaults.epoch_length);
    cr_expect_eq(config.epoch_min_us, defaults.epoch_min_us);
    cr_expect_eq(config.epoch_max_us, defaults.epoch_max_us);
    cr_expect_eq(config.heartbeat_ms, defaults.heartbeat_ms);
    cr_expect_eq(config.timeout_ms, defaults.timeout_ms);
    cr_expect_eq(config.lag_epochs, defaults.lag_epochs);
    cr_expect_eq(config.stuck_ms, defaults.stuck_ms);
    cr_expect_eq(config.protocol, defaults.protocol);
    cr_expect_eq(config.settle, defaults.settle);
    cr_expect_eq(config.lag_policy, defaults.lag_policy);
    options_free(&line.options);
}

/* The help text names them. */
Test(options, the_documented_defaults_are_the_librarys)
{
    struct ftvm_config defaults;

    ftvm_config_init(&defaults);
    cr_expect_eq(defaults.epoch_length, 0);
    cr_expect_eq(defaults.epoch_min_us, 100);
    cr_expect_eq(defaults.epoch_max_us, 4000);
    cr_expect_eq(defaults.heartbeat_ms, 50);
    cr_expect_eq(defaults.timeout_ms, 1000);
    cr_expect_eq(defaults.lag_epochs, 64);
    cr_expect_eq(defaults.stuck_ms, 10000);
    cr_expect_eq(defaults.join_timeout_ms, 10000);
    cr_expect_eq(defaults.protocol, FTVM_PROTOCOL_REVISED);
    cr_expect_eq(defaults.settle, FTVM_SETTLE_REISSUE);
    cr_expect_eq(defaults.lag_policy, FTVM_LAG_WAIT);
}

Test(options, each_replica_chooses_how_it_executes_the_guest)
{
    struct hart_config defaults;
    struct machine_local local;
    struct command_line line;

    hart_config_init(&defaults);
    cr_assert(command_line_parse(&line, BACKUP "--cpu interp --code-cache 512K"));
    cr_assert(machine_options_local(&line.options, &local, line.error));
    cr_expect_eq(local.cpu->engine, HART_INTERPRETER);
    cr_expect_eq(local.cpu->code_cache_size, 512 << 10);
    cr_expect_eq(local.cpu->hot_after, defaults.hot_after);
    options_free(&line.options);

    cr_assert(command_line_parse(&line, BACKUP));
    cr_assert(machine_options_local(&line.options, &local, line.error));
    cr_expect_eq(local.cpu->engine, defaults.engine);
    cr_expect_eq(local.cpu->code_cache_size, 24 << 20, "as documented");
    options_free(&line.options);
}

Test(options, a_trace_is_of_a_range_or_of_all)
{
    struct machine_local local;
    struct command_line line;

    cr_assert(command_line_parse(&line, BACKUP "--trace file,from=5,to=0x100"));
    cr_assert(machine_options_local(&line.options, &local, line.error));
    cr_expect_str_eq(local.trace.path, "file");
    cr_expect_eq(local.trace.from, 5);
    cr_expect_eq(local.trace.to, 256);
    options_free(&line.options);

    cr_assert(command_line_parse(&line, RUN "--trace file"));
    cr_assert(machine_options_local(&line.options, &local, line.error));
    cr_expect_eq(local.trace.from, 0);
    cr_expect_eq(local.trace.to, UINT64_MAX);
    options_free(&line.options);

    cr_assert(command_line_parse(&line, RUN));
    cr_assert(machine_options_local(&line.options, &local, line.error));
    cr_expect_str_eq(local.trace.path, "");
    options_free(&line.options);
}

Test(options, an_unprotected_run_needs_no_arbiter)
{
    struct command_line line;
    struct ftvm_config config;

    cr_assert(command_line_parse(&line, RUN));
    node_config_fill(&config, &line.options);
    cr_expect_eq(config.role, FTVM_ROLE_PRIMARY);
    cr_expect_str_eq(config.arbiter, "none");
    cr_expect(config.assume_fail_stop);
    cr_expect_null(config.listen);
    options_free(&line.options);
}

/* ---- The configuration file ---- */

/* Parses `words` with --config naming a file of that content. */
static bool parse_with_file(struct command_line *line, const char *words, const char *content,
                            char path[32])
{
    char text[1024];

    strcpy(path, "/tmp/ftvm-test-XXXXXX");
    int file = mkstemp(path);
    cr_assert_geq(file, 0);
    cr_assert_eq(write(file, content, strlen(content)), (ssize_t)strlen(content));
    close(file);
    snprintf(text, sizeof(text), "%s --config %s", words, path);
    bool good = command_line_parse(line, text);
    unlink(path);
    return good;
}

Test(config_file, holds_the_options_of_the_command_line)
{
    struct command_line line;
    char path[32];

    cr_assert(parse_with_file(&line, "run",
                              "# a machine\nkernel = Image\nmemory = 128M ; small\n"
                              "append = quiet\nappend = a=b c=\"d e\"\nverbose = yes\n"
                              "cpu = jit\ncode-cache = 1M\nperf-map = yes\n",
                              path),
              "%s", line.error);
    cr_expect_str_eq(line.options.kernel, "Image");
    cr_expect_eq(line.options.memory, UINT64_C(128) << 20);
    cr_expect_eq(line.options.append.count, 2);
    cr_expect_str_eq(line.options.append.items[1], "a=b c=\"d e\"");
    cr_expect(line.options.verbose);
    cr_expect_eq(line.options.cpu.engine, HART_JIT);
    cr_expect_eq(line.options.cpu.code_cache_size, 1 << 20);
    cr_expect(line.options.cpu.perf_map);
    options_free(&line.options);
}

Test(config_file, yields_to_the_command_line_but_lists_add_up)
{
    struct command_line line;
    char path[32];

    cr_assert(parse_with_file(&line, "run --kernel other --disk last",
                              "kernel = Image\ndisk = first\ndisk = second\n", path),
              "%s", line.error);
    cr_expect_str_eq(line.options.kernel, "other");
    cr_assert_eq(line.options.disk.count, 3);
    cr_expect_str_eq(line.options.disk.items[0], "first");
    cr_expect_str_eq(line.options.disk.items[2], "last");
    options_free(&line.options);
}

Test(config_file, a_flag_of_the_file_is_switched_off_on_the_command_line)
{
    struct command_line line;
    char path[32];

    cr_assert(parse_with_file(&line, "run --verbose=no", "kernel = k\nverbose = yes\n", path));
    cr_expect_not(line.options.verbose);
    options_free(&line.options);
}

Test(config_file, serves_both_of_a_pair)
{
    static const char pair[] = "name = vm\narbiter = file:a\n"
                               "[primary]\nkernel = k\nlisten = 127.0.0.1:1\n"
                               "[backup]\njoin = 127.0.0.1:1\n";
    struct command_line line;
    char path[32];

    cr_assert(parse_with_file(&line, "primary", pair, path), "%s", line.error);
    cr_expect_str_eq(line.options.kernel, "k");
    options_free(&line.options);
    cr_assert(parse_with_file(&line, "backup", pair, path), "%s", line.error);
    cr_expect_null(line.options.kernel);
    cr_expect_str_eq(line.options.name, "vm");
    options_free(&line.options);
}

Test(config_file, problems_are_named_with_file_and_line)
{
    static const struct {
        const char *content;
        const char *says; /* after the file's name */
        const char *helps;
    } cases[] = {
        {"kernel = k\n\nkernl = x\n", ":3: kernl: unknown option", "did you mean kernel?"},
        {"[backup]\nkernl = x\n", ":2: kernl: unknown option", "did you mean kernel?"},
        {"[bakup]\njoin = x\n", ":2: unknown section [bakup]", "[backup]"},
        {"[status]\ncontrol = x\n", ":2: unknown section [status]", "[backup]"},
        {"kernel = k\nmemory\n", ":2:", "NAME = VALUE"},
        {"kernel = k\nmemory = 1\n", ":2: memory: '1'", "256M"},
        {"kernel = k\nmemory =\n", ":2: memory needs a value", "SIZE"},
        {"kernel = k\nkernel = j\n", ":2: kernel: given twice", "kernel"},
        {"config = other\n", ":1: config", "command line"},
        {"join = 127.0.0.1:1\n", ":1: join: not for 'ftvm run'", "only for backup"},
        {"verbose = perhaps\n", ":1: verbose: 'perhaps'", "yes or no"},
    };
    struct command_line line;
    char path[32], says[128];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_expect_not(parse_with_file(&line, "run", cases[i].content, path));
        snprintf(says, sizeof(says), "%s%s", path, cases[i].says);
        cr_expect(strstr(line.error, says), "'%s' says not '%s'", line.error, says);
        cr_expect(strstr(line.error, cases[i].helps), "'%s' says not '%s'", line.error,
                  cases[i].helps);
        options_free(&line.options);
    }
}

Test(config_file, a_line_too_long_for_the_parser_is_not_taken_for_two)
{
    struct command_line line;
    char path[32], content[600];

    snprintf(content, sizeof(content), "kernel = k\nappend = %0*d\n", 400, 0);
    cr_assert_not(parse_with_file(&line, "run", content, path));
    cr_expect(strstr(line.error, ":2: line too long"), "%s", line.error);
    options_free(&line.options);
}

/* ---- The machine ---- */

Test(machine_options, macs_differ_by_machine_and_by_interface_but_not_by_run)
{
    static const char *const lines[] = {RUN "--name one --net none --net none",
                                        RUN "--name two --net none --net none",
                                        RUN "--name one --net none --net none"};
    struct machine_description descriptions[3];
    struct machine_local local;
    struct command_line line;

    for (unsigned i = 0; i < 3; i++) {
        cr_assert(command_line_parse(&line, lines[i]));
        cr_assert(machine_options_local(&line.options, &local, line.error));
        cr_assert(machine_options_describe(&line.options, &local, &descriptions[i], line.error));
        options_free(&line.options);
    }
    cr_expect_arr_eq(descriptions[0].nic_mac[0], "\x52\x54\x00", 3);
    cr_expect_arr_neq(descriptions[0].nic_mac[0], descriptions[0].nic_mac[1], 6);
    cr_expect_arr_neq(descriptions[0].nic_mac[0], descriptions[1].nic_mac[0], 6);
    cr_expect_arr_eq(descriptions[0].nic_mac, descriptions[2].nic_mac, 12);
    cr_expect_neq(descriptions[0].seed, descriptions[2].seed, "seeds are random");
}

Test(machine_options, a_backup_must_have_what_the_machine_has)
{
    struct machine_description description = {
        .disk_count = 1, .nic_count = 1, .nic_mac = {{0x52, 0x54, 0, 1, 2, 3}}};
    static const struct {
        const char *line;
        const char *says; /* NULL: it fits */
    } cases[] = {
        {BACKUP "--disk a --net none", NULL},
        {BACKUP "--disk a --net none,mac=52:54:00:01:02:03", NULL},
        {BACKUP "--net none", "--disk: the primary's machine has 1, but here are 0"},
        {BACKUP "--disk a --disk b --net none",
         "--disk: the primary's machine has 1, but here are 2"},
        {BACKUP "--disk a", "--net: the primary's machine has 1, but here are 0"},
        {BACKUP "--disk a --net none,mac=52:54:00:01:02:04", "leave mac= out"},
    };
    struct machine_local local;
    struct command_line line;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        cr_assert(command_line_parse(&line, cases[i].line), "%s", line.error);
        cr_assert(machine_options_local(&line.options, &local, line.error));
        bool fits = machine_options_match(&description, &local, line.error);
        cr_expect_eq(fits, cases[i].says == NULL, "%s", cases[i].line);
        cr_expect(fits || strstr(line.error, cases[i].says), "'%s' says not '%s'", line.error,
                  cases[i].says);
        options_free(&line.options);
    }
}
