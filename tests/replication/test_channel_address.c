/* Addresses of the channel: what is one, and which of them an unencrypted channel may use. */
#include "tests/replication/channel_harness.h"

static int check(const char *address, bool insecure, char error[256])
{
    error[0] = '\0';
    return channel_check_address(address, insecure, error, 256);
}

Test(channel_address, loopback_is_allowed)
{
    const char *addresses[] = {"127.0.0.1:7000",  "127.9.8.7:1", "[::1]:7000",
                               "localhost:65535", "127.0.0.1:0", "[::ffff:127.0.0.1]:7000"};
    char error[256];

    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        cr_assert_eq(check(addresses[i], false, error), 0, "%s: %s", addresses[i], error);
        cr_assert_eq(check(addresses[i], true, error), 0, "%s: %s", addresses[i], error);
    }
}

Test(channel_address, other_hosts_and_all_interfaces_need_insecure)
{
    const char *addresses[] = {"0.0.0.0:7000",        "192.0.2.1:7000", "[::]:7000",
                               "[2001:db8::1]:7000",  "0:7000",         "[::ffff:192.0.2.1]:7000",
                               "128.0.0.1:7000",      "[fe80::1]:7000", "[::127.0.0.1]:7000",
                               "126.255.255.255:7000"};
    char error[256];

    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        cr_assert_eq(check(addresses[i], false, error), -EACCES, "%s", addresses[i]);
        cr_assert_not_null(strstr(error, "unless insecure_channel is set"), "%s", error);
        cr_assert_eq(check(addresses[i], true, error), 0, "%s: %s", addresses[i], error);
    }
}

Test(channel_address, what_is_none_is_refused_with_a_reason)
{
    const char *addresses[] = {"",         ":",          "localhost",   ":7000",    "[]:7000",
                               "host:",    "host:70000", "host:-1",     "host: 7",  "host:7x",
                               "::1:7000", "[::1]7000",  "host:000007", "a:b:7000", "fe80::1",
                               "[::1]"};
    char error[256];

    for (size_t i = 0; i < sizeof(addresses) / sizeof(*addresses); i++) {
        cr_assert_eq(check(addresses[i], true, error), -EINVAL, "'%s': %s", addresses[i], error);
        cr_assert_neq(error[0], '\0');
        cr_assert_null(strchr(error, '\n'));
    }
}

Test(channel_address, a_long_host_is_refused)
{
    char address[600];
    char error[256];

    memset(address, 'h', sizeof(address));
    strcpy(address + 300, ":7000");
    cr_assert_eq(check(address, true, error), -EINVAL);
}

Test(channel_address, a_host_that_does_not_resolve_is_named)
{
    char error[256];

    cr_assert_eq(check("[no:such:address]:7000", true, error), -EADDRNOTAVAIL, "%s", error);
    cr_assert_not_null(strstr(error, "no:such:address"), "%s", error);
    cr_assert_eq(check("no-such-host.invalid:7000", true, error), -EADDRNOTAVAIL, "%s", error);
    cr_assert_not_null(strstr(error, "no-such-host.invalid"), "%s", error);
}

Test(channel_address, listening_and_connecting_obey_the_rule)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct owner owner;
    channel_peer peer = 0;
    char error[256];

    owner_init(&owner, loop);
    cr_assert_eq(channel_listen(owner.channel, "0.0.0.0:0", false, error, sizeof(error)), -EACCES);
    cr_assert_eq(channel_port(owner.channel), 0);
    cr_assert_eq(channel_connect(owner.channel, "192.0.2.1:7", false, &peer, error, sizeof(error)),
                 -EACCES);
    cr_assert_eq(peer, 0);
    /* A name resolved for an insecure connection is not allowed for others thereby. */
    if (channel_connect(owner.channel, "192.0.2.1:7", true, &peer, error, sizeof(error)) == 0)
        channel_abort(owner.channel, peer);
    cr_assert_eq(channel_connect(owner.channel, "192.0.2.1:7", false, &peer, error, sizeof(error)),
                 -EACCES);
    cr_assert_eq(channel_listen(owner.channel, "0.0.0.0:0", true, error, sizeof(error)), 0, "%s",
                 error);
    cr_assert_neq(channel_port(owner.channel), 0);
    channel_destroy(owner.channel);
    ev_loop_destroy(loop);
}

Test(channel_address, a_busy_port_is_told_clearly_and_may_be_tried_again)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct owner first, second;
    char address[64];
    char error[256];

    owner_init(&first, loop);
    owner_init(&second, loop);
    owner_listen(&first, "127.0.0.1:0");
    snprintf(address, sizeof(address), "127.0.0.1:%u", channel_port(first.channel));
    cr_assert_eq(channel_listen(second.channel, address, false, error, sizeof(error)), -EADDRINUSE);
    cr_assert_not_null(strstr(error, address), "%s", error);
    cr_assert_not_null(strstr(error, "in use"), "%s", error);
    cr_assert_eq(channel_listen(first.channel, address, false, error, sizeof(error)), -EALREADY);
    channel_destroy(first.channel);
    owner_listen(&second, address);
    channel_destroy(second.channel);
    ev_loop_destroy(loop);
}

Test(channel_address, port_zero_cannot_be_connected_to)
{
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct owner owner;
    channel_peer peer = 0;
    char error[256];

    owner_init(&owner, loop);
    cr_assert_eq(channel_connect(owner.channel, "127.0.0.1:0", false, &peer, error, sizeof(error)),
                 -EINVAL);
    cr_assert_not_null(strstr(error, "port 0"), "%s", error);
    channel_destroy(owner.channel);
    ev_loop_destroy(loop);
}
