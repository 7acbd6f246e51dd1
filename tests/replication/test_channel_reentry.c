/* Owners that call the channel from its own callbacks: each call from each callback. */
#include "tests/replication/channel_harness.h"

enum act { ACT_SEND, ACT_CLOSE, ACT_ABORT, ACT_CLOSE_AND_ABORT, ACT_DESTROY, ACT_END };

struct script {
    enum act act;
    unsigned acted;
};

static void act(struct owner *owner, channel_peer peer)
{
    struct script *script = owner->data;
    struct message ack = make_ack(1);

    if (script->acted++ > 0)
        return;
    switch (script->act) {
    case ACT_SEND:
        for (unsigned i = 0; i < 100; i++)
            channel_send(owner->channel, peer, &ack);
        break;
    case ACT_CLOSE: channel_close(owner->channel, peer); break;
    case ACT_ABORT: channel_abort(owner->channel, peer); break;
    case ACT_CLOSE_AND_ABORT:
        channel_close(owner->channel, peer);
        channel_abort(owner->channel, peer);
        break;
    case ACT_DESTROY:
        channel_destroy(owner->channel);
        owner->channel = NULL;
        break;
    case ACT_END: break;
    }
}

static bool ends_it(enum act what)
{
    return what != ACT_SEND;
}

Test(channel_reentry, from_connected_of_who_connects)
{
    for (enum act what = 0; what < ACT_END; what++) {
        struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
        struct script script = {what, 0};
        struct owner primary, backup;

        owner_init(&primary, loop);
        owner_init(&backup, loop);
        backup.data = &script;
        backup.on_connected = act;
        primary.authorise = false;
        owner_listen(&primary, "127.0.0.1:0");
        owner_connect_port(&backup, "127.0.0.1", channel_port(primary.channel));
        run_until(loop, &script.acted, 1);
        run_until(loop, &primary.connected, 1);
        /* ACT_SEND makes a stranger that says too much. */
        run_until(loop, &primary.lost, 1);
        channel_destroy(primary.channel);
        channel_destroy(backup.channel);
        ev_loop_destroy(loop);
    }
}

Test(channel_reentry, from_connected_of_who_listens)
{
    for (enum act what = 0; what < ACT_END; what++) {
        struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
        struct script script = {what, 0};
        struct owner primary, backup;

        owner_init(&primary, loop);
        owner_init(&backup, loop);
        primary.data = &script;
        primary.on_connected = act;
        owner_listen(&primary, "127.0.0.1:0");
        owner_connect_port(&backup, "127.0.0.1", channel_port(primary.channel));
        run_until(loop, &script.acted, 1);
        if (ends_it(what))
            run_until(loop, &backup.lost, 1);
        else
            run_until(loop, &backup.received, 100);
        channel_destroy(primary.channel);
        channel_destroy(backup.channel);
        ev_loop_destroy(loop);
    }
}

Test(channel_reentry, from_received_with_more_messages_behind)
{
    for (enum act what = 0; what < ACT_END; what++) {
        struct script script = {what, 0};
        struct pair pair;

        pair_open(&pair);
        pair.backup.data = &script;
        pair.backup.on_received = act;
        for (uint64_t i = 1; i <= 50; i++)
            cr_assert_eq(owner_send_ack(&pair.primary, i), 0);
        if (ends_it(what)) {
            run_until(pair.loop, &pair.primary.lost, 1);
            cr_assert_eq(pair.backup.received, 1);
        } else {
            run_until(pair.loop, &pair.backup.received, 50);
            run_until(pair.loop, &pair.primary.received, 100);
        }
        cr_assert_eq(pair.backup.lost, 0);
        pair_close(&pair);
    }
}

Test(channel_reentry, from_lost)
{
    for (enum act what = 0; what < ACT_END; what++) {
        struct script script = {what, 0};
        struct pair pair;

        pair_open(&pair);
        pair.backup.data = &script;
        pair.backup.on_lost = act;
        channel_abort(pair.primary.channel, pair.primary.peer);
        run_until(pair.loop, &pair.backup.lost, 1);
        run_some(pair.loop);
        cr_assert_eq(pair.backup.lost, 1);
        pair_close(&pair);
    }
}

Test(channel_reentry, from_lost_of_a_failed_write)
{
    for (enum act what = 0; what < ACT_END; what++) {
        struct script script = {what, 0};
        struct pair pair;

        pair_open(&pair);
        pair.backup.data = &script;
        pair.backup.on_lost = act;
        channel_abort(pair.primary.channel, pair.primary.peer);
        for (unsigned i = 0; i < 10; i++)
            cr_assert_eq(owner_send_ack(&pair.backup, i), 0);
        run_until(pair.loop, &pair.backup.lost, 1);
        run_some(pair.loop);
        cr_assert_eq(pair.backup.lost, 1);
        pair_close(&pair);
    }
}

Test(channel_reentry, from_drained, .timeout = 120)
{
    for (enum act what = 0; what < ACT_END; what++) {
        struct script script = {what, 0};
        uint64_t next = 1;
        struct pair pair;

        pair_open(&pair);
        pair.primary.data = &script;
        pair.primary.on_drained = act;
        while (owner_send_ack(&pair.primary, next) == 0)
            next++;
        run_until(pair.loop, &pair.primary.drained, 1);
        if (ends_it(what))
            run_until(pair.loop, &pair.backup.lost, 1);
        else
            run_until(pair.loop, &pair.backup.received, (unsigned)next - 1 + 100);
        cr_assert_eq(pair.primary.lost, 0);
        pair_close(&pair);
    }
}

static void connect_again(struct owner *owner, channel_peer peer)
{
    (void)peer;
    if (owner->lost < 20)
        owner_connect_port(owner, "127.0.0.1", *(uint16_t *)owner->data);
}

Test(channel_reentry, who_is_refused_may_connect_again_at_once)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct owner backup;
    uint16_t port;

    close(raw_listen(&port));
    owner_init(&backup, loop);
    backup.data = &port;
    backup.on_lost = connect_again;
    owner_connect_port(&backup, "127.0.0.1", port);
    run_until(loop, &backup.lost, 20);
    channel_destroy(backup.channel);
    ev_loop_destroy(loop);
}

Test(channel_reentry, a_channel_may_be_destroyed_with_all_kinds_of_connections)
{
    struct pair pair;
    int fds[3];

    pair_open(&pair);
    for (unsigned i = 0; i < 3; i++)
        fds[i] = raw_connect(channel_port(pair.primary.channel));
    run_until(pair.loop, &pair.primary.connected, 4);
    channel_close(pair.primary.channel, pair.primary.peer);
    owner_connect_port(&pair.primary, "127.0.0.1", channel_port(pair.primary.channel));
    pair_close(&pair);
    for (unsigned i = 0; i < 3; i++)
        close(fds[i]);
}
