/* The capture file: readable by libpcap whatever happens to the process or to the disk. */
#include <criterion/criterion.h>
#include <pcap/pcap.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "vmm/backends/nic.h"
#include "vmm/backends/nic_announce.h"
#include "vmm/backends/nic_capture.h"

#include "frames.h"
#include "scratch.h"

static struct nic_capture *open_capture(const char *path)
{
    struct nic_capture *capture = NULL;
    char error[256] = "";

    cr_assert_eq(nic_capture_open(&capture, path, error, sizeof(error)), 0, "%s", error);
    return capture;
}

static pcap_t *read_back(const char *path)
{
    char error[PCAP_ERRBUF_SIZE] = "";
    pcap_t *file = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, error);

    cr_assert_not_null(file, "%s", error);
    cr_assert_eq(pcap_datalink(file), DLT_EN10MB);
    return file;
}

/* How many whole records; anything but a clean end fails the test. */
static unsigned count_records(const char *path, size_t expected_size)
{
    pcap_t *file = read_back(path);
    struct pcap_pkthdr *header;
    const u_char *bytes;
    unsigned count = 0;
    int code;

    while ((code = pcap_next_ex(file, &header, &bytes)) == 1) {
        cr_assert_eq(header->len, expected_size);
        cr_assert_eq(header->caplen, expected_size);
        count++;
    }
    cr_assert_eq(code, PCAP_ERROR_BREAK, "%s", pcap_geterr(file));
    pcap_close(file);
    return count;
}

Test(nic_capture, frames_are_read_back_in_order_with_their_times)
{
    struct scratch *scratch = scratch_new();
    struct nic_capture *capture = open_capture(scratch_path(scratch, "net.pcap"));
    struct test_frame first = test_frame(guest_mac, other_mac, "first");
    uint8_t *largest = calloc(1, NIC_MAX_FRAME);
    time_t before = time(NULL);
    struct pcap_pkthdr *header;
    const u_char *bytes;
    pcap_t *file;

    largest[NIC_MAX_FRAME - 1] = 0x42;
    nic_capture_write(capture, &first, sizeof(first));
    nic_capture_write(capture, largest, NIC_MAX_FRAME);
    file = read_back(scratch->path); /* while it is still being written */
    cr_assert_eq(pcap_next_ex(file, &header, &bytes), 1);
    cr_assert_eq(header->caplen, sizeof(first));
    cr_assert_arr_eq(bytes, (const u_char *)&first, sizeof(first));
    cr_assert(header->ts.tv_sec >= before && header->ts.tv_sec <= before + 60);
    cr_assert(header->ts.tv_usec >= 0 && header->ts.tv_usec < 1000000000);
    cr_assert_eq(pcap_next_ex(file, &header, &bytes), 1);
    cr_assert_eq(header->caplen, NIC_MAX_FRAME);
    cr_assert_eq(bytes[NIC_MAX_FRAME - 1], 0x42);
    cr_assert_eq(pcap_next_ex(file, &header, &bytes), PCAP_ERROR_BREAK);
    pcap_close(file);
    nic_capture_close(capture);
    free(largest);
    scratch_free(scratch);
}

Test(nic_capture, a_killed_process_leaves_whole_records)
{
    struct scratch *scratch = scratch_new();
    const char *path = scratch_path(scratch, "net.pcap");
    struct test_frame frame = test_frame(guest_mac, other_mac, "frame");
    int status;
    pid_t child = fork();

    if (child == 0) {
        struct nic_capture *capture = NULL;

        nic_capture_open(&capture, path, NULL, 0);
        for (unsigned i = 0; i < 100; i++)
            nic_capture_write(capture, &frame, sizeof(frame));
        kill(getpid(), SIGKILL);
    }
    cr_assert_eq(waitpid(child, &status, 0), child);
    cr_assert(WIFSIGNALED(status));
    cr_assert_eq(count_records(path, sizeof(frame)), 100);
    scratch_free(scratch);
}

Test(nic_capture, a_full_disk_ends_the_capture_on_a_whole_record)
{
    struct scratch *scratch = scratch_new();
    struct nic_capture *capture;
    uint8_t frame[1500] = {0};
    unsigned written = 0;

    scratch_limit(scratch, "64k");
    capture = open_capture(scratch_path(scratch, "net.pcap"));
    while (nic_capture_error(capture) == 0 && written++ < 1000)
        nic_capture_write(capture, frame, sizeof(frame));
    cr_assert_eq(nic_capture_error(capture), -ENOSPC);
    nic_capture_write(capture, frame, sizeof(frame));
    cr_assert_eq(count_records(scratch->path, sizeof(frame)), written - 1);
    nic_capture_close(capture);
    cr_assert_eq(count_records(scratch->path, sizeof(frame)), written - 1);
    scratch_free(scratch);
}

Test(nic_capture, a_file_that_cannot_be_written_is_named_with_the_reason)
{
    static const struct {
        const char *path;
        int code;
    } bad[] = {{"/nowhere/net.pcap", -ENOENT}, {"/tmp", -EISDIR}, {"/dev/full", -ENOSPC}};

    for (unsigned i = 0; i < 3; i++) {
        struct nic_capture *capture = NULL;
        char error[256] = "";

        cr_expect_eq(nic_capture_open(&capture, bad[i].path, error, sizeof(error)), bad[i].code);
        cr_expect_not_null(strstr(error, bad[i].path), "%s", error);
        cr_expect_not_null(strstr(error, strerror(-bad[i].code)), "%s", error);
    }
}

Test(nic_capture, a_nic_records_what_left_and_goes_on_without_its_capture)
{
    struct scratch *scratch = scratch_new();
    struct inputs *inputs = inputs_new();
    struct test_frame frame = test_frame(other_mac, guest_mac, "out");
    struct nic_config config = {.kind = NIC_NONE};
    struct nic_statistics statistics;
    struct reactor *reactor;
    char error[256] = "";
    struct nic *nic;
    unsigned recorded;

    scratch_limit(scratch, "64k");
    strcpy(config.capture, scratch_path(scratch, "net.pcap"));
    cr_assert_eq(reactor_create(&reactor, inputs_sink, inputs), 0);
    cr_assert_eq(nic_create(&nic, &config, reactor, 1, guest_mac, error, sizeof(error)), 0);
    nic_emit(nic, &frame, 13); /* no frame at all */
    for (unsigned i = 0; i < 2000; i++)
        nic_emit(nic, &frame, sizeof(frame));
    nic_statistics(nic, &statistics);
    cr_expect_eq(statistics.sent, 2000);
    cr_expect_eq(statistics.sent_dropped, 1);
    cr_expect_eq(statistics.error, 0);
    cr_expect_eq(statistics.capture_error, -ENOSPC);
    nic_destroy(nic);
    reactor_destroy(reactor);
    recorded = count_records(config.capture, sizeof(frame));
    cr_expect(recorded > 100 && recorded < 2000);
    inputs_free(inputs);
    scratch_free(scratch);
}

Test(nic_announce, the_address_is_announced_if_known_and_else_the_mac)
{
    union {
        uint8_t bytes[NIC_ANNOUNCE_SIZE];
        struct arp_frame arp;
    } frame;
    const uint8_t address[4] = {10, 0, 2, 15}, none[4] = {0};

    nic_announce_frame(frame.bytes, guest_mac, htonl(0x0a00020f));
    cr_expect_arr_eq(frame.arp.ethernet.ether_dhost, broadcast_mac, 6);
    cr_expect_arr_eq(frame.arp.ethernet.ether_shost, guest_mac, 6);
    cr_expect_eq(frame.arp.ethernet.ether_type, htons(ETHERTYPE_ARP));
    cr_expect_eq(frame.arp.arp.ar_op, htons(ARPOP_REQUEST));
    cr_expect_arr_eq(frame.arp.sender_address, address, 4);
    cr_expect_arr_eq(frame.arp.target_address, address, 4);

    nic_announce_frame(frame.bytes, guest_mac, 0);
    cr_expect_eq(frame.arp.ethernet.ether_type, htons(ETHERTYPE_REVARP));
    cr_expect_eq(frame.arp.arp.ar_op, htons(3));
    cr_expect_arr_eq(frame.arp.target_mac, guest_mac, 6);
    cr_expect_arr_eq(frame.arp.sender_address, none, 4);
}
