/*
 * A runner of Criterion tests for builds with sanitizers: Criterion's own reserves addresses that
 * ThreadSanitizer takes, and leaks now and then. Linked in front of the library, it replaces main()
 * and what a test calls to report: each test runs in a child, and says on standard error what
 * failed. Parameterized tests are not run.
 *
 * With an argument, only tests whose suite/name contains it are run.
 */
#include <criterion/criterion.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SKIPPED   77
#define TIMEOUT_S 300u

extern struct criterion_test *__start_cr_tst[], *__stop_cr_tst[];

/* Of the child that runs one test. Criterion's calls carry no context, so it stands here. */
static const struct criterion_test *current;
static atomic_bool failed;

void criterion_internal_test_setup(void)
{
    if (current->data->init)
        current->data->init();
}

void criterion_internal_test_main(void (*test)(void))
{
    test();
}

void criterion_internal_test_teardown(void)
{
    if (current->data->fini)
        current->data->fini();
}

void criterion_send_assert(struct criterion_assert_stats *stats)
{
    if (stats->passed)
        return;
    fprintf(stderr, "%s:%u: %s\n", stats->file, stats->line, stats->message);
    failed = true;
}

void criterion_abort_test(void)
{
    exit(1);
}

void criterion_continue_test(void)
{
}

void criterion_skip_test(const char *format, ...)
{
    va_list arguments;

    fprintf(stderr, "skipped %s::%s: ", current->category, current->name);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(SKIPPED);
}

/* cr_log_info() and its like. */
void cr_log(enum criterion_severity severity, const char *format, ...)
{
    va_list arguments;

    (void)severity;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

static void run_in_child(const struct criterion_test *test)
{
    unsigned timeout = (unsigned)test->data->timeout;

    current = test;
    alarm(timeout ? timeout + 1 : TIMEOUT_S);
    test->test();
    exit(failed ? 1 : 0); /* and not _exit(): the sanitizer has its say */
}

static bool passes(const struct criterion_test *test)
{
    int status;
    pid_t child = fork();

    if (child == 0)
        run_in_child(test);
    if (child < 0 || waitpid(child, &status, 0) != child)
        return false;
    if (test->data->signal) /* the sanitizer makes an exit of some signals */
        return WIFSIGNALED(status) ? WTERMSIG(status) == test->data->signal : WEXITSTATUS(status);
    return WIFEXITED(status) &&
           (WEXITSTATUS(status) == test->data->exit_code || WEXITSTATUS(status) == SKIPPED);
}

static bool wanted(const struct criterion_test *test, const char *pattern)
{
    return test->data->kind_ == CR_TEST_NORMAL && !test->data->disabled &&
           (!pattern || strstr(test->data->identifier_, pattern));
}

int main(int count, char **arguments)
{
    const char *pattern = count > 1 ? arguments[1] : NULL;
    unsigned passed = 0, run = 0;

    for (struct criterion_test **test = __start_cr_tst; test < __stop_cr_tst; test++) {
        if (!*test || !wanted(*test, pattern))
            continue;
        run++;
        if (passes(*test))
            passed++;
        else
            fprintf(stderr, "[FAIL] %s::%s\n", (*test)->category, (*test)->name);
    }
    fprintf(stderr, "[====] Tested: %u | Passing: %u | Failing: %u\n", run, passed, run - passed);
    return passed == run ? 0 : 1;
}
