#include "fault-injection/lab/experiment/trace.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault-injection/lab/measure/sample.h"

#define STEPS       ((WINDOW_BEFORE_MS + WINDOW_AFTER_MS) / WINDOW_STEP_MS)
#define SAMPLES_MAX (1u << 20)
#define BEFORE_NS   (WINDOW_BEFORE_MS * UINT64_C(1000000))

/* Text that grows. */
struct text {
    char *bytes;
    size_t used, size;
};

__attribute__((format(printf, 2, 3))) static void add(struct text *text, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    if (text->used < text->size)
        text->used +=
            (size_t)vsnprintf(text->bytes + text->used, text->size - text->used, format, arguments);
    va_end(arguments);
}

static bool text_open(struct text *text, unsigned lines)
{
    *text = (struct text){.size = (size_t)lines * (POINT_NAME_SIZE + 128)};
    text->bytes = malloc(text->size);
    return text->bytes != NULL;
}

static double relative_ms(uint64_t at_ns, uint64_t begun_ns)
{
    return ((double)at_ns - (double)begun_ns) / 1e6;
}

/* ---- The client ---------------------------------------------------------------------------- */

static uint64_t first_ns(const struct trace_times *times)
{
    uint64_t before = times->fault_ns > BEFORE_NS ? times->fault_ns - BEFORE_NS : 0;

    return before > times->round_ns ? before : times->round_ns;
}

/* The samples from shortly before the fault on. */
static size_t take_samples(const struct workload *workload, const struct trace_times *times,
                           struct workload_sample *samples)
{
    uint64_t answers = workload_answers(workload);
    size_t first = answers > SAMPLES_MAX ? (size_t)(answers - SAMPLES_MAX) : 0, from = 0;
    size_t count = workload_samples(workload, first, samples, SAMPLES_MAX);

    while (from < count && samples[from].at_ns < first_ns(times))
        from++;
    memmove(samples, samples + from, (count - from) * sizeof(*samples));
    return count - from;
}

static uint64_t longest_gap(const struct workload_sample *samples, size_t count, uint64_t begun_ns)
{
    uint64_t gap = 0;

    for (size_t i = 1; i < count; i++)
        if (samples[i].at_ns >= begun_ns && samples[i].at_ns - samples[i - 1].at_ns > gap)
            gap = samples[i].at_ns - samples[i - 1].at_ns;
    return gap;
}

static void add_step(struct text *text, const char *key, int at_ms,
                     const struct workload_sample *samples, size_t count, double *latencies)
{
    for (size_t i = 0; i < count; i++)
        latencies[i] = samples[i].latency_us;
    add(text, "%s,%d,%zu,", key, at_ms, count);
    if (count > 0)
        add(text, "%.0f,%.0f\n", quantile(latencies, (unsigned)count, 0.5),
            quantile(latencies, (unsigned)count, 1));
    else
        add(text, ",\n");
}

/* Up to the last sample: what came after it was not watched. */
static void add_steps(struct text *text, const char *key, const struct workload_sample *samples,
                      size_t count, uint64_t begun_ns, double *latencies)
{
    size_t from = 0;

    for (int step = 0; step < STEPS && from < count; step++) {
        int at_ms = step * WINDOW_STEP_MS - WINDOW_BEFORE_MS;
        size_t to = from;

        while (to < count && relative_ms(samples[to].at_ns, begun_ns) < at_ms + WINDOW_STEP_MS)
            to++;
        /* Before the first sample there may have been other faults. */
        if (to > 0)
            add_step(text, key, at_ms, samples + from, to - from, latencies);
        from = to;
    }
}

static bool write_window(struct subject *subject, const char *key, const struct trace_times *times,
                         struct results *results, struct result *result)
{
    uint64_t begun_ns = times->fault_ns;

    struct workload_sample *samples = malloc(SAMPLES_MAX * sizeof(*samples));
    double *latencies = malloc(SAMPLES_MAX * sizeof(*latencies));
    struct text text = {0};
    bool good = true;

    if (samples && latencies && text_open(&text, STEPS)) {
        size_t count = take_samples(subject->workload, times, samples);

        text.bytes[0] = '\0';
        add_steps(&text, key, samples, count, begun_ns, latencies);
        if (count > 1)
            result_set(result, RESULT_gap, "%.3f",
                       (double)longest_gap(samples, count, begun_ns) / 1e6);
        result_set(result, RESULT_answers, "%" PRIu64, workload_answers(subject->workload));
        good = results_append(results, "window.csv", TRACE_WINDOW_HEADER, text.bytes);
    }
    free(samples);
    free(latencies);
    free(text.bytes);
    return good;
}

/* ---- The primary --------------------------------------------------------------------------- */

static bool write_status(struct subject *subject, const char *key, const struct trace_times *times,
                         struct results *results)
{
    static const size_t capacity = STATUS_LOG_MAX;
    struct status_sample *samples = malloc(capacity * sizeof(*samples));
    struct text text = {0};
    bool good = true;

    if (samples && text_open(&text, STEPS)) {
        size_t count = status_log_samples(subject->status, first_ns(times), samples, capacity);

        text.bytes[0] = '\0';
        for (size_t i = 1; i < count && i < STEPS; i++) {
            const struct status_sample *now = &samples[i], *before = &samples[i - 1];
            double seconds = (double)(now->at_ns - before->at_ns) / 1e9;

            if (now->pid != before->pid || seconds <= 0)
                continue;
            add(&text, "%s,%.0f,%" PRIu64 ",%.3f,%" PRIu64 "\n", key,
                relative_ms(now->at_ns, times->fault_ns), now->lag_entries,
                (double)(now->log_bytes - before->log_bytes) * 8 / 1e3 / seconds,
                now->outputs_held);
        }
        good = results_append(results, "status.csv", TRACE_STATUS_HEADER, text.bytes);
    }
    free(samples);
    free(text.bytes);
    return good;
}

bool trace_write(struct subject *subject, const char *point, unsigned repetition,
                 const struct trace_times *times, struct results *results, struct result *result)
{
    char key[POINT_NAME_SIZE + 32];

    /* A point's name has neither commas nor quotes but in a fault's text. */
    snprintf(key, sizeof(key), "\"%s\",%u", point, repetition);
    return write_window(subject, key, times, results, result) &&
           write_status(subject, key, times, results);
}
