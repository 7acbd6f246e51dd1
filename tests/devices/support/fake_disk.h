/*
 * A disk in memory behind the contract of vmm/backends/disk.h: executes at submission, announces
 * nothing by itself; a test asks what is waiting and completes it when it wants to.
 */
#ifndef TESTS_DEVICES_SUPPORT_FAKE_DISK_H
#define TESTS_DEVICES_SUPPORT_FAKE_DISK_H

#include "vmm/backends/disk.h"

struct disk {
    uint8_t *data;
    uint64_t size;
    struct disk_request *finished[DISK_MAX_REQUESTS]; /* in order of submission */
    unsigned finished_count;
    unsigned submitted_count; /* since creation */
    int next_status;          /* of the requests to come: 0 or a negative errno */
};

struct disk *fake_disk_create(uint64_t size);
void fake_disk_destroy(struct disk *disk);

#endif
