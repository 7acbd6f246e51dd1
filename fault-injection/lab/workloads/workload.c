#include "fault-injection/lab/workloads/workload.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fault-injection/lab/random.h"
#include "fault-injection/lab/workloads/form.h"

#define REST_US 20000 /* how soon a thread at rest sees that it should stop */

/* ---- The kinds ----------------------------------------------------------------------------- */

static const struct workload_kind *const kinds[] = {
    &workload_redis.kind,   &workload_disk.kind, &workload_stream.kind,
    &workload_console.kind, &workload_idle.kind, NULL,
};

const struct workload_kind *const *workload_kinds(void)
{
    return kinds;
}

const struct workload_kind *workload_find(const char *name)
{
    for (size_t i = 0; kinds[i]; i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

/* ---- For the kinds --------------------------------------------------------------------------- */

bool workload_asks(const struct workload *workload)
{
    return !atomic_load(&workload->stopping);
}

void workload_rest(const struct workload *workload, uint64_t microseconds)
{
    while (microseconds > 0 && workload_asks(workload)) {
        uint64_t part = microseconds < REST_US ? microseconds : REST_US;
        const struct timespec rest = {.tv_nsec = (long)part * 1000};

        nanosleep(&rest, NULL);
        microseconds -= part;
    }
}

void workload_note_asked(struct workload *workload)
{
    pthread_mutex_lock(&workload->lock);
    workload->asked++;
    pthread_mutex_unlock(&workload->lock);
}

void workload_note_answer(struct workload *workload, uint64_t asked_ns)
{
    struct workload_sample sample;
    uint64_t latency_us;

    pthread_mutex_lock(&workload->lock);
    /* Under the lock: samples are in the order of time. */
    sample.at_ns = lab_now_ns();
    latency_us = (sample.at_ns - asked_ns) / 1000;
    sample.latency_us = latency_us < UINT32_MAX ? (uint32_t)latency_us : UINT32_MAX;
    workload->answered++;
    samples_add(&workload->samples, &sample);
    pthread_mutex_unlock(&workload->lock);
}

void workload_note_unknown(struct workload *workload)
{
    pthread_mutex_lock(&workload->lock);
    workload->unknown++;
    pthread_mutex_unlock(&workload->lock);
}

void workload_blame(struct workload *workload, const char *format, ...)
{
    va_list arguments;

    pthread_mutex_lock(&workload->lock);
    if (!workload->problem[0]) {
        va_start(arguments, format);
        vsnprintf(workload->problem, sizeof(workload->problem), format, arguments);
        va_end(arguments);
    }
    pthread_mutex_unlock(&workload->lock);
}

uint64_t workload_first_random(const struct workload *workload, unsigned thread)
{
    return (workload->seed + 1) * 0x9e3779b97f4a7c15u + thread;
}

uint64_t workload_random(uint64_t *state, uint64_t limit)
{
    return random_next(state) % limit;
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static void *run(void *context)
{
    struct workload_thread *thread = context;

    thread->workload->form->run(thread->workload, thread->number);
    atomic_fetch_sub(&thread->workload->running, 1);
    return NULL;
}

static bool start_threads(struct workload *workload)
{
    const struct workload_form *form = workload->form;
    unsigned count = !form->run ? 0 : form->threads ? form->threads(workload) : 1;

    for (unsigned i = 0; i < count && i < WORKLOAD_MAX_THREADS; i++) {
        struct workload_thread *thread = &workload->threads[i];
        int error;

        *thread = (struct workload_thread){.workload = workload, .number = i};
        atomic_fetch_add(&workload->running, 1);
        error = pthread_create(&thread->thread, NULL, run, thread);
        if (error) {
            atomic_fetch_sub(&workload->running, 1);
            return lab_fail(workload->lab, "no thread: %s", strerror(error));
        }
        workload->thread_count++;
    }
    return true;
}

bool workload_start(struct workload **workload, const struct workload_kind *kind, struct lab *lab,
                    const struct pair *pair, const char *parameters, uint64_t seed)
{
    const struct workload_form *form = (const struct workload_form *)kind;
    struct workload *made = calloc(1, sizeof(*made));
    char error[LAB_PATH_SIZE];

    *workload = made;
    if (!made)
        return lab_fail(lab, "out of memory");
    made->form = form;
    made->lab = lab;
    made->pair = pair;
    made->seed = seed;
    made->start_ns = lab_now_ns();
    pthread_mutex_init(&made->lock, NULL);
    if (!parameters_read(parameters, form->parameters, form->parameter_count, made->values, error,
                         sizeof(error)))
        return lab_fail(lab, "workload %s: %s", kind->name, error);
    return (!form->open || form->open(made)) && start_threads(made);
}

/* ---- On the way --------------------------------------------------------------------------------
 */

/* What a kind has to do on the main thread is no change that the owner sees. */
static struct workload *look(const struct workload *workload)
{
    struct workload *mutable = (struct workload *)workload;

    if (workload->form->look)
        workload->form->look(mutable);
    return mutable;
}

uint64_t workload_answers(const struct workload *workload)
{
    struct workload *mutable = look(workload);
    uint64_t answers;

    pthread_mutex_lock(&mutable->lock);
    answers = mutable->answered;
    pthread_mutex_unlock(&mutable->lock);
    return answers;
}

/* Always false. */
static bool lack_answers(struct workload *workload, uint64_t got, uint64_t answers,
                         unsigned timeout_ms)
{
    struct lab *lab = workload->lab;

    if (lab->interrupted)
        return lab_fail(lab, "interrupted");
    pthread_mutex_lock(&workload->lock);
    lab_fail(lab, "workload %s: %" PRIu64 " answers in %u ms, not %" PRIu64 "%s%s",
             workload->form->kind.name, got, timeout_ms, answers, workload->problem[0] ? "; " : "",
             workload->problem);
    pthread_mutex_unlock(&workload->lock);
    return false;
}

bool workload_wait(struct workload *workload, uint64_t answers, unsigned timeout_ms)
{
    uint64_t deadline = lab_deadline(workload->lab, timeout_ms);
    uint64_t first = workload_answers(workload), now;

    if (workload->form->asks_nothing)
        return true;
    while ((now = workload_answers(workload)) - first < answers)
        if (!lab_pause(workload->lab, deadline))
            return lack_answers(workload, now - first, answers, timeout_ms);
    return true;
}

size_t workload_samples(const struct workload *workload, size_t first,
                        struct workload_sample *samples, size_t capacity)
{
    struct workload *mutable = look(workload);
    size_t count;

    pthread_mutex_lock(&mutable->lock);
    count = samples_copy(&mutable->samples, first, samples, capacity);
    pthread_mutex_unlock(&mutable->lock);
    return count;
}

bool workload_check(struct workload *workload, struct workload_verdict *verdict)
{
    look(workload);
    if (workload->form->check)
        workload->form->check(workload);
    pthread_mutex_lock(&workload->lock);
    *verdict = (struct workload_verdict){.asked = workload->asked,
                                         .answered = workload->answered,
                                         .unknown = workload->unknown,
                                         .holds = !workload->problem[0]};
    memcpy(verdict->problem, workload->problem, sizeof(verdict->problem));
    pthread_mutex_unlock(&workload->lock);
    return true;
}

/* ---- The end -----------------------------------------------------------------------------------
 */

static void join_threads(struct workload *workload)
{
    atomic_store(&workload->stopping, true);
    atomic_store(&workload->abandoned, true);
    for (unsigned i = 0; i < workload->thread_count; i++)
        pthread_join(workload->threads[i].thread, NULL);
    workload->thread_count = 0;
    /* What is asked in the end waits for its answer again. */
    atomic_store(&workload->abandoned, false);
}

bool workload_stop(struct workload *workload, unsigned timeout_ms, struct workload_verdict *verdict)
{
    struct lab *lab = workload->lab;
    uint64_t deadline = lab_deadline(lab, timeout_ms);
    unsigned late;

    atomic_store(&workload->stopping, true);
    while ((late = atomic_load(&workload->running)) > 0 && lab_pause(lab, deadline))
        look(workload);
    join_threads(workload);
    if (lab->interrupted)
        return lab_fail(lab, "interrupted");
    look(workload);
    if (late > 0)
        workload_blame(workload, "in the end %u clients have no answer after %u ms", late,
                       timeout_ms);
    else if (workload->form->finish)
        workload->form->finish(workload);
    return workload_check(workload, verdict);
}

bool workload_dump(const struct workload *workload, const char *path)
{
    struct workload *mutable = look(workload);
    FILE *file = fopen(path, "we");
    bool good;

    if (!file)
        return lab_fail(workload->lab, "%s: %s", path, strerror(errno));
    pthread_mutex_lock(&mutable->lock);
    fprintf(file,
            "# workload %s, seed %" PRIu64 ": %" PRIu64 " asked, %" PRIu64 " answered, %" PRIu64
            " unknown\n# %s\n",
            mutable->form->kind.name, mutable->seed, mutable->asked, mutable->answered,
            mutable->unknown, mutable->problem[0] ? mutable->problem : "it holds");
    pthread_mutex_unlock(&mutable->lock);
    good = !mutable->form->dump || mutable->form->dump(mutable, file);
    good = fclose(file) == 0 && good;
    return good || lab_fail(workload->lab, "%s: %s", path, strerror(errno));
}

void workload_destroy(struct workload *workload)
{
    if (!workload)
        return;
    join_threads(workload);
    if (workload->form->close)
        workload->form->close(workload);
    samples_free(&workload->samples);
    pthread_mutex_destroy(&workload->lock);
    free(workload);
}
