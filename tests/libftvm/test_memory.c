/* A machine's memory in its state and in its digest. */
#include <criterion/criterion.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <endian.h>

#include "libftvm/digest.h"
#include "tests/libftvm/stream.h"

#define PAGE   4096u
#define WINDOW 16u /* pages */

/* ---- Streams by hand ----------------------------------------------------------------------------
 */

static void put_number(struct stream *stream, uint64_t number)
{
    uint64_t bytes = htole64(number);
    cr_assert_eq(stream_take(&stream->writer, &bytes, sizeof bytes), 0);
}

static void put_page(struct stream *stream, uint64_t number, uint8_t fill)
{
    uint8_t bytes[PAGE];
    memset(bytes, fill, sizeof bytes);
    put_number(stream, number);
    cr_assert_eq(stream_take(&stream->writer, bytes, sizeof bytes), 0);
}

/* ---- State ----------------------------------------------------------------------------------- */

/* Writes what is in `memory`, reads it over something else, and returns the length of the stream.
 */
static size_t expect_round_trip(const uint8_t *memory, size_t size)
{
    struct stream *stream = make_stream();
    uint8_t *loaded = malloc(size + 1);
    memset(loaded, 0xa5, size + 1);
    cr_assert_eq(ftvm_write_memory(&stream->writer, memory, size), 0);
    cr_assert_eq(ftvm_read_memory(&stream->reader, loaded, size), 0);
    cr_expect_eq(memcmp(loaded, memory, size), 0, "of %zu bytes", size);
    cr_expect_eq(loaded[size], 0xa5, "what is behind %zu bytes was written to", size);
    cr_expect_eq(stream->read, stream->used);
    size_t used = stream->used;
    free(loaded);
    free(stream);
    return used;
}

static const size_t sizes[] = {1,        7,        PAGE - 1,      PAGE,     PAGE + 1,
                               2 * PAGE, 5 * PAGE, 40 * PAGE - 3, 40 * PAGE};
#define SIZE_COUNT (sizeof sizes / sizeof sizes[0])

Test(memory, without_a_zero_comes_back_as_it_was)
{
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        uint8_t *memory = malloc(sizes[i]);
        for (size_t j = 0; j < sizes[i]; j++) {
            memory[j] = (uint8_t)(1 + j % 251);
        }
        size_t pages = (sizes[i] + PAGE - 1) / PAGE;
        cr_expect_eq(expect_round_trip(memory, sizes[i]), sizes[i] + 8 * (pages + 2));
        free(memory);
    }
}

Test(memory, of_zeros_is_sixteen_bytes_of_a_state)
{
    for (size_t i = 0; i < SIZE_COUNT; i++) {
        uint8_t *memory = calloc(1, sizes[i]);
        cr_expect_eq(expect_round_trip(memory, sizes[i]), 16);
        free(memory);
    }
}

Test(memory, with_one_byte_that_is_not_zero_has_one_page_in_the_state)
{
    size_t size = 3 * PAGE + 100;
    const size_t places[] = {0, PAGE - 1, PAGE, 2 * PAGE + 77, 3 * PAGE, 3 * PAGE + 99};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        uint8_t *memory = calloc(1, size);
        memory[places[i]] = 1;
        cr_expect_eq(expect_round_trip(memory, size), 24 + (places[i] < 3 * PAGE ? PAGE : 100),
                     "at %zu", places[i]);
        free(memory);
    }
}

Test(memory, may_be_none)
{
    struct stream *stream = make_stream();
    cr_expect_eq(ftvm_write_memory(&stream->writer, NULL, 0), 0);
    cr_expect_eq(stream->used, 16);
    cr_expect_eq(ftvm_read_memory(&stream->reader, NULL, 0), 0);
    free(stream);
}

/* Zero pages cannot be written to here, and need not be. */
Test(memory, is_not_written_to_where_it_is_zero_and_stays_so)
{
    size_t size = 100 * PAGE;
    uint8_t *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct stream *stream = make_stream();
    cr_assert_neq(memory, MAP_FAILED);
    memset(memory + 50 * PAGE, 9, 2 * PAGE);
    cr_assert_eq(mprotect(memory, 50 * PAGE, PROT_READ), 0);
    cr_assert_eq(mprotect(memory + 52 * PAGE, 48 * PAGE, PROT_READ), 0);
    put_number(stream, size);
    put_page(stream, 50, 3);
    put_number(stream, UINT64_MAX);
    cr_expect_eq(ftvm_read_memory(&stream->reader, memory, size), 0);
    cr_expect_eq(memory[50 * PAGE], 3);
    cr_expect_eq(memory[51 * PAGE], 0, "a page that is not there becomes zero");
    free(stream);
    munmap(memory, size);
}

Test(memory, is_written_in_a_format_that_stays)
{
    uint8_t memory[3 * PAGE] = {0};
    struct stream *stream = make_stream();
    struct stream *expected = make_stream();
    memset(memory + PAGE, 7, PAGE);
    put_number(expected, sizeof memory);
    put_page(expected, 1, 7);
    put_number(expected, UINT64_MAX);
    cr_assert_eq(ftvm_write_memory(&stream->writer, memory, sizeof memory), 0);
    cr_assert_eq(stream->used, expected->used);
    cr_expect_eq(memcmp(stream->bytes, expected->bytes, expected->used), 0);
    cr_expect_eq(stream->bytes[0], 0);
    cr_expect_eq(stream->bytes[1], 3 * PAGE >> 8, "the lowest byte comes first");
    free(stream);
    free(expected);
}

/* ---- Hostile states -------------------------------------------------------------------------- */

/* Five pages, with an unmapped one behind them. */
static void expect_refused(struct stream *stream, const char *what)
{
    size_t size = 5 * PAGE;
    uint8_t *memory =
        mmap(NULL, size + PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    cr_assert_neq(memory, MAP_FAILED);
    cr_assert_eq(munmap(memory + size, PAGE), 0);
    cr_expect_eq(ftvm_read_memory(&stream->reader, memory, size), FTVM_E_CORRUPT, "%s", what);
    munmap(memory, size);
    free(stream);
}

/* Of five pages, with these two in it. */
static struct stream *two_pages(uint64_t size, uint64_t first, uint64_t second)
{
    struct stream *stream = make_stream();
    put_number(stream, size);
    put_page(stream, first, 1);
    put_page(stream, second, 2);
    put_number(stream, UINT64_MAX);
    return stream;
}

Test(memory, of_another_size_is_refused)
{
    expect_refused(two_pages(5 * PAGE - 1, 1, 2), "a smaller size");
    expect_refused(two_pages(5 * PAGE + 1, 1, 2), "a larger size");
    expect_refused(two_pages(0, 1, 2), "none");
    expect_refused(two_pages(UINT64_MAX, 1, 2), "the largest");
}

Test(memory, with_pages_out_of_order_is_refused)
{
    expect_refused(two_pages(5 * PAGE, 2, 2), "a page twice");
    expect_refused(two_pages(5 * PAGE, 2, 1), "an earlier page");
    expect_refused(two_pages(5 * PAGE, 0, 0), "the first page twice");
    expect_refused(two_pages(5 * PAGE, 4, 4), "the last page twice");
}

Test(memory, with_pages_out_of_range_is_refused)
{
    expect_refused(two_pages(5 * PAGE, 1, 5), "the page behind the last");
    expect_refused(two_pages(5 * PAGE, 1, UINT64_MAX - 1), "the highest number");
    expect_refused(two_pages(5 * PAGE, 1, UINT64_MAX / PAGE + 2), "a number that wraps");
}

Test(memory, that_ends_anywhere_fails_as_its_reader_does)
{
    struct stream *whole = two_pages(5 * PAGE, 1, 4);
    uint8_t *memory = calloc(1, 5 * PAGE);
    for (size_t limit = 0; limit < whole->used; limit++) {
        whole->limit = limit;
        whole->read = 0;
        whole->reader.error = 0;
        cr_assert_eq(ftvm_read_memory(&whole->reader, memory, 5 * PAGE), FTVM_E_LOST, "at %zu",
                     limit);
    }
    whole->limit = STREAM_NO_LIMIT;
    whole->read = 0;
    whole->reader.error = 0;
    cr_expect_eq(ftvm_read_memory(&whole->reader, memory, 5 * PAGE), 0);
    free(memory);
    free(whole);
}

Test(memory, that_nobody_takes_fails_as_its_writer_does)
{
    uint8_t *memory = malloc(3 * PAGE);
    struct stream *stream = make_stream();
    memset(memory, 1, 3 * PAGE);
    cr_assert_eq(ftvm_write_memory(&stream->writer, memory, 3 * PAGE), 0);
    size_t used = stream->used;
    for (size_t limit = 0; limit < used; limit++) {
        stream->limit = limit;
        stream->used = 0;
        cr_assert_eq(ftvm_write_memory(&stream->writer, memory, 3 * PAGE), FTVM_E_LOST, "at %zu",
                     limit);
    }
    free(memory);
    free(stream);
}

/* ---- Digest ---------------------------------------------------------------------------------- */

#define MOST_PAGES 200u

struct seen {
    const uint8_t *memory;
    size_t size;
    unsigned count; /* since it was reset */
    unsigned times[MOST_PAGES];
};

static void see(void *context, const struct digest_part *part)
{
    struct seen *seen = context;
    size_t left = seen->size - part->index * PAGE;
    cr_assert_lt(part->index, MOST_PAGES);
    cr_expect_str_eq(part->name, "memory");
    cr_expect_eq(part->data, seen->memory + part->index * PAGE);
    cr_expect_eq(part->size, left < PAGE ? left : PAGE);
    seen->times[part->index]++;
    seen->count++;
}

static uint64_t digest_of(const uint8_t *memory, size_t size, uint64_t epoch, bool whole,
                          struct seen *seen)
{
    struct ftvm_digest digest = {.whole = whole, .epoch = epoch};
    if (seen != NULL) {
        seen->memory = memory;
        seen->size = size;
        seen->count = 0;
        digest.added = see;
        digest.context = seen;
    }
    ftvm_digest_memory(&digest, "memory", memory, size);
    return digest.value;
}

static void expect_each_page(const struct seen *seen, unsigned pages, unsigned times)
{
    for (unsigned page = 0; page < MOST_PAGES; page++) {
        cr_expect_eq(seen->times[page], page < pages ? times : 0, "page %u of %u: %u times", page,
                     pages, seen->times[page]);
    }
}

Test(memory, is_digested_by_a_window_that_comes_to_every_page)
{
    for (unsigned pages = 1; pages < MOST_PAGES; pages++) {
        uint8_t *memory = calloc(pages, PAGE);
        size_t size = pages * PAGE - pages % 2 * 11; /* of odd ones the last is short */
        uint64_t windows = (pages + WINDOW - 1) / WINDOW;
        struct seen seen = {0};
        for (uint64_t epoch = 1000; epoch < 1000 + windows; epoch++) {
            (void)digest_of(memory, size, epoch, false, &seen);
            cr_expect_leq(seen.count, WINDOW);
            cr_expect_geq(seen.count, 1);
        }
        expect_each_page(&seen, pages, 1);
        free(memory);
    }
}

Test(memory, is_digested_whole_when_all_is_asked_for)
{
    struct seen seen = {0};
    uint8_t *memory = calloc(100, PAGE);
    (void)digest_of(memory, 100 * PAGE - 1, 5, true, &seen);
    expect_each_page(&seen, 100, 1);
    free(memory);
}

Test(memory, that_is_none_adds_nothing)
{
    cr_expect_eq(digest_of(NULL, 0, 3, false, NULL), 0);
    cr_expect_eq(digest_of(NULL, 0, 3, true, NULL), 0);
}

Test(memory, that_differs_in_a_byte_has_another_digest_when_its_page_has_its_turn)
{
    size_t size = 40 * PAGE + 5; /* three windows */
    const size_t places[] = {0, 16 * PAGE - 1, 16 * PAGE, 40 * PAGE - 1, 40 * PAGE + 4};
    uint8_t *memory = calloc(1, size);
    uint8_t *other = calloc(1, size);
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        other[places[i]] ^= 1;
        for (uint64_t epoch = 0; epoch < 6; epoch++) {
            bool its_turn = epoch % 3 == places[i] / PAGE / WINDOW;
            bool same = digest_of(memory, size, epoch, false, NULL) ==
                        digest_of(other, size, epoch, false, NULL);
            cr_expect_eq(same, !its_turn, "byte %zu in epoch %lu", places[i], epoch);
        }
        cr_expect_neq(digest_of(memory, size, 0, true, NULL),
                      digest_of(other, size, 0, true, NULL));
        other[places[i]] ^= 1;
    }
    free(memory);
    free(other);
}
