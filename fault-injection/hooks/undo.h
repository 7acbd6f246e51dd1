/*
 * What a disk's image held before each write since its last flush, in a file IMAGE.undo beside it.
 * The disk of the build with hooks notes it; when a host is said to have lost its power, the lab
 * takes some of those writes back (fault-injection/lab/faults/power.h). Needed because the file
 * itself outlives a killed process with every write in it.
 *
 * It survives the writer's death, not the computer's: nothing here is synced.
 */
#ifndef FAULT_INJECTION_HOOKS_UNDO_H
#define FAULT_INJECTION_HOOKS_UNDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UNDO_SUFFIX     ".undo"
#define UNDO_SECTOR     512u
#define UNDO_MAX_RECORD 65536u
#define UNDO_PATH_SIZE  4096u

/* In the order of the writes. A record that the end of the file cuts short was being noted when the
 * writer died: its write had not begun. */
struct undo_record {
    uint64_t offset, size; /* bytes, whole sectors; at most UNDO_MAX_RECORD */
    uint64_t stored;       /* bytes that follow: `size`, or 0 if all of them were zero */
};

struct undo;

/* All that return int return 0 or a negative errno. With `fresh`, what is noted of an earlier image
 * of that name is dropped; else it stays, as those writes are not flushed either. */
int undo_open(struct undo **undo, const char *image, bool fresh);
void undo_close(struct undo *undo); /* NULL is fine */
/* Before a write of that range, from one thread at a time. The range may have any alignment. */
int undo_note(struct undo *undo, int image, uint64_t offset, uint64_t size);
/* After a flush: nothing needs to be taken back any more. */
int undo_forget(struct undo *undo);

/* "IMAGE.undo". False if that is too long. */
bool undo_path(char path[UNDO_PATH_SIZE], const char *image);

#endif
