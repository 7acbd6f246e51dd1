#include <criterion/criterion.h>
#include <string.h>

#include "logging/crc32c.h"

struct vector {
    uint8_t data[48];
    size_t size;
    uint32_t crc;
};

/* RFC 3720, appendix B.4: its bytes of the checksum, in the order of memory, read as little endian.
 */
static void fill_vectors(struct vector vectors[5])
{
    static const uint8_t read_command[48] = {
        0x01, 0xc0, [16] = 0x14, [22] = 0x04, [27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02};

    memset(vectors, 0, 5 * sizeof(*vectors));
    for (int i = 0; i < 5; i++) {
        vectors[i].size = 32;
    }
    vectors[0].crc = 0x8a9136aa; /* zeroes */
    memset(vectors[1].data, 0xff, 32);
    vectors[1].crc = 0x62a8ab43; /* ones */
    for (uint8_t i = 0; i < 32; i++) {
        vectors[2].data[i] = i;
        vectors[3].data[i] = (uint8_t)(31 - i);
    }
    vectors[2].crc = 0x46dd794e;
    vectors[3].crc = 0x113fdb5c;
    memcpy(vectors[4].data, read_command, sizeof(read_command));
    vectors[4].size = sizeof(read_command);
    vectors[4].crc = 0xd9963a56; /* an iSCSI SCSI Read (10) command */
}

Test(crc32c, gives_the_values_of_rfc_3720)
{
    struct vector vectors[5];

    fill_vectors(vectors);
    for (int i = 0; i < 5; i++) {
        cr_expect_eq(crc32c(0, vectors[i].data, vectors[i].size), vectors[i].crc, "vector %d", i);
        cr_expect_eq(crc32c_by_table(0, vectors[i].data, vectors[i].size), vectors[i].crc,
                     "vector %d by table", i);
    }
    cr_expect_eq(crc32c(0, "123456789", 9), 0xe3069283);
    cr_expect_eq(crc32c(0, NULL, 0), 0);
}

Test(crc32c, table_and_instruction_agree_at_every_size_and_alignment)
{
    uint8_t data[160];

    if (!crc32c_instruction_usable()) {
        return;
    }
    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(i * 131 + 17);
    }
    for (size_t start = 0; start < 16; start++) {
        for (size_t size = 0; size + start <= sizeof(data); size++) {
            uint32_t seed = (uint32_t)(start * 0x9e3779b9u + size);

            cr_assert_eq(crc32c_by_table(seed, data + start, size),
                         crc32c_by_instruction(seed, data + start, size));
        }
    }
}

Test(crc32c, goes_on_over_pieces)
{
    uint8_t data[64];
    uint32_t whole;

    for (size_t i = 0; i < sizeof(data); i++) {
        data[i] = (uint8_t)(255 - i);
    }
    whole = crc32c(0, data, sizeof(data));
    for (size_t cut = 0; cut <= sizeof(data); cut++) {
        cr_assert_eq(crc32c(crc32c(0, data, cut), data + cut, sizeof(data) - cut), whole);
        cr_assert_eq(crc32c_by_table(crc32c_by_table(0, data, cut), data + cut, sizeof(data) - cut),
                     whole);
    }
}
