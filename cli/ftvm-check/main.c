/*
 * The `ftvm-check` command: loads a machine from a shared object and lets the library look whether
 * it keeps the contract of determinism. It is linked with the shared library, so that it and the
 * machine have the same one.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/ftvm-check/check_options.h"

#define ENTRY "ftvm_check_machine"

/* Without a slash, dlopen would look elsewhere than here. */
static bool make_path(char *path, size_t size, const char *machine)
{
    const char *here = strchr(machine, '/') == NULL ? "./" : "";
    return (size_t)snprintf(path, size, "%s%s", here, machine) < size;
}

static ftvm_check_entry *find_entry(const char *machine)
{
    char path[4096];
    if (!make_path(path, sizeof path, machine)) {
        check_say("the path of the machine is longer than 4095 bytes");
        return NULL;
    }
    if (access(path, R_OK) != 0) {
        check_say("%s: %s", machine, strerror(errno));
        return NULL;
    }
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (object == NULL) {
        check_say("%s", dlerror());
        return NULL;
    }
    ftvm_check_entry *entry;
    void *symbol = dlsym(object, ENTRY);
    memcpy(&entry, &symbol, sizeof entry); /* C has no cast from one kind of pointer to the other */
    if (entry == NULL) {
        check_say("%s: does not export " ENTRY "; see ftvm-check(1)", machine);
    }
    return entry;
}

static void on_log(void *context, enum ftvm_log_level level, const char *line)
{
    (void)context;
    (void)level;
    check_say("%s", line);
}

static int run_check(const struct check_options *options)
{
    struct ftvm_check check;
    struct ftvm_check_report report = {.size = sizeof report};
    ftvm_check_entry *entry = find_entry(options->machine);
    if (entry == NULL) {
        return CHECK_EXIT_MACHINE;
    }
    ftvm_check_init(&check);
    int result = entry(&check, options->argument_count, options->arguments);
    if (result < 0) {
        check_say("%s: " ENTRY " failed: %s", options->machine, ftvm_strerror(result));
        return CHECK_EXIT_MACHINE;
    }
    check_options_apply(options, &check);
    if (options->verbose) {
        check.on_log = on_log;
    }
    result = ftvm_check_determinism(&check, &report);
    if (result < 0 && result != FTVM_E_DIVERGED) {
        check_say("%s: %s", options->machine,
                  report.text[0] != '\0' ? report.text : ftvm_strerror(result));
        return CHECK_EXIT_MACHINE;
    }
    puts(report.text);
    return result == 0 ? CHECK_EXIT_AGREED : CHECK_EXIT_DIFFERS;
}

int main(int count, char **words)
{
    struct check_options options;
    int code = CHECK_EXIT_AGREED;
    if (!check_options_parse(&options, count, words)) {
        return CHECK_EXIT_USAGE;
    }
    if (options.help) {
        check_options_help(stdout);
    } else if (options.version) {
        printf("ftvm-check %s\n", ftvm_version());
    } else {
        code = run_check(&options);
    }
    if (fflush(stdout) != 0) {
        check_say("standard output: %s", strerror(errno));
        return CHECK_EXIT_MACHINE;
    }
    return code;
}
