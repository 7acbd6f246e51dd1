/* The text of --net: what it means, and that a mistake is answered with what was expected. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vmm/backends/nic.h"

static struct nic_config parsed(const char *text)
{
    struct nic_config config;
    char error[256] = "";

    cr_assert_eq(nic_config_parse(&config, text, error, sizeof(error)), 0, "%s: %s", text, error);
    return config;
}

Test(nic_config, names_the_network)
{
    cr_expect_eq(parsed("none").kind, NIC_NONE);
    cr_expect_eq(parsed("user").kind, NIC_USER);
    cr_expect_eq(parsed("tap:tap0").kind, NIC_TAP);
    cr_expect_str_eq(parsed("tap:tap0").interface, "tap0");
    cr_expect_eq(parsed("pcap:enp3s0.100").kind, NIC_PCAP);
    cr_expect_str_eq(parsed("pcap:enp3s0.100").interface, "enp3s0.100");
    cr_expect_str_eq(parsed("tap:fifteen-letters").interface, "fifteen-letters");
}

Test(nic_config, every_network_takes_a_mac_and_a_capture)
{
    static const char *const networks[] = {"none", "user", "tap:t", "pcap:e"};
    static const uint8_t mac[6] = {0x52, 0x54, 0x00, 0xaB, 0xCd, 0xef};

    for (unsigned i = 0; i < 4; i++) {
        char text[128];
        struct nic_config config;

        snprintf(text, sizeof(text), "%s,capture=/tmp/a b.pcap,mac=52:54:00:aB:Cd:ef", networks[i]);
        config = parsed(text);
        cr_expect(config.has_mac);
        cr_expect_arr_eq(config.mac, mac, 6);
        cr_expect_str_eq(config.capture, "/tmp/a b.pcap");
    }
    cr_expect_not(parsed("user").has_mac);
    cr_expect_str_eq(parsed("user").capture, "");
}

Test(nic_config, several_ports_are_forwarded)
{
    struct nic_config config = parsed(
        "user,hostfwd=tcp::2222-:22,hostfwd=udp:0.0.0.0:53-:65535,hostfwd=tcp:10.1.2.3:1-:80");

    cr_assert_eq(config.forward_count, 3);
    cr_expect_eq(config.forwards[0].host_address, htonl(INADDR_LOOPBACK));
    cr_expect_eq(config.forwards[0].host_port, 2222);
    cr_expect_eq(config.forwards[0].guest_port, 22);
    cr_expect_not(config.forwards[0].udp);
    cr_expect(config.forwards[1].udp);
    cr_expect_eq(config.forwards[1].host_address, 0);
    cr_expect_eq(config.forwards[1].guest_port, 65535);
    cr_expect_eq(config.forwards[2].host_address, inet_addr("10.1.2.3"));
}

Test(nic_config, a_mistake_is_answered_with_what_was_expected)
{
    static const struct {
        const char *text;
        const char *answer;
    } mistakes[] = {
        {"", "expected tap:INTERFACE, pcap:INTERFACE, user or none"},
        {"bridge:br0", "'bridge:br0' is no network"},
        {"User", "'User' is no network"},
        {"user:", "'user:' is no network"},
        {",mac=52:54:00:12:34:56", "'' is no network"},
        {"tap", "write tap:INTERFACE"},
        {"tap:", "write tap:INTERFACE"},
        {"pcap:", "write pcap:INTERFACE"},
        {"tap:sixteen-letters-", "at most 15 characters"},
        {"tap:a/b", "no '/'"},
        {"user,", "'' is no option"},
        {"user,speed=9", "'speed=9' is no option; expected mac="},
        {"user,mac", "'mac' is no option"},
        {"user,mac=", "expected mac=xx:xx:xx:xx:xx:xx"},
        {"user,mac=52:54:00:12:34", "is no MAC address"},
        {"user,mac=52:54:00:12:34:5g", "is no MAC address"},
        {"user,mac=52-54-00-12-34-56", "is no MAC address"},
        {"user,mac=52:54:00:12:34:56:78", "is no MAC address"},
        {"user,mac=01:00:5e:00:00:01", "first byte must be even"},
        {"user,mac=00:00:00:00:00:00", "not all may be zero"},
        {"user,mac=52:54:00:12:34:56,mac=52:54:00:12:34:57", "given twice"},
        {"user,capture=", "path of a file"},
        {"user,capture=a,capture=b", "given twice"},
        {"tap:t,hostfwd=tcp::1-:2", "for the network 'user'"},
        {"none,hostfwd=tcp::1-:2", "for the network 'user'"},
        {"user,hostfwd=", "expected hostfwd=tcp:[HOST]:PORT-:GUESTPORT"},
        {"user,hostfwd=tcp", "is no forward"},
        {"user,hostfwd=tcp:", "is no forward"},
        {"user,hostfwd=tcp::", "is no forward"},
        {"user,hostfwd=tcp:2222", "is no forward"},
        {"user,hostfwd=sctp::1-:2", "is no forward"},
        {"user,hostfwd=tcp::2222:22", "is no forward"},
        {"user,hostfwd=tcp::2222-22", "is no forward"},
        {"user,hostfwd=tcp::0-:22", "is no forward"},
        {"user,hostfwd=tcp::65536-:22", "is no forward"},
        {"user,hostfwd=tcp::1-:4294967318", "is no forward"},
        {"user,hostfwd=tcp::+1-:2", "is no forward"},
        {"user,hostfwd=tcp::1 -:2", "is no forward"},
        {"user,hostfwd=tcp:localhost:1-:2", "is no forward"},
        {"user,hostfwd=tcp:1.2.3.4.5:1-:2", "is no forward"},
        {"user,hostfwd=tcp::1-:2,hostfwd=tcp::1-:3", "forwarded already"},
    };

    for (unsigned i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
        struct nic_config config;
        char error[256] = "";

        cr_expect_eq(nic_config_parse(&config, mistakes[i].text, error, sizeof(error)), -EINVAL,
                     "'%s' was accepted", mistakes[i].text);
        cr_expect_not_null(strstr(error, mistakes[i].answer), "'%s': %s", mistakes[i].text, error);
        cr_expect_null(strchr(error, '\n'), "'%s': %s", mistakes[i].text, error);
    }
}

Test(nic_config, limits_are_kept)
{
    struct nic_config config;
    char text[2048] = "user", error[64];
    char path[NIC_NAME_SIZE + 1];

    for (unsigned i = 0; i < NIC_MAX_FORWARDS; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), ",hostfwd=tcp::%u-:1", i + 1);
    cr_expect_eq(parsed(text).forward_count, NIC_MAX_FORWARDS);
    strcat(text, ",hostfwd=tcp::99-:1");
    cr_expect_eq(nic_config_parse(&config, text, error, sizeof(error)), -EINVAL);

    memset(path, 'a', sizeof(path));
    path[NIC_NAME_SIZE - 1] = '\0';
    snprintf(text, sizeof(text), "none,capture=%s", path);
    cr_expect_str_eq(parsed(text).capture, path);
    strcat(text, "a");
    cr_expect_eq(nic_config_parse(&config, text, error, sizeof(error)), -EINVAL);
    cr_expect_eq(nic_config_parse(&config, "what", NULL, 0), -EINVAL);
}
