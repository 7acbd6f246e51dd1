/*
 * Threads of the library. Signals are the embedder's: none is handled on a thread of ours.
 */
#ifndef LIBFTVM_THREAD_H
#define LIBFTVM_THREAD_H

#include <pthread.h>

/* Starts a thread with all signals blocked. 0 or an errno. */
int thread_start(pthread_t *thread, void *(*run)(void *), void *argument);

#endif
