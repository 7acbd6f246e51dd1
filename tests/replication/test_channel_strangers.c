/* Those who connect and have not been accepted: whatever they send, they cost little and not long.
 */
#include <stdlib.h>

#include "tests/replication/channel_harness.h"

struct scene {
    struct ev_loop *loop;
    struct owner primary;
};

static void scene_open(struct scene *scene)
{
    scene->loop = ev_loop_new(EVFLAG_AUTO);
    owner_init(&scene->primary, scene->loop);
    scene->primary.authorise = false;
    owner_listen(&scene->primary, "127.0.0.1:0");
}

static void scene_close(struct scene *scene)
{
    channel_destroy(scene->primary.channel);
    ev_loop_destroy(scene->loop);
}

static int scene_connect(struct scene *scene)
{
    unsigned before = scene->primary.connected;
    int fd = raw_connect(channel_port(scene->primary.channel));

    run_until(scene->loop, &scene->primary.connected, before + 1);
    return fd;
}

/* The stranger sends this, and is thrown out with such a reason, without having been heard. */
static void expect_thrown_out(const void *data, size_t size, const char *reason)
{
    struct scene scene;
    int fd;

    scene_open(&scene);
    fd = scene_connect(&scene);
    raw_send(fd, data, size);
    run_until(scene.loop, &scene.primary.lost, 1);
    cr_assert_eq(scene.primary.received, 0);
    cr_assert_not_null(strstr(scene.primary.reason, reason), "%s", scene.primary.reason);
    raw_expect_end(scene.loop, fd);
    close(fd);
    scene_close(&scene);
}

Test(channel_strangers, garbage)
{
    uint8_t bytes[5000];

    memset(bytes, 0xa5, sizeof(bytes));
    expect_thrown_out(bytes, sizeof(bytes), "not a message");
}

Test(channel_strangers, a_request_of_another_protocol)
{
    const char *request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    expect_thrown_out(request, strlen(request), "not a message");
}

Test(channel_strangers, random_bytes)
{
    for (unsigned seed = 1; seed <= 100; seed++) {
        uint8_t bytes[200];
        unsigned state = seed;

        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (uint8_t)rand_r(&state);
        bytes[3] |= 1; /* or it may be a length that waits for more */
        expect_thrown_out(bytes, sizeof(bytes), "not a message");
    }
}

Test(channel_strangers, a_length_over_the_limit_is_not_waited_for)
{
    uint8_t header[FRAME_HEADER_SIZE] = {0};
    uint32_t length = LOG_MAX_PAYLOAD + 1;

    memcpy(header, &length, sizeof(length));
    header[4] = MESSAGE_HELLO;
    expect_thrown_out(header, sizeof(header), "not a message");
}

Test(channel_strangers, more_bytes_than_a_hello_has)
{
    uint8_t *data = calloc(1, LOG_MAX_CHUNK);
    uint8_t *frame = malloc(FRAME_MAX_SIZE);
    struct message chunk = make_chunk(data, LOG_MAX_CHUNK);

    expect_thrown_out(frame, encode(&chunk, frame, FRAME_MAX_SIZE), "bytes before");
    free(data);
    free(frame);
}

Test(channel_strangers, the_largest_hello_is_heard)
{
    uint8_t *description = calloc(1, LOG_MAX_DESCRIPTION);
    uint8_t *frame = malloc(FRAME_MAX_SIZE);
    struct message hello = make_hello();
    struct scene scene;
    int fd;

    hello.hello.description = (struct log_bytes){description, LOG_MAX_DESCRIPTION};
    scene_open(&scene);
    fd = scene_connect(&scene);
    raw_send(fd, frame, encode(&hello, frame, FRAME_MAX_SIZE));
    run_until(scene.loop, &scene.primary.received, 1);
    close(fd);
    scene_close(&scene);
    free(description);
    free(frame);
}

Test(channel_strangers, a_hello_cut_anywhere)
{
    struct message hello = make_hello();
    uint8_t frame[256];
    size_t size = encode(&hello, frame, sizeof(frame));
    struct scene scene;

    scene_open(&scene);
    for (size_t cut = 0; cut < size; cut++) {
        int fd = scene_connect(&scene);

        raw_send(fd, frame, cut);
        close(fd);
        run_until(scene.loop, &scene.primary.lost, (unsigned)cut + 1);
        cr_assert_not_null(strstr(scene.primary.reason, "closed the connection"));
        cr_assert_eq(cut > 0, strstr(scene.primary.reason, "middle") != NULL);
    }
    cr_assert_eq(scene.primary.received, 0);
    scene_close(&scene);
}

Test(channel_strangers, a_hello_with_any_bit_flipped, .timeout = 120)
{
    struct message hello = make_hello();
    uint8_t frame[256];
    size_t size = encode(&hello, frame, sizeof(frame));
    struct scene scene;

    scene_open(&scene);
    for (size_t bit = 0; bit < size * 8; bit++) {
        int fd = scene_connect(&scene);

        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        raw_send(fd, frame, size);
        frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        /* With a greater length it is but a beginning, until this end. */
        shutdown(fd, SHUT_WR);
        run_until(scene.loop, &scene.primary.lost, (unsigned)bit + 1);
        close(fd);
    }
    cr_assert_eq(scene.primary.received, 0);
    scene_close(&scene);
}

Test(channel_strangers, a_second_message_before_acceptance)
{
    struct message hello = make_hello();
    struct scene scene;
    int fd;

    scene_open(&scene);
    for (unsigned together = 0; together < 2; together++) {
        fd = scene_connect(&scene);
        raw_send_message(fd, &hello);
        if (!together)
            run_until(scene.loop, &scene.primary.received, 1);
        raw_send_message(fd, &hello);
        run_until(scene.loop, &scene.primary.lost, together + 1);
        cr_assert_eq(scene.primary.received, together + 1);
        cr_assert_not_null(strstr(scene.primary.reason, "more than a HELLO"));
        close(fd);
    }
    scene_close(&scene);
}

Test(channel_strangers, messages_behind_the_hello_wait_for_acceptance_within_received)
{
    struct message hello = make_hello();
    struct message ack = make_ack(1);
    uint8_t bytes[512];
    size_t size = encode(&hello, bytes, sizeof(bytes));
    struct scene scene;
    int fd;

    scene_open(&scene);
    scene.primary.authorise = true;
    fd = scene_connect(&scene);
    size += encode(&ack, bytes + size, sizeof(bytes) - size);
    raw_send(fd, bytes, size);
    run_until(scene.loop, &scene.primary.received, 2);
    cr_assert_eq(scene.primary.lost, 0);
    close(fd);
    scene_close(&scene);
}

Test(channel_strangers, time_ends_the_silent_and_the_unaccepted_alone, .timeout = 120)
{
    struct message hello = make_hello();
    struct scene scene;
    channel_peer accepted;
    int silent, unaccepted, welcome;

    scene_open(&scene);
    welcome = scene_connect(&scene);
    accepted = scene.primary.peer;
    raw_send_message(welcome, &hello);
    run_until(scene.loop, &scene.primary.received, 1);
    channel_authorise(scene.primary.channel, accepted);
    silent = scene_connect(&scene);
    run_until(scene.loop, &scene.primary.lost, 1);
    cr_assert_not_null(strstr(scene.primary.reason, "no HELLO within"));
    raw_expect_end(scene.loop, silent);
    unaccepted = scene_connect(&scene);
    raw_send_message(unaccepted, &hello);
    run_until(scene.loop, &scene.primary.lost, 2);
    cr_assert_not_null(strstr(scene.primary.reason, "not accepted within"));
    raw_expect_end(scene.loop, unaccepted);
    scene.primary.peer = accepted;
    cr_assert_eq(owner_send_ack(&scene.primary, 1), 0);
    close(silent);
    close(unaccepted);
    close(welcome);
    scene_close(&scene);
}

Test(channel_strangers, too_many_are_turned_away_untold)
{
    int fds[CHANNEL_MAX_PEERS + 1];
    struct scene scene;
    int turned_away;

    scene_open(&scene);
    for (unsigned i = 0; i < CHANNEL_MAX_PEERS; i++)
        fds[i] = scene_connect(&scene);
    turned_away = raw_connect(channel_port(scene.primary.channel));
    raw_expect_end(scene.loop, turned_away);
    cr_assert_eq(scene.primary.connected, CHANNEL_MAX_PEERS);
    cr_assert_eq(scene.primary.lost, 0);
    /* One who is accepted is no stranger any more and makes room for the next. */
    channel_authorise(scene.primary.channel, scene.primary.peer);
    fds[CHANNEL_MAX_PEERS] = scene_connect(&scene);
    for (unsigned i = 0; i <= CHANNEL_MAX_PEERS; i++)
        close(fds[i]);
    close(turned_away);
    run_until(scene.loop, &scene.primary.lost, CHANNEL_MAX_PEERS + 1);
    scene_close(&scene);
}

Test(channel_strangers, the_refused_hears_why)
{
    struct message hello = make_hello();
    struct message refuse = {.type = MESSAGE_REFUSE, .refuse = {REFUSE_NAME, "not this machine"}};
    struct message *heard = NULL;
    struct scene scene;
    uint8_t bytes[256];
    size_t used;
    ssize_t size;
    int fd;

    scene_open(&scene);
    fd = scene_connect(&scene);
    raw_send_message(fd, &hello);
    run_until(scene.loop, &scene.primary.received, 1);
    cr_assert_eq(owner_send(&scene.primary, &refuse), 0);
    channel_close(scene.primary.channel, scene.primary.peer);
    raw_send_message(fd, &hello);
    size = recv(fd, bytes, sizeof(bytes), 0);
    cr_assert_gt(size, 0);
    cr_assert_eq(codec_decode(NULL, bytes, (size_t)size, &heard, &used), CODEC_OK);
    cr_assert_eq(heard->type, MESSAGE_REFUSE);
    message_free(NULL, heard);
    close(fd);
    run_until_closed(&scene.primary);
    cr_assert_eq(scene.primary.received, 1);
    cr_assert_eq(scene.primary.lost, 0);
    scene_close(&scene);
}
