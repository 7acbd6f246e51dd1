#include "libftvm/claimer.h"

#include "libftvm/clock.h"
#include "libftvm/thread.h"

#include <errno.h>
#include <pthread.h>

#define MAX_QUESTIONS 4u

struct question {
    enum claimer_question question;
    uint64_t term;
    uint64_t claim_id;
};

struct claimer {
    const struct memory *memory;
    struct arbiter *arbiter;
    const char *name;
    const char *owner;
    struct hooks_page *hooks;
    void (*answered)(void *context);
    void *context;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct question questions[MAX_QUESTIONS];
    unsigned question_count;
    struct claimer_answer answers[MAX_QUESTIONS];
    unsigned answer_count;
    bool quit;
};

static void ask_arbiter(struct claimer *claimer, const struct question *question,
                        struct claimer_answer *answer)
{
    struct arbiter_claim claim = {
        .name = claimer->name,
        .owner = claimer->owner,
        .term = question->term,
        .claim_id = question->claim_id,
        .now_ns = clock_wall_ns(claimer->hooks),
    };
    *answer =
        (struct claimer_answer){.question = question->question, .claim_id = question->claim_id};
    if (question->question == CLAIMER_CLAIM) {
        hook_pass(claimer->hooks, HOOKS_BEFORE_CLAIM);
        answer->outcome = arbiter_claim(claimer->arbiter, &claim, &answer->record, answer->reason,
                                        sizeof answer->reason);
        hook_pass(claimer->hooks, HOOKS_AFTER_CLAIM);
    } else {
        hook_pass(claimer->hooks, HOOKS_BEFORE_RELEASE);
        answer->outcome = arbiter_release(claimer->arbiter, &claim, &answer->record, answer->reason,
                                          sizeof answer->reason);
    }
}

static void *run(void *argument)
{
    struct claimer *claimer = argument;
    pthread_mutex_lock(&claimer->lock);
    for (;;) {
        while (!claimer->quit &&
               (claimer->question_count == 0 || claimer->answer_count == MAX_QUESTIONS)) {
            pthread_cond_wait(&claimer->changed, &claimer->lock);
        }
        if (claimer->quit) {
            break;
        }
        struct question question = claimer->questions[0];
        for (unsigned i = 1; i < claimer->question_count; i++) {
            claimer->questions[i - 1] = claimer->questions[i];
        }
        claimer->question_count--;
        pthread_mutex_unlock(&claimer->lock);
        struct claimer_answer answer;
        ask_arbiter(claimer, &question, &answer);
        pthread_mutex_lock(&claimer->lock);
        claimer->answers[claimer->answer_count++] = answer;
        claimer->answered(claimer->context);
    }
    pthread_mutex_unlock(&claimer->lock);
    return NULL;
}

int claimer_create(struct claimer **claimer, const struct memory *memory, struct arbiter *arbiter,
                   const char *name, const char *owner, struct hooks_page *hooks,
                   void (*answered)(void *context), void *context)
{
    struct claimer *created = memory_allocate_zeroed(memory, sizeof *created);
    if (created == NULL) {
        return -ENOMEM;
    }
    created->memory = memory;
    created->arbiter = arbiter;
    created->name = name;
    created->owner = owner;
    created->hooks = hooks;
    created->answered = answered;
    created->context = context;
    pthread_mutex_init(&created->lock, NULL);
    pthread_cond_init(&created->changed, NULL);
    int failed = thread_start(&created->thread, run, created);
    if (failed != 0) {
        pthread_cond_destroy(&created->changed);
        pthread_mutex_destroy(&created->lock);
        memory_release(memory, created);
        return -failed;
    }
    *claimer = created;
    return 0;
}

void claimer_destroy(struct claimer *claimer)
{
    if (claimer == NULL) {
        return;
    }
    pthread_mutex_lock(&claimer->lock);
    claimer->quit = true;
    pthread_cond_signal(&claimer->changed);
    pthread_mutex_unlock(&claimer->lock);
    pthread_join(claimer->thread, NULL);
    pthread_cond_destroy(&claimer->changed);
    pthread_mutex_destroy(&claimer->lock);
    memory_release(claimer->memory, claimer);
}

void claimer_ask(struct claimer *claimer, enum claimer_question question, uint64_t term,
                 uint64_t claim_id)
{
    pthread_mutex_lock(&claimer->lock);
    if (claimer->question_count < MAX_QUESTIONS) {
        claimer->questions[claimer->question_count++] = (struct question){question, term, claim_id};
    }
    pthread_cond_signal(&claimer->changed);
    pthread_mutex_unlock(&claimer->lock);
}

bool claimer_take_answer(struct claimer *claimer, struct claimer_answer *answer)
{
    bool taken = false;
    pthread_mutex_lock(&claimer->lock);
    if (claimer->answer_count > 0) {
        *answer = claimer->answers[0];
        for (unsigned i = 1; i < claimer->answer_count; i++) {
            claimer->answers[i - 1] = claimer->answers[i];
        }
        claimer->answer_count--;
        pthread_cond_signal(&claimer->changed);
        taken = true;
    }
    pthread_mutex_unlock(&claimer->lock);
    return taken;
}
