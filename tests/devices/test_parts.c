/* The small parts that devices are made of. */
#include <criterion/criterion.h>
#include <string.h>

#include "tests/devices/support/device_ops.h"
#include "vmm/devices/byte_queue.h"
#include "vmm/devices/ethernet.h"
#include "vmm/devices/random_stream.h"

Test(byte_queue, keeps_order_over_the_end_of_the_ring)
{
    struct byte_queue queue;
    cr_assert(byte_queue_init(&queue, 7));
    uint8_t next_in = 0;
    uint8_t next_out = 0;
    for (unsigned round = 0; round < 100; round++) {
        uint8_t in[5] = {next_in, next_in + 1, next_in + 2, next_in + 3, next_in + 4};
        next_in += (uint8_t)byte_queue_put(&queue, in, round % 6);
        uint8_t out[4];
        uint32_t count = byte_queue_get(&queue, out, round % 5);
        for (uint32_t i = 0; i < count; i++) {
            cr_assert_eq(out[i], next_out++);
        }
        cr_assert_eq((uint8_t)(next_in - next_out), queue.size);
    }
    byte_queue_free(&queue);
}

/* RFC 8439, 2.3.2. */
Test(random_stream, block_function_gives_the_rfcs_vector)
{
    static const uint8_t nonce[12] = {0, 0, 0, 9, 0, 0, 0, 0x4a};
    static const uint8_t expected_start[16] = {0x10, 0xf1, 0xe7, 0xe4, 0xd1, 0x3b, 0x59, 0x15,
                                               0x50, 0x0f, 0xdd, 0x1f, 0xa3, 0x20, 0x71, 0xc4};
    static const uint8_t expected_end[8] = {0xa2, 0x50, 0x3c, 0x4e};
    uint8_t key[32];
    uint8_t block[64];
    for (unsigned i = 0; i < sizeof key; i++) {
        key[i] = (uint8_t)i;
    }
    chacha20_block(key, 1, nonce, block);
    cr_assert_arr_eq(block, expected_start, sizeof expected_start);
    cr_assert_arr_eq(block + 60, expected_end, 4);
}

Test(random_stream, never_gives_the_same_twice_and_always_the_same_from_a_key)
{
    struct random_stream one = {.key = {1}};
    struct random_stream other = one;
    uint8_t first[100], second[100], again[100];
    random_stream_take(&one, first, sizeof first);
    random_stream_take(&one, second, sizeof second);
    cr_assert_neq(memcmp(first, second, sizeof first), 0);
    random_stream_take(&other, again, sizeof again);
    cr_assert_arr_eq(first, again, sizeof first);
    random_stream_take(&other, again, sizeof again);
    cr_assert_arr_eq(second, again, sizeof second);
    cr_assert_arr_eq(one.key, other.key, sizeof one.key);
}

static void fill_frame(uint8_t frame[64], uint16_t type)
{
    memset(frame, 0, 64);
    memcpy(frame + 6, test_mac, 6);
    frame[12] = (uint8_t)(type >> 8);
    frame[13] = (uint8_t)type;
}

Test(ethernet, finds_the_sender_of_ipv4_and_arp)
{
    static const uint8_t address[4] = {10, 0, 2, 15};
    static const uint8_t arp[6] = {0, 1, 8, 0, 6, 4};
    uint8_t frame[64];
    uint32_t found;
    fill_frame(frame, 0x0800);
    frame[14] = 0x45;
    memcpy(frame + 26, address, 4);
    found = ethernet_sender_ipv4(frame, sizeof frame, test_mac);
    cr_assert_arr_eq(&found, address, 4);
    cr_assert_eq(ethernet_sender_ipv4(frame, 33, test_mac), 0, "cut short");
    frame[6]++;
    cr_assert_eq(ethernet_sender_ipv4(frame, sizeof frame, test_mac), 0, "forwarded");
    fill_frame(frame, 0x0806);
    memcpy(frame + 14, arp, 6);
    memcpy(frame + 28, address, 4);
    found = ethernet_sender_ipv4(frame, 42, test_mac);
    cr_assert_arr_eq(&found, address, 4);
    cr_assert_eq(ethernet_sender_ipv4(frame, 41, test_mac), 0);
    fill_frame(frame, 0x86dd);
    cr_assert_eq(ethernet_sender_ipv4(frame, sizeof frame, test_mac), 0);
    cr_assert_eq(ethernet_sender_ipv4(frame, 13, test_mac), 0);
}
