/*
 * A difference between two runs: what was seen of it, in a form that outlives the runs. Filled in
 * where the two are compared (check_follow.c, check_parts.c), put into words by check_report.c.
 */
#ifndef LIBFTVM_CHECK_DIFFERENCE_H
#define LIBFTVM_CHECK_DIFFERENCE_H

#include <ftvm/ftvm.h>

#define DIFFERENCE_PARTS 8u /* told one by one */
#define DIFFERENCE_BYTES 8u /* of each, from the first that differs on */

/* The two runs, as indices. */
enum check_side { SIDE_RECORDED, SIDE_AGAIN, SIDES };

/* Two pieces of memory that are not the same. */
struct bytes_difference {
    size_t size[SIDES];
    bool known;       /* the rest; else only digests were kept */
    size_t offset;    /* of the first that differs */
    size_t differing; /* how many do, as far as both reach */
    size_t shown[SIDES];
    uint8_t bytes[SIDES][DIFFERENCE_BYTES];
};

struct part_difference {
    const char *name;
    uint64_t index;
    bool present[SIDES]; /* told of in that run */
    struct bytes_difference bytes;
};

/* What a machine calls the library for, as far as runs are compared by it. */
enum call_kind { CALL_BEGIN, CALL_BOUNDARY, CALL_IDLE, CALL_HALT, CALL_VALUE };

struct call {
    enum call_kind kind;
    ftvm_position position;
    uint64_t wake_ns; /* CALL_IDLE */
    size_t size;      /* CALL_VALUE */
};

struct difference {
    ftvm_position agreed;  /* last position at which nothing differed */
    ftvm_position differs; /* first at which something did */

    bool calls_differ;
    struct call calls[SIDES]; /* those made at `differs`, or next */

    bool outputs_differ;
    uint64_t outputs[SIDES]; /* made since `agreed` */
    uint64_t output;         /* first that differs, counted from 1 */
    uint32_t devices[SIDES];
    struct bytes_difference output_bytes; /* of it, if both made that many */

    bool state_compared; /* whole, and at the same call */
    bool state_differs;
    bool parts_kept; /* it is known which parts do */
    bool reordered;  /* told of in another order: the first of them */
    const char *reordered_name[SIDES];
    uint64_t reordered_index[SIDES];
    uint64_t part_count; /* all that differ, of which the first are: */
    struct part_difference parts[DIFFERENCE_PARTS];

    uint64_t inputs; /* delivered at `agreed` */
    uint64_t values; /* asked for between the two */
};

/* Compares what has the same name in two runs; NULL where only the size is known. */
void difference_compare(struct bytes_difference *difference, const void *recorded,
                        size_t recorded_size, const void *again, size_t again_size);

#endif
