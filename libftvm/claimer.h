/*
 * The thread that talks to the arbiter. An arbiter may block for seconds (a lock, a network file
 * system), and the I/O thread must not: it hands over a question and is called back
 * through `answered` (on the claimer's thread) when the answer can be fetched.
 */
#ifndef LIBFTVM_CLAIMER_H
#define LIBFTVM_CLAIMER_H

#include <stdbool.h>

#include "libftvm/hooks.h"
#include "replication/arbiter.h"

enum claimer_question { CLAIMER_CLAIM = 1, CLAIMER_RELEASE };

struct claimer_answer {
    enum claimer_question question;
    uint64_t claim_id;
    enum arbiter_outcome outcome;
    struct arbiter_record record; /* what stands, if it is known */
    char reason[ARBITER_ERROR_SIZE];
};

struct claimer;

/* 0, -ENOMEM, or the negative errno of starting a thread. All that it is given is borrowed for its
 * life, in which nobody else uses the arbiter. */
int claimer_create(struct claimer **claimer, const struct memory *memory, struct arbiter *arbiter,
                   const char *name, const char *owner, struct hooks_page *hooks,
                   void (*answered)(void *context), void *context);
/* Waits for a question under way. */
void claimer_destroy(struct claimer *claimer);

/* Answered in order: a release asked while a claim is under way is answered after it. The engine
 * never has two claims or two releases outstanding. */
void claimer_ask(struct claimer *claimer, enum claimer_question question, uint64_t term,
                 uint64_t claim_id);
bool claimer_take_answer(struct claimer *claimer, struct claimer_answer *answer);

#endif
