/* A machine's fields by their table: in its state, and in its digest. */
#include <stdio.h>

#include "libftvm/digest.h"
#include "tests/libftvm/stream.h"

struct cpu {
    uint64_t pc;
    uint32_t registers[4];
    struct {
        uint8_t carry, zero;
    } flags;
    uint64_t cache; /* in no table */
};

static const struct ftvm_field fields[] = {
    FTVM_FIELD(struct cpu, pc), FTVM_FIELD_ARRAY(struct cpu, registers),
    FTVM_FIELD(struct cpu, flags.carry), FTVM_FIELD(struct cpu, flags.zero), FTVM_FIELDS_END};

static const struct cpu some = {
    .pc = 0x1000, .registers = {1, 2, 3, 0xffffffff}, .flags = {1, 0}, .cache = 77};

Test(fields, come_back_as_they_were)
{
    struct stream *stream = make_stream();
    struct cpu loaded = {.pc = 5, .registers = {9, 9, 9, 9}, .flags = {2, 2}, .cache = 3};
    cr_assert_eq(ftvm_write_fields(&stream->writer, fields, &some), 0);
    cr_expect_eq(stream->used, 8 + 8 + 16 + 2);
    cr_assert_eq(ftvm_read_fields(&stream->reader, fields, &loaded), 0);
    cr_expect_eq(stream->read, stream->used);
    cr_expect_eq(loaded.pc, some.pc);
    cr_expect_eq(memcmp(loaded.registers, some.registers, sizeof some.registers), 0);
    cr_expect_eq(loaded.flags.carry, 1);
    cr_expect_eq(loaded.flags.zero, 0);
    cr_expect_eq(loaded.cache, 3, "what is in no table is not touched");
    free(stream);
}

/* Each is another machine, or another version of it. */
Test(fields, of_another_table_are_refused_with_nothing_replaced)
{
    static const struct ftvm_field renamed[] = {{"ip", offsetof(struct cpu, pc), 8, 1},
                                                FTVM_FIELD_ARRAY(struct cpu, registers),
                                                FTVM_FIELD(struct cpu, flags.carry),
                                                FTVM_FIELD(struct cpu, flags.zero),
                                                FTVM_FIELDS_END};
    static const struct ftvm_field resized[] = {
        FTVM_FIELD(struct cpu, pc),
        {"registers", offsetof(struct cpu, registers), 8, 2},
        FTVM_FIELD(struct cpu, flags.carry),
        FTVM_FIELD(struct cpu, flags.zero),
        FTVM_FIELDS_END};
    static const struct ftvm_field shorter[] = {
        FTVM_FIELD(struct cpu, pc), FTVM_FIELD_ARRAY(struct cpu, registers),
        FTVM_FIELD(struct cpu, flags.carry), FTVM_FIELDS_END};
    static const struct ftvm_field swapped[] = {
        FTVM_FIELD_ARRAY(struct cpu, registers), FTVM_FIELD(struct cpu, pc),
        FTVM_FIELD(struct cpu, flags.carry), FTVM_FIELD(struct cpu, flags.zero), FTVM_FIELDS_END};
    const struct ftvm_field *const others[] = {renamed, resized, shorter, swapped};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        struct stream *stream = make_stream();
        struct cpu loaded = {.pc = 5};
        cr_assert_eq(ftvm_write_fields(&stream->writer, others[i], &some), 0);
        cr_expect_eq(ftvm_read_fields(&stream->reader, fields, &loaded), FTVM_E_CORRUPT, "%zu", i);
        cr_expect_eq(loaded.pc, 5);
        cr_expect_eq(loaded.registers[0], 0);
        free(stream);
    }
}

Test(fields, that_are_cut_off_anywhere_give_the_readers_error)
{
    for (size_t size = 0; size < 8 + 8 + 16 + 2; size++) {
        struct stream *stream = make_stream();
        struct cpu loaded = {0};
        cr_assert_eq(ftvm_write_fields(&stream->writer, fields, &some), 0);
        stream->limit = size;
        cr_expect_eq(ftvm_read_fields(&stream->reader, fields, &loaded), FTVM_E_LOST, "%zu", size);
        free(stream);
    }
}

Test(fields, that_cannot_be_written_give_the_writers_error)
{
    for (size_t size = 0; size < 8 + 8 + 16 + 2; size++) {
        struct stream *stream = make_stream();
        stream->limit = size;
        cr_expect_eq(ftvm_write_fields(&stream->writer, fields, &some), FTVM_E_LOST, "%zu", size);
        free(stream);
    }
}

/* So that it is enough to look at the last result. */
Test(fields, and_what_comes_behind_fail_once_something_has)
{
    struct stream *stream = make_stream();
    struct cpu loaded = {0};
    uint8_t byte = 1;
    cr_assert_eq(ftvm_write_fields(&stream->writer, fields, &some), 0);
    size_t used = stream->used;
    stream->limit = used;
    cr_expect_eq(ftvm_write(&stream->writer, &byte, 1), FTVM_E_LOST);
    stream->limit = STREAM_NO_LIMIT;
    cr_expect_eq(ftvm_write(&stream->writer, &byte, 1), FTVM_E_LOST);
    cr_expect_eq(stream->used, used);
    stream->limit = 20;
    cr_expect_eq(ftvm_read_fields(&stream->reader, fields, &loaded), FTVM_E_LOST);
    stream->limit = STREAM_NO_LIMIT;
    cr_expect_eq(ftvm_read(&stream->reader, &byte, 1), FTVM_E_LOST);
    cr_expect_eq(byte, 1);
    free(stream);
}

/* ---- Digest ---------------------------------------------------------------------------------- */

struct told {
    char text[512];
};

static void tell(void *context, const struct digest_part *part)
{
    struct told *told = context;
    size_t used = strlen(told->text);
    snprintf(told->text + used, sizeof told->text - used, "%s %llu:%zu ", part->name,
             (unsigned long long)part->index, part->size);
}

Test(fields, are_parts_of_the_digest_each_element_by_its_number)
{
    struct told told = {""};
    struct ftvm_digest digest = {.added = tell, .context = &told};
    ftvm_digest_fields(&digest, fields, &some);
    cr_expect_str_eq(told.text, "pc 0:8 registers 0:4 registers 1:4 registers 2:4 registers 3:4 "
                                "flags.carry 0:1 flags.zero 0:1 ");
}

Test(fields, that_differ_give_another_digest)
{
    struct ftvm_digest same = {0}, again = {0}, differs = {0}, elsewhere = {0};
    struct cpu other = some;
    ftvm_digest_fields(&same, fields, &some);
    other.cache++;
    ftvm_digest_fields(&again, fields, &other);
    other.registers[3]--;
    ftvm_digest_fields(&differs, fields, &other);
    other = some;
    other.flags.zero = 1;
    ftvm_digest_fields(&elsewhere, fields, &other);
    cr_expect_eq(again.value, same.value);
    cr_expect_neq(differs.value, same.value);
    cr_expect_neq(elsewhere.value, same.value);
}
