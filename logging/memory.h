/*
 * Where the library's memory comes from: two functions that the embedder of a node may give, or
 * malloc and free, for which NULL stands in place of a `struct memory`. Who creates something says
 * which; what was created borrows it for its life, and takes and gives back all its memory there.
 *
 * Not more than that: nothing is resized, and nothing is aligned for more than any type of C.
 *
 * What other libraries take for themselves does not come from here:
 * - libev takes memory when a loop is made, and later only where one of its tables must grow: those
 *   with an entry for each watcher (of a node some five, of each listening address one, of each
 *   connection three; connections are limited, see replication/channel.h), that with an entry for
 *   each number of a descriptor up to the highest that is watched, and that of the events of one
 *   poll. A table doubles and never shrinks: a node whose connections have all been there does not
 *   let it grow. When libev gets nothing it ends the process with abort(). Its ev_set_allocator()
 *   is for the whole process, and so the embedder's to call.
 * - getaddrinfo() takes memory for the addresses of a name and gives it back at once; its failure
 *   is that of an address that does not resolve.
 * - The stacks of a node's two threads; failing, that is an error of ftvm_node_start().
 * - qsort() in ftvm_node_status() may take some KiB for the duration of the call, and does without.
 */
#ifndef LOGGING_MEMORY_H
#define LOGGING_MEMORY_H

#include <stddef.h>

struct memory {
    void *(*allocate)(void *context, size_t size); /* aligned for any type; NULL: there is none */
    void (*release)(void *context, void *memory);  /* never NULL */
    void *context;
};

/* NULL if there is none. Its bytes are not set. */
void *memory_allocate(const struct memory *memory, size_t size);
/* The same, all zero. */
void *memory_allocate_zeroed(const struct memory *memory, size_t size);
/* A copy of the text, its end included. */
char *memory_duplicate_text(const struct memory *memory, const char *text);
/* `allocated` may be NULL. */
void memory_release(const struct memory *memory, void *allocated);

#endif
