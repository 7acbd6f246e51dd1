/*
 * A second engine in the same state, for who explores what an engine may do from there in more ways
 * than one. Between two steps only: what the last update points to is not copied. No replica needs
 * this, so it stands here; it knows the inside of the engine as only the engine's own files do.
 */
#ifndef FAULT_INJECTION_SIMULATOR_ENGINE_COPY_H
#define FAULT_INJECTION_SIMULATOR_ENGINE_COPY_H

#include "replication/engine.h"

/* `replica` is the copy's name for itself, borrowed as by engine_create(). Aborts if out of memory.
 */
struct engine *engine_copy(const struct engine *engine, const char *replica);

#endif
