/* Frames that no encoder of ours makes: damaged, cut, random, and well-formed with bad payloads. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "logging/codec.h"
#include "logging/crc32c.h"
#include "logging/log.pb-c.h"
#include "logging/scratch.h"
#include "samples.h"

struct fixture {
    struct samples samples;
    uint8_t frame[FRAME_MAX_SIZE + 64];
    size_t size;
    uint64_t random;
};

static struct fixture *fixture_new(void)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    cr_assert_not_null(fixture);
    samples_init(&fixture->samples);
    fixture->random = UINT64_C(0x9e3779b97f4a7c15);
    return fixture;
}

/* xorshift64* */
static uint64_t next_random(struct fixture *fixture)
{
    fixture->random ^= fixture->random >> 12;
    fixture->random ^= fixture->random << 25;
    fixture->random ^= fixture->random >> 27;
    return fixture->random * UINT64_C(0x2545f4914f6cdd1d);
}

static void put_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof(value));
}

static uint8_t *payload_of(struct fixture *fixture)
{
    return fixture->frame + FRAME_HEADER_SIZE;
}

/* A right header for whatever stands in the payload. */
static void seal(struct fixture *fixture, uint32_t type, size_t payload_size)
{
    put_u32(fixture->frame, (uint32_t)payload_size);
    put_u32(fixture->frame + 4, type);
    put_u32(fixture->frame + 8,
            crc32c(crc32c(0, fixture->frame, 8), payload_of(fixture), payload_size));
    fixture->size = FRAME_HEADER_SIZE + payload_size;
}

/* What comes out must be within the limits and survive a round trip. */
static enum codec_result decode(struct fixture *fixture)
{
    struct message *message;
    size_t used;
    enum codec_result result = codec_decode(NULL, fixture->frame, fixture->size, &message, &used);

    if (result != CODEC_OK) {
        cr_assert_null(message);
        cr_assert_eq(used, 0);
        return result;
    }
    cr_assert_eq(used, fixture->size);
    cr_assert_neq(codec_frame_size(message), 0);
    cr_assert_leq(codec_frame_size(message), FRAME_MAX_SIZE);
    message_free(NULL, message);
    return result;
}

static enum codec_result decode_payload(struct fixture *fixture, enum message_type type,
                                        const void *payload, size_t size)
{
    memcpy(payload_of(fixture), payload, size);
    seal(fixture, type, size);
    return decode(fixture);
}

static enum codec_result decode_packed(struct fixture *fixture, enum message_type type,
                                       const ProtobufCMessage *packed)
{
    cr_assert_leq(protobuf_c_message_get_packed_size(packed), LOG_MAX_PAYLOAD);
    seal(fixture, type, protobuf_c_message_pack(packed, payload_of(fixture)));
    return decode(fixture);
}

static void encode_sample(struct fixture *fixture, int type, int kind)
{
    struct message message =
        sample_make(&fixture->samples, (enum message_type)type, (enum sample_kind)kind);

    cr_assert_eq(codec_encode(&message, fixture->frame, sizeof(fixture->frame), &fixture->size),
                 CODEC_OK);
}

Test(codec_hostile, every_changed_byte_is_detected)
{
    struct fixture *fixture = fixture_new();

    for (int type = MESSAGE_HELLO; type < MESSAGE_TYPE_END; type++) {
        for (int kind = SAMPLE_EMPTY; kind <= SAMPLE_ORDINARY; kind++) {
            encode_sample(fixture, type, kind);
            for (size_t i = 0; i < fixture->size; i++) {
                for (unsigned mask = 1; mask <= 255; mask++) {
                    fixture->frame[i] ^= (uint8_t)mask;
                    cr_assert_neq(decode(fixture), CODEC_OK);
                    fixture->frame[i] ^= (uint8_t)mask;
                }
            }
        }
    }
    free(fixture);
}

Test(codec_hostile, every_truncation_asks_for_more)
{
    struct fixture *fixture = fixture_new();

    for (int type = MESSAGE_HELLO; type < MESSAGE_TYPE_END; type++) {
        size_t whole;

        encode_sample(fixture, type, SAMPLE_ORDINARY);
        whole = fixture->size;
        for (fixture->size = 0; fixture->size < whole; fixture->size++) {
            cr_assert_eq(decode(fixture), CODEC_MORE);
        }
    }
    free(fixture);
}

Test(codec_hostile, a_header_alone_shows_a_bad_type_or_length)
{
    struct fixture *fixture = fixture_new();
    const struct {
        uint32_t length;
        uint32_t type;
        enum codec_result result;
    } cases[] = {
        {0, 0, CODEC_E_TYPE},
        {0, MESSAGE_TYPE_END, CODEC_E_TYPE},
        {0, UINT32_MAX, CODEC_E_TYPE},
        {0, MESSAGE_HEARTBEAT + 65536, CODEC_E_TYPE},
        {UINT32_MAX, MESSAGE_BOUNDARY, CODEC_E_LENGTH},
        {LOG_MAX_PAYLOAD + 1, MESSAGE_BOUNDARY, CODEC_E_LENGTH},
        {LOG_MAX_PAYLOAD, MESSAGE_BOUNDARY, CODEC_MORE},
        {LOG_MAX_PAYLOAD, MESSAGE_HEARTBEAT, CODEC_E_LENGTH},
        {LOG_MAX_PAYLOAD, MESSAGE_VALUE, CODEC_E_LENGTH},
        {LOG_MAX_PAYLOAD, MESSAGE_HELLO, CODEC_E_LENGTH},
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        put_u32(fixture->frame, cases[i].length);
        put_u32(fixture->frame + 4, cases[i].type);
        fixture->size = FRAME_HEADER_SIZE;
        cr_expect_eq(decode(fixture), cases[i].result, "case %zu", i);
    }
    free(fixture);
}

Test(codec_hostile, random_bytes_are_never_a_message)
{
    struct fixture *fixture = fixture_new();

    for (int round = 0; round < 100000; round++) {
        fixture->size = next_random(fixture) % 96;
        for (size_t i = 0; i < fixture->size; i++) {
            fixture->frame[i] = (uint8_t)(next_random(fixture) >> 32);
        }
        if (fixture->size >= FRAME_HEADER_SIZE && round % 2 == 0) {
            put_u32(fixture->frame, (uint32_t)(fixture->size - FRAME_HEADER_SIZE));
            put_u32(fixture->frame + 4, (uint32_t)(round % MESSAGE_TYPE_END));
        }
        cr_assert_neq(decode(fixture), CODEC_OK);
    }
    free(fixture);
}

Test(codec_hostile, random_payloads_are_refused_or_within_limits)
{
    struct fixture *fixture = fixture_new();

    for (int round = 0; round < 100000; round++) {
        size_t size = next_random(fixture) % 64;

        for (size_t i = 0; i < size; i++) {
            payload_of(fixture)[i] = (uint8_t)(next_random(fixture) >> 32);
        }
        seal(fixture, 1 + (uint32_t)(next_random(fixture) % (MESSAGE_TYPE_END - 1)), size);
        decode(fixture);
    }
    free(fixture);
}

Test(codec_hostile, changed_payloads_are_refused_or_within_limits)
{
    struct fixture *fixture = fixture_new();

    for (int round = 0; round < 50000; round++) {
        int type = 1 + round % (MESSAGE_TYPE_END - 1);
        size_t size;

        encode_sample(fixture, type, SAMPLE_ORDINARY);
        size = fixture->size - FRAME_HEADER_SIZE;
        for (int changes = 1 + round % 4; changes > 0; changes--) {
            payload_of(fixture)[next_random(fixture) % (size < 80 ? size : 80)] =
                (uint8_t)(next_random(fixture) >> 32);
        }
        seal(fixture, (uint32_t)type, size - next_random(fixture) % 2);
        decode(fixture);
    }
    free(fixture);
}

Test(codec_hostile, what_is_not_protobuf_is_refused)
{
    struct fixture *fixture = fixture_new();
    const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x08", 1},                                              /* a tag without a value */
        {"\x08\x80", 2},                                          /* a number without end */
        {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12}, /* longer than any */
        {"\x0a\x01x", 3},                                         /* bytes for a number */
        {"\x09\x01\x02\x03\x04\x05\x06\x07\x08", 9},              /* fixed for a varint */
        {"\x0b\x0c", 2},                                          /* a group */
        {"\x00\x00", 2},                                          /* field 0 */
        {"\x3a\x7f", 2},                                          /* longer than the payload */
        {"\x28\x01", 2},                                          /* a field that ACK has not */
    };

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        cr_expect_eq(decode_payload(fixture, MESSAGE_ACK, cases[i].bytes, cases[i].size),
                     CODEC_E_PAYLOAD, "case %zu", i);
    }
    cr_expect_eq(decode_payload(fixture, MESSAGE_ACK, "\x08\x01\x08\x02", 4), CODEC_OK,
                 "a field twice is protobuf: the last one counts");
    free(fixture);
}

/* A later version must be told from a broken one, so that it can be refused with a reason. */
Test(codec_hostile, unknown_fields_pass_in_the_handshake_only)
{
    struct fixture *fixture = fixture_new();
    const uint8_t unknown[] = {0x98, 0x06, 0x01}; /* field 99 */
    const uint8_t in_input[] = {0x62, 0x03, 0x98, 0x06, 0x01};

    for (int type = MESSAGE_HELLO; type < MESSAGE_TYPE_END; type++) {
        bool handshake = type == MESSAGE_HELLO || type == MESSAGE_WELCOME || type == MESSAGE_REFUSE;

        cr_expect_eq(decode_payload(fixture, (enum message_type)type, unknown, sizeof(unknown)),
                     handshake ? CODEC_OK : CODEC_E_PAYLOAD, "%s",
                     message_type_name((enum message_type)type));
    }
    cr_expect_eq(decode_payload(fixture, MESSAGE_BOUNDARY, in_input, sizeof(in_input)),
                 CODEC_E_PAYLOAD);
    free(fixture);
}

static ProtobufCBinaryData bytes_of(const void *data, size_t size)
{
    return (ProtobufCBinaryData){.len = size, .data = (uint8_t *)(uintptr_t)data};
}

Test(codec_hostile, bad_names_are_refused)
{
    struct fixture *fixture = fixture_new();
    char long_name[LOG_MAX_NAME + 1];
    const struct {
        ProtobufCBinaryData name;
        enum codec_result result;
    } cases[] = {
        {bytes_of("web", 3), CODEC_OK},
        {bytes_of(long_name, LOG_MAX_NAME), CODEC_OK},
        {bytes_of(long_name, LOG_MAX_NAME + 1), CODEC_E_LIMIT},
        {bytes_of("w\0b", 3), CODEC_E_PAYLOAD},
        {bytes_of("web\0", 4), CODEC_E_PAYLOAD},
        {bytes_of("w\nb", 3), CODEC_E_LIMIT},
    };

    memset(long_name, 'n', sizeof(long_name));
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        Ftvm__Log__Hello hello = FTVM__LOG__HELLO__INIT;
        Ftvm__Log__Welcome welcome = FTVM__LOG__WELCOME__INIT;

        hello.name = cases[i].name;
        cr_expect_eq(decode_packed(fixture, MESSAGE_HELLO, &hello.base), cases[i].result);
        hello.name = bytes_of(NULL, 0);
        hello.replica = cases[i].name;
        cr_expect_eq(decode_packed(fixture, MESSAGE_HELLO, &hello.base), cases[i].result);
        welcome.name = cases[i].name;
        cr_expect_eq(decode_packed(fixture, MESSAGE_WELCOME, &welcome.base), cases[i].result);
        welcome.name = bytes_of(NULL, 0);
        welcome.replica = cases[i].name;
        cr_expect_eq(decode_packed(fixture, MESSAGE_WELCOME, &welcome.base), cases[i].result);
    }
    free(fixture);
}

static void expect_parts(struct fixture *fixture, Ftvm__Log__Bye *bye, size_t count,
                         size_t value_size, enum codec_result result)
{
    Ftvm__Log__Part part = FTVM__LOG__PART__INIT;
    Ftvm__Log__Part *parts[LOG_MAX_PARTS + 1];
    part.name = bytes_of("page", 4);
    part.value = bytes_of("123456789", value_size);
    for (size_t i = 0; i < count; i++) {
        parts[i] = &part;
    }
    bye->n_parts = count;
    bye->parts = parts;
    cr_expect_eq(decode_packed(fixture, MESSAGE_BYE, &bye->base), result);
}

Test(codec_hostile, decoder_refuses_what_is_beyond_a_limit)
{
    struct fixture *fixture = fixture_new();
    const uint8_t *data = fixture->samples.data;
    uint8_t *long_chunk = calloc(1, LOG_MAX_CHUNK + 1);
    Ftvm__Log__Hello hello = FTVM__LOG__HELLO__INIT;
    Ftvm__Log__Welcome welcome = FTVM__LOG__WELCOME__INIT;
    Ftvm__Log__Refuse refuse = FTVM__LOG__REFUSE__INIT;
    Ftvm__Log__StateChunk chunk = FTVM__LOG__STATE_CHUNK__INIT;
    Ftvm__Log__Value value = FTVM__LOG__VALUE__INIT;
    Ftvm__Log__Bye bye = FTVM__LOG__BYE__INIT;
    char long_reason[LOG_MAX_REASON + 1];

    cr_assert_not_null(long_chunk);
    memset(long_reason, 'r', sizeof(long_reason));
    hello.description = bytes_of(data, LOG_MAX_DESCRIPTION + 1);
    cr_expect_eq(decode_packed(fixture, MESSAGE_HELLO, &hello.base), CODEC_E_LIMIT);
    welcome.description = bytes_of(data, LOG_MAX_DESCRIPTION + 1);
    cr_expect_eq(decode_packed(fixture, MESSAGE_WELCOME, &welcome.base), CODEC_E_LIMIT);
    refuse.reason = bytes_of(long_reason, sizeof(long_reason));
    cr_expect_eq(decode_packed(fixture, MESSAGE_REFUSE, &refuse.base), CODEC_E_LIMIT);
    refuse.reason = bytes_of("a\0b", 3);
    cr_expect_eq(decode_packed(fixture, MESSAGE_REFUSE, &refuse.base), CODEC_E_PAYLOAD);
    chunk.data = bytes_of(long_chunk, LOG_MAX_CHUNK + 1);
    cr_expect_eq(decode_packed(fixture, MESSAGE_STATE_CHUNK, &chunk.base), CODEC_E_LIMIT);
    value.data = bytes_of(data, LOG_MAX_VALUE + 1);
    cr_expect_eq(decode_packed(fixture, MESSAGE_VALUE, &value.base), CODEC_E_LIMIT);
    bye.reason = bytes_of(long_reason, sizeof(long_reason));
    cr_expect_eq(decode_packed(fixture, MESSAGE_BYE, &bye.base), CODEC_E_LIMIT);
    bye.reason = bytes_of("a\0b", 3);
    cr_expect_eq(decode_packed(fixture, MESSAGE_BYE, &bye.base), CODEC_E_PAYLOAD);
    bye.reason = bytes_of("r", 1);
    expect_parts(fixture, &bye, LOG_MAX_PARTS, 1, CODEC_OK);
    expect_parts(fixture, &bye, LOG_MAX_PARTS + 1, 1, CODEC_E_LIMIT);
    expect_parts(fixture, &bye, 1, LOG_MAX_PART_VALUE, CODEC_OK);
    expect_parts(fixture, &bye, 1, LOG_MAX_PART_VALUE + 1, CODEC_E_LIMIT);
    free(long_chunk);
    free(fixture);
}

/* `count` inputs of `size` bytes each, the last one longer by `more`. */
static enum codec_result decode_inputs(struct fixture *fixture, size_t count, size_t size,
                                       size_t more)
{
    static const Ftvm__Log__Input empty = FTVM__LOG__INPUT__INIT;
    uint8_t *data = calloc(1, size + more + 1);
    Ftvm__Log__Input *inputs = calloc(count, sizeof(*inputs));
    Ftvm__Log__Input **pointers = calloc(count, sizeof(Ftvm__Log__Input *));
    Ftvm__Log__Boundary boundary = FTVM__LOG__BOUNDARY__INIT;
    enum codec_result result;

    cr_assert(data != NULL && inputs != NULL && pointers != NULL);
    for (size_t i = 0; i < count; i++) {
        inputs[i] = empty;
        inputs[i].data = bytes_of(data, i + 1 == count ? size + more : size);
        pointers[i] = &inputs[i];
    }
    boundary.n_inputs = count;
    boundary.inputs = pointers;
    result = decode_packed(fixture, MESSAGE_BOUNDARY, &boundary.base);
    free(data);
    free(inputs);
    free(pointers);
    return result;
}

Test(codec_hostile, decoder_refuses_a_boundary_beyond_its_limits)
{
    struct fixture *fixture = fixture_new();
    const size_t each = LOG_MAX_INPUT_BYTES / LOG_MAX_INPUTS;

    cr_expect_eq(decode_inputs(fixture, LOG_MAX_INPUTS, 0, 0), CODEC_OK);
    cr_expect_eq(decode_inputs(fixture, LOG_MAX_INPUTS + 1, 0, 0), CODEC_E_LIMIT);
    cr_expect_eq(decode_inputs(fixture, 1, LOG_MAX_INPUT, 0), CODEC_OK);
    cr_expect_eq(decode_inputs(fixture, 1, LOG_MAX_INPUT, 1), CODEC_E_LIMIT);
    cr_expect_eq(decode_inputs(fixture, LOG_MAX_INPUTS, each, 0), CODEC_OK);
    cr_expect_eq(decode_inputs(fixture, LOG_MAX_INPUTS, each, 1), CODEC_E_LIMIT);
    free(fixture);
}

/* The memory for decoding is bounded; the bound must not refuse what the limits allow. */
Test(codec_hostile, inputs_of_every_size_fit_into_the_memory_for_decoding)
{
    struct fixture *fixture = fixture_new();

    for (size_t size = 1; size <= LOG_MAX_INPUT; size += 1 + size / 7) {
        size_t count = LOG_MAX_INPUT_BYTES / size;

        count = count > LOG_MAX_INPUTS ? LOG_MAX_INPUTS : count;
        cr_expect_eq(decode_inputs(fixture, count, size, 0), CODEC_OK, "%zu of %zu", count, size);
    }
    free(fixture);
}

/* Two bytes each on the wire, and structs of fifty in memory. */
Test(codec_hostile, a_payload_full_of_empty_inputs_is_refused)
{
    struct fixture *fixture = fixture_new();

    for (size_t i = 0; i < LOG_MAX_PAYLOAD; i += 2) {
        payload_of(fixture)[i] = 0x62;
        payload_of(fixture)[i + 1] = 0x00;
    }
    seal(fixture, MESSAGE_BOUNDARY, LOG_MAX_PAYLOAD);
    cr_expect_eq(decode(fixture), CODEC_E_PAYLOAD);
    free(fixture);
}

Test(codec_hostile, scratch_gives_no_more_than_its_budget)
{
    struct scratch scratch;
    size_t given = 0;
    void *piece;

    scratch_init(&scratch, NULL, 100000);
    while ((piece = scratch_alloc(&scratch, 100)) != NULL) {
        cr_assert_eq((uintptr_t)piece % 16, 0);
        memset(piece, 0xff, 100);
        given += 112;
    }
    cr_expect_leq(given, SCRATCH_INLINE + 100000);
    cr_expect_geq(given, 100000);
    cr_expect_not(scratch.out_of_memory);
    cr_expect_null(scratch_alloc(&scratch, SIZE_MAX));
    scratch_free(&scratch);
    scratch_init(&scratch, NULL, 0);
    cr_expect_not_null(scratch_alloc(&scratch, SCRATCH_INLINE));
    cr_expect_null(scratch_alloc(&scratch, 1));
    scratch_free(&scratch);
}
