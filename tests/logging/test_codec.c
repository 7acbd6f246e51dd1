/* Round trips of every message, and every limit from both sides. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "logging/codec.h"
#include "logging/log.pb-c.h"
#include "samples.h"
#include "tests/support/scarce_memory.h"

struct fixture {
    struct samples samples;
    uint8_t frame[FRAME_MAX_SIZE];
    size_t size;
};

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    cr_assert_not_null(fixture);
    samples_init(&fixture->samples);
    return fixture;
}

static void expect_round_trip(struct fixture *fixture, const struct message *message)
{
    struct message *decoded;
    size_t used;

    cr_assert_eq(codec_encode(message, fixture->frame, sizeof(fixture->frame), &fixture->size),
                 CODEC_OK);
    cr_assert_eq(fixture->size, codec_frame_size(message));
    cr_assert_eq(codec_decode(NULL, fixture->frame, fixture->size, &decoded, &used), CODEC_OK, "%s",
                 message_type_name(message->type));
    cr_assert_eq(used, fixture->size);
    cr_assert(same_message(message, decoded), "%s", message_type_name(message->type));
    message_free(NULL, decoded);
}

static void expect_refused(struct fixture *fixture, const struct message *message)
{
    fixture->size = 77;
    cr_expect_eq(codec_frame_size(message), 0);
    cr_expect_eq(codec_encode(message, fixture->frame, sizeof(fixture->frame), &fixture->size),
                 CODEC_E_LIMIT, "%s", message_type_name(message->type));
    cr_expect_eq(fixture->size, 77);
}

Test(codec, every_message_survives_the_round_trip)
{
    struct fixture *fixture = fixture_new();

    for (int type = MESSAGE_HELLO; type < MESSAGE_TYPE_END; type++) {
        for (int kind = SAMPLE_EMPTY; kind < SAMPLE_KIND_END; kind++) {
            struct message message =
                sample_make(&fixture->samples, (enum message_type)type, (enum sample_kind)kind);

            expect_round_trip(fixture, &message);
        }
    }
    free(fixture);
}

Test(codec, a_frame_after_another_is_left_alone)
{
    struct fixture *fixture = fixture_new();
    struct message first = sample_ordinary(&fixture->samples, MESSAGE_VALUE);
    struct message second = sample_ordinary(&fixture->samples, MESSAGE_ACK);
    struct message *decoded;
    size_t first_size;
    size_t second_size;
    size_t used;

    cr_assert_eq(codec_encode(&first, fixture->frame, sizeof(fixture->frame), &first_size),
                 CODEC_OK);
    cr_assert_eq(codec_encode(&second, fixture->frame + first_size,
                              sizeof(fixture->frame) - first_size, &second_size),
                 CODEC_OK);
    cr_assert_eq(codec_decode(NULL, fixture->frame, first_size + second_size, &decoded, &used),
                 CODEC_OK);
    cr_assert_eq(used, first_size);
    message_free(NULL, decoded);
    cr_assert_eq(codec_decode(NULL, fixture->frame + used, second_size, &decoded, &used), CODEC_OK);
    cr_assert(same_message(decoded, &second));
    message_free(NULL, decoded);
    free(fixture);
}

Test(codec, a_small_buffer_is_left_untouched)
{
    struct fixture *fixture = fixture_new();

    for (int type = MESSAGE_HELLO; type < MESSAGE_TYPE_END; type++) {
        struct message message = sample_ordinary(&fixture->samples, (enum message_type)type);
        size_t needed = codec_frame_size(&message);

        memset(fixture->frame, 0xa5, needed);
        for (size_t capacity = 0; capacity < needed; capacity++) {
            cr_assert_eq(codec_encode(&message, fixture->frame, capacity, &fixture->size),
                         CODEC_E_SPACE);
        }
        for (size_t i = 0; i < needed; i++) {
            cr_assert_eq(fixture->frame[i], 0xa5);
        }
        cr_assert_eq(codec_encode(&message, fixture->frame, needed, &fixture->size), CODEC_OK);
    }
    free(fixture);
}

Test(codec, encoder_refuses_what_is_beyond_a_limit)
{
    struct fixture *fixture = fixture_new();
    struct samples *samples = &fixture->samples;
    char long_name[LOG_MAX_NAME + 2] = "";
    char long_reason[LOG_MAX_REASON + 2] = "";
    struct message message;

    memset(long_name, 'n', LOG_MAX_NAME + 1);
    memset(long_reason, 'r', LOG_MAX_REASON + 1);

    message = sample_ordinary(samples, MESSAGE_HELLO);
    message.hello.name = long_name;
    expect_refused(fixture, &message);
    message.hello.name = "line\nbreak";
    expect_refused(fixture, &message);
    message.hello.name = "web";
    message.hello.replica = long_name;
    expect_refused(fixture, &message);
    message.hello.replica = "b";
    message.hello.description.size = LOG_MAX_DESCRIPTION + 1;
    expect_refused(fixture, &message);

    message = sample_ordinary(samples, MESSAGE_WELCOME);
    message.welcome.name = long_name;
    expect_refused(fixture, &message);
    message.welcome.name = "web";
    message.welcome.replica = "\x7f";
    expect_refused(fixture, &message);
    message.welcome.replica = "a";
    message.welcome.description.size = LOG_MAX_DESCRIPTION + 1;
    expect_refused(fixture, &message);

    message = sample_ordinary(samples, MESSAGE_REFUSE);
    message.refuse.reason = long_reason;
    expect_refused(fixture, &message);
    message = sample_ordinary(samples, MESSAGE_BYE);
    message.bye.reason = long_reason;
    expect_refused(fixture, &message);
    message = sample_at_limit(samples, MESSAGE_BYE);
    message.bye.part_count++;
    expect_refused(fixture, &message);
    message = sample_ordinary(samples, MESSAGE_BYE);
    samples->parts[1].name = long_name;
    expect_refused(fixture, &message);
    message = sample_ordinary(samples, MESSAGE_BYE);
    samples->parts[0].value.size = LOG_MAX_PART_VALUE + 1;
    expect_refused(fixture, &message);
    message = sample_at_limit(samples, MESSAGE_STATE_CHUNK);
    message.state_chunk.data.size++;
    expect_refused(fixture, &message);
    message = sample_at_limit(samples, MESSAGE_VALUE);
    message.value.data.size++;
    expect_refused(fixture, &message);
    free(fixture);
}

Test(codec, encoder_refuses_a_boundary_beyond_its_limits)
{
    struct fixture *fixture = fixture_new();
    struct message message = sample_at_limit(&fixture->samples, MESSAGE_BOUNDARY);

    message.boundary.input_count++;
    expect_refused(fixture, &message);

    message = sample_at_limit(&fixture->samples, MESSAGE_BOUNDARY);
    fixture->samples.inputs[500].data.size++;
    expect_refused(fixture, &message);

    message = sample_ordinary(&fixture->samples, MESSAGE_BOUNDARY);
    fixture->samples.inputs[0].data.size = LOG_MAX_INPUT;
    expect_round_trip(fixture, &message);
    fixture->samples.inputs[0].data.size++;
    expect_refused(fixture, &message);
    free(fixture);
}

Test(codec, there_are_no_other_types)
{
    struct fixture *fixture = fixture_new();
    const int types[] = {0, MESSAGE_TYPE_END, 255, -1};

    for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++) {
        struct message message = sample_empty((enum message_type)types[i]);

        cr_expect_eq(codec_frame_size(&message), 0);
        cr_expect_eq(codec_encode(&message, fixture->frame, sizeof(fixture->frame), &fixture->size),
                     CODEC_E_TYPE);
        cr_expect_str_eq(message_type_name(message.type), "?");
    }
    free(fixture);
}

/* The inputs are packed apart from the rest; another implementation must read and write the same.
 */
Test(codec, a_boundary_is_the_bytes_that_protobuf_makes_of_it)
{
    struct fixture *fixture = fixture_new();
    struct message message = sample_ordinary(&fixture->samples, MESSAGE_BOUNDARY);
    Ftvm__Log__Boundary *unpacked;
    uint8_t *packed;
    size_t size;

    cr_assert_eq(codec_encode(&message, fixture->frame, sizeof(fixture->frame), &fixture->size),
                 CODEC_OK);
    size = fixture->size - FRAME_HEADER_SIZE;
    unpacked = ftvm__log__boundary__unpack(NULL, size, fixture->frame + FRAME_HEADER_SIZE);
    cr_assert_not_null(unpacked);
    cr_assert_eq(unpacked->n_inputs, 3);
    cr_assert_eq(ftvm__log__boundary__get_packed_size(unpacked), size);
    packed = malloc(size);
    cr_assert_not_null(packed);
    ftvm__log__boundary__pack(unpacked, packed);
    cr_assert_eq(memcmp(packed, fixture->frame + FRAME_HEADER_SIZE, size), 0);
    free(packed);
    ftvm__log__boundary__free_unpacked(unpacked, NULL);
    free(fixture);
}

/* Files of today must be readable tomorrow: these bytes are the format. */
Test(codec, the_frame_is_what_the_header_says)
{
    static const uint8_t expected[] = {
        0x07, 0x00, 0x00, 0x00,                   /* length */
        0x09, 0x00, 0x00, 0x00,                   /* ACK */
        0xcf, 0x1f, 0x21, 0x9f,                   /* CRC32C of all the rest */
        0x08, 0x03, 0x10, 0xac, 0x02, 0x18, 0x07, /* fields 1 to 3; a zero is not written */
    };
    struct message message = {.type = MESSAGE_ACK, .ack = {3, 300, 7, 0}};
    uint8_t frame[64];
    size_t size;

    cr_assert_eq(codec_encode(&message, frame, sizeof(frame), &size), CODEC_OK);
    cr_assert_eq(size, sizeof(expected));
    cr_assert_eq(memcmp(frame, expected, sizeof(expected)), 0);
}

Test(codec, a_copy_stands_on_its_own)
{
    struct fixture *fixture = fixture_new();

    for (int type = MESSAGE_HELLO; type < MESSAGE_TYPE_END; type++) {
        for (int kind = SAMPLE_EMPTY; kind < SAMPLE_KIND_END; kind++) {
            struct message message =
                sample_make(&fixture->samples, (enum message_type)type, (enum sample_kind)kind);
            struct message *copy = message_copy(NULL, &message);

            cr_assert_not_null(copy);
            cr_assert(same_message(&message, copy));
            message_free(NULL, copy);
        }
    }
    message_free(NULL, NULL);
    free(fixture);
}

/* Decodes with each allocation failing in turn, until none is left to fail. */
static void expect_no_leak(struct fixture *fixture, const struct message *message)
{
    enum codec_result result = CODEC_E_MEMORY;

    cr_assert_eq(codec_encode(message, fixture->frame, sizeof(fixture->frame), &fixture->size),
                 CODEC_OK);
    for (unsigned long fails_at = 1; result == CODEC_E_MEMORY; fails_at++) {
        struct scarce_memory scarce = {.fails_at = fails_at};
        struct memory memory = scarce_memory(&scarce);
        struct message *decoded;
        size_t used;

        result = codec_decode(&memory, fixture->frame, fixture->size, &decoded, &used);
        if (scarce_has_failed(&scarce)) {
            cr_assert_eq(result, CODEC_E_MEMORY, "%s, allocation %lu: %s",
                         message_type_name(message->type), fails_at, codec_strerror(result));
            cr_assert_null(decoded);
            cr_assert_eq(used, 0);
        } else {
            cr_assert_eq(result, CODEC_OK);
            cr_assert(same_message(message, decoded));
        }
        message_free(&memory, decoded);
        cr_assert_eq(scarce.live, 0);
    }
}

Test(codec, decoding_without_memory_leaves_nothing)
{
    struct fixture *fixture = fixture_new();

    for (int type = MESSAGE_HELLO; type < MESSAGE_TYPE_END; type++) {
        for (int kind = SAMPLE_EMPTY; kind < SAMPLE_KIND_END; kind++) {
            struct message message =
                sample_make(&fixture->samples, (enum message_type)type, (enum sample_kind)kind);

            expect_no_leak(fixture, &message);
        }
    }
    free(fixture);
}

Test(codec, every_result_has_a_text)
{
    for (int result = CODEC_E_SPACE; result <= CODEC_MORE; result++) {
        cr_expect_str_neq(codec_strerror((enum codec_result)result), "?");
    }
}
