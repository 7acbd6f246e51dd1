/* What integer programs do all day, in turns: a linked list, matrices, text, a checksum. */
#include <string.h>

#include "programs.h"

#define MIXED_ROUNDS 30000u
#define ITEMS        200u
#define DIMENSION    12
#define TEXT_SIZE    1024u

struct item {
    struct item *next;
    int32_t key, value;
};

/* All of it, in the program's memory. */
struct mixed {
    struct item items[ITEMS];
    struct item *list;
    int32_t left[DIMENSION][DIMENSION], right[DIMENSION][DIMENSION], product[DIMENSION][DIMENSION];
    char text[TEXT_SIZE];
};

/* ---- A list -------------------------------------------------------------------------------- */

static struct item *reverse(struct item *list)
{
    struct item *reversed = NULL;

    while (list) {
        struct item *next = list->next;

        list->next = reversed;
        reversed = list;
        list = next;
    }
    return reversed;
}

static struct item *merge(struct item *a, struct item *b)
{
    struct item *first = NULL, **end = &first;

    while (a && b) {
        struct item **smaller = a->key <= b->key ? &a : &b;

        *end = *smaller;
        end = &(*smaller)->next;
        *smaller = *end;
    }
    *end = a ? a : b;
    return first;
}

static struct item *sort_list(struct item *list)
{
    struct item *slow = list, *half;

    if (!list || !list->next)
        return list;
    for (struct item *fast = list->next; fast && fast->next; fast = fast->next->next)
        slow = slow->next;
    half = slow->next;
    slow->next = NULL;
    return merge(sort_list(list), sort_list(half));
}

static const struct item *find(const struct item *list, int32_t key)
{
    while (list && list->key != key)
        list = list->next;
    return list;
}

static uint32_t work_on_list(struct mixed *mixed, uint32_t round)
{
    const struct item *found;
    uint32_t sum = 0;

    for (uint32_t i = 0; i < ITEMS; i += 10) {
        found = find(mixed->list, (int32_t)((i * 7 + round) % ITEMS));
        sum += found ? (uint32_t)found->value : 1;
    }
    mixed->list = reverse(mixed->list);
    if (round % 4 == 0) {
        for (struct item *item = mixed->list; item; item = item->next)
            item->key = (int32_t)(((uint32_t)item->key * 77 + round) % ITEMS);
        mixed->list = sort_list(mixed->list);
    }
    return sum + (uint32_t)mixed->list->key;
}

/* ---- Matrices ------------------------------------------------------------------------------ */

static uint32_t work_on_matrices(struct mixed *mixed, uint32_t round)
{
    uint32_t trace = 0;

    for (int i = 0; i < DIMENSION; i++)
        for (int j = 0; j < DIMENSION; j++) {
            uint32_t sum = 0;

            for (int k = 0; k < DIMENSION; k++)
                sum += (uint32_t)mixed->left[i][k] * (uint32_t)mixed->right[k][j];
            mixed->product[i][j] = (int32_t)sum;
        }
    for (int i = 0; i < DIMENSION; i++) {
        trace += (uint32_t)mixed->product[i][i];
        mixed->left[i][round % DIMENSION] = (int16_t)(trace >> 3);
    }
    return trace;
}

/* ---- Text ---------------------------------------------------------------------------------- */

enum state { BETWEEN, SIGN, WHOLE, FRACTION, EXPONENT, WORD, STATES };

static enum state follow(enum state state, char letter)
{
    if (letter == ' ' || letter == ',')
        return BETWEEN;
    switch (state) {
    case BETWEEN:
        if (letter == '-' || letter == '+')
            return SIGN;
        return letter >= '0' && letter <= '9' ? WHOLE : WORD;
    case SIGN: return letter >= '0' && letter <= '9' ? WHOLE : WORD;
    case WHOLE:
        if (letter == '.')
            return FRACTION;
        return letter >= '0' && letter <= '9' ? WHOLE : WORD;
    case FRACTION:
        if (letter == 'e')
            return EXPONENT;
        return letter >= '0' && letter <= '9' ? FRACTION : WORD;
    case EXPONENT: return letter >= '0' && letter <= '9' ? EXPONENT : WORD;
    default: return WORD;
    }
}

static uint32_t work_on_text(struct mixed *mixed, uint32_t round)
{
    uint32_t seen[STATES] = {0}, sum = 0;
    enum state state = BETWEEN;

    for (uint32_t i = 0; i < TEXT_SIZE; i++) {
        state = follow(state, mixed->text[i]);
        seen[state]++;
    }
    for (uint32_t i = 0; i < STATES; i++)
        sum = sum * 31 + seen[i];
    /* Another text for the next round. */
    mixed->text[round * 13 % TEXT_SIZE] = mixed->text[round * 29 % TEXT_SIZE];
    return sum;
}

/* ---- Checksum ------------------------------------------------------------------------------ */

/* CRC-16 of CCITT, bit by bit. */
static uint32_t checksum(uint32_t sum, uint32_t value)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        uint32_t carry = (sum >> 15 ^ value >> bit) & 1;

        sum = sum << 1 & 0xffff;
        if (carry)
            sum ^= 0x1021;
    }
    return sum;
}

void mixed_prepare(const struct work *work)
{
    static const char words[] = "12 -7, 3.25 word 88.5e3,-x9 +401 0.001 abc 7e 5,";
    struct mixed *mixed = work->memory;
    uint64_t random = 21;

    _Static_assert(sizeof(struct mixed) <= 1u << 20, "fits into the program's memory");
    for (uint32_t i = 0; i < ITEMS; i++) {
        mixed->items[i] = (struct item){.next = mixed->list,
                                        .key = (int32_t)(next_random(&random) % ITEMS),
                                        .value = (int32_t)i};
        mixed->list = &mixed->items[i];
    }
    for (int i = 0; i < DIMENSION; i++)
        for (int j = 0; j < DIMENSION; j++) {
            mixed->left[i][j] = (int16_t)next_random(&random);
            mixed->right[i][j] = (int16_t)next_random(&random);
        }
    for (uint32_t i = 0; i < TEXT_SIZE; i++)
        mixed->text[i] = words[i % (sizeof(words) - 1)];
}

uint64_t mixed_run(const struct work *work)
{
    struct mixed *mixed = work->memory;
    uint32_t rounds = (uint32_t)work_rounds(work, MIXED_ROUNDS), sum = 0xffff;

    for (uint32_t round = 0; round < rounds; round++) {
        sum = checksum(sum, work_on_list(mixed, round));
        sum = checksum(sum, work_on_matrices(mixed, round));
        sum = checksum(sum, work_on_text(mixed, round));
    }
    return sum;
}
