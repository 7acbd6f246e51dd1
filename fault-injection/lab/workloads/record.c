#include "fault-injection/lab/workloads/record.h"

#include <endian.h>
#include <string.h>

#define MAGIC UINT64_C(0x6365722d6d767466) /* "ftvm-rec" */
#define WORDS (RECORD_BLOCK / 8)

static uint64_t get_word(const uint8_t *bytes, unsigned index)
{
    uint64_t word;

    memcpy(&word, bytes + (size_t)index * 8, sizeof(word));
    return le64toh(word);
}

static void put_word(uint8_t *bytes, unsigned index, uint64_t word)
{
    word = htole64(word);
    memcpy(bytes + (size_t)index * 8, &word, sizeof(word));
}

static uint64_t checksum(const uint8_t *bytes)
{
    uint64_t sum = 0xcbf29ce484222325u;

    for (unsigned i = 0; i < WORDS - 1; i++)
        sum = (sum ^ get_word(bytes, i)) * 0x100000001b3u;
    return sum;
}

enum record_state record_read(const uint8_t bytes[RECORD_BLOCK], uint64_t run, uint64_t block,
                              uint64_t *number)
{
    if (get_word(bytes, 0) != MAGIC || get_word(bytes, 1) != run)
        return RECORD_NONE;
    if (get_word(bytes, 2) != block || get_word(bytes, WORDS - 1) != checksum(bytes))
        return RECORD_WRONG;
    *number = get_word(bytes, 3);
    return RECORD_GOOD;
}

void record_write(uint8_t bytes[RECORD_BLOCK], uint64_t run, uint64_t block, uint64_t number)
{
    uint64_t mixed;

    put_word(bytes, 0, MAGIC);
    put_word(bytes, 1, run);
    put_word(bytes, 2, block);
    put_word(bytes, 3, number);
    for (unsigned i = 4; i < WORDS - 1; i++) {
        mixed = run * 3 + block * 5 + number * 7 + i;
        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9u;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebu;
        put_word(bytes, i, mixed ^ mixed >> 31);
    }
    put_word(bytes, WORDS - 1, checksum(bytes));
}
