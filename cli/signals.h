/*
 * SIGINT, SIGTERM and SIGHUP, received by a thread that waits for them, so that there are no
 * handlers. SIGHUP stays ignored if the parent has set it so (nohup).
 */
#ifndef CLI_SIGNALS_H
#define CLI_SIGNALS_H

struct signals;

/* Blocks them in the calling thread and in those that it makes afterwards, and ignores
 * SIGPIPE and SIGXFSZ, as a write says the same. To be called before there are other threads. */
void signals_block(void);

/* `count`: 1 for the first, and so on. On the thread of this module. */
typedef void signals_received(void *context, int number, unsigned count);

/* 0 or a negative errno. */
int signals_create(struct signals **signals, signals_received *received, void *context);
void signals_destroy(struct signals *signals);

#endif
