/*
 * The thread that waits for the outside world on behalf of all backends of a machine: a libev loop
 * that reads taps, sockets and consoles and hands what it read to a sink as inputs.
 *
 * Backends register themselves at creation, before reactor_start(). Their callbacks run on the
 * reactor thread. Outputs are given to a backend from another thread (the library's, or the
 * vCPU's), so every X_emit() of a backend is thread-safe and never blocks: what the host does not
 * take at once is queued up to a named limit and then dropped (frames) or kept back (console).
 */
#ifndef VMM_BACKENDS_REACTOR_H
#define VMM_BACKENDS_REACTOR_H

#include <stddef.h>
#include <stdint.h>

struct ev_loop;
struct reactor;

/* An input arrives for `device`. Called on the reactor thread. Returns 0 if it was taken, or a
 * negative code if the input queue is full: a frame is then dropped, console bytes are offered
 * again later. */
typedef int input_sink(void *context, uint32_t device, const void *data, size_t size);

int reactor_create(struct reactor **reactor, input_sink *sink, void *sink_context);
int reactor_start(struct reactor *reactor);
/* Stops the thread and joins it. Backends are destroyed after that, then the reactor. */
void reactor_stop(struct reactor *reactor);
void reactor_destroy(struct reactor *reactor);

struct ev_loop *reactor_loop(struct reactor *reactor);
int reactor_input(struct reactor *reactor, uint32_t device, const void *data, size_t size);

#endif
