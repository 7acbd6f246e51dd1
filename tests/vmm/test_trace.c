/* Traces: what they hold, that they can be compared, and that the guest does not notice. */
#include <signal.h>
#include <sys/resource.h>

#include "tests/vmm/guests.h"

#define STOP UINT64_C(300000)

static const struct machine_local work = {.kernel = TEST_GUESTS "/work.img"};
static const struct machine_local joiner = {.kernel = NULL};
static const struct hart_config interpreter = {.engine = HART_INTERPRETER};

struct traced {
    struct machine_local local;
    int result;
    uint64_t digest;
    char *text; /* of the trace */
    size_t size;
};

static struct machine_local with_trace(const struct machine_local *local, uint64_t from,
                                       uint64_t to)
{
    struct machine_local traced = *local;
    snprintf(traced.trace.path, sizeof traced.trace.path, "/tmp/ftvm-test-XXXXXX");
    int fd = mkstemp(traced.trace.path);
    cr_assert(fd >= 0);
    close(fd);
    traced.trace.from = from;
    traced.trace.to = to;
    return traced;
}

static void read_trace(struct traced *traced)
{
    FILE *file = fopen(traced->local.trace.path, "r");
    cr_assert_not_null(file);
    size_t capacity = 0;
    ssize_t size = getdelim(&traced->text, &capacity, '\0', file);
    traced->size = size < 0 ? 0 : (size_t)size;
    fclose(file);
    unlink(traced->local.trace.path);
}

static void record(struct guest_run *run, struct recording *recording,
                   const struct machine_description *description, const struct machine_local *local,
                   uint64_t save_at)
{
    guest_prepare(run, description, local, recording);
    run->prompt = "work: ready";
    run->answer = "typed at the console\n";
    run->node.epoch_length = 20000;
    run->node.stop_position = STOP;
    run->node.save_at = save_at;
    guest_go(run);
    cr_assert(run->result == FTVM_E_STOPPED);
}

/* As a backup with a trace; from a saved state if there is one. */
static void play(struct traced *traced, struct recording *recording,
                 const struct machine_description *description, const struct guest_run *saved)
{
    struct guest_run run;
    guest_prepare(&run, description, &traced->local, recording);
    run.node.playback = true;
    run.node.role = FTVM_ROLE_BACKUP;
    if (saved != NULL) {
        run.node.load = &saved->node.saved;
        run.node.load_at = saved->node.saved_boundary;
    }
    guest_go(&run);
    cr_assert(run.result == FTVM_E_STOPPED, "%s: %s", ftvm_strerror(run.result),
              run.node.divergence);
    traced->digest = machine_full_digest(run.machine);
    guest_free(&run);
    read_trace(traced);
}

static unsigned count_lines(const struct traced *traced)
{
    unsigned count = 0;
    for (size_t i = 0; i < traced->size; i++) {
        count += traced->text[i] == '\n';
    }
    return count;
}

/* The lines from a position on. */
static const char *lines_from(const struct traced *traced, uint64_t position)
{
    char start[32];
    snprintf(start, sizeof start, "\n%12llu ", (unsigned long long)position);
    const char *place = strstr(traced->text, start);
    cr_assert(place != NULL, "no line for%s", start + 1);
    return place + 1;
}

Test(trace, a_guest_does_not_notice_it)
{
    static const enum machine_clock clocks[] = {MACHINE_CLOCK_COMPUTED, MACHINE_CLOCK_LOGGED};
    for (unsigned i = 0; i < 2; i++) {
        struct machine_description description = guest_description();
        struct recording recording = {0};
        struct guest_run run;
        description.clock = clocks[i];
        record(&run, &recording, &description, &work, UINT64_MAX);
        struct traced whole = {.local = with_trace(&work, 0, UINT64_MAX)};
        play(&whole, &recording, &description, NULL);
        cr_expect(whole.digest == machine_full_digest(run.machine));
        uint64_t end = recording.boundaries[recording.count - 1].position;
        cr_expect(count_lines(&whole) == 1 + end);
        free(whole.text);
        guest_free(&run);
        recording_free(&recording);
    }
}

Test(trace, those_of_two_replicas_are_equal)
{
    struct machine_description description = guest_description();
    struct recording recording = {0};
    struct guest_run run;
    struct traced primary = {.local = with_trace(&work, 0, UINT64_MAX)};
    struct traced backup = {.local = with_trace(&work, 0, UINT64_MAX)};
    struct traced joined = {.local = with_trace(&joiner, 0, UINT64_MAX)};
    backup.local.cpu = &interpreter;

    record(&run, &recording, &description, &primary.local, 10);
    read_trace(&primary);
    play(&backup, &recording, &description, NULL);
    play(&joined, &recording, &description, &run);
    cr_expect(primary.size == backup.size && memcmp(primary.text, backup.text, backup.size) == 0);
    uint64_t start = recording.boundaries[run.node.saved_boundary].position;
    cr_expect_str_eq(lines_from(&joined, start), lines_from(&primary, start));
    cr_expect(count_lines(&joined) ==
              1 + recording.boundaries[recording.count - 1].position - start);
    free(primary.text);
    free(backup.text);
    free(joined.text);
    guest_free(&run);
    recording_free(&recording);
}

Test(trace, a_range_is_exact_wherever_the_epochs_end)
{
    struct machine_description description = guest_description();
    struct recording recording = {0};
    struct guest_run run;
    record(&run, &recording, &description, &work, UINT64_MAX);
    struct traced whole = {.local = with_trace(&work, 0, UINT64_MAX)};
    struct traced part = {.local = with_trace(&work, 12345, 212345)};
    play(&whole, &recording, &description, NULL);
    play(&part, &recording, &description, NULL);
    cr_expect(part.digest == whole.digest);
    cr_expect(count_lines(&part) == 1 + 200000);
    const char *lines = lines_from(&part, 12345);
    cr_expect(strncmp(lines, lines_from(&whole, 12345), strlen(lines)) == 0);
    free(whole.text);
    free(part.text);
    guest_free(&run);
    recording_free(&recording);
}

Test(trace, a_full_disk_ends_it_and_not_the_guest)
{
    struct machine_description description = guest_description();
    struct recording recording = {0};
    struct guest_run run;
    struct machine_local local = work;
    char line[256] = "";
    snprintf(local.trace.path, sizeof local.trace.path, "/dev/full");
    local.trace.to = UINT64_MAX;
    record(&run, &recording, &description, &local, UINT64_MAX);
    cr_expect(machine_take_warning(run.machine, line, sizeof line));
    cr_expect(strstr(line, "trace: No space left on device") != NULL, "%s", line);
    cr_expect(!machine_take_warning(run.machine, line, sizeof line), "said once");
    guest_free(&run);
    recording_free(&recording);
}

/* A line in part would look like one that another replica has not. */
Test(trace, one_that_is_cut_short_ends_with_a_whole_line)
{
    struct machine_description description = guest_description();
    struct recording recording = {0};
    struct guest_run run;
    struct traced traced = {.local = with_trace(&work, 0, UINT64_MAX)};
    struct rlimit before, limit;
    signal(SIGXFSZ, SIG_IGN);
    cr_assert(getrlimit(RLIMIT_FSIZE, &before) == 0);
    limit = (struct rlimit){.rlim_cur = 100001, .rlim_max = before.rlim_max};
    cr_assert(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    record(&run, &recording, &description, &traced.local, UINT64_MAX);
    cr_assert(setrlimit(RLIMIT_FSIZE, &before) == 0);
    read_trace(&traced);
    cr_expect(traced.size > 99000 && traced.size <= 100001, "%zu", traced.size);
    cr_expect(traced.text[traced.size - 1] == '\n');
    free(traced.text);
    guest_free(&run);
    recording_free(&recording);
}
