/*
 * Signals belong to the embedder's threads. The threads of the backends run with all of them
 * blocked, and writes made on a caller's thread must not raise SIGPIPE or SIGXFSZ there: the error
 * code of the write says the same without ending the process.
 */
#ifndef VMM_BACKENDS_SIGNALS_H
#define VMM_BACKENDS_SIGNALS_H

#include <pthread.h>
#include <signal.h>

/* pthread_create() of a thread with every signal blocked. Returns 0 or a negative errno. */
int signals_start_thread(pthread_t *thread, void *(*run)(void *context), void *context);

/* Around writes on a caller's thread. */
void signals_hold(sigset_t *saved);
void signals_restore(const sigset_t *saved);

#endif
