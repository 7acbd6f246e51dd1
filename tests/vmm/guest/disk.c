/*
 * Drives the first virtio disk: two requests in flight at a time, written data read again, a sector
 * that is never written, interrupts for completions. A request that fails is made again; after
 * three failures in a row the guest gives up and says so.
 */
#include "guest.h"

#define DISK_BASE 0x10003000ul
#define DISK_LINE 18u

#define STATUS          0x070u
#define QUEUE_NOTIFY    0x050u
#define INTERRUPT_STATE 0x060u
#define INTERRUPT_ACK   0x064u

#define TYPE_READ  0u
#define TYPE_WRITE 1u

#define QUEUE_SIZE 8u
#define ROUNDS     200u
#define FAR_SECTOR 1000u
#define SLOTS      2u

struct descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags; /* 1: one more follows; 2: the device writes */
    uint16_t next;
};

struct request {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
    uint64_t data[64];
    volatile uint8_t status;
};

static struct descriptor descriptors[QUEUE_SIZE] __attribute__((aligned(16)));
static volatile uint16_t available[3 + QUEUE_SIZE] __attribute__((aligned(2)));
static volatile uint16_t used[2 + 4 * QUEUE_SIZE + 1] __attribute__((aligned(4)));
static struct request requests[SLOTS];
static volatile uint64_t interrupts;

uint64_t trap(uint64_t cause, uint64_t pc, uint64_t value)
{
    (void)value;
    check(cause == (CAUSE_INTERRUPT | INTERRUPT_EXTERNAL), "only external interrupts");
    uint32_t line = plic_claim();
    check(line == DISK_LINE, "only the disk's");
    write32(DISK_BASE + INTERRUPT_ACK, read32(DISK_BASE + INTERRUPT_STATE));
    plic_complete(line);
    interrupts++;
    return pc;
}

static void set_address(unsigned offset, volatile void *address)
{
    write32(DISK_BASE + offset, (uint32_t)(uint64_t)address);
    write32(DISK_BASE + offset + 4, (uint32_t)((uint64_t)address >> 32));
}

static void start_disk(void)
{
    check(read32(DISK_BASE) == 0x74726976, "the magic number");
    check(read32(DISK_BASE + 4) == 2 && read32(DISK_BASE + 8) == 2, "a disk, version 2");
    write32(DISK_BASE + STATUS, 0);
    write32(DISK_BASE + STATUS, 3);
    write32(DISK_BASE + 0x024, 1); /* features: VERSION_1 and nothing else */
    write32(DISK_BASE + 0x020, 1);
    write32(DISK_BASE + STATUS, 11);
    check((read32(DISK_BASE + STATUS) & 8) != 0, "it takes the features");
    write32(DISK_BASE + 0x030, 0);
    write32(DISK_BASE + 0x038, QUEUE_SIZE);
    set_address(0x080, descriptors);
    set_address(0x090, available);
    set_address(0x0a0, used);
    write32(DISK_BASE + 0x044, 1);
    write32(DISK_BASE + STATUS, 15);
}

static void submit(unsigned slot, uint32_t type, uint64_t sector)
{
    struct request *request = &requests[slot];
    uint16_t first = (uint16_t)(3 * slot);
    request->type = type;
    request->sector = sector;
    request->status = 0xff;
    descriptors[first] = (struct descriptor){(uint64_t)request, 16, 1, (uint16_t)(first + 1)};
    descriptors[first + 1] = (struct descriptor){(uint64_t)request->data, 512,
                                                 type == TYPE_READ ? 3 : 1, (uint16_t)(first + 2)};
    descriptors[first + 2] = (struct descriptor){(uint64_t)&request->status, 1, 2, 0};
    available[2 + available[1] % QUEUE_SIZE] = first;
    __asm__ volatile("fence" : : : "memory");
    available[1]++;
    __asm__ volatile("fence" : : : "memory");
    write32(DISK_BASE + QUEUE_NOTIFY, 0);
}

static void wait_for_all(void)
{
    while (used[1] != available[1]) {
        csr_clear(sstatus, 2);
        if (used[1] != available[1]) {
            wait_for_interrupt(); /* an enabled interrupt ends it with interrupts off too */
        }
        csr_set(sstatus, 2);
    }
}

/* Both requests until both succeed. */
static bool both(uint32_t type, uint64_t first, uint64_t second)
{
    for (unsigned attempt = 0; attempt < 3; attempt++) {
        submit(0, type, first);
        submit(1, type, second);
        wait_for_all();
        if (requests[0].status == 0 && requests[1].status == 0) {
            return true;
        }
        print("disk: I/O error\n");
    }
    print("disk: gave up\n");
    return false;
}

static bool round_trip(uint64_t round)
{
    uint64_t first = 2 * round % 64, second = first + 1;
    for (unsigned i = 0; i < 64; i++) {
        requests[0].data[i] = round << 32 | i;
        requests[1].data[i] = ~(round << 32 | i);
    }
    if (!both(TYPE_WRITE, first, second)) {
        return false;
    }
    for (unsigned i = 0; i < 64; i++) {
        requests[0].data[i] = requests[1].data[i] = 1;
    }
    if (!both(TYPE_READ, second, FAR_SECTOR)) {
        return false;
    }
    for (unsigned i = 0; i < 64; i++) {
        check(requests[0].data[i] == ~(round << 32 | i), "what was written is read");
        check(requests[1].data[i] == 0, "what was never written is zero");
    }
    return true;
}

int main(uint64_t hart, uint64_t device_tree)
{
    (void)hart;
    (void)device_tree;
    start_disk();
    write32(PLIC_BASE + 4 * DISK_LINE, 1);
    write32(PLIC_BASE + 0x2000, 1u << DISK_LINE);
    csr_set(sie, 1u << INTERRUPT_EXTERNAL);
    csr_set(sstatus, 2);
    for (uint64_t round = 0; round < ROUNDS; round++) {
        if (!round_trip(round)) {
            return 0;
        }
        if (round == ROUNDS / 2) {
            print("disk: half\n");
        }
    }
    check(interrupts > 0, "there were interrupts");
    print("disk: done\n");
    return 0;
}
